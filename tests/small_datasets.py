"""Small datasets made by hand: arrays, the files they come in, and ways to spoil those."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np

from reluprobe import data
from reluprobe.data import idx
from reluprobe.data.dataset import ARRAYS

IDX_FILES = tuple(idx.MNIST_SHA256)


def assert_same(got: data.Dataset, want: data.Dataset) -> None:
    described = (want.name, want.classes, want.shape)
    assert (got.name, got.classes, got.shape) == described
    for array in ARRAYS:
        np.testing.assert_array_equal(getattr(got, array), getattr(want, array), strict=True)


def idx_gz(array: np.ndarray) -> bytes:
    """The IDX file of a uint8 array, written from the format's description."""
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(
        f">{array.ndim}I", *array.shape
    )
    return gzip.compress(header + array.tobytes(), mtime=0)


def small(name: str = "some/set", shift: int = 0) -> data.Dataset:
    rng = np.random.default_rng(1)
    inputs = rng.integers(0, 255, (30, 12), dtype=np.uint8) + np.uint8(shift)
    labels = rng.integers(0, 3, 30, dtype=np.int32)
    return data.Dataset(name, inputs[:20], labels[:20], inputs[20:], labels[20:], 3, (2, 2, 3))


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[-3] ^= 0x10
    path.write_bytes(raw)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def small_images(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, 28, 28), np.uint8), rng.integers(0, 10, n, np.uint8)


def assert_holds(inputs: np.ndarray, labels: np.ndarray, images: Any, targets: Any) -> None:
    """The same examples; TFDS has an order of its own."""
    got = sorted(zip(map(bytes, inputs), labels.tolist(), strict=True))
    assert got == sorted(zip(map(bytes, images), targets.tolist(), strict=True))

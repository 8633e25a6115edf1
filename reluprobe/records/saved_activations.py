"""Saved activations: a finished network's hidden outputs on a few images, beside its record.

A few runs of a sweep keep them (``plan.pictured``), and all where it asks for it
(``save_activations``), in ``runs/<id>.npz``: one array an hidden layer, ``L1``, ``L2``, … of
``(unit, image)`` in float16, on the first ``IMAGES`` images of the probe. What is drawn of them
needs no more digits.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float16

from reluprobe import records
from reluprobe.config import RunConfig
from reluprobe.files.regular import read_regular
from reluprobe.records.folder import RUNS

#: Images of the probe, the first of them.
IMAGES = 200
SUFFIX = ".npz"
#: The largest number of float16: what is larger is kept as this.
LARGEST = float(np.finfo(np.float16).max)

#: Bytes of an array: 65,536 units that give out two numbers each, and a header.
LARGEST_MEMBER = 2 * 65_536 * IMAGES * 2 + 4096

Outputs = Float[np.ndarray, "unit image"]


def file_of(folder: Path, run_id: str) -> Path:
    """Where a run's activations lie in a sweep's folder."""
    return records.present(folder / RUNS / f"{run_id}{SUFFIX}")


def write(layers: Sequence[Outputs], folder: Path, run_id: str) -> Path:
    """Write every hidden layer's outputs; return the file's path.

    Raises:
        ReluprobeError: it cannot be written.
    """
    arrays = {f"L{n}": _short(layer) for n, layer in enumerate(layers, start=1)}
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **arrays)
    path = folder / RUNS / f"{run_id}{SUFFIX}"
    records.write_atomically(path, packed.getvalue())
    records.remove_older(path)
    return path


def _short(layer: Outputs) -> Float16[np.ndarray, "unit image"]:
    return np.clip(layer, -LARGEST, LARGEST).astype(np.float16)


def read(folder: Path, run_id: str, config: RunConfig | None = None) -> list[Outputs] | None:
    """Every hidden layer's outputs, first to last; None where the run kept none.

    Args:
        folder: the sweep's.
        run_id: whose.
        config: its settings, which the shapes have to fit where they are known.

    Raises:
        RecordError: the file cannot be read, is no such file, or is not of these settings.
    """
    path = file_of(folder, run_id)
    if not path.exists():
        return None
    try:
        # Read first: of a damaged archive NumPy would leave the file open.
        layers = _unpacked(read_regular(path))
    except OSError as error:
        raise records.RecordError(f"{path}: cannot be read: {error.strerror or error}") from None
    except _DAMAGE as error:
        raise records.RecordError(f"{path}: holds no activations: {error}") from None
    rows = [len(layer) for layer in layers]
    # A CReLU's units give out two numbers each.
    if config is not None and rows not in ([n * size for size in config.sizes] for n in (1, 2)):
        fault = f"has {rows} units, and the network's layers have {[*config.sizes]}"
        raise records.RecordError(f"{path}: {fault}")
    return layers


#: What NumPy and its readers raise of what is no archive of arrays.
_DAMAGE = (ValueError, KeyError, EOFError, TypeError, NotImplementedError, RuntimeError)
_DAMAGE += (OverflowError, MemoryError, zipfile.BadZipFile, zlib.error, struct.error)


def _unpacked(packed: bytes) -> list[Outputs]:
    arrays = np.load(io.BytesIO(packed), allow_pickle=False)
    if not isinstance(arrays, np.lib.npyio.NpzFile):
        raise ValueError("is an array alone")
    with arrays, zipfile.ZipFile(io.BytesIO(packed)) as archive:
        if max((member.file_size for member in archive.infolist()), default=0) > LARGEST_MEMBER:
            raise ValueError(f"a layer has more than {LARGEST_MEMBER:,} bytes")
        layers = [arrays[f"L{n}"] for n in range(1, len(arrays.files) + 1)]
    for n, layer in enumerate(layers, start=1):
        if not isinstance(layer, np.ndarray) or layer.dtype != np.float16 or layer.ndim != 2:
            raise ValueError(f"L{n} is no array of (unit, image) in float16")
        if not layer.size or layer.shape[1] != layers[0].shape[1] or not np.isfinite(layer).all():
            raise ValueError(f"L{n} has shape {layer.shape}, or numbers that are not finite")
    return [layer.astype(np.float32) for layer in layers]

"""Saved activations: a finished network's hidden outputs on a few images, beside its record.

A run keeps them where it is asked to (``save_activations``), in ``runs/<id>.npz``: one array an
hidden layer, ``L1``, ``L2``, … of ``(unit, image)`` in float16, on the first ``IMAGES`` images of
the probe. What is drawn of them needs no more digits.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float16

from reluprobe import records
from reluprobe.records.folder import RUNS

#: Images of the probe, the first of them.
IMAGES = 200
SUFFIX = ".npz"
#: The largest number of float16: what is larger is kept as this.
LARGEST = float(np.finfo(np.float16).max)

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


def read(folder: Path, run_id: str) -> list[Outputs] | None:
    """Every hidden layer's outputs, first to last; None where the run kept none.

    Raises:
        RecordError: the file cannot be read, or is no such file.
    """
    path = file_of(folder, run_id)
    if not path.exists():
        return None
    try:
        # Read first: of a damaged archive NumPy would leave the file open.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            return [arrays[f"L{n}"].astype(np.float32) for n in range(1, len(arrays.files) + 1)]
    except OSError as error:
        raise records.RecordError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise records.RecordError(f"{path}: holds no activations: {error}") from None

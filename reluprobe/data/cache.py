"""Cache of decoded datasets: one folder each, an ``.npy`` an array, a manifest with checksums.

Decoding 60,000 PNGs takes seconds, reading the arrays back a fraction of one. A folder appears
whole, by one rename, and is believed only while its manifest's checksums hold; a folder that they
do not hold for is built again.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from reluprobe import files
from reluprobe.data.dataset import ARRAYS, Dataset, frozen
from reluprobe.errors import DatasetError
from reluprobe.files import locks

_log = logging.getLogger("reluprobe")
_FORMAT = 2  # 1: without the shape of an example
_MANIFEST = "manifest.json"


class DamagedCacheError(Exception):
    """A cached dataset that is there but must not be believed. Never leaves this module."""


def root(cache_dir: Path | None) -> Path:
    """``cache_dir``, or the user's cache folder for reluprobe (it respects XDG_CACHE_HOME)."""
    if cache_dir is not None:
        return Path(cache_dir).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("reluprobe")).expanduser()


def read(cache: Path, name: str) -> Dataset | None:
    """The cached dataset; None where there is none, and, after a warning, where it is damaged.

    Args:
        cache: the root of the cache, from ``root``.
        name: a dataset's name; ``/`` is the only character in it that no file name may have.
    """
    folder = _folder(cache, name)
    try:
        return _read(folder, name)
    except DamagedCacheError as damage:
        _log.warning("the cached %s in %s is damaged (%s); building it again", name, folder, damage)
        return None


def build(cache: Path, name: str, make: Callable[[], Dataset]) -> Dataset:
    """Make a dataset and leave it in the cache, one process at a time.

    Args:
        cache: the root of the cache, from ``root``.
        name: a dataset's name, as for ``read``.
        make: makes the dataset; not called if another process has made it meanwhile.

    Raises:
        DatasetError: the cache cannot be written, or whatever ``make`` raises.
    """
    folder = _folder(cache, name)
    try:
        with _locked(folder):
            with contextlib.suppress(DamagedCacheError):
                if (cached := _read(folder, name)) is not None:
                    return cached
            dataset = frozen(make())
            _write(folder, dataset)
            return dataset
    except OSError as error:
        hint = "make room there, or choose another folder with XDG_CACHE_HOME"
        raise DatasetError(f"the cache folder {cache} failed: {error}", hint=hint) from error


def _folder(cache: Path, name: str) -> Path:
    return cache / "arrays" / name.replace("/", "--")


def _read(folder: Path, name: str) -> Dataset | None:
    if not folder.exists():
        return None
    try:
        manifest = json.loads((folder / _MANIFEST).read_text("utf-8"))
        seal = manifest.pop("crc32")
        if seal == _seal(manifest) and manifest["format"] < _FORMAT:
            return None  # whole, and of an older reluprobe
        if seal != _seal(manifest) or manifest["format"] != _FORMAT or manifest["name"] != name:
            raise DamagedCacheError(f"{_MANIFEST} does not hold")
        arrays = {a: _read_array(folder / f"{a}.npy", manifest["arrays"][a]) for a in ARRAYS}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedCacheError(f"{type(error).__name__}: {error}") from error
    classes, shape = manifest["classes"], tuple(manifest["shape"])
    return frozen(Dataset(name, **arrays, classes=classes, shape=shape))  # pyright: ignore


def _read_array(path: Path, entry: dict[str, Any]) -> np.ndarray:
    # Checked as bytes before NumPy sees them: a damaged header may ask for any amount of memory.
    raw = path.read_bytes()
    if len(raw) != entry["bytes"] or zlib.crc32(raw) != entry["crc32"]:
        raise DamagedCacheError(
            f"{path.name} does not have the size and checksum it was written with"
        )
    array = np.load(io.BytesIO(raw), allow_pickle=False)
    if list(array.shape) != entry["shape"] or str(array.dtype) != entry["dtype"]:
        raise DamagedCacheError(f"{path.name} is {array.dtype}{list(array.shape)}, not as written")
    return array


def _write(folder: Path, dataset: Dataset) -> None:
    with files.replacing_folder(folder) as part:
        manifest: dict[str, Any] = {
            "format": _FORMAT,
            "name": dataset.name,
            "classes": dataset.classes,
            "shape": dataset.shape,
            "arrays": {a: _write_array(part / f"{a}.npy", getattr(dataset, a)) for a in ARRAYS},
        }
        manifest["crc32"] = _seal(manifest)
        with open(part / _MANIFEST, "wb") as file:
            file.write(json.dumps(manifest, indent=1).encode())
            files.sync(file)


class _Crc32File:
    """A file that keeps count of what is written to it, so that the sum is of what was meant."""

    def __init__(self, file: io.BufferedWriter) -> None:
        self.file, self.crc32, self.bytes = file, 0, 0

    def write(self, data: bytes) -> int:
        self.crc32 = zlib.crc32(data, self.crc32)
        self.bytes += len(data)
        return self.file.write(data)


def _write_array(path: Path, array: np.ndarray) -> dict[str, Any]:
    with open(path, "wb") as file:
        counted = _Crc32File(file)
        np.lib.format.write_array(counted, array, allow_pickle=False)  # pyright: ignore
        files.sync(file)
    sums = {"bytes": counted.bytes, "crc32": counted.crc32}
    return {**sums, "shape": list(array.shape), "dtype": str(array.dtype)}


def _seal(manifest: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(manifest, sort_keys=True).encode())


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock on building ``folder``."""

    def waiting() -> None:
        _log.info("waiting for another process that is building %s", folder.name)

    folder.parent.mkdir(parents=True, exist_ok=True)
    with locks.locked(folder.parent / f".{folder.name}.lock", waiting):
        yield

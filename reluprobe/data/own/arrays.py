"""Arrays: an ``.npz`` file, or a folder of ``.npy`` files, under the names that Keras gives."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from reluprobe.data.own.digest import visible
from reluprobe.data.own.raw import Raw, check_memory, refused
from reluprobe.data.own.source import OwnData
from reluprobe.errors import InputError, nearest

SPLIT = ("x_train", "y_train", "x_test", "y_test")
WHOLE = ("x", "y")
_ALLOWED = f"{', '.join(SPLIT)}; or {' and '.join(WHOLE)}"
#: What NumPy and zipfile raise at a damaged file.
_DAMAGE = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError)


def holds_arrays(folder: Path) -> bool:
    """Whether a folder is one of ``.npy`` files."""
    return any(_files(folder))


def read_folder(folder: Path) -> Raw:
    """The arrays of a folder; errors as :func:`read_npz`."""
    files = {file.stem: file for file in _files(folder)}
    return _read(str(folder), {name: lambda f=file: open(f, "rb") for name, file in files.items()})


def read_npz(source: OwnData, path: Path) -> Raw:
    """The arrays of an ``.npz`` file.

    Raises:
        InputError: an array is missing, is of objects, does not fit into memory, or is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            openers = {name.removesuffix(".npy"): lambda n=name: archive.open(n) for name in names}
            return _read(source.path, openers)
    except zipfile.BadZipFile as error:
        raise refused(source.path, f"it is no whole .npz file: {error}") from None
    except OSError as error:
        raise InputError(f"dataset: cannot read {source.path}: {error}") from None


def _files(folder: Path) -> list[Path]:
    return [f for f in folder.glob("*.npy") if visible(f)]


def _read(path: str, openers: Mapping[str, Callable[[], IO[bytes]]]) -> Raw:
    # scikit-learn's X_train is Keras' x_train.
    by_name = {name.lower(): name for name in openers}
    names = SPLIT if by_name.keys() >= {"x_train"} or not by_name.keys() & {"x"} else WHOLE
    if missing := [name for name in names if name not in by_name]:
        raise _lacking(path, missing, list(openers))
    written = [by_name[name] for name in names]
    _check_headers(path, {name: openers[name] for name in written})
    inputs, targets, *test = (_array(path, name, openers[name]) for name in written)
    x_test, y_test = test or (None, None)
    called = (written[0], written[1], written[-2], written[-1])
    return Raw(inputs, targets, x_test, y_test, called=called)


def _lacking(path: str, missing: list[str], names: list[str]) -> InputError:
    close = nearest(missing[0], names)
    seen = f"it holds {', '.join(names[:12])}" if names else "it holds no array"
    return refused(
        path, f"it has no {' and no '.join(missing)}{close}; {seen}; allowed: {_ALLOWED}"
    )


def _check_headers(path: str, openers: Mapping[str, Callable[[], IO[bytes]]]) -> None:
    """Refuse objects, which are code, and what does not fit into memory, before it is read."""
    needed = 0
    for name, opener in openers.items():
        with _opened(path, name, opener) as file:
            shape, dtype = _header(path, name, file)
        if dtype.hasobject:
            raise refused(
                path,
                f"{name} is an array of Python objects, which is never loaded: it could hold code",
                hint=f"save {name} as numbers: {name}.astype('float32'), or texts: .astype('str')",
            )
        size = int(np.prod(shape, dtype=object)) if shape else 1
        # As read, as float32, and both splits joined.
        needed += size * (dtype.itemsize + (2 if dtype == np.uint8 else 8))
    check_memory(path, needed)


def _header(path: str, name: str, file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        if version > (1, 0):
            read = np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    except _DAMAGE as error:
        raise _damaged(path, name, error) from None
    return shape, dtype


def _array(path: str, name: str, opener: Callable[[], IO[bytes]]) -> np.ndarray:
    with _opened(path, name, opener) as file:
        try:
            return np.lib.format.read_array(file, allow_pickle=False)
        except _DAMAGE as error:
            raise _damaged(path, name, error) from None


def _opened(path: str, name: str, opener: Callable[[], IO[bytes]]) -> IO[bytes]:
    try:
        return opener()
    except _DAMAGE as error:
        raise _damaged(path, name, error) from None


def _damaged(path: str, name: str, error: Exception) -> InputError:
    return refused(path, f"its {name} cannot be read: {str(error).splitlines()[0]}")

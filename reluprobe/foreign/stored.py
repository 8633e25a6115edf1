"""Data and checkpoints on disk: ``.npy``, ``.npz``, ``.safetensors``, folders; never a pickle."""

from __future__ import annotations

import glob
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reluprobe.errors import InputError
from reluprobe.foreign import pieces
from reluprobe.foreign.models.network import Keywords

_INPUTS = "NumPy's .npy or .npz, or a folder of .npy files"
_CHECKPOINTS = "NumPy's .npz, or .safetensors"


def inputs(texts: Sequence[str]) -> pieces.Source:
    """Examples from ``images.npy``, or ``x=images.npy`` for an input of that name.

    Raises:
        InputError: there is no such file, it holds no arrays, or several inputs have no names.
    """
    named = [_named(text) for text in texts]
    if len(named) == 1 and named[0][0] is None:
        return _source(named[0][1])
    names = [name for name, _ in named]
    if None in names or len(set(names)) < len(names):
        fault = f"got {', '.join(texts)}; allowed is one path, or NAME=PATH for each input"
        raise InputError("cannot tell inputs apart", [fault])
    return Keywords({str(name): _array(path) for name, path in named})


def _named(text: str) -> tuple[str | None, Path]:
    """The input's name, if there is one; a path that is there may have ``=`` in it."""
    name, equals, path = text.partition("=")
    if not equals or Path(text).exists() or not name.isidentifier():
        return None, Path(text).expanduser()
    return name, Path(path).expanduser()


def _source(path: Path) -> pieces.Source:
    if path.is_dir():
        return path
    arrays = _npz(path) if path.suffix == ".npz" else None
    if arrays is None:
        return _array(path)
    return Keywords(arrays) if len(arrays) > 1 else next(iter(arrays.values()))


def _array(path: Path) -> np.ndarray:
    if path.is_dir():
        raise InputError("cannot read data", [f"{path}: is a folder; allowed is a file an input"])
    if path.exists() and path.suffix not in (".npy", ".npz"):
        raise InputError("cannot read data", [f"{path}: allowed is {_INPUTS}"])
    if path.suffix != ".npz":
        return pieces.read_array(path)
    arrays = _npz(path)
    if len(arrays) != 1:
        listed = ", ".join(list(arrays)[:8]) or "none"
        raise InputError("cannot read data", [f"{path}: holds {listed}; allowed is one array"])
    return next(iter(arrays.values()))


def _npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        why = getattr(error, "strerror", None) or "no archive of NumPy's arrays"
        raise InputError("cannot read arrays", [f"{path}: {why}"]) from None


def checkpoints(pattern: str) -> dict[int, Path]:
    """Checkpoint files by their step: the last number of a name; 0, 1, … where names have none.

    Raises:
        InputError: no file fits the pattern, or two have one step.
    """
    files = [Path(name) for name in glob.glob(str(Path(pattern).expanduser()), recursive=True)]
    if not files:
        raise InputError("no checkpoint", [f"{pattern}: no file has such a name"])
    numbers = {file: re.findall(r"\d+", file.stem) for file in files}
    if not all(numbers.values()):
        return dict(enumerate(sorted(files)))
    steps: dict[int, Path] = {}
    for file in sorted(files, key=lambda file: int(numbers[file][-1])):
        step = int(numbers[file][-1])
        if step in steps:
            fault = f"{steps[step]} and {file} both end in {step}; allowed is a step each"
            raise InputError("two checkpoints of one step", [fault])
        steps[step] = file
    return steps


def checkpoint(path: Path) -> Mapping[str, Any]:
    """A checkpoint's arrays by name.

    Raises:
        InputError: it is none of ``.npz`` and ``.safetensors``.
    """
    if path.suffix == ".npz":
        return _npz(path)
    if path.suffix != ".safetensors":
        raise InputError("cannot read a checkpoint", [f"{path}: allowed is {_CHECKPOINTS}"])
    from safetensors import SafetensorError
    from safetensors.flax import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        why = getattr(error, "strerror", None) or "no safetensors file"
        raise InputError("cannot read a checkpoint", [f"{path}: {why}"]) from None

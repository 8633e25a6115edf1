"""Batches of examples: arrays, iterables and folders of ``.npy``, in pieces that a device takes.

A batch is an array with examples along its first axis, or a pytree of such arrays, for a network
of several inputs. Weights go along: 0 for what is not to be counted, such as padded tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from os import PathLike
from pathlib import Path
from typing import Any

import jax
import numpy as np

from reluprobe.errors import InputError, shown

#: The most examples that go through a network at once where nobody says otherwise.
MOST = 1000
#: What ``batches`` may be.
Source = Any
Weights = Any
_ALLOWED = "allowed are an array, an iterable of arrays, or a folder of .npy files"


@dataclass(frozen=True)
class Piece:
    """What goes through the network at once: examples, their weights, and how many they are."""

    batch: Any
    weights: Any | None
    examples: int


def cut(
    source: Source, weights: Weights | None = None, device_batch: int | None = None
) -> Iterator[Piece]:
    """The examples, piece by piece, one batch after the other in memory.

    Args:
        source: an array or mapping of arrays, ``(example, …)``; an iterable of such batches; or a
            folder of ``.npy`` files, each a batch, in the order of their names.
        weights: of the same kind as ``source``, its arrays ``(example,)`` or
            ``(example, position…)``.
        device_batch: the most examples that go through the network at once; ``MOST`` if None,
            but for an iterable's batches, which go as they come.

    Raises:
        InputError: there is no example, or a batch is no array of numbers.
    """
    size = _checked_size(device_batch, whole=is_stream(source))
    seen = 0
    pairs = zip_longest(_batches(source, "batches"), _weights_of(weights), fillvalue=_MISSING)
    for number, (batch, scale) in enumerate(pairs):
        _check_pair(number, batch, scale, weights is not None)
        for piece in _parts(batch, None if scale is _MISSING else scale, size, number):
            seen += piece.examples
            yield piece
    if not seen:
        raise InputError("no example to look at", [f"batches are empty; {_ALLOWED}"])


def filled_up(piece: Piece, size: int) -> Piece:
    """The piece with its last example repeated up to this size; repetitions have weight 0."""
    if piece.examples == size:
        return piece
    more = size - piece.examples
    weights = np.ones(piece.examples, np.float32) if piece.weights is None else piece.weights
    absent = np.zeros((more, *weights.shape[1:]), np.float32)

    def repeated(leaf: Any) -> np.ndarray:
        return np.concatenate([leaf, np.repeat(np.asarray(leaf)[-1:], more, axis=0)])

    batch = jax.tree.map(repeated, piece.batch)
    return Piece(batch, np.concatenate([weights, absent]), piece.examples)


def count(source: Source) -> int | None:
    """How many examples there are, where that is known beforehand."""
    if is_stream(source):
        return None
    return sum(_length(batch, n) for n, batch in enumerate(_batches(source, "batches")))


_MISSING = object()


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def is_stream(source: Source) -> bool:
    """Whether it is an iterable of batches, which go through a network as they come."""
    return not (_is_array(source) or isinstance(source, Mapping | str | PathLike))


def _checked_size(device_batch: int | None, whole: bool) -> int | None:
    if device_batch is None:
        return None if whole else MOST
    if not isinstance(device_batch, int) or isinstance(device_batch, bool) or device_batch < 1:
        fault = f"device_batch = {shown(device_batch)}: allowed is an integer >= 1"
        raise InputError("bad batch size", [fault])
    return device_batch


def _batches(source: Source, name: str) -> Iterator[Any]:
    if _is_array(source) or isinstance(source, Mapping):
        yield source
    elif isinstance(source, str | PathLike):
        yield from _files(Path(source), name)
    elif isinstance(source, Iterable):
        yield from source
    else:
        raise InputError(f"cannot read {name}", [f"got {type(source).__name__}; {_ALLOWED}"])


def _files(folder: Path, name: str) -> Iterator[np.ndarray]:
    """Every ``.npy`` of a folder, or the one file; read as they are asked for, never a pickle."""
    files = sorted(folder.glob("*.npy")) if folder.is_dir() else [folder]
    if not files:
        raise InputError(f"cannot read {name}", [f"{folder}: holds no .npy file"])
    yield from map(read_array, files)


def read_array(file: Path) -> np.ndarray:
    """The array of a ``.npy`` file, mapped into memory; a pickle is never loaded.

    Raises:
        InputError: there is no such file, or it holds something else.
    """
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, OSError) and error.strerror:
            why = error.strerror
        elif "pickle" in why.lower():
            why = "no array of numbers in NumPy's format (objects are never unpickled)"
        raise InputError("cannot read data", [f"{file}: {why}"]) from None
    if not isinstance(array, np.ndarray):
        array.close()
        raise InputError("cannot read data", [f"{file}: holds several arrays; allowed is one"])
    return array


def _weights_of(weights: Weights | None) -> Iterator[Any]:
    return iter(()) if weights is None else _batches(weights, "weights")


def _check_pair(number: int, batch: Any, scale: Any, weighted: bool) -> None:
    if batch is _MISSING or (weighted and scale is _MISSING):
        short = "batches" if batch is _MISSING else "weights"
        raise InputError("weights do not fit", [f"{short} end after {number}; both must be alike"])


def _parts(batch: Any, weights: Any, size: int | None, number: int) -> Iterator[Piece]:
    length = _length(batch, number)
    if weights is not None:
        weights = _checked_weights(weights, length, number)
    if not length:
        raise InputError("a batch without examples", [f"batch {number}: its first axis is 0 long"])
    # Pieces of one length, as far as that goes: each length is a program to compile.
    parts = -(-length // (size or length))
    step = -(-length // parts)
    for start in range(0, length, step):
        rows = slice(start, start + step)
        part = jax.tree.map(lambda leaf, rows=rows: _numbers(leaf[rows]), batch)
        scale = None if weights is None else weights[rows]
        yield Piece(part, scale, min(step, length - start))


def _length(batch: Any, number: int) -> int:
    leaves = jax.tree.leaves(batch)
    shapes = [np.shape(leaf) for leaf in leaves]
    if not leaves or not all(shapes):
        got = "no array" if not leaves else "a single number"
        raise InputError("cannot read a batch", [f"batch {number}: {got}; allowed is (example, …)"])
    if len({shape[0] for shape in shapes}) > 1:
        listed = ", ".join(map(str, shapes))
        fault = f"batch {number}: inputs of shapes {listed} differ in their number of examples"
        raise InputError("cannot read a batch", [fault])
    return shapes[0][0]


def _numbers(leaf: Any) -> Any:
    """A leaf as JAX or NumPy has it: a PyTorch tensor too becomes an array."""
    if isinstance(leaf, jax.Array):
        return leaf
    array = np.asarray(leaf)
    # bfloat16 and its like are of kind V to NumPy.
    if (
        array.dtype.kind not in "fiubc" and array.dtype.names is not None
    ) or array.dtype.kind in "OUSMm":
        fault = f"got values of type {array.dtype}; allowed are numbers"
        raise InputError("cannot read a batch", [fault])
    return array


def _checked_weights(weights: Any, length: int, number: int) -> np.ndarray:
    array = np.asarray(weights)
    if array.dtype.kind not in "fiub" or not array.ndim or len(array) != length:
        fault = (
            f"weights {number}: {array.dtype} of shape {array.shape}; allowed are numbers, "
            f"({length:,},) or ({length:,}, position…)"
        )
        raise InputError("weights do not fit", [fault])
    array = array.astype(np.float32)
    if not np.isfinite(array).all() or (array < 0).any():
        raise InputError("weights do not fit", [f"weights {number}: allowed are numbers >= 0"])
    return array

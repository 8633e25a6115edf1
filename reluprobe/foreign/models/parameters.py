"""Parameters by path: whatever container they come in, put where the network expects them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import jax
import numpy as np

from reluprobe.errors import InputError, nearest
from reluprobe.foreign import naming

Params = Any
#: Of arrays that are missing or do not fit, how many are named.
_NAMED = 5


def by_path(params: Params) -> dict[str, Any]:
    """Every leaf of a pytree by its path, as layers are named by it."""
    return dict(zip(naming.leaf_paths(params), jax.tree.leaves(params), strict=True))


def reader(params: Params, optional: Collection[str] = ()) -> Callable[[Any], Params]:
    """A function that puts parameters of the same paths and shapes into the tree of these.

    Args:
        params: the tree.
        optional: paths that may be missing, for which these values stand: states of random keys.
    """
    expected = by_path(params)
    structure = jax.tree.structure(params)

    def read(given: Any) -> Params:
        got = by_path(given)
        faults = [
            *_missing([path for path in expected if path not in got and path not in optional], got),
            *_unexpected([path for path in got if path not in expected], expected),
            *_unfit(expected, got),
        ]
        if faults:
            raise InputError("other parameters than the network's", faults)
        leaves = [_like(got.get(path, leaf), leaf) for path, leaf in expected.items()]
        return jax.tree.unflatten(structure, leaves)

    return read


def only(arrays: Mapping[str, Any], params: Params) -> dict[str, Any]:
    """Of a checkpoint's arrays those of the network: it holds its optimizer's too."""
    own = by_path(params)
    return {path: array for path, array in arrays.items() if path in own}


def _missing(paths: list[str], got: Collection[str]) -> list[str]:
    return _first(paths, lambda path: f"{path}: missing{nearest(path, got)}")


def _unexpected(paths: list[str], expected: Collection[str]) -> list[str]:
    return _first(paths, lambda path: f"{path}: the network has none{nearest(path, expected)}")


def _unfit(expected: Mapping[str, Any], got: Mapping[str, Any]) -> list[str]:
    shapes = {p: (np.shape(got[p]), np.shape(leaf)) for p, leaf in expected.items() if p in got}
    unfit = [path for path, (given, needed) in shapes.items() if given != needed]
    return _first(unfit, lambda p: f"{p}: got shape {shapes[p][0]}, expected {shapes[p][1]}")


def _first(paths: list[str], line: Callable[[str], str]) -> list[str]:
    more = len(paths) - _NAMED
    return [*map(line, paths[:_NAMED]), *([f"… and {more:,} more"] if more > 0 else [])]


def _like(leaf: Any, expected: Any) -> Any:
    """The leaf in the type of the one it stands for: PyTorch and ``.npz`` give NumPy arrays."""
    if isinstance(leaf, jax.Array):
        return leaf
    array = np.asarray(leaf)
    if array.dtype.kind in "OUSMm":
        raise InputError("other parameters than the network's", [f"got values of {array.dtype}"])
    return array.astype(expected.dtype) if hasattr(expected, "dtype") else array

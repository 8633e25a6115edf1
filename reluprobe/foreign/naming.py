"""What a layer is called: by the path of the parameter that feeds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import jax

from reluprobe.foreign.facts import Linear

#: Last parts of paths that say what a parameter is in its layer, and not which layer it is.
_WEIGHTS = (
    "kernel",
    "weight",
    "weights",
    "w",
    "W",
    "embedding",
    "bias",
    "b",
    "scale",
    "weight_v",
    "weight_g",
)
#: In which Linen puts the parameters of all layers: it tells none from another.
_COLLECTION = "params."
#: What frameworks put around an array.
_WRAPPERS = frozenset(("value", "raw_value"))


def leaf_paths(tree: Any) -> list[str]:
    """The paths of a pytree's leaves, ``blocks.0.up.kernel``; ``params`` of a lone array."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    paths = [_parts(jax.tree_util.keystr(path, simple=True, separator=".")) for path, _ in leaves]
    return [".".join(parts) or "params" for parts in paths]


def _parts(path: str) -> list[str]:
    parts = path.split(".")
    while len(parts) > 1 and parts[-1] in _WRAPPERS:
        parts.pop()
    return parts


class Names:
    """Names of a network's linear layers, and of what they feed.

    Args:
        linear: all of them.
        paths: of all parameters.
    """

    def __init__(self, linear: Iterable[Linear], paths: Sequence[str]) -> None:
        self._paths = set(paths)
        weights = {layer.leaves[0] for layer in linear}
        short = {path: self._short(path) for path in weights}
        if all(name.startswith(_COLLECTION) for name in short.values()):
            short = {path: name.removeprefix(_COLLECTION) for path, name in short.items()}
        often = Counter(short.values())
        self._layer = {path: name if often[name] == 1 else path for path, name in short.items()}

    def layer(self, linear: Linear) -> str:
        """Of a linear layer."""
        return self._layer[linear.leaves[0]]

    def fed(self, linear: Sequence[Linear]) -> str:
        """Of what these feed: of the deepest of them, the others being shortcuts to it."""
        deepest = max(layer.depth for layer in linear)
        return _joined(list(dict.fromkeys(self.layer(o) for o in linear if o.depth == deepest)))

    def _short(self, path: str) -> str:
        """A layer's path, of that of its weight."""
        parent, _, last = path.rpartition(".")
        if not parent or not (last in _WEIGHTS or (last.isdigit() and self._is_layer(parent))):
            return path
        return parent

    def _is_layer(self, parent: str) -> bool:
        """Whether a list is one of arrays alone, as of a layer's weight and bias."""
        start = parent + "."
        return all("." not in p[len(start) :] for p in self._paths if p.startswith(start))


def _joined(names: Sequence[str]) -> str:
    """``rnn.in+hidden`` of ``rnn.in`` and ``rnn.hidden``."""
    if len(names) == 1:
        return names[0]
    split = [name.split(".") for name in names]
    common = 0
    while all(len(s) > common + 1 and s[common] == split[0][common] for s in split):
        common += 1
    parts = [".".join(s[common:]) for s in split]
    end = "+".join(parts if len(parts) <= 3 else [*parts[:2], f"{len(parts) - 2} more"])
    return ".".join([*split[0][:common], end])


def scope(linear: Sequence[Linear]) -> str:
    """Where the deepest of these is called, by ``jax.named_scope``; empty where nobody says."""
    deepest = max(linear, key=lambda layer: layer.depth)
    return str(getattr(deepest.operation.source, "name_stack", "")).replace("/", ".")


def numbered(names: Sequence[str], scopes: Sequence[str] = ()) -> list[str]:
    """The same; those that collide by their scopes, or with a number: ``cell``, ``cell#2``.

    Exporters keep one array of layers that were equal when they were exported: their scopes, which
    are the paths of the modules, tell them apart.
    """
    often = Counter(names)
    apart = {
        name
        for name in often
        if len({s for n, s in zip(names, scopes, strict=False) if n == name and s}) == often[name]
    }
    names = [scopes[i] if often[n] > 1 and n in apart else n for i, n in enumerate(names)]
    counts: Counter[str] = Counter()
    unique = []
    for name in names:
        counts[name] += 1
        unique.append(name if counts[name] == 1 else f"{name}#{counts[name]}")
    return unique

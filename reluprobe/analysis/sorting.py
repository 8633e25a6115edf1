"""Sort keys of tables: the measures to sort by, and which end of each is the best."""

from __future__ import annotations

from collections.abc import Iterable

from reluprobe.errors import InputError, nearest

#: What tables can be sorted by, and the sign that puts the best first.
SORT_KEYS: dict[str, int] = {"dead": 1, "accuracy": -1, "loss": 1}


def best_first(key: str, mean: float | None) -> tuple[bool, float]:
    """A key to sort by a measure's mean: the best first, what has none last."""
    return mean is None, 0.0 if mean is None else SORT_KEYS[key] * mean


def unknown_key(key: str, allowed: Iterable[str]) -> InputError:
    """The error of a ``--sort`` that is not allowed."""
    allowed = list(allowed)
    fault = f"--sort {key}: allowed is one of {', '.join(allowed)}{nearest(key, allowed)}"
    return InputError("cannot sort by that", [fault])

"""Order of tables: the measures to sort by, which end of each is the best, and who breaks ties."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from reluprobe.errors import InputError, nearest

#: What tables can be sorted by, and the sign that puts the best first.
SORT_KEYS: dict[str, int] = {"dead": 1, "accuracy": -1, "r2": -1, "rmse": 1, "loss": 1}
#: Those that are shares; written alike, in percent with so many decimals, they are tied.
SHARES = ("dead", "accuracy")
DECIMALS = 1
#: What breaks ties: how good a network is, by the measure that it has; of those, its dead units.
BREAKERS = ("accuracy", "r2")


class Measured(Protocol):
    """What has a mean of each of ``SORT_KEYS``, or None."""

    def value(self, key: str) -> float | None:
        """The mean of one of them."""
        ...


Row = TypeVar("Row", bound=Measured)


def best_first(key: str, mean: float | None) -> tuple[bool, float]:
    """A key to sort by a measure's mean: the best first, what has none last."""
    return mean is None, 0.0 if mean is None else SORT_KEYS[key] * mean


def place(key: str, row: Measured) -> tuple[tuple[bool, float], ...]:
    """A key to sort rows by a measure, the best first; ties by accuracy or R², of those by dead."""
    breakers = ("dead",) if key in BREAKERS else BREAKERS
    mean = row.value(key)
    if mean is not None and key in SHARES:
        mean = round(100 * mean, DECIMALS)
    return best_first(key, mean), *(best_first(name, row.value(name)) for name in breakers)


def extremes(rows: Iterable[Row], number: int) -> tuple[list[Row], list[Row]]:
    """The rows with the fewest dead, best first, and those with the most, worst first.

    One order gives both: of as many dead the better network comes before. No row is in both.

    Args:
        rows: those without a dead share are in neither.
        number: how many of each; of less than twice as many rows the fewest get the odd one.
    """
    ordered = sorted(
        (r for r in rows if r.value("dead") is not None), key=lambda r: place("dead", r)
    )
    best = min(number, (len(ordered) + 1) // 2)
    worst = min(number, len(ordered) - best)
    return ordered[:best], ordered[len(ordered) - worst :][::-1]


def unknown_key(key: str, allowed: Iterable[str]) -> InputError:
    """The error of a ``--sort`` that is not allowed."""
    allowed = list(allowed)
    fault = f"--sort {key}: allowed is one of {', '.join(allowed)}{nearest(key, allowed)}"
    return InputError("cannot sort by that", [fault])

"""What has been seen of each unit: counts and extremes that add up, batch by batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np


class Seen(NamedTuple):
    """What some values of z show of a site's units; of a loop's site, with an axis an iteration.

    Attributes:
        flat: f′ = 0 for all of them, by all ways out of z, ``(unit,)``.
        finite: no z and no output was NaN or infinite.
        positive: of how many z > 0 holds.
        sloped: of how many f′ ≠ 0 does if f is a ReLU: of so many, or of those with z = 0 too.
        extreme: all outputs are at an end of f's range; only where that is bounded.
        highest, lowest: of the outputs, ``(way, unit)``.
        total: sum of |a|, over all ways.
        values: values of z that each unit was seen with, ``()``.
        examples: examples that they are of, ``()``.
        sides: what f took beside z, of its first value, ``(side,)``.
    """

    flat: Any
    finite: Any
    positive: Any
    sloped: Any
    extreme: Any
    highest: Any
    lowest: Any
    total: Any
    values: Any
    examples: Any
    sides: Any


def added(first: Seen, second: Seen, *, examples: Any, maximum: Any, minimum: Any) -> Seen:
    """Two of them as one; of NumPy's or of JAX's arrays.

    ``examples``: those of both, their sum for two batches, the larger of two of a loop's turns.
    """
    return Seen(
        first.flat & second.flat,
        first.finite & second.finite,
        first.positive + second.positive,
        first.sloped + second.sloped,
        first.extreme & second.extreme,
        maximum(first.highest, second.highest),
        minimum(first.lowest, second.lowest),
        first.total + second.total,
        first.values + second.values,
        examples(first.examples, second.examples),
        second.sides,
    )


@dataclass(frozen=True, slots=True)
class Tally:
    """What has been seen of a network's units, in NumPy's arrays; it holds no example.

    Attributes:
        seen: of each site, in the order of the probe's sites.
        positions: values of z that a unit has in one example, of each site.
        examples: all examples that were counted.
    """

    seen: tuple[Seen, ...]
    positions: tuple[int, ...]
    examples: int = field(default=0)

    def __add__(self, other: Tally) -> Tally:
        """Both together."""
        seen = (
            added(a, b, examples=np.add, maximum=np.maximum, minimum=np.minimum)
            for a, b in zip(self.seen, other.seen, strict=True)
        )
        positions = map(max, self.positions, other.positions)
        return Tally(tuple(seen), tuple(positions), self.examples + other.examples)


def on_host(seen: Seen) -> Seen:
    """In NumPy, with sums and counts that a million batches do not round."""
    arrays = Seen(*[np.asarray(array) for array in seen])
    wide = {"highest", "lowest", "total", "sides"}
    counts = {"positive", "sloped", "values", "examples"}
    changed = {name: getattr(arrays, name).astype(np.float64) for name in wide}
    changed |= {name: getattr(arrays, name).astype(np.int64) for name in counts}
    return arrays._replace(**changed)

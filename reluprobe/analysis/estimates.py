"""Mean over runs with its 95% interval, of single numbers and of hidden layers."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reluprobe.records import LayerRecord

#: Of the intervals.
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over runs and half the width of its 95% interval (None for a single run)."""

    mean: float
    half_width: float | None
    n: int


def estimate(values: Iterable[float | None]) -> Estimate | None:
    """Mean and 95% interval, m ± t₀.₉₇₅,ₙ₋₁ · s / √n (Student 1908); None without a value.

    Values that are None are measures that do not apply, and are left out.
    """
    present = [v for v in values if v is not None]
    n = len(present)
    if n == 0:
        return None
    mean = math.fsum(present) / n
    if n == 1:
        return Estimate(mean, None, 1)
    variance = math.fsum((v - mean) ** 2 for v in present) / (n - 1)
    return Estimate(mean, quantile(n - 1) * math.sqrt(variance / n), n)


@functools.cache
def quantile(freedom: int) -> float:
    """t₀.₉₇₅ of this many degrees of freedom."""
    # Imported here: SciPy takes 0.4 s to import, which --help should not wait for.
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))


def share(layers: Sequence[LayerRecord], measure: str) -> float | None:
    """Share of all hidden units for which ``measure`` holds; None where it does not apply."""
    shares = [(getattr(layer, measure), layer.units) for layer in layers]
    if not shares or any(value is None for value, _ in shares):
        return None
    return sum(value * units for value, units in shares) / sum(units for _, units in shares)


def by_layer(
    networks: Sequence[Sequence[LayerRecord]], measure: str
) -> tuple[Estimate | None, ...]:
    """Share of each hidden layer's units, over the networks that are deep enough to have it."""
    depth = max(map(len, networks), default=0)
    return tuple(
        estimate(getattr(layers[i], measure) for layers in networks if i < len(layers))
        for i in range(depth)
    )

"""Means over runs: with a 95% interval over seeds, with min–max over several configurations.

How often the interval covered the true mean, in % of 4,000 experiments of n seeds whose shares are
binomial at a rate from a beta law (``benchmarks/coverage.py``); uncut it covers as often::

    mean, concentration    n = 3      4      5     10
    0.5, 50                 94.6   94.8   94.8   95.3
    0.3, 50                 94.6   94.6   95.0   95.0
    0.05, 50                92.4   92.2   92.5   93.4
    0.95, 50                92.7   92.0   92.5   92.7
    0.02, 20                80.8   79.5   81.3   85.6
    0.99, 20                66.7   67.5   71.1   79.0
    0.01, 5                 36.8   40.8   45.9   56.6

The nearer to none or all and the more seeds differ, the less often: of such skewed laws a few seeds
mostly see the near end alone.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from reluprobe.analysis.settings import configuration_of
from reluprobe.records import LayerRecord, RunRecord

#: Of the intervals.
CONFIDENCE = 0.95
#: Between what a value can lie at all: no interval reaches further.
Limits = tuple[float, float]
SHARE: Limits = (0.0, 1.0)
POSITIVE: Limits = (0.0, math.inf)
ANY: Limits = (-math.inf, math.inf)

Ends = Literal["95% interval", "min-max over configurations"]
INTERVAL: Ends = "95% interval"
MIN_MAX: Ends = "min-max over configurations"


@dataclass(frozen=True)
class Estimate:
    """A mean over runs, and between which ends it or what it is made of lies.

    Attributes:
        mean: over the runs; of several configurations over these, so that each counts once.
        half_width: half of the 95% t interval over seeds, or of an effect over blocks, before it
            is cut; None where there is no interval.
        n: how many runs.
        low, high: the ends of the interval, cut at what a value can be; of several
            configurations the least of their means and the greatest. None for a single run.
        configurations: how many the runs are of. Runs that differ in more than their seed are
            no sample of one law: of them there is no interval but that of an effect, over blocks
            (``analysis.block_means``).
        ends: what ``low`` and ``high`` are.
    """

    mean: float
    half_width: float | None
    n: int
    low: float | None = None
    high: float | None = None
    configurations: int = 1
    ends: Ends | None = None

    @property
    def mixed(self) -> bool:
        """Whether its ends are of several configurations' means, and no interval."""
        return self.ends == MIN_MAX

    @property
    def cut(self) -> tuple[bool, bool]:
        """Whether the interval would reach below what a value can be, and above."""
        half = self.half_width
        if half is None:
            return False, False
        return self.low != self.mean - half, self.high != self.mean + half


def estimate(
    values: Iterable[float | None],
    limits: Limits = ANY,
    groups: Iterable[int] | None = None,
) -> Estimate | None:
    """Mean and 95% interval, m ± t₀.₉₇₅,ₙ₋₁ · s / √n (Student 1908); None without a value.

    Cut at ``limits`` the interval covers as often: no mean lies beyond.

    Args:
        values: one a run. Those that are None are measures that do not apply, and are left out.
        limits: between what a value can lie at all.
        groups: the configuration of each run, as a number; all of one, if None.
    """
    by_group: dict[int, list[float]] = {}
    numbers = itertools.repeat(0) if groups is None else groups
    for value, group in zip(values, numbers, strict=groups is not None):
        if value is not None:
            by_group.setdefault(group, []).append(value)
    if not by_group:
        return None
    n = sum(map(len, by_group.values()))
    if len(by_group) > 1:
        means = [_mean(members) for members in by_group.values()]
        least, most = min(means), max(means)
        return Estimate(_mean(means), None, n, least, most, len(means), MIN_MAX)
    (present,) = by_group.values()
    mean = _mean(present)
    if n == 1:
        return Estimate(mean, None, 1)
    variance = math.fsum((v - mean) ** 2 for v in present) / (n - 1)
    half = quantile(n - 1) * math.sqrt(variance / n)
    low, high = max(mean - half, limits[0]), min(mean + half, limits[1])
    return Estimate(mean, half, n, low, high, ends=INTERVAL)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


class Fold:
    """Averages measures over these runs: the seeds of one configuration, or of several."""

    def __init__(self, runs: Iterable[RunRecord]) -> None:
        self.runs = tuple(runs)
        self.groups = numbered(self.runs)

    def __call__(
        self, measure: Callable[[RunRecord], float | None], limits: Limits = SHARE
    ) -> Estimate | None:
        """A measure of each run, averaged; of those that have it."""
        return estimate(map(measure, self.runs), limits, self.groups)


def numbered(runs: Sequence[RunRecord]) -> list[int]:
    """The configuration of each run, all its settings but the seed, as a number from 0."""
    numbers: dict[tuple[object, ...], int] = {}
    return [numbers.setdefault(configuration_of(run), len(numbers)) for run in runs]


@functools.cache
def quantile(freedom: float) -> float:
    """t₀.₉₇₅ of this many degrees of freedom."""
    # Imported here: SciPy takes 0.4 s to import, which --help should not wait for.
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))


def share(layers: Sequence[LayerRecord], measure: str) -> float | None:
    """Share of all hidden units for which ``measure`` holds; None where it does not apply.

    Of a network whose layers differ it is the share of the units of those to which it applies:
    ``saturated`` has no meaning in a ReLU's, and what no example reached has no counts.
    """
    shares = [
        (value, layer.units) for layer in layers if (value := getattr(layer, measure)) is not None
    ]
    if not shares:
        return None
    return sum(value * units for value, units in shares) / sum(units for _, units in shares)


def by_layer(
    networks: Sequence[Mapping[str, LayerRecord]], measure: str, groups: Sequence[int] | None = None
) -> dict[str, Estimate | None]:
    """Share of each layer's units by its name, over the networks that have it."""
    names = dict.fromkeys(name for layers in networks for name in layers)
    return {
        name: estimate(
            (getattr(layers.get(name), measure, None) for layers in networks), SHARE, groups
        )
        for name in names
    }

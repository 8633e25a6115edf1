"""How often do the 95% intervals of shares cover the mean that they are of?

Run: ``python benchmarks/coverage.py``. Prints Markdown tables.

Experiments of n seeds are drawn again and again from a law whose mean is known: the dead units of
each network are binomial, at a rate from a beta law of the given mean and concentration k (small:
seeds differ a lot, and near 0 or 1 in one direction). Student's interval is that of ``report``, cut
at 0 and 1; the bootstrap-t interval of a change is that of ``compare``, beside the same interval
cut at −1 and 1 alone, and as it would be if it were cut at −b and 1 − b for the baseline's mean b
of the experiment.

Intervals of effects are over n blocks: an axis has values of the given mean shares; every block
shifts all of them by one draw, and each by one of its own, on the logit scale; dead units are
binomial. Counted is how often the interval holds how far a value lies from the mean of the axis'
values, over all such blocks. The last column is how many times as wide Student's interval of a
value's own mean is, of the value where that is the most: what blocks have in common is in it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np

from reluprobe.analysis import bootstrap
from reluprobe.analysis.block_means import half_widths
from reluprobe.analysis.estimates import SHARE, estimate

#: Hidden units of the study's network.
UNITS = 1280
SEEDS = (3, 4, 5, 10)
#: Mean and concentration.
MEANS = ((0.5, 50), (0.3, 50), (0.05, 50), (0.02, 20), (0.01, 5), (0.95, 50), (0.99, 20))
#: The changed side and the baseline: (mean, concentration), or a share that all seeds have.
CHANGES = (
    (0.0, (0.25, 50)),
    ((0.02, 5), (0.25, 50)),
    ((0.05, 20), (0.3, 50)),
    ((0.9, 5), (0.3, 50)),
    (1.0, (0.4, 50)),
    ((0.01, 2), (0.02, 5)),
    ((0.97, 20), (0.98, 100)),
)
#: Blocks that stand for all.
MANY = 400_000
#: Blocks of an effect; the shares of the axis' values, how much blocks shift all of them, and each.
BLOCKS = (2, 3, 4, 6, 12, 30)
EFFECTS = (
    ((0.3, 0.3), 0.5, 0.2),
    ((0.3, 0.1), 0.5, 0.2),
    ((0.3, 0.1), 1.5, 0.2),
    ((0.3, 0.1), 0.5, 1.0),
    ((0.5, 0.3, 0.1), 0.5, 0.5),
    ((0.3, 0.01, 0.0), 1.0, 0.5),
    ((0.6, 0.3, 0.1, 0.05, 0.02), 1.0, 0.5),
)
Law = Any


def draw(rng: np.random.Generator, law: Law, n: int) -> list[float]:
    """Shares of n networks."""
    if isinstance(law, float):
        return [law] * n
    mean, k = law
    return (rng.binomial(UNITS, rng.beta(mean * k, (1 - mean) * k, n)) / UNITS).tolist()


def mean_of(law: Law) -> float:
    """The mean of a law."""
    return law if isinstance(law, float) else law[0]


def percent(covers: Callable[[], bool], times: int) -> str:
    """How often, in percent of so many experiments."""
    return f"{100 * sum(covers() for _ in range(times)) / times:.1f}"


def student(times: int) -> None:
    """Table of Student's interval, cut."""
    print("| mean | k |", *(f"n = {n} |" for n in SEEDS))
    print("|" + "---:|" * (2 + len(SEEDS)))
    for law in MEANS:
        rng = np.random.default_rng(0)

        def covers(n: int, law: Law = law, rng: np.random.Generator = rng) -> bool:
            measured = estimate(draw(rng, law, n), SHARE)
            assert measured is not None and measured.low is not None and measured.high is not None
            return measured.low <= law[0] <= measured.high

        cells = [percent(lambda n=n: covers(n), times) for n in SEEDS]
        print(f"| {law[0]} | {law[1]} | {' | '.join(cells)} |", flush=True)


def changes(times: int) -> None:
    """Table of the change's interval: cut as it is, uncut, and cut at the baseline's mean."""
    print("| changed | baseline |", *(f"n = {n} | uncut | at b |" for n in SEEDS[1:]))
    print("|---|---|" + "---:|" * (3 * len(SEEDS[1:])))
    for other, baseline in CHANGES:
        cells = [cell for n in SEEDS[1:] for cell in change(other, baseline, n, times)]
        print(f"| {other} | {baseline} | {' | '.join(cells)} |", flush=True)


def change(other: Law, baseline: Law, n: int, times: int) -> list[str]:
    """How often three intervals of a change cover it."""
    rng, true = np.random.default_rng(n), mean_of(other) - mean_of(baseline)
    hits = np.zeros(3)
    for _ in range(times):
        sides = list(zip(draw(rng, other, n), draw(rng, baseline, n), strict=True))
        cut, uncut = bootstrap.change(sides, SHARE), bootstrap.unbounded([o - b for o, b in sides])
        assert cut is not None and cut.low is not None and cut.high is not None
        mean = sum(b for _, b in sides) / n
        at_mean = max(cut.low, -mean), min(cut.high, 1 - mean)
        ends = ((cut.low, cut.high), (max(uncut[0], -1.0), min(uncut[1], 1.0)), at_mean)
        hits += [low - 1e-12 <= true <= high + 1e-12 for low, high in ends]
    return [f"{share:.1f}" for share in 100 * hits / times]


def axis_in_blocks(
    rng: np.random.Generator, shares: tuple[float, ...], common: float, own: float, n: int
) -> np.ndarray:
    """``(block, value)``: shares of dead units."""
    given = np.array(shares)
    shifts = rng.normal(0, common, (n, 1)) + rng.normal(0, own, (n, len(shares)))
    odds = np.where(given > 0, given / (1 - given), 0) * np.exp(shifts)
    return rng.binomial(UNITS, odds / (1 + odds)) / UNITS


def effects(times: int) -> None:
    """Table of the intervals over blocks, and of how much wider Student's are."""
    print("| values | all | each |", *(f"n = {n} |" for n in BLOCKS), "width |")
    print("|---|" + "---:|" * (3 + len(BLOCKS)))
    for shares, common, own in EFFECTS:
        rng = np.random.default_rng(0)
        true = _deviations(axis_in_blocks(rng, shares, common, own, MANY)).mean(0)
        cells = []
        for n in BLOCKS:
            drawn = [axis_in_blocks(rng, shares, common, own, n) for _ in range(times)]
            hits = [
                np.abs(_deviations(paired).mean(0) - true) <= np.array(half_widths(paired)) + 1e-12
                for paired in drawn
            ]
            cells.append(f"{100 * np.mean(hits):.1f}")
        law = axis_in_blocks(rng, shares, common, own, MANY)
        cells.append(f"{(law.std(0) / _deviations(law).std(0)).max():.1f}")
        print(f"| {', '.join(map(str, shares))} | {common} | {own} | {' | '.join(cells)} |")


def _deviations(paired: np.ndarray) -> np.ndarray:
    return paired - paired.mean(1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=4000, help="experiments a number")
    asked: Any = parser.parse_args()
    student(asked.times)
    print()
    changes(asked.times)
    print()
    effects(asked.times)


if __name__ == "__main__":
    main()

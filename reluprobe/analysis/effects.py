"""Effects: what each setting of a grid does to dead units and quality, and how much it explains.

The share of the variance that axes explain is the functional ANOVA decomposition (Hutter, Hoos and
Leyton-Brown 2014); on a full factorial it is exact and adds to 1 (``analysis.variance``). Means and
intervals of values are over blocks (``analysis.block_means``).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reluprobe.analysis import interactions, variance
from reluprobe.analysis.block_means import BlockMean, block_means
from reluprobe.analysis.bootstrap import Over
from reluprobe.analysis.design import Design, Grid, grid_of, restricted
from reluprobe.analysis.estimates import SHARE, Estimate, Limits, share
from reluprobe.analysis.functional_anova import LEFT
from reluprobe.analysis.interactions import CALLED, Interaction, Interactions
from reluprobe.analysis.quality import QUALITIES
from reluprobe.analysis.variance import Decomposition
from reluprobe.config import labels
from reluprobe.records import RunRecord, Setting

__all__ = ["Design", "Effect", "Effects", "Interaction", "VarianceShare", "effects"]

#: Pairs of axes that are named in a sentence at most.
MOST_PAIRS = 3


@dataclass(frozen=True)
class Effect:
    """One value of one axis: what the runs that have it come to, over all else.

    Attributes:
        axis, value: the setting and its value, where it has an effect.
        dead, accuracy, r2: means over the configurations that have it, each once, of the blocks
            that have every value of the axis: so that values differ in nothing else. The interval
            is over these blocks (see ``analysis.block_means``): of two values those of one do not
            meet those of the other exactly where a paired t-test tells them apart. None where no
            finished run has a number.
        runs: how many finished runs have it.
        blocks: how many blocks the interval is over; ``over`` says whether they are
            configurations of all other settings, or of one such the seeds. 0: no block has every
            value, the mean is over all configurations that have this one, and values may differ in
            more than the axis.
    """

    axis: str
    value: Setting
    dead: Estimate | None
    accuracy: Estimate | None
    runs: int
    blocks: int
    over: Over = "blocks"
    r2: Estimate | None = None


@dataclass(frozen=True)
class VarianceShare:
    """The share of the variance that one axis, a pair, more axes together, or the seeds explain.

    Attributes:
        axes: the settings; ``("seed",)`` for what differs between seeds of one configuration;
            empty for what is left, where the decomposition is not exact.
        share: in [0, 1].
    """

    axes: tuple[str, ...]
    share: float


@dataclass(frozen=True)
class Effects:
    """What a grid's axes do.

    Attributes:
        axes: those that vary, that which explains most of the dead shares' variance first, alone
            and together with others (Sobol's total index); ties in the sweep's order. What figures
            and tables follow.
        design: how the grid lies.
        effects: of every axis, in that order, and of every value, in the sweep's order.
        dead, accuracy, r2: shares of the variance, largest first; empty where nothing varies, or
            nothing tells the axes apart.
        method: how they were computed, in a sentence; says what is estimated where it is.
        interactions: pairs of axes that matter together, above noise, the largest first.
        untold: why that cannot be told; empty where it can.
    """

    axes: tuple[str, ...]
    design: Design
    effects: tuple[Effect, ...]
    dead: tuple[VarianceShare, ...]
    accuracy: tuple[VarianceShare, ...]
    method: str
    interactions: tuple[Interaction, ...] = ()
    untold: str = ""
    r2: tuple[VarianceShare, ...] = ()


@dataclass(frozen=True)
class _Measured:
    """A measure over the configurations that have it: every seed's, and the parts of variance."""

    grid: Grid
    seeds: tuple[dict[int, float], ...]
    parts: Decomposition | None
    means: dict[tuple[str, int], BlockMean]


def effects(records: Sequence[RunRecord], definition: str = "dead") -> Effects | None:
    """What the axes of these runs do; None where nothing varies but the seed.

    Runs that diverged or failed have no numbers and are left out; a value that none but such runs
    have is listed, without a mean.

    Args:
        records: the runs, in the sweep's order.
        definition: which definition of death is counted.

    Raises:
        InputError: some are runs of ours and some foreign.
    """
    grid = grid_of(records)
    if grid is None:
        return None
    dead = _measured(grid, lambda run: share(run.final.layers, definition))
    beside = {quality.name: _measured(grid, quality.of, quality.limits) for quality in QUALITIES}
    measured = {definition: dead, **beside}
    # Where no unit is dead, or as many everywhere, what matters is how good networks are.
    leading = next((name for name, one in measured.items() if _varies(one)), definition)
    axes = _ordered(grid, measured[leading].parts)
    judged = _judged(measured[leading], leading)
    accuracy, r2 = (measured[q.name] for q in QUALITIES)
    return Effects(
        axes,
        grid.design,
        tuple(_effect(grid, axis, code, dead, accuracy, r2) for axis, code in _values(grid, axes)),
        _shares(dead.parts),
        _shares(accuracy.parts),
        _method(grid, measured, records),
        judged.present,
        judged.untold,
        _shares(r2.parts),
    )


def _measured(
    grid: Grid, measure: Callable[[RunRecord], float | None], limits: Limits = SHARE
) -> _Measured:
    values = [
        {run.seed: v for run in runs if (v := measure(run)) is not None} for runs in grid.runs
    ]
    present = np.array([bool(of_seeds) for of_seeds in values], bool)
    part = grid if present.all() else restricted(grid, present)
    seeds = tuple(itertools.compress(values, present))
    parts = None
    if part.factors:
        parts = variance.decompose(part, [[*of_seeds.values()] for of_seeds in seeds])
    return _Measured(part, seeds, parts, block_means(part, seeds, limits))


def _varies(measured: _Measured) -> bool:
    return measured.parts is not None and measured.parts.total > 0


def _judged(measured: _Measured, called: str) -> Interactions:
    if measured.parts is None:
        return Interactions()
    means = np.array([sum(one.values()) / len(one) for one in measured.seeds])
    fewest = min(map(len, measured.seeds))
    return interactions.judge(measured.grid, measured.parts, means, fewest, called)


def _ordered(grid: Grid, parts: Decomposition | None) -> tuple[str, ...]:
    """The axes by all that they have a part in; what differs by rounding alone is tied."""
    total = dict.fromkeys(grid.axes, 0.0)
    whole = parts.total if parts else 0.0
    for part in parts.parts if parts and whole else ():
        for axis in part.axes:
            if axis in total:
                total[axis] += part.variance / whole
    return tuple(sorted(total, key=lambda axis: -round(total[axis], 9)))


def _values(grid: Grid, axes: Sequence[str]) -> list[tuple[str, int]]:
    return [(a, code) for a in axes for code in range(len(grid.values[grid.axes.index(a)]))]


def _effect(grid: Grid, axis: str, code: int, *measured: _Measured) -> Effect:
    """A value's means: of the dead share, of accuracy, of R²."""
    column = grid.axes.index(axis)
    having = itertools.compress(grid.runs, grid.codes[:, column] == code)
    dead, accuracy, r2 = means = [one.means.get((axis, code)) for one in measured]
    blocks = next((one for one in means if one), None)
    return Effect(
        axis,
        grid.values[column][code],
        dead and dead.estimate,
        accuracy and accuracy.estimate,
        sum(map(len, having)),
        blocks.blocks if blocks else 0,
        blocks.over if blocks else "blocks",
        r2 and r2.estimate,
    )


def _shares(parts: Decomposition | None) -> tuple[VarianceShare, ...]:
    if parts is None or not parts.total:
        return ()
    shares = [VarianceShare(part.axes, part.variance / parts.total) for part in parts.parts]
    return tuple(sorted(shares, key=lambda one: -one.share))


def _method(grid: Grid, measured: Mapping[str, _Measured], records: Sequence[RunRecord]) -> str:
    """How shares were computed, and what they do without."""
    every = {name: one for name, one in measured.items() if one.seeds}
    leading = next(iter(every.values()), next(iter(measured.values())))
    words = [_decomposed(grid, leading)]
    words += [
        f"{_listed(axes)} change together: which of them it is cannot be told"
        for axes in grid.together
    ]
    words += [
        f"{CALLED.get(name, name)}: {_decomposed(grid, one)}"
        for name, one in every.items()
        if one is not leading and one.grid.complete != leading.grid.complete
    ]
    counts = sorted({len(of_seeds) for of_seeds in leading.seeds})
    if counts and counts[-1] == 1:
        words.append("1 seed: what seeds do is in the axes' shares")
    elif len(counts) > 1:
        words.append(f"{counts[0]} to {counts[-1]} seeds, each configuration counts once")
    if lost := sum(not run.ended for run in records):
        words.append(f"{labels.count(lost, 'run')} without final numbers left out")
    return "; ".join(words)


def _decomposed(grid: Grid, measured: _Measured) -> str:
    part, parts = measured.grid, measured.parts
    have = f"{len(part.codes):,} of {grid.combinations:,} combinations have numbers"
    if not part.factors:
        return "no two finished runs differ in a setting"
    if parts is None:
        return f"no shares: {have}, too few to tell the axes apart"
    if parts.exact and len(grid.axes) == 1:
        return f"exact: {labels.name(grid.axes[0])} alone varies"
    if parts.exact:
        return "exact: every combination has run (functional ANOVA)"
    if grid.design == "star":
        return (
            "estimated as if changes added up: one change at a time cannot tell how settings act "
            "together"
        )
    fitted = f"axes and {_pairs(parts.pairs)}" if parts.pairs else "axes alone"
    text = f"estimated: {have}; {fitted} fitted by least squares, the fit decomposed over all"
    checked = any(component.axes == LEFT for component in parts.parts)
    return text if checked else f"{text}, and none left to check it by"


def _pairs(pairs: Sequence[tuple[str, ...]]) -> str:
    if len(pairs) > MOST_PAIRS:
        return f"{len(pairs)} pairs of them"
    return ", ".join(" × ".join(map(labels.name, axes)) for axes in pairs)


def _listed(names: Sequence[str]) -> str:
    words = [labels.name(name) for name in names]
    return f"{', '.join(words[:-1])} and {words[-1]}"

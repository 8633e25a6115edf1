"""Effects: what each setting of a grid does to dead units and accuracy, and how much it explains.

The mean of a value is over the configurations that have it, each once. Its interval is over blocks:
runs alike in every other setting and the seed, one for each value of the axis. Of a block only the
differences within it count, so that what the other settings do is no noise (Cousineau 2005, with
Morey's correction 2008), and the intervals are as wide as makes them comparable by eye (Baguley
2012): two values of an axis of two differ at 5% in a paired t-test exactly where their intervals do
not overlap.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from reluprobe.analysis.axes import axes as axes_of
from reluprobe.analysis.estimates import SHARE, Estimate, quantile, share
from reluprobe.analysis.grid import Cell, Design, Grid, grid
from reluprobe.analysis.variance import VarianceShare, shares
from reluprobe.records import RunRecord, Setting

#: A measure of a finished run; None where it does not apply.
Measure = Callable[[RunRecord], float | None]
METHODS: dict[Design, str] = {
    "factorial": "exact functional ANOVA of all combinations; each configuration counts once",
    "one axis": "one axis alone, beside the seeds",
    "star": "an estimate: each setting was changed alone, so no two can be told to act together",
    "holes": (
        "an estimate: the combinations that were not run are filled in by least squares, with a "
        "term for each value and each pair of values"
    ),
}


@dataclass(frozen=True)
class Effect:
    """One value of one axis: what the runs that have it come to, over all else.

    Attributes:
        axis, value: the setting and its value; None where it has no effect.
        dead, accuracy: means over the configurations that have it, each once. The interval is over
            blocks: runs that differ in this axis alone are paired.
        runs: how many runs have it; ``blocks``: how many blocks the interval is over.
    """

    axis: str
    value: Setting
    dead: Estimate | None
    accuracy: Estimate | None
    runs: int
    blocks: int


@dataclass(frozen=True)
class Effects:
    """What a grid's axes do.

    Attributes:
        axes: those that vary, that which explains most of the dead shares' variance first; ties in
            the sweep's order. What figures and tables follow.
        design: how the grid lies.
        effects: of every axis, in that order, and of every value, in the sweep's order.
        dead, accuracy: shares of the variance, largest first.
        method: how they were computed, in a sentence; says what is estimated where it is.
        interactions: sentences on pairs of axes that matter together, above noise.
    """

    axes: tuple[str, ...]
    design: Design
    effects: tuple[Effect, ...]
    dead: tuple[VarianceShare, ...]
    accuracy: tuple[VarianceShare, ...]
    method: str
    interactions: tuple[str, ...] = ()

    def explained(self, *axes: str) -> float | None:
        """The share of the dead shares' variance that these axes explain; None without one."""
        wanted = set(axes)
        return next((part.share for part in self.dead if set(part.axes) == wanted), None)


def effects(records: Sequence[RunRecord], definition: str = "dead") -> Effects | None:
    """What each axis of a grid does; None where nothing varies but the seed, or no run ended.

    Args:
        records: the runs; those that diverged or failed have no final numbers and are left out.
        definition: which definition of death counts.
    """
    table = grid(axes_of(records), records)
    if not table.axes or len(table.cells) < 2:
        return None
    measures: tuple[Measure, Measure] = (
        lambda run: share(run.final.layers, definition),
        lambda run: run.final.test_accuracy,
    )
    dead, accuracy = (_measured(table, measure) for measure in measures)
    explained = shares(table, dead), shares(table, accuracy)
    alone = {part.axes[0]: part.share for part in explained[0] if len(part.axes) == 1}
    ranked = tuple(sorted(table.axes, key=lambda axis: -alone.get(axis, 0.0)))
    listed = [e for axis in ranked for e in _of_axis(table, axis, measures)]
    return Effects(ranked, table.design, tuple(listed), *explained, METHODS[table.design])


def _measured(table: Grid, measure: Measure) -> dict[Cell, list[float]]:
    measured = {
        cell: [value for run in runs if (value := measure(run)) is not None]
        for cell, runs in table.cells.items()
    }
    return {cell: values for cell, values in measured.items() if values}


def _of_axis(table: Grid, axis: str, measures: Sequence[Measure]) -> list[Effect]:
    place = table.axes.index(axis)
    blocks = _blocks(table, place)
    listed = []
    for number, value in enumerate(table.values[axis]):
        cells = {cell: runs for cell, runs in table.cells.items() if cell[place] == value}
        estimates = [
            _estimate(_measured(Grid(table.axes, cells), m), _within(blocks, m, number))
            for m in measures
        ]
        runs = sum(map(len, cells.values()))
        listed.append(Effect(axis, value, *estimates, runs, len(blocks)))
    return listed


def _blocks(table: Grid, place: int) -> list[list[RunRecord]]:
    """Runs alike in all but one axis, one for each of its values; only whole blocks."""
    by_rest: dict[tuple[object, ...], dict[Setting, RunRecord]] = {}
    for cell, runs in table.cells.items():
        for run in runs:
            rest = (*cell[:place], *cell[place + 1 :], run.seed)
            by_rest.setdefault(rest, {})[cell[place]] = run
    values = table.values[table.axes[place]]
    return [[row[v] for v in values] for row in by_rest.values() if len(row) == len(values)]


def _within(
    blocks: Sequence[Sequence[RunRecord]], measure: Measure, number: int
) -> Float[np.ndarray, " block"]:
    """Of each block a value's measure less the block's mean."""
    rows = [[measure(run) for run in block] for block in blocks]
    whole = [[v for v in row if v is not None] for row in rows if None not in row]
    if not whole:
        return np.zeros(0)
    table = np.array(whole)
    return table[:, number] - table.mean(axis=1)


def _estimate(
    measured: Mapping[Cell, Sequence[float]], within: Float[np.ndarray, " block"]
) -> Estimate | None:
    if not measured:
        return None
    mean = float(np.mean([np.mean(values) for values in measured.values()]))
    n = sum(map(len, measured.values()))
    if len(within) < 2:
        return Estimate(mean, None, n)
    # For two values the deviation of one is half their difference d: this is t · s(d) / (2 √n).
    half = quantile(len(within) - 1) * float(np.std(within, ddof=1)) / math.sqrt(len(within))
    low, high = max(mean - half, SHARE[0]), min(mean + half, SHARE[1])
    return Estimate(mean, half, n, low, high, ends="95% interval")

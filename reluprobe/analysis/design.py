"""How a grid lies: its axes, the factors that they make, and which combinations have run.

An axis is a setting that varies where it has an effect. Axes make *factors*, which vary freely of
each other: mostly each its own. A setting that has an effect beside some values of another alone
(the slope of a leaky ReLU) lies within that one's factor; settings that never vary apart make one
factor together, and nothing tells which of them it is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reluprobe.analysis.axes import axes as varying_axes
from reluprobe.analysis.settings import applies
from reluprobe.records import RunRecord, Setting

#: How the grid lies: every combination once or more; one axis alone; each configuration one change
#: away from a common one; anything else.
Design = Literal["factorial", "one axis", "star", "holes"]
#: The code of a setting that has no effect in a configuration.
IDLE = -1


@dataclass(frozen=True)
class Part:
    """What one setting, or several that change together, tell apart among a factor's levels.

    Attributes:
        axes: these settings.
        groups: of every level of the factor, the group that these and the parts before it put it
            in, as a number from 0.
    """

    axes: tuple[str, ...]
    groups: np.ndarray


@dataclass(frozen=True)
class Factor:
    """Axes that vary as one, and freely of all others.

    Attributes:
        columns: which of the grid's axes.
        parts: from the coarsest to the finest, whose groups are the levels.
        levels: of every configuration the level, a number from 0.
    """

    columns: tuple[int, ...]
    parts: tuple[Part, ...]
    levels: np.ndarray

    @property
    def size(self) -> int:
        """How many levels."""
        return len(self.parts[-1].groups)

    @property
    def axes(self) -> tuple[str, ...]:
        """All its settings."""
        return tuple(name for part in self.parts for name in part.axes)


@dataclass(frozen=True)
class Grid:
    """The configurations of finished runs.

    Attributes:
        axes: in the sweep's order; ``values`` of each in order of appearance, those among them
            that no finished run has.
        codes: ``(configuration, axis)``, the number of the value; ``IDLE`` where it has no effect.
        runs: of every configuration.
        factors: what varies freely.
    """

    axes: tuple[str, ...]
    values: tuple[tuple[Setting, ...], ...]
    codes: np.ndarray
    runs: tuple[tuple[RunRecord, ...], ...]
    factors: tuple[Factor, ...]

    @property
    def combinations(self) -> int:
        """How many configurations there were if every combination had run."""
        return math.prod(factor.size for factor in self.factors)

    @property
    def complete(self) -> bool:
        """Whether every combination of the factors' levels has a finished run."""
        return len(self.codes) == self.combinations

    @property
    def together(self) -> list[tuple[str, ...]]:
        """Settings that never vary apart."""
        return [p.axes for factor in self.factors for p in factor.parts if len(p.axes) > 1]

    @property
    def design(self) -> Design:
        """How it lies."""
        if len(self.axes) == 1:
            return "one axis"
        if self.complete and not self.together:
            return "factorial"
        return "star" if self.centre is not None else "holes"

    @property
    def centre(self) -> int | None:
        """The configuration that all others are one change away from; None without one."""
        if len(self.factors) < 2 or not len(self.codes):
            return None
        levels = np.stack([factor.levels for factor in self.factors], 1)
        # Of each factor the centre has the level that most have: others stand there once.
        usual = np.array([np.bincount(column).argmax() for column in levels.T])
        changes = (levels != usual).sum(1)
        return int(changes.argmin()) if changes.min() == 0 and changes.max() == 1 else None


def grid_of(records: Sequence[RunRecord]) -> Grid | None:
    """The grid that these runs make; None where nothing varies but the seed.

    Raises:
        InputError: some are runs of ours and some foreign.
    """
    names = varying_axes(records)
    tables = [run.table for run in records]
    columns: dict[str, tuple[tuple[Setting, ...], list[int]]] = {}
    for name in names:
        numbers: dict[Setting, int] = {}
        codes = [
            numbers.setdefault(table.get(name), len(numbers)) if applies(name, table) else IDLE
            for table in tables
        ]
        if len(numbers) > 1:
            columns[name] = tuple(numbers), codes
    if not columns:
        return None
    rows: dict[tuple[int, ...], list[RunRecord]] = {}
    for run, *codes in zip(records, *(codes for _, codes in columns.values()), strict=True):
        if run.ended:
            rows.setdefault(tuple(codes), []).append(run)
    values = tuple(values for values, _ in columns.values())
    codes = np.array([*rows], np.int64).reshape(len(rows), len(columns))
    factors = _factors(tuple(columns), codes)
    return Grid(tuple(columns), values, codes, tuple(map(tuple, rows.values())), factors)


def restricted(grid: Grid, present: np.ndarray) -> Grid:
    """The same grid, of some of its configurations."""
    codes = grid.codes[present]
    runs = tuple(itertools.compress(grid.runs, present))
    return Grid(grid.axes, grid.values, codes, runs, _factors(grid.axes, codes))


def numbered(rows: np.ndarray) -> np.ndarray:
    """Rows of a table as numbers from 0, equal ones alike, in the order of their contents."""
    if rows.shape[1] == 0:
        return np.zeros(len(rows), np.int64)
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)


def _factors(names: Sequence[str], codes: np.ndarray) -> tuple[Factor, ...]:
    """The axes' factors, in the axes' order; those that have one value left are none."""
    if not len(codes):
        return ()
    chains: dict[int, list[int]] = {}
    homes = [_home(codes, column) for column in range(len(names))]
    for column, home in enumerate(homes):
        chains.setdefault(column if home is None else home, []).append(column)
    drawn = [
        _factor(names, codes, [[home], *([c] for c in members if c != home)])
        for home, members in sorted(chains.items())
    ]
    free: list[Factor] = []
    for factor in (factor for factor in drawn if factor.size > 1):
        twin = next((one for one in free if _tied(one, factor)), None)
        if twin is None:
            free.append(factor)
        else:
            free[free.index(twin)] = _factor(names, codes, [[*twin.columns, *factor.columns]])
    return tuple(free)


def _home(codes: np.ndarray, column: int) -> int | None:
    """The axis whose value says whether this one has an effect; None where it always has one."""
    idle = codes[:, column] == IDLE
    if not idle.any():
        return None
    for other in range(codes.shape[1]):
        values = codes[:, other]
        if other != column and (values != IDLE).all():
            both = len(np.unique(np.stack([values, idle], 1), axis=0))
            if both == len(np.unique(values)):
                return other
    return None


def _tied(one: Factor, other: Factor) -> bool:
    """Whether the level of one says that of the other."""
    pairs = len(np.unique(np.stack([one.levels, other.levels], 1), axis=0))
    return pairs == max(one.size, other.size)


def _factor(names: Sequence[str], codes: np.ndarray, parts: Sequence[Sequence[int]]) -> Factor:
    columns = [column for part in parts for column in part]
    levels = numbered(codes[:, columns])
    # One configuration of each level stands for it.
    samples = np.unique(levels, return_index=True)[1]
    drawn: list[Part] = []
    for end, part in enumerate(parts, 1):
        before = [column for part in parts[:end] for column in part]
        groups = numbered(codes[samples][:, before])
        axes = tuple(names[column] for column in part)
        if drawn and groups.max() == drawn[-1].groups.max():  # told by the part before
            axes, groups = (*drawn[-1].axes, *axes), drawn.pop().groups
        drawn.append(Part(axes, groups))
    return Factor(tuple(columns), tuple(drawn), levels)

"""Grid: finished runs as cells of a table of axes, and how they lie: a product, a star, or less."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from reluprobe.analysis.settings import applies, value_of
from reluprobe.config import rank
from reluprobe.records import RunRecord, Setting

#: How a grid lies: every combination of its axes' values, one axis alone, each configuration one
#: change away from a common one, or anything else.
Design = Literal["factorial", "one axis", "star", "holes"]
#: The values of a configuration's axes, in their order.
Cell = tuple[Setting, ...]


@dataclass(frozen=True)
class Grid:
    """Runs by the values of their axes.

    Attributes:
        axes: the settings that vary, in the sweep's order.
        cells: the runs that ended, by the values of their axes; None for a value without an effect.
    """

    axes: tuple[str, ...]
    cells: Mapping[Cell, tuple[RunRecord, ...]]

    @cached_property
    def values(self) -> dict[str, tuple[Setting, ...]]:
        """The values of each axis: numbers ascending, words in the sweep's order."""
        return {axis: _in_order(cell[n] for cell in self.cells) for n, axis in enumerate(self.axes)}

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """How many values each axis has."""
        return tuple(map(len, self.values.values()))

    @cached_property
    def centre(self) -> Cell | None:
        """Of a star the cell from which each other differs in one axis; None where there is none.

        What a changed axis brings along, or makes without an effect, is part of its change.
        """
        usual = tuple(
            Counter(column).most_common(1)[0][0] for column in zip(*self.cells, strict=True)
        )
        if usual not in self.cells:
            return None
        changes = (self.change(cell, usual) for cell in self.cells if cell != usual)
        return usual if all(len(change) == 1 for change in changes) else None

    def change(self, cell: Cell, other: Cell) -> tuple[str, ...]:
        """The axes in which a cell differs from another, those that have a value in it."""
        pairs = zip(self.axes, cell, other, strict=True)
        return tuple(axis for axis, value, before in pairs if value not in (None, before))

    @cached_property
    def design(self) -> Design:
        """How the cells lie."""
        if len(self.axes) == 1:
            return "one axis"
        if len(self.cells) == math.prod(self.shape):
            return "factorial"
        return "star" if self.centre is not None else "holes"

    def product(self) -> list[Cell]:
        """Every combination of the axes' values, whether there is a run of it or not."""
        return list(itertools.product(*self.values.values()))


def grid(axes: Sequence[str], records: Sequence[RunRecord]) -> Grid:
    """The runs that ended, as cells of these axes."""
    cells: dict[Cell, list[RunRecord]] = {}
    for run in records:
        if run.ended:
            settings = run.settings
            cell = tuple(value_of(run, a) if applies(a, settings) else None for a in axes)
            cells.setdefault(cell, []).append(run)
    return Grid(tuple(axes), {cell: tuple(runs) for cell, runs in cells.items()})


def _in_order(values: itertools.chain[Setting]) -> tuple[Setting, ...]:
    present = dict.fromkeys(values)
    words = any(isinstance(value, str) for value in present)
    return tuple(present) if words else tuple(sorted(present, key=rank))

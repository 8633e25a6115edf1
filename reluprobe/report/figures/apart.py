"""Configurations apart: a panel each, where the axes of a sweep make no grid to be seen at once.

So it is where each setting was changed alone, or where each has settings of its own.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reluprobe.analysis.settings import applies
from reluprobe.config import labels
from reluprobe.records import Setting
from reluprobe.report.figures.context import MOST_ROWS, Context, Entry
from reluprobe.report.figures.roles import Roles

#: How the common configuration is called.
COMMON = "unchanged"
#: At least this part of a grid's cells is there, or it is none: most panels would be empty.
FILLED = 0.25
#: A star of so many axes still shows itself as a grid.
PLANE = 2
#: What so many axes do that explain most is not to be hidden in a mean.
LEADING = 2


@dataclass(frozen=True)
class Apart:
    """The configurations that have a panel each, and one that is drawn behind each of them.

    Attributes:
        behind: the common configuration where each changes one thing in it; else the first.
        entries: those with panels.
        note: says so, in a sentence or two.
    """

    behind: Entry
    entries: list[Entry]
    note: str

    @property
    def every(self) -> list[Entry]:
        """All that is drawn, each once."""
        among = any(self.behind.label == entry.label for entry in self.entries)
        return self.entries if among else [self.behind, *self.entries]


def apart(context: Context, roles: Roles) -> Apart | None:
    """The configurations apart; None where the roles show the sweep's axes."""
    if _is_grid(context, roles):
        return None
    changed = _star(context)
    centre, entries = changed or (context.entries[0], context.entries)
    shown, thinned = context.some(entries, MOST_ROWS)
    behind = "the configuration without it" if changed else centre.label
    each = "change" if changed else "configuration"
    return Apart(centre, shown, f" A panel for each {each}; grey and dashed: {behind}.{thinned}")


def _is_grid(context: Context, roles: Roles) -> bool:
    """Whether lines and panels by axes say more than a panel a configuration."""
    design = "one axis" if context.effects is None else context.effects.design
    if roles.folded and (design != "factorial" or roles.folded[0] in context.axes[:LEADING]):
        return False
    if design == "star" and len(context.axes) > PLANE:
        return False
    cells = math.prod(len(context.domain(axis)) for axis in context.axes)
    return len(context.entries) >= FILLED * cells


def _star(context: Context) -> tuple[Entry, list[Entry]] | None:
    """The common configuration, and the others by their one change of it; None: there is none."""
    if context.effects is None or context.effects.design != "star":
        return None
    entries = context.entries
    usual = {axis: _usual(entries, axis) for axis in context.axes}
    changes = [_change(entry, usual) for entry in entries]
    centres = [entry for entry, change in zip(entries, changes, strict=True) if not change]
    if len(centres) != 1:
        return None
    others = [
        replace(entry, label=labels.change(change))
        for entry, change in zip(entries, changes, strict=True)
        if change
    ]
    return replace(centres[0], label=COMMON), others


def _usual(entries: Sequence[Entry], axis: str) -> Setting:
    values = Counter(entry.row.settings.get(axis) for entry in entries)
    return values.most_common(1)[0][0]


def _change(entry: Entry, usual: dict[str, Setting]) -> dict[str, Setting]:
    """What is not as usual; what has no effect in it is no change of its own."""
    settings = entry.row.members[0].settings
    return {
        axis: entry.row.settings[axis]
        for axis, value in usual.items()
        if entry.row.settings[axis] != value and applies(axis, settings)
    }

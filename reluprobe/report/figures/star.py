"""Star-shaped sweeps: a common configuration, and others that each differ from it in one change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reluprobe.analysis.settings import applies
from reluprobe.config import labels
from reluprobe.records import Setting
from reluprobe.report.figures.context import Context, Entry
from reluprobe.report.figures.roles import MOST_COLOURS, Roles

#: How the common configuration is called.
COMMON = "unchanged"
#: The field of a chart's data that names the change.
CHANGE = "change"
NOTE = " A panel for each setting that is changed; grey: the configuration without any change."


@dataclass(frozen=True)
class Star:
    """The configuration in the middle, and the others by the settings that they change.

    Attributes:
        centre: what most have of every setting.
        rays: by the names of the settings that they change, in words; at most as many in one as
            there are colours. An entry's label is its change.
    """

    centre: Entry
    rays: dict[str, list[Entry]]

    @property
    def every(self) -> list[Entry]:
        """The centre, and all that differ from it."""
        return [self.centre, *(entry for entries in self.rays.values() for entry in entries)]


def star(context: Context, roles: Roles) -> Star | None:
    """The sweep as a star; None where the roles show its axes, or it is none."""
    if not roles.folded or (context.effects and context.effects.design == "factorial"):
        return None
    entries = context.entries
    usual = {axis: _usual(entries, axis) for axis in context.axes}
    changes = [_change(entry, usual) for entry in entries]
    centres = [entry for entry, change in zip(entries, changes, strict=True) if not change]
    if len(centres) != 1:
        return None
    rays: dict[str, list[Entry]] = {}
    for entry, change in zip(entries, changes, strict=True):
        if change:
            name = ", ".join(map(labels.name, change))
            rays.setdefault(name, []).append(_named(entry, labels.change(change)))
    return Star(_named(centres[0], COMMON), dict(_split(rays)))


def _named(entry: Entry, label: str) -> Entry:
    return replace(entry, label=label, fields={**entry.fields, CHANGE: label})


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


def _split(rays: dict[str, list[Entry]]) -> list[tuple[str, list[Entry]]]:
    parts = []
    for name, entries in rays.items():
        for n in range(0, len(entries), MOST_COLOURS):
            more = f" ({n // MOST_COLOURS + 1})" if n else ""
            parts.append((name + more, entries[n : n + MOST_COLOURS]))
    return parts

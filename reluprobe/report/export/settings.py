"""Settings as columns: ours, each of which is always there, and those that foreign runs were given.

A foreign run's setting has a column of its own name, or where a table has one of that name already
``setting_<name>``. One that is called as one of ours and is of its kind, ``learning_rate``, stands
in that column. Which columns there are is known when the last run has been read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reluprobe.config import written
from reluprobe.report.export.columns import Column, Kind, Run, Value
from reluprobe.report.export.layers import LAYERS
from reluprobe.report.export.runs import RUNS, SETTING_COLUMNS
from reluprobe.report.export.units import UNITS

#: Names that a column has, in any of the tables.
TAKEN = {column.name for column in (*RUNS, *LAYERS, *UNITS)}
#: Where the settings stand in a row of ``runs``.
_FIRST = RUNS.index(SETTING_COLUMNS[0])
_LAST = _FIRST + len(SETTING_COLUMNS)


@dataclass(frozen=True)
class Settings:
    """The settings of one run by their names, and whether they are a foreign run's.

    Null is one without an effect beside the others.
    """

    values: Mapping[str, Value]
    foreign: bool


@dataclass(frozen=True)
class Place:
    """A column of settings, and by which name each kind of run has what stands in it."""

    column: Column[Run]
    ours: str | None
    foreign: str | None

    def cell(self, settings: Settings) -> Value:
        """What stands there of a run."""
        name = self.foreign if settings.foreign else self.ours
        value = None if name is None else settings.values.get(name)
        if value is None or self.column.kind != "text" or isinstance(value, str):
            return value
        return written(value)


def settings_of(run: Run) -> Settings:
    """A run's settings."""
    if run.record.ours is None:
        return Settings({"seed": run.record.seed, **run.given}, foreign=True)
    return Settings({column.name: column.value(run) for column in SETTING_COLUMNS}, foreign=False)


def places(every: Sequence[Settings]) -> list[Place]:
    """The columns of these runs' settings: all of ours, then in order of appearance the others."""
    # Lists, for in a set False is 0.
    given: dict[str, list[Value | bool]] = {}
    for settings in every:
        for name, value in settings.values.items() if settings.foreign else ():
            given.setdefault(name, []).extend([] if value is None else [value])
    fitting = {
        column.name
        for column in SETTING_COLUMNS
        if all(_fits(value, column.kind) for value in given.get(column.name, ()))
    }
    ours = [Place(c, c.name, c.name if c.name in fitting else None) for c in SETTING_COLUMNS]
    return ours + [Place(_column(n, v), None, n) for n, v in given.items() if n not in fitting]


def _fits(value: Value, kind: Kind) -> bool:
    if kind == "text" or isinstance(value, str):
        return kind == "text" and isinstance(value, str)
    if kind == "true or false" or isinstance(value, bool):
        return kind == "true or false" and isinstance(value, bool)
    return isinstance(value, int) or kind == "number"


def _column(name: str, values: Sequence[Value | bool]) -> Column[Run]:
    def value(run: Run) -> Value:
        return run.given.get(name)

    title, said = (f"setting_{name}" if name in TAKEN else name), f"Setting {name} of foreign runs"
    return Column(title, _kind(values), f"{said}, as it was given.", value)


def _kind(values: Sequence[Value | bool]) -> Kind:
    """What all of these are; text where they are several things, or there is none."""
    kinds: tuple[Kind, ...] = ("true or false", "whole number", "number")
    for kind in kinds:
        if values and all(_fits(value, kind) for value in values):
            return kind
    return "text"


def varying(every: Sequence[Settings], among: Sequence[Place]) -> list[Place]:
    """The columns whose cells differ among the runs in which they have an effect.

    A foreign run in which a setting is not there is a run without it.
    """

    def differs(place: Place) -> bool:
        cells = {place.cell(settings) for settings in every}
        lacks = {s.values.get(place.foreign) is None for s in every if s.foreign and place.foreign}
        return len(cells - {None}) + (lacks == {True, False}) > 1

    return [place for place in among if differs(place)]


def runs_columns(among: Sequence[Place]) -> tuple[Column[Run], ...]:
    """The columns of ``runs``, with these of settings."""
    return (*RUNS[:_FIRST], *(place.column for place in among), *RUNS[_LAST:])


def runs_row(row: Sequence[Value], settings: Settings, among: Sequence[Place]) -> list[Value]:
    """A row of ``RUNS`` as one of :func:`runs_columns`."""
    return [*row[:_FIRST], *(place.cell(settings) for place in among), *row[_LAST:]]

"""Axes: the settings in which runs differ, and whether a setting has an effect in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reluprobe.config import SETTINGS, settings_of
from reluprobe.errors import InputError, nearest
from reluprobe.records import RunRecord


def axes(records: Sequence[RunRecord]) -> list[str]:
    """The settings, other than the seed, in which these runs differ."""
    return [name for name in differing([vars(r.config) for r in records]) if name != "seed"]


def differing(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names whose values are not the same in all of these tables of the same names."""
    columns = zip(*(table.values() for table in tables), strict=True)
    names = tables[0] if tables else ()
    return [name for name, column in zip(names, columns, strict=True) if len(set(column)) > 1]


def check_axes(names: Sequence[str]) -> list[str]:
    """These names, each checked to be a setting.

    Raises:
        InputError: one is not.
    """
    wrong = [f"{n!r} is no setting{nearest(n, SETTINGS)}" for n in names if n not in SETTINGS]
    if wrong:
        raise InputError("cannot group by that", wrong)
    return list(names)


def applies_in_any(records: Sequence[RunRecord], name: str) -> bool:
    """Whether a setting has an effect in one run at least: its value is worth naming."""
    return any(SETTINGS[name].applies(settings_of(record.config)) for record in records)


def applies_in_all(records: Sequence[RunRecord], name: str) -> bool:
    """Whether a setting has an effect in every run: each of its values is worth a column."""
    return all(SETTINGS[name].applies(settings_of(record.config)) for record in records)

"""Axes: the settings in which runs differ, and whether a setting has an effect in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reluprobe.analysis.settings import SEED, applies, check_kind, check_names
from reluprobe.records import RunRecord


def axes(records: Sequence[RunRecord]) -> list[str]:
    """The settings, other than the seed, in which these runs differ.

    Raises:
        InputError: some are runs of ours and some foreign.
    """
    check_kind(records)
    tables = [run.table for run in records]
    return [name for name in differing(tables) if name != SEED]


def differing(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names whose values are not the same in all of these tables; what one lacks is None."""
    names = [*tables[0]] if tables else []
    if all([*table] == names for table in tables):  # of ten thousand runs, thrice as fast
        columns = zip(*(table.values() for table in tables), strict=True)
    else:
        names = list(dict.fromkeys(name for table in tables for name in table))
        columns = ([table.get(name) for table in tables] for name in names)
    varied = [name for name, column in zip(names, columns, strict=False) if len(set(column)) > 1]
    return [name for name in varied if not _follows(name, tables, varied)]


def _follows(name: str, tables: Sequence[Mapping[str, Any]], varied: Sequence[str]) -> bool:
    """Whether a setting only says again what another says: no axis of its own."""
    if name == "data_sha256":
        return "dataset" in varied
    return name == "depth" and "width" in varied and depth_follows(tables)


def depth_follows(tables: Iterable[Mapping[str, Any]]) -> bool:
    """Whether some widths are lists, one a layer, and no width stands beside two depths."""
    pairs = {(table.get("width"), table.get("depth")) for table in tables}
    listed = any(isinstance(width, str) and depth is not None for width, depth in pairs)
    return listed and len(pairs) == len({width for width, _ in pairs})


def check_axes(names: Sequence[str], records: Sequence[RunRecord]) -> list[str]:
    """These names, each checked to be a setting of these runs.

    Raises:
        InputError: one is not.
    """
    return check_names(names, records, "cannot group by that")


def applies_in_any(records: Sequence[RunRecord], name: str) -> bool:
    """Whether a setting has an effect in one run at least: its value is worth naming."""
    return any(applies(name, record.settings) for record in records)


def applies_in_all(records: Sequence[RunRecord], name: str) -> bool:
    """Whether a setting has an effect in every run: each of its values is worth a column."""
    return all(applies(name, record.settings) for record in records)

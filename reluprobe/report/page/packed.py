"""Rows of charts, packed: what many of them share lies in the page once, names once a block.

A sweep of many settings would have all of them in each row of each figure: three megabytes of five.
``spec.js`` unpacks them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from reluprobe.config import labels

Row = Mapping[str, Any]
#: What tells a run, in rows that are of one.
RUN = ("run", "seed", "record")
#: The name of a column that says which of the shared parts belongs to a row.
SHARED = ""


def _column(values: Sequence[Any]) -> list[Any] | dict[str, list[Any]]:
    """Values as they are; or where that is shorter what they are, each with how often in a row."""
    # By how they are written: true is not 1, and 0 not 0.0, to those who read it.
    alike = [[*same] for _, same in groupby(values, key=repr)]
    runs = [(same[0], len(same)) for same in alike]
    if 2 * len(runs) < len(values):
        return {"runs": [part for run in runs for part in run]}
    return list(values)


class Packing:
    """Packs the rows of a page's figures.

    Attributes:
        shared: parts of rows that several have alike: the settings of a configuration, a run.
    """

    def __init__(self) -> None:
        self.shared: list[Row] = []
        self._places: dict[str, int] = {}

    def packed(self, rows: Iterable[Row]) -> list[dict[str, Any]]:
        """Rows in their order, as blocks that have the same ``fields``, a column of values each."""
        split = map(self._split, rows)
        return [
            {
                "fields": [*fields],
                "columns": [*map(_column, zip(*(v for _, v in block), strict=True))],
            }
            for fields, block in groupby(split, key=lambda row: row[0])
        ]

    def _split(self, row: Row) -> tuple[tuple[str, ...], list[Any]]:
        settings = {k: v for k, v in row.items() if k.startswith(labels.SETTING)}
        run = {k: row[k] for k in RUN if k in row}
        parts = [part for part in (settings, run) if part]
        own = {k: v for k, v in row.items() if k not in settings and k not in run}
        fields = (*[SHARED] * len(parts), *own)
        return fields, [*map(self._place, parts), *own.values()]

    def _place(self, part: Row) -> int:
        # As written: true is not 1.
        place = self._places.setdefault(json.dumps(part, sort_keys=True), len(self.shared))
        if place == len(self.shared):
            self.shared.append(part)
        return place

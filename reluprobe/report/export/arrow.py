"""Exported tables in memory, as Arrow tables with the columns and types of the files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from reluprobe.records import RunRecord
from reluprobe.report.export.columns import Column, Kind, Run, Value, layers
from reluprobe.report.export.layers import LAYERS, joined, with_settings
from reluprobe.report.export.runs import RUNS
from reluprobe.report.export.settings import (
    places,
    runs_columns,
    runs_row,
    settings_of,
    varying,
)

#: A record, with the folder of its sweep.
Pair = tuple[Path, RunRecord]

_TYPES: dict[Kind, Any] = {
    "text": pa.string(),
    "whole number": pa.int64(),
    "number": pa.float64(),
    "fraction": pa.float64(),
    "true or false": pa.bool_(),
}


def schema(columns: Sequence[Column[Any]]) -> pa.Schema:
    """Names and types; what a column means is its ``description``."""
    return pa.schema(
        pa.field(c.name, _TYPES[c.kind], metadata={"description": c.meaning}) for c in columns
    )


def table(rows: Sequence[Sequence[Value]], types: pa.Schema) -> pa.Table:
    """These rows, with the columns of this schema."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in types)
    arrays = [pa.array(values, f.type) for values, f in zip(columns, types, strict=True)]
    return pa.table(arrays, schema=types)


def runs_table(pairs: Iterable[Pair]) -> pa.Table:
    """The table ``runs``: one row per run."""
    runs = [Run(home, record) for home, record in pairs]
    every = [settings_of(run) for run in runs]
    among = places(every)
    rows = [
        runs_row([column.value(run) for column in RUNS], settings, among)
        for run, settings in zip(runs, every, strict=True)
    ]
    return table(rows, schema(runs_columns(among)))


def layers_table(pairs: Iterable[Pair]) -> pa.Table:
    """The table ``layers``: one row per run, probe and hidden layer."""
    runs = [Run(home, record) for home, record in pairs]
    every = [settings_of(run) for run in runs]
    among = varying(every, places(every))
    rows = [
        joined([column.value(layer) for column in LAYERS], [p.cell(settings) for p in among])
        for run, settings in zip(runs, every, strict=True)
        for layer in layers(run)
    ]
    return table(rows, schema(with_settings([place.column for place in among])))


def tables(pairs: Iterable[Pair]) -> tuple[pa.Table, pa.Table]:
    """The tables ``runs`` and ``layers``, as ``reluprobe export --parquet`` writes them.

    Args:
        pairs: each record with the folder of its sweep.
    """
    pairs = list(pairs)
    return runs_table(pairs), layers_table(pairs)

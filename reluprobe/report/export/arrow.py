"""Rows as Arrow tables, with the types that kinds of columns have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from reluprobe.report.export.columns import Described, Kind, Value

TYPES: dict[Kind, Any] = {
    "text": pa.string(),
    "whole number": pa.int64(),
    "number": pa.float64(),
    "fraction": pa.float64(),
    "true or false": pa.bool_(),
}


def schema(columns: Sequence[Described]) -> pa.Schema:
    """Names and types; what a column means is its ``description``."""
    return pa.schema(
        pa.field(c.name, TYPES[c.kind], metadata={"description": c.meaning}) for c in columns
    )


def table(rows: Sequence[Sequence[Value]], types: pa.Schema) -> pa.Table:
    """These rows, with the columns of this schema."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in types)
    arrays = [array(values, f.type) for values, f in zip(columns, types, strict=True)]
    return pa.table(arrays, schema=types)


def array(values: Sequence[Value], kind: pa.DataType) -> pa.Array:
    """These values in a column of this kind.

    Among numbers with a fraction an integer is one of them, rounded where float64 has none so
    large: Arrow would refuse it.
    """
    if pa.types.is_floating(kind):
        values = [float(value) if isinstance(value, int) else value for value in values]
    return pa.array(values, kind)

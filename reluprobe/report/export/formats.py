"""Formats of exported tables: CSV and Parquet, written batch by batch."""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import IO

import pyarrow as pa
from pyarrow import parquet

from reluprobe.report.export.arrow import schema
from reluprobe.report.export.cells import harmless
from reluprobe.report.export.columns import Described, Value

#: How values of a type are spelled in CSV, where not as Python has them. TRUE is the one spelling
#: that pandas, polars and R all take for a truth.
_SPELLINGS: dict[pa.DataType, Callable[[str], str]] = {
    pa.string(): functools.cache(harmless),
    pa.bool_(): str.upper,
}

#: Writes some rows: a table of the columns' types.
Write = Callable[[pa.Table], object]


@contextmanager
def _csv(file: IO[bytes], columns: Sequence[Described]) -> Iterator[Write]:
    """RFC 4180 but for its line ends, in UTF-8; nothing between commas is null.

    By the standard library: Arrow writes 0.0 as 0, and a reader that guesses a column's type from
    its first rows takes it for one of whole numbers.
    """
    file.write(lines([[column.name for column in columns]]))
    yield lambda rows: file.write(lines(_spelled(rows)))


def csv_text(table: pa.Table) -> str:
    """A whole table as CSV, as it is written to files."""
    return lines([table.column_names, *_spelled(table)]).decode()


def _spelled(table: pa.Table) -> Iterator[Sequence[Value]]:
    columns = []
    for column in table.columns:
        spell, values = _SPELLINGS.get(column.type), column.to_pylist()
        columns.append([v if v is None else spell(str(v)) for v in values] if spell else values)
    return zip(*columns, strict=True)


def lines(rows: Iterable[Sequence[Value]]) -> bytes:
    """Rows as lines of CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


@contextmanager
def _parquet(file: IO[bytes], columns: Sequence[Described]) -> Iterator[Write]:
    """A row group a batch; what a column means is in the schema, as its ``description``."""
    with parquet.ParquetWriter(file, schema(columns)) as writer:
        yield writer.write_table


#: By the ends of their files' names.
FORMATS: dict[str, Callable[[IO[bytes], Sequence[Described]], AbstractContextManager[Write]]] = {
    "csv": _csv,
    "parquet": _parquet,
}

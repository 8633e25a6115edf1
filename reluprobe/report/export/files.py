"""Tidy tables on disk: records in, one by one, CSV or Parquet out, whole or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
from pyarrow import parquet

from reluprobe.records import RunRecord, replacing, write_atomically
from reluprobe.report.export.columns import Column, Kind, Run, Value, layers
from reluprobe.report.export.layers import LAYERS
from reluprobe.report.export.runs import RUNS

#: The tables by name.
TABLES: dict[str, Sequence[Column[Any]]] = {"runs": RUNS, "layers": LAYERS}
#: Rows that are held in memory before they are written: a row group of Parquet.
BATCH = 20_000

Write = Callable[[Sequence[Sequence[Value]]], None]
_TYPES: dict[Kind, Any] = {
    "text": pa.string(),
    "whole number": pa.int64(),
    "number": pa.float64(),
    "fraction": pa.float64(),
    "true or false": pa.bool_(),
}


@contextmanager
def _csv(file: IO[bytes], columns: Sequence[Column[Any]]) -> Iterator[Write]:
    """RFC 4180 but for its line ends, in UTF-8; nothing between commas is null.

    By the standard library: Arrow writes 0.0 as 0, and a reader that guesses a column's type from
    its first rows takes it for one of whole numbers.
    """
    switches = [i for i, column in enumerate(columns) if column.kind == "true or false"]

    def spelled(row: Sequence[Value]) -> Sequence[Value]:
        # The one spelling that pandas, polars and R all take for a truth.
        found = [*row]
        for i in switches:
            found[i] = None if row[i] is None else str(row[i]).upper()
        return found

    def write(rows: Iterable[Sequence[Value]]) -> None:
        file.write(_lines(map(spelled, rows) if switches else rows))

    file.write(_lines([[column.name for column in columns]]))
    yield write


def _lines(rows: Iterable[Sequence[Value]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


@contextmanager
def _parquet(file: IO[bytes], columns: Sequence[Column[Any]]) -> Iterator[Write]:
    """A row group a batch; what a column means is in the schema, as its ``description``."""
    schema = pa.schema(
        pa.field(c.name, _TYPES[c.kind], metadata={"description": c.meaning}) for c in columns
    )
    with parquet.ParquetWriter(file, schema) as writer:

        def write(rows: Sequence[Sequence[Value]]) -> None:
            values = zip(*rows, strict=True)
            arrays = [pa.array(v, f.type) for v, f in zip(values, schema, strict=True)]
            writer.write_table(pa.table(arrays, schema=schema))

        yield write


#: By the ends of their files' names.
FORMATS: dict[str, Callable[[IO[bytes], Sequence[Column[Any]]], AbstractContextManager[Write]]] = {
    "csv": _csv,
    "parquet": _parquet,
}


@dataclass
class _Table:
    """Rows of one table on their way to a file of each format."""

    columns: Sequence[Column[Any]]
    writers: Sequence[Write]
    rows: int = 0
    waiting: list[list[Value]] = field(default_factory=list)

    def take(self, found: Any) -> None:
        self.waiting.append([column.value(found) for column in self.columns])
        if len(self.waiting) == BATCH:
            self.flush()

    def flush(self) -> None:
        for write in self.writers if self.waiting else ():
            write(self.waiting)
        self.rows += len(self.waiting)
        self.waiting = []


def write(
    found: Iterable[tuple[Path, RunRecord]], folder: Path, formats: Sequence[str]
) -> dict[Path, int]:
    """Write the tables ``runs`` and ``layers``, and ``columns.csv``, which says what they hold.

    Args:
        found: records with the folders of their sweeps; they are not kept.
        folder: where to; made if it is not there. Files of these names are replaced when the
            last record has been read, and not before.
        formats: of ``FORMATS``.

    Returns:
        The files, and how many rows each has.

    Raises:
        ReluprobeError: the folder cannot be made or written.
    """
    with ExitStack() as files:

        def opened(name: str, format_: str) -> Write:
            file = files.enter_context(replacing(folder / f"{name}.{format_}"))
            return files.enter_context(FORMATS[format_](file, TABLES[name]))

        tables = {n: _Table(c, [opened(n, f) for f in formats]) for n, c in TABLES.items()}
        for home, record in found:
            run = Run(home, record)
            tables["runs"].take(run)
            for layer in layers(run):
                tables["layers"].take(layer)
        for table in tables.values():
            table.flush()
    written = {folder / f"{n}.{f}": table.rows for n, table in tables.items() for f in formats}
    return written | _dictionary(folder / "columns.csv")


def _dictionary(path: Path) -> dict[Path, int]:
    """What the columns mean, as a table."""
    rows = [(name, c.name, c.kind, c.meaning) for name, table in TABLES.items() for c in table]
    head = ("table", "column", "type", "meaning")
    write_atomically(path, _lines([head, *rows]).decode())
    return {path: len(rows)}

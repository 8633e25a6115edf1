"""Tidy tables as files: records in, one by one; CSV or Parquet out, whole or not at all."""

from __future__ import annotations

import csv
import functools
import io
import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

from pyarrow import parquet

from reluprobe.records import replacing, write_atomically
from reluprobe.report.export.arrow import Pair, schema, table
from reluprobe.report.export.cells import harmless
from reluprobe.report.export.columns import Column, Kind, Run, Value, layers
from reluprobe.report.export.layers import LAYERS, joined, with_settings
from reluprobe.report.export.runs import RUNS
from reluprobe.report.export.settings import (
    Settings,
    places,
    runs_columns,
    runs_row,
    settings_of,
    varying,
)

#: The tables by name; ``runs`` has the settings of foreign runs beside these columns, ``layers``
#: those that vary.
TABLES: dict[str, Sequence[Column[Any]]] = {"runs": RUNS, "layers": LAYERS}
#: Rows that are held in memory before they are written: a row group of Parquet.
BATCH = 20_000

#: How a kind of value is spelled in CSV, where not as Python has it. TRUE is the one spelling that
#: pandas, polars and R all take for a truth.
_SPELLINGS: dict[Kind, Callable[[str], str]] = {
    "text": functools.cache(harmless),
    "true or false": str.upper,
}

Rows = Sequence[Sequence[Value]]
Write = Callable[[Rows], object]


@contextmanager
def _csv(file: IO[bytes], columns: Sequence[Column[Any]]) -> Iterator[Write]:
    """RFC 4180 but for its line ends, in UTF-8; nothing between commas is null.

    By the standard library: Arrow writes 0.0 as 0, and a reader that guesses a column's type from
    its first rows takes it for one of whole numbers.
    """
    spellings = [(i, _SPELLINGS[c.kind]) for i, c in enumerate(columns) if c.kind in _SPELLINGS]

    def spelled(row: Sequence[Value]) -> Sequence[Value]:
        cells = [*row]
        for i, spell in spellings:
            cells[i] = None if row[i] is None else spell(str(row[i]))
        return cells

    def write(rows: Iterable[Sequence[Value]]) -> None:
        file.write(_lines(map(spelled, rows)))

    file.write(_lines([[column.name for column in columns]]))
    yield write


def _lines(rows: Iterable[Sequence[Value]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


@contextmanager
def _parquet(file: IO[bytes], columns: Sequence[Column[Any]]) -> Iterator[Write]:
    """A row group a batch; what a column means is in the schema, as its ``description``."""
    types = schema(columns)
    with parquet.ParquetWriter(file, types) as writer:
        yield lambda rows: writer.write_table(table(rows, types))


#: By the ends of their files' names.
FORMATS: dict[str, Callable[[IO[bytes], Sequence[Column[Any]]], AbstractContextManager[Write]]] = {
    "csv": _csv,
    "parquet": _parquet,
}


@dataclass
class _Batches:
    """Rows on their way to files, a batch at a time."""

    writers: Sequence[Write]
    rows: int = 0
    waiting: list[Sequence[Value]] = field(default_factory=list)

    def add(self, row: Sequence[Value]) -> None:
        self.waiting.append(row)
        if len(self.waiting) == BATCH:
            self.flush()

    def flush(self) -> None:
        for write in self.writers if self.waiting else ():
            write(self.waiting)
        self.rows += len(self.waiting)
        self.waiting = []


def write(pairs: Iterable[Pair], folder: Path, formats: Sequence[str]) -> dict[Path, int]:
    """Write the tables ``runs`` and ``layers``, and ``columns.csv``, which says what they hold.

    Args:
        pairs: records with the folders of their sweeps; of a record no more than its settings
            stays in memory.
        folder: where to; made if it is not there. Files of these names are replaced when the
            last record has been read, and not before.
        formats: of ``FORMATS``.

    Returns:
        The files, and how many rows each has.

    Raises:
        ReluprobeError: the folder cannot be made or written.
    """
    with ExitStack() as files:
        opened = {
            (name, form): files.enter_context(replacing(folder / f"{name}.{form}"))
            for name in TABLES
            for form in formats
        }

        def batches(name: str, columns: Sequence[Column[Any]]) -> _Batches:
            starts = (FORMATS[form](opened[name, form], columns) for form in formats)
            return _Batches([files.enter_context(start) for start in starts])

        # Which settings there are, and which of them vary, is known when the last record was read.
        aside = {name: files.enter_context(tempfile.TemporaryFile(dir=folder)) for name in TABLES}
        settings = _spooled(pairs, aside)
        every = places(settings)
        own = varying(settings, every)
        columns = {
            "runs": runs_columns(every),
            "layers": with_settings([place.column for place in own]),
        }
        runs, rows = (batches(name, columns[name]) for name in TABLES)
        for n, *row in _unpickled(aside["runs"]):
            runs.add(runs_row(row, settings[n], every))
        for n, *row in _unpickled(aside["layers"]):
            rows.add(joined(row, [place.cell(settings[n]) for place in own]))
        runs.flush()
        rows.flush()
    counts = {"runs": runs.rows, "layers": rows.rows}
    written = {folder / f"{name}.{form}": n for name, n in counts.items() for form in formats}
    return written | _dictionary(folder / "columns.csv", columns)


def _spooled(pairs: Iterable[Pair], aside: Mapping[str, IO[bytes]]) -> list[Settings]:
    """Set the rows of both tables aside, each after the number of its run.

    Returns:
        Every run's settings.
    """
    settings: list[Settings] = []
    runs, rows = (_Batches([partial(pickle.dump, file=aside[name])]) for name in TABLES)
    for home, record in pairs:
        run, n = Run(home, record), len(settings)
        runs.add([n, *(column.value(run) for column in RUNS)])
        for layer in layers(run):
            rows.add([n, *(column.value(layer) for column in LAYERS)])
        settings.append(settings_of(run))
    runs.flush()
    rows.flush()
    return settings


def _unpickled(spool: IO[bytes]) -> Iterator[Any]:
    """The rows that were set aside."""
    end = spool.tell()
    spool.seek(0)
    while spool.tell() < end:
        yield from pickle.load(spool)


def _dictionary(path: Path, tables: dict[str, Sequence[Column[Any]]]) -> dict[Path, int]:
    """What the columns mean, as a table."""
    rows = [(name, c.name, c.kind, c.meaning) for name, columns in tables.items() for c in columns]
    head = ("table", "column", "type", "meaning")
    write_atomically(path, _lines([head, *rows]).decode())
    return {path: len(rows)}

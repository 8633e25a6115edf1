"""Tidy tables as files: records in, one by one; CSV or Parquet out, whole or not at all."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from reluprobe.records import replacing, write_atomically
from reluprobe.report.export import units
from reluprobe.report.export.arrow import schema, table
from reluprobe.report.export.columns import Described, Pair, Run, Value, layers
from reluprobe.report.export.formats import FORMATS, Write, lines
from reluprobe.report.export.layers import LAYERS, joined, with_settings
from reluprobe.report.export.runs import RUNS
from reluprobe.report.export.settings import (
    Place,
    Settings,
    places,
    runs_columns,
    runs_row,
    settings_of,
    varying,
)

#: The tables by name; ``runs`` has the settings of foreign runs beside these columns, the others
#: the settings that vary.
TABLES: dict[str, Sequence[Described]] = {"runs": RUNS, "layers": LAYERS, "units": units.UNITS}
#: Those that are always written.
ALWAYS = ("runs", "layers")
#: Rows that are held in memory before they are written: a row group of Parquet.
BATCH = 20_000

Rows = Sequence[Any]


@dataclass
class _Batches:
    """Rows on their way to somewhere, a batch at a time; one that is a block counts for many."""

    write: Callable[[Rows], object]
    most: int = BATCH
    rows: int = 0
    held: int = 0
    waiting: list[Any] = field(default_factory=list)

    def add(self, row: Any, size: int = 1) -> None:
        self.waiting.append(row)
        self.held += size
        if self.held >= self.most:
            self.flush()

    def flush(self) -> None:
        if self.waiting:
            self.write(self.waiting)
        self.rows += self.held
        self.waiting, self.held = [], 0


def write(
    pairs: Iterable[Pair],
    folder: Path,
    formats: Sequence[str],
    names: Sequence[str] = ALWAYS,
    notes: list[str] | None = None,
) -> dict[Path, int]:
    """Write these tables, and ``columns.csv``, which says what they hold.

    Args:
        pairs: records with the folders of their sweeps; of a record no more than its settings
            stays in memory.
        folder: where to; made if it is not there. Files of these names are replaced when the
            last record has been read, and not before.
        formats: of ``FORMATS``.
        names: of ``TABLES``.
        notes: gets a line for what a table lacks that a reader would not expect.

    Returns:
        The files, and how many rows each has.

    Raises:
        ReluprobeError: the folder cannot be made or written; or there are no units to write of.
    """
    with ExitStack() as files:
        opened = {
            (name, form): files.enter_context(replacing(folder / f"{name}.{form}"))
            for name in names
            for form in formats
        }
        # Which settings there are, and which of them vary, is known when the last record was read.
        aside = {name: files.enter_context(tempfile.TemporaryFile(dir=folder)) for name in names}
        settings, lacking = _spooled(pairs, aside)
        tables = _tables(settings, names)
        if "units" in names:
            units.check(lacking)
            _note(lacking, notes)
        counts = {}
        for name in names:
            starts = (FORMATS[form](opened[name, form], tables[name].columns) for form in formats)
            writers = [files.enter_context(start) for start in starts]
            counts[name] = tables[name].copy(aside[name], writers)
    written = {folder / f"{name}.{form}": n for name, n in counts.items() for form in formats}
    described = {name: tables[name].columns for name in names}
    return written | _dictionary(folder / "columns.csv", described)


def _note(lacking: Sequence[bool], notes: list[str] | None) -> None:
    if any(lacking) and notes is not None:
        said = "runs say how many units were dead, not which: null in units"
        notes.append(f"{sum(lacking):,} of {len(lacking):,} {said}")


def _spooled(pairs: Iterable[Pair], aside: Mapping[str, IO[bytes]]) -> tuple[list[Settings], Any]:
    """Set the rows of these tables aside, each after the number of its run.

    Returns:
        Every run's settings, and whether it lacks masks of its units.
    """
    settings: list[Settings] = []
    lacking: list[bool] = []
    spools = {name: _Batches(partial(pickle.dump, file=file)) for name, file in aside.items()}
    for home, record in pairs:
        run, n = Run(home, record), len(settings)
        if runs := spools.get("runs"):
            runs.add([n, *(column.value(run) for column in RUNS)])
        if rows := spools.get("layers"):
            for layer in layers(run):
                rows.add([n, *(column.value(layer) for column in LAYERS)])
        if blocks := spools.get("units"):
            lacking.append(units.without_masks(record))
            for block in units.blocks(run, n):
                blocks.add(block, block.units)
        settings.append(settings_of(run))
    for spool in spools.values():
        spool.flush()
    return settings, lacking


@dataclass(frozen=True)
class _Table:
    """A table that is to be written: its columns, and what makes rows of what was set aside."""

    columns: Sequence[Described]
    made: Callable[[Rows], pa.Table]
    size: Callable[[Any], int]
    most: int

    def copy(self, spool: IO[bytes], writers: Sequence[Write]) -> int:
        """Write what was set aside; return how many rows it was."""

        def write(rows: Rows) -> None:
            batch = self.made(rows)
            for writer in writers:
                writer(batch)

        batches = _Batches(write, self.most)
        for row in _unpickled(spool):
            batches.add(row, self.size(row))
        batches.flush()
        return batches.rows


def _tables(settings: Sequence[Settings], names: Sequence[str]) -> dict[str, _Table]:
    every = places(settings)
    own = varying(settings, every)
    makers = {"runs": _runs, "layers": _layers, "units": _units}
    return {name: makers[name](settings, every if name == "runs" else own) for name in names}


def _runs(settings: Sequence[Settings], among: Sequence[Place]) -> _Table:
    columns = runs_columns(among)
    types = schema(columns)

    def made(rows: Rows) -> pa.Table:
        return table([runs_row(row, settings[n], among) for n, *row in rows], types)

    return _Table(columns, made, _one, BATCH)


def _layers(settings: Sequence[Settings], among: Sequence[Place]) -> _Table:
    columns = with_settings([place.column for place in among])
    types, cells = schema(columns), _cells(settings, among)

    def made(rows: Rows) -> pa.Table:
        return table([joined(row, cells[n]) for n, *row in rows], types)

    return _Table(columns, made, _one, BATCH)


def _units(settings: Sequence[Settings], among: Sequence[Place]) -> _Table:
    columns = units.with_settings([place.column for place in among])
    types, cells = schema(columns), _cells(settings, among)
    return _Table(columns, lambda rows: units.table(rows, cells, types), _width, units.BATCH)


def _one(_: Any) -> int:
    return 1


def _width(block: units.Block) -> int:
    return block.units


def _cells(settings: Sequence[Settings], among: Sequence[Place]) -> list[list[Value]]:
    return [[place.cell(one) for place in among] for one in settings]


def _unpickled(spool: IO[bytes]) -> Iterator[Any]:
    """The rows that were set aside."""
    end = spool.tell()
    spool.seek(0)
    while spool.tell() < end:
        yield from pickle.load(spool)


def _dictionary(path: Path, tables: dict[str, Sequence[Described]]) -> dict[Path, int]:
    """What the columns mean, as a table."""
    rows = [(name, c.name, c.kind, c.meaning) for name, columns in tables.items() for c in columns]
    head = ("table", "column", "type", "meaning")
    write_atomically(path, lines([head, *rows]).decode())
    return {path: len(rows)}

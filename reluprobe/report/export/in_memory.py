"""Exported tables in memory, with the columns and types of the files."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from reluprobe.report.export import units
from reluprobe.report.export.arrow import schema, table
from reluprobe.report.export.columns import Pair, Run, layers
from reluprobe.report.export.layers import LAYERS, joined, with_settings
from reluprobe.report.export.runs import RUNS
from reluprobe.report.export.settings import (
    places,
    runs_columns,
    runs_row,
    settings_of,
    varying,
)


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


def units_table(pairs: Iterable[Pair]) -> pa.Table:
    """The table ``units``: one row per run, probe and hidden unit; texts are dictionaries.

    Raises:
        ReluprobeError: no record says which units were dead; or activations that were saved beside
            a record cannot be read.
    """
    runs = [Run(home, record) for home, record in pairs]
    every = [settings_of(run) for run in runs]
    among = varying(every, places(every))
    blocks = [block for number, run in enumerate(runs) for block in units.blocks(run, number)]
    units.check([units.without_masks(run.record) for run in runs])
    cells = [[place.cell(settings) for place in among] for settings in every]
    types = schema(units.with_settings([place.column for place in among]))
    return units.table(blocks, cells, units.in_memory(types))

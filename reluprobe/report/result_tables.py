"""Summaries and comparisons as Arrow tables, for the library."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from reluprobe.analysis import contrast, unit_fates
from reluprobe.analysis.aggregate import Estimate, Summary
from reluprobe.analysis.claims import Judged
from reluprobe.analysis.compare import Comparison, sort_contrasts
from reluprobe.analysis.contrast import Contrast, Question
from reluprobe.analysis.unit_fates import Fate
from reluprobe.config import labels
from reluprobe.report.export.arrow import array

#: What a table of lives has of each layer; of these, those that are no means over runs.
COUNTED = ("median", "closed", "open")
LIVES = ("layer", *(field.name for field in dataclasses.fields(Fate)))


def summary(rows: Sequence[Summary], definition: str) -> pa.Table:
    """One row a configuration: its settings, means with their ends, and how its runs ended."""
    layers = list(dict.fromkeys(name for row in rows for name in row.layers))
    return _table([_summary(row, definition, layers) for row in rows])


def _summary(row: Summary, definition: str, layers: Sequence[str]) -> dict[str, Any]:
    measures = {
        definition: row.mean,
        "test_accuracy": row.accuracy,
        "r2": row.r2,
        "rmse": row.rmse,
        "test_loss": row.loss,
        "train_loss": row.train_loss,
    }
    cells: dict[str, Any] = {}
    for name, value in measures.items():
        cells |= _interval(name, value)
    for name in layers:
        # Whoever names a layer may call it as a measure is called.
        cells |= _interval(f"layer {name}" if name in cells else name, row.layers.get(name))
    counts = ("runs", "configurations", "diverged", "failed", "collapsed")
    cells |= {name: getattr(row, name) for name in counts}
    return {f"setting {k}" if k in cells else k: v for k, v in row.settings.items()} | cells


def lives(rows: Sequence[Summary], definition: str) -> pa.Table:
    """A row a configuration and hidden layer, and one for its network, ``all``: their fates."""
    return _table([fate for row in rows for fate in _lives(row, definition)])


def _lives(row: Summary, definition: str) -> list[dict[str, Any]]:
    fates = unit_fates.fates(row.members, definition)
    by_layer = [] if fates is None else [*fates.layers.items(), ("all", fates.network)]
    return [
        {f"setting {k}" if k in LIVES else k: v for k, v in row.settings.items()}
        | _fate(name, fate)
        for name, fate in by_layer
    ]


def _fate(layer: str, fate: Fate) -> dict[str, Any]:
    cells: dict[str, Any] = {"layer": layer}
    for name in LIVES[1:]:
        value = getattr(fate, name)
        cells |= {name: value} if name in COUNTED else _interval(name, value)
    return cells


def comparison(compared: Comparison, sort: str) -> pa.Table:
    """One row a change of settings, within each group, in the order of ``sort``."""
    return _table(
        [
            dict(group.within) | _contrast(row, compared.question)
            for group in compared.groups
            for row in sort_contrasts(group.rows, sort)
        ]
    )


def claims(judged: Sequence[tuple[str, Judged]]) -> pa.Table:
    """One row a claim of a sweep: what was measured, where it is true, and the verdict."""
    return _table(
        [
            {
                "sweep": sweep,
                "claim": one.claim.text,
                "source": one.source,
                "runs": one.name,
                "counted_by": one.claim.counted,
                "verdict": one.verdict.value,
                **_interval("measured", one.estimate),
                "true_from": one.low if math.isfinite(one.low) else None,
                "true_to": one.high if math.isfinite(one.high) else None,
            }
            for sweep, one in judged
        ]
    )


def _interval(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    fields = {"": "mean", "_half_width": "half_width", "_low": "low", "_high": "high"}
    return {
        f"{name}{ending}": None if estimate is None else getattr(estimate, field)
        for ending, field in fields.items()
    }


def _contrast(row: Contrast, question: Question) -> dict[str, Any]:
    """One change of settings, and what it changes over the pairs of runs."""
    names = {"dead": question.definition, **contrast.ON_TEST_SET}
    cells: dict[str, Any] = {
        "change": labels.change(row.differs),
        "pairs": len(row.pairs),
        "blocks": len({pair.block for pair in row.pairs}),
        "over": row.over,
    }
    for measure, name in names.items():
        change = row.changes[measure]
        cells[name] = row.levels[measure]
        for end in ("mean", "low", "high"):
            title = f"{name}_change" if end == "mean" else f"{name}_change_{end}"
            cells[title] = None if change is None else getattr(change, end)
    return cells | {"verdict": contrast.verdict(row, question.definition)}


def _table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows of the same keys as a table; a column of numbers and words is of words."""
    columns = {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
    return pa.table({name: _column(values) for name, values in columns.items()})


def _column(values: Sequence[Any]) -> pa.Array:
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) > 1 and kinds != {int, float}:
        # A setting whose values are numbers and words, such as ``probe_examples``.
        return pa.array([None if v is None else labels.setting(v) for v in values], pa.string())
    return array(values, pa.float64()) if float in kinds else pa.array(values)

"""Table of configurations on the page: its cells, and what each is sorted by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reluprobe.analysis.aggregate import Estimate, Summary
from reluprobe.config import Value, labels
from reluprobe.records import Setting
from reluprobe.report import formatting, quality_terms
from reluprobe.report.terminal import named_layers, tables
from reluprobe.report.terms import terms_of

#: More layers than this are a table that nobody reads: of them so many, evenly spread.
MOST_LAYERS = 8
#: What becomes of runs, as the table's filter names it.
ENDED = "ended"
FATES = (ENDED, "diverged", "failed", "collapsed")


def table(summaries: Sequence[Summary], definition: str) -> dict[str, Any]:
    """Columns and rows; a cell has its text and, where it is a number, what it is sorted by."""
    rows = tables.shortened(summaries)
    terms = terms_of(rows[0].members if rows else ())
    shares = named_layers.most_dead(rows)
    every = [*shares]
    layers = [every[i] for i in tables.shown_layers(len(every), MOST_LAYERS)]
    if terms.foreign:
        layers = named_layers.worst(shares, MOST_LAYERS)
    word = tables.CALLED[definition][0]
    measures = quality_terms.columns(rows)
    names = [labels.name(name) for name in (rows[0].settings if rows else ())]
    return {
        "names": names,
        "ends": [f"{word} %", *measures],
        "losses": [terms.loss, "train loss"],
        "layers": [f"{name} %" for name in layers],
        "depth": len(every),
        "fates": [fate for fate in FATES if any(fate in fates(row) for row in rows)],
        "rows": [
            _row(row, layers, s.settings, [column[n] for column in measures.values()])
            for n, (row, s) in enumerate(zip(rows, summaries, strict=True))
        ],
    }


def _row(
    row: Summary,
    layers: Sequence[str],
    settings: Mapping[str, Setting],
    measures: quality_terms.Column,
) -> dict[str, Any]:
    label = labels.settings(row.settings) or "all runs"
    return {
        "label": label,
        "names": [_setting(value) for value in row.settings.values()],
        "settings": {labels.field(n): labels.setting(v) for n, v in settings.items()},
        "ends": [cell(row.mean), *(cell(estimate, write) for estimate, write in measures)],
        "losses": [cell(estimate, formatting.number) for estimate in (row.loss, row.train_loss)],
        "layers": [_layer(row, n) for n in layers],
        "fates": fates(row),
        "runs": tables.runs_of(row),
        "count": row.runs,
        "members": [{"id": r.id, "seed": r.seed, "fate": r.status} for r in row.members],
    }


def _layer(row: Summary, layer: str) -> dict[str, Any]:
    # A network without such a layer has nothing to which a measure could apply, or not.
    return cell(row.layers[layer]) if layer in row.layers else {"text": "", "value": None}


def cell(
    estimate: Estimate | None, write: Callable[[float | None], str] = formatting.percent
) -> dict[str, Any]:
    """``37.4 ±1.2``, sorted by 0.3744."""
    return {
        "text": formatting.plus_minus(estimate, write),
        "value": None if estimate is None else float(f"{estimate.mean:.6g}"),
    }


def _setting(value: Value | None) -> dict[str, Any]:
    # Nothing to sort by where a setting has no effect: its dash comes last either way.
    number = isinstance(value, int | float)
    return {
        "text": labels.setting(value),
        "value": float(value) if number else None,
        "word": isinstance(value, str),
    }


def fates(row: Summary) -> list[str]:
    """What became of its runs; ``ended`` where all of them ended and none collapsed."""
    mishaps = [fate for fate in FATES[1:] if getattr(row, fate)]
    return mishaps or [ENDED]

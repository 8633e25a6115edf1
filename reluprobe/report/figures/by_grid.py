"""Heat map of two settings: dead units and accuracy as colours and numbers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import altair as alt

from reluprobe.analysis import aggregate, lacking
from reluprobe.analysis.aggregate import Pivot
from reluprobe.analysis.settings import value_of
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.figures import charts, style
from reluprobe.report.figures.context import Context, Drawing, LackingError, Row, alt_text
from reluprobe.report.terminal.tables import MOST_NAMES

#: A table of fewer of its cells is no grid: its settings were not varied together.
FILLED = 0.5
#: More columns than this leave no room beside each other for two maps.
MOST_BESIDE = 7
#: Pixels a row. From this part of its colours on a cell is so dark that light figures read better.
ROW, DARK = 26, 0.55


def heatmap(context: Context) -> Drawing:
    """Dead units and accuracy over two settings, as colours and numbers: dark is bad."""
    if (reason := lacking.shares(context.records, context.definition)) is not None:
        raise LackingError(reason)
    pair = context.choices.grid or chosen(context)
    down, across = pair
    table = aggregate.pivot(context.records, down, across, context.definition)
    if table is None:
        raise LackingError(f"{down} and {across} do not both vary")
    parts = [("mean", f"{context.word} %")]
    if any(cell.accuracy for cell in table.cells.values()):
        parts.append(("accuracy", f"{context.terms.accuracy} %"))
    beside = len(table.columns) <= MOST_BESIDE and context.width == style.PAGE
    width = charts.panel_width(context, 1, len(parts) if beside else 1)
    drawn = [_map(context, table, pair, *part, width) for part in parts]
    chart = alt.hconcat(*drawn) if beside else alt.vconcat(*drawn)
    chart = chart.resolve_scale(color="independent")
    facts = [
        f"{labels.settings(c.settings)}: {formatting.plus_minus(c.mean)}% {context.word}, "
        f"{context.terms.accuracy} {formatting.plus_minus(c.accuracy)}"
        for c in table.cells.values()
    ]
    rest = [axis for axis in aggregate.axes(context.records) if axis not in pair]
    caption = (
        f"Share of {context.word} units on {context.examples} and {context.terms.accuracy} of the "
        f"finished networks by {labels.name(down)} and {labels.name(across)}, means over runs: the "
        f"darker, the worse; empty: no run there ended with finite numbers."
        f"{context.fold_note(rest)}"
    )
    return chart, caption, alt_text(facts)


def chosen(context: Context) -> tuple[str, str]:
    """Down and across: the two settings that matter most of those varied together.

    Raises:
        LackingError: there are none, or so many settings vary that the table would fold most.
    """
    records: Sequence[RunRecord] = context.records
    vary = [axis for axis in context.axes if aggregate.applies_in_all(records, axis)]
    if (many := len(context.axes)) > MOST_NAMES:
        raise LackingError(f"{many} settings vary: --heatmap AXIS,AXIS says which two to show")
    for pair in itertools.combinations(vary, 2):
        cells = {tuple(value_of(run, axis) for axis in pair) for run in records}
        sizes = [len({cell[i] for cell in cells}) for i in (0, 1)]
        if len(cells) >= FILLED * sizes[0] * sizes[1]:
            return _down_and_across(context, pair)
    raise LackingError("no two settings were varied together")


def _down_and_across(context: Context, pair: tuple[str, str]) -> tuple[str, str]:
    """Numbers go across, else the setting of more values."""

    def key(axis: str) -> tuple[bool, int]:
        values = context.values[axis]
        return all(isinstance(v, int | float) for v in values), len(values)

    first, second = sorted(pair, key=key)
    return first, second


def _map(
    context: Context,
    table: Pivot,
    pair: tuple[str, ...],
    measure: str,
    title: str,
    width: float,
) -> Any:
    down, across = (labels.field(axis) for axis in pair)
    rows: list[Row] = [
        {
            down: labels.setting(row),
            across: labels.setting(column),
            "value": charts.number(100 * estimate.mean),
            "written": formatting.percent(estimate.mean),
            "runs": cell.runs,
        }
        for (row, column), cell in table.cells.items()
        if (estimate := getattr(cell, measure)) is not None
    ]
    good, bad = _ends([float(str(row["value"])) for row in rows], measure)
    scale = alt.Scale(domain=[good, bad], range=list(style.SEQUENCE), clamp=True)
    names = {
        "y": alt.Y(**charts.nominal(context, pair[0]), axis=alt.Axis(grid=False)),
        "x": alt.X(**charts.nominal(context, pair[1]), axis=alt.Axis(labelAngle=0, grid=False)),
    }
    tooltip = [
        alt.Tooltip(f"{down}:N", title=context.title(pair[0])),
        alt.Tooltip(f"{across}:N", title=context.title(pair[1])),
        alt.Tooltip("written:N", title=title),
        alt.Tooltip("runs:Q"),
    ]
    base = alt.Chart(charts.data(rows)).encode(**names, tooltip=tooltip)
    cells = base.mark_rect().encode(color=alt.Color("value:Q", scale=scale, legend=None))
    dark = f"(datum.value - {good}) / {bad - good} > {DARK}"
    ink = alt.condition(dark, alt.value(style.ON_DARK), alt.value(style.ON_LIGHT))
    text = base.mark_text().encode(text=alt.Text("written:N"), color=ink)
    height = ROW * len(table.rows)
    return alt.layer(cells, text).properties(width=width, height=height, title=title)


def _ends(values: Sequence[float], measure: str) -> tuple[float, float]:
    """What has the lightest colour and what the darkest: shares from none to all."""
    if measure == "mean":
        return 0.0, 100.0
    best, worst = max(values), min(values)
    return (best, worst) if best > worst else (best, best - 1)

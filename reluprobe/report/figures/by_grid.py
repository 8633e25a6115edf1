"""Heat map of two settings: dead units and errors as colours and numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from reluprobe.analysis import aggregate, lacking
from reluprobe.analysis.aggregate import Pivot, Summary
from reluprobe.analysis.settings import value_of
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report.figures import charts, style
from reluprobe.report.figures.context import Context, Drawing, LackingError, Row, alt_text
from reluprobe.report.quality_terms import QualityTerms
from reluprobe.report.terminal.tables import MOST_NAMES

#: A table of fewer of its cells is no grid: its settings were not varied together.
FILLED = 0.5
#: More columns than this leave no room beside each other for two maps.
MOST_BESIDE = 7
#: Pixels a row. From this part of its colours on a cell is so dark that light figures read better.
ROW, DARK = 26, 0.55
#: A number takes so many times its size; below this it cannot be read.
LETTERS, LEAST_TEXT = 2.6, 7
#: Colours of shares from none to all; of errors from this part of 1 on by their logarithms, which 3
#: and 6% differ in.
COLOURS = list(style.SEQUENCE)
SHARES: dict[str, Any] = {"domain": [0, 100], "range": COLOURS}
LEAST_ERROR = 0.01


@dataclass(frozen=True)
class _Map:
    """One measure of the cells, how it is written, and the scale of its colours."""

    title: str
    measure: Callable[[Summary], float | None]
    scale: dict[str, Any]
    digits: int = 1

    def place(self, value: float) -> float:
        """How dark a value is, from 0 to 1."""
        low, high = self.scale["domain"]
        if "type" not in self.scale:
            return value / high
        return math.log(min(max(value, low), high) / low) / math.log(high / low)


def heatmap(context: Context) -> Drawing:
    """Dead units and error over two settings, as colours and numbers: dark is bad on both."""
    if (reason := lacking.shares(context.records, context.definition)) is not None:
        raise LackingError(reason)
    down, across = context.choices.grid or chosen(context)
    table = aggregate.pivot(context.records, down, across, context.definition)
    if table is None:
        raise LackingError(f"{down} and {across} do not both vary")
    maps = [_Map(f"{context.word} %", lambda cell: cell.mean and 100 * cell.mean.mean, SHARES)]
    cells = table.cells.values()
    known = [terms for terms in context.qualities if any(map(terms.quality.among, cells))]
    maps += map(_errors, known)
    beside = len(table.columns) <= MOST_BESIDE and context.width == style.PAGE
    width = charts.panel_width(context, 1, len(maps) if beside else 1)
    drawn = [_map(context, table, (down, across), each, width) for each in maps]
    chart = (alt.hconcat if beside else alt.vconcat)(*drawn).resolve_scale(color="independent")
    facts = [f"{labels.settings(c.settings)}: {context.outcome_of(c)}" for c in cells]
    rest = [axis for axis in aggregate.axes(context.records) if axis not in (down, across)]
    errors = "".join(f", and {terms.lack}" for terms in known)
    scales = " and ".join(
        f"of {terms.lack} from {LEAST_ERROR * terms.scale:g} to {terms.scale:g}{terms.unit}"
        for terms in known
    )
    logarithmic = f" Colours {scales} on a logarithmic scale." if scales else ""
    caption = (
        f"Share of {context.word} units on {context.examples}{errors} of the finished networks by "
        f"{labels.name(down)} and {labels.name(across)}, means over runs: the darker, the worse; "
        f"empty: no run there ended with finite numbers.{logarithmic}{context.fold_note(rest)}"
    )
    return chart, caption, alt_text(facts)


def _errors(terms: QualityTerms) -> _Map:
    """What networks lack of all right, or of all of the variance."""
    scale = {
        "type": "log",
        "domain": [LEAST_ERROR * terms.scale, terms.scale],
        "range": COLOURS,
        "clamp": True,
    }

    def error(cell: Summary) -> float | None:
        value = terms.quality.among(cell)
        return None if value is None else terms.scale * (1 - value.mean)

    title = f"{terms.lack} {terms.unit}".strip()
    return _Map(title, error, scale, digits=terms.digits)


def chosen(context: Context) -> tuple[str, str]:
    """Down and across: the two settings that matter most of those varied together.

    Raises:
        LackingError: there are none, or so many settings vary that the table would fold most.
    """
    records: Sequence[RunRecord] = context.records
    vary = [axis for axis in context.axes if aggregate.applies_in_all(records, axis)]
    if (many := len(context.axes)) > MOST_NAMES:
        raise LackingError(f"{many} settings vary: --heatmap AXIS,AXIS says which two to show")
    if context.effects is not None and context.effects.design == "star":
        vary = []
    for pair in itertools.combinations(vary, 2):
        cells = {tuple(value_of(run, axis) for axis in pair) for run in records}
        sizes = [len({cell[i] for cell in cells}) for i in (0, 1)]
        if len(cells) >= FILLED * sizes[0] * sizes[1]:
            return _down_and_across(context, pair)
    raise LackingError("no two settings were varied together")


def _down_and_across(context: Context, pair: tuple[str, str]) -> tuple[str, str]:
    """Numbers go across, else the setting of more values."""

    def key(axis: str) -> tuple[bool, int]:
        return context.numeric(axis), len(context.domain(axis))

    first, second = sorted(pair, key=key)
    return first, second


def _map(context: Context, table: Pivot, pair: tuple[str, str], shown: _Map, width: float) -> Any:
    down, across = (labels.field(axis) for axis in pair)
    rows: list[Row] = [
        {
            down: labels.setting(row),
            across: labels.setting(column),
            "value": charts.number(value),
            "dark": bool(shown.place(value) > DARK),
            "written": f"{value:.{shown.digits}f}",
            "runs": cell.runs,
        }
        for (row, column), cell in table.cells.items()
        if (value := shown.measure(cell)) is not None
    ]
    names = {
        "y": alt.Y(**charts.nominal(context, pair[0]), axis=alt.Axis(grid=False)),
        "x": alt.X(**charts.nominal(context, pair[1]), axis=alt.Axis(labelAngle=0, grid=False)),
    }
    tooltip = [
        alt.Tooltip(f"{down}:N", title=context.title(pair[0])),
        alt.Tooltip(f"{across}:N", title=context.title(pair[1])),
        alt.Tooltip("written:N", title=shown.title),
        alt.Tooltip("runs:Q"),
    ]
    base = alt.Chart(charts.data(rows)).encode(**names, tooltip=tooltip)
    colour = alt.Color("value:Q", scale=alt.Scale(**shown.scale), legend=None)
    ink = alt.condition("datum.dark", alt.value(style.ON_DARK), alt.value(style.ON_LIGHT))
    # Cells too narrow for their numbers have none: the darkness stays, and what one points at says.
    size = min(style.SMALL, width / len(table.columns) / LETTERS)
    layers = [base.mark_rect().encode(color=colour)]
    if size >= LEAST_TEXT:
        layers.append(base.mark_text(fontSize=size).encode(text="written:N", color=ink))
    height = ROW * len(table.rows)
    return alt.layer(*layers).properties(width=width, height=height, title=shown.title)

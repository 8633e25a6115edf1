"""What two settings do together: lines of one over the values of the other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import altair as alt

from reluprobe.analysis import lacking
from reluprobe.config import labels
from reluprobe.report.figures import charts, quality
from reluprobe.report.figures.context import Context, Drawing, Entry, LackingError, Row, alt_text
from reluprobe.report.figures.roles import MOST_COLOURS, Roles

HEIGHT = 130
ALONE = "no two settings were varied together"


def interaction(context: Context) -> Drawing:
    """The two axes that matter most: one across, a line for each value of the other."""
    if (reason := lacking.end(context.records)) is not None:
        raise LackingError(reason)
    if len(context.axes) < 2:
        raise LackingError("fewer than two settings vary")
    if context.effects is not None and context.effects.design == "star":
        raise LackingError("each setting was changed alone")
    across, lines = _across_and_lines(context)
    rest = [axis for axis in context.axes if axis not in (across, lines)]
    panels = next((axis for axis in rest if len(context.domain(axis)) <= context.columns), None)
    by = [axis for axis in (across, lines, panels) if axis is not None]
    entries = [entry for entry in context.folds(by) if entry.row.mean is not None]
    if not _crossed(entries, across, lines):
        raise LackingError(ALONE)
    roles = Roles(colour=lines, column=panels)
    parts = _parts(context, entries)
    charted = [
        _chart(context, roles, across, *part, first=n == 0, last=n == len(parts) - 1)
        for n, part in enumerate(parts)
    ]
    beside = context.beside(
        value for e in entries for value in (e.row.mean, e.row.accuracy, e.row.r2)
    )
    bars = f", bars their {beside.replace('interval', 'intervals')}" if beside else ""
    caption = (
        f"Whether what {labels.name(across)} does depends on {labels.name(lines)}: lines that run "
        f"alongside each other say no. Points are means{bars}; {context.word} units on "
        f"{context.examples}.{context.fold_note([axis for axis in rest if axis != panels])}"
    )
    facts = [*map(context.outcome, entries)]
    return alt.vconcat(*charted, spacing=6), caption, alt_text(facts)


def _across_and_lines(context: Context) -> tuple[str, str]:
    """Of the two that matter most, numbers go across; else the one of more values."""

    def key(axis: str) -> tuple[bool, bool, int]:
        sizes = len(context.domain(axis))
        return sizes > MOST_COLOURS, context.numeric(axis), sizes

    lines, across = sorted(context.axes[:2], key=key)
    if len(context.domain(lines)) > MOST_COLOURS:
        raise LackingError(f"both settings that matter most have more than {MOST_COLOURS} values")
    return across, lines


def _crossed(entries: Sequence[Entry], across: str, lines: str) -> bool:
    """Whether two lines have two points in common: else nothing tells if they run alongside."""
    points: dict[str, set[str]] = {}
    for entry in entries:
        line, point = (entry.fields[labels.field(axis)] for axis in (lines, across))
        points.setdefault(line, set()).add(point)
    return any(len(a & b) > 1 for a, b in itertools.combinations(points.values(), 2))


def _parts(context: Context, entries: Sequence[Entry]) -> list[tuple[str, list[Row], Any]]:
    """Dead units, and accuracy or R² where known: the title, the rows, the vertical axis."""
    title = f"{context.word} %"
    rows: list[Row] = [{**e.fields, **charts.span(e.row.mean, 100)} for e in entries]
    top = charts.roof(float(str(row["high"])) for row in rows)
    parts = [(title, rows, charts.percent(title, top))]
    for terms in context.qualities:
        known = [(e, value) for e in entries if (value := terms.quality.among(e.row)) is not None]
        if not known:
            continue
        shown = quality.quality(terms, (value for _, value in known))
        drawn = [{**entry.fields, **shown.span(value)} for entry, value in known]
        parts.append((shown.title, drawn, shown.channel("mean")))
    return parts


def _chart(
    context: Context,
    roles: Roles,
    across: str,
    title: str,
    rows: Sequence[Row],
    y: Any,
    first: bool,
    last: bool,
) -> Any:
    marks = charts.marks(context, roles)
    how = charts.nominal(context, across)
    if not last:
        how["title"] = ""
    x = alt.X(**how, axis=alt.Axis(labelAngle=0, grid=False))
    named = [
        alt.Tooltip(field=labels.field(a), type="nominal", title=context.title(a))
        for a in (across, *roles.shown)
    ]
    numbers = {"mean": title, "low": "from", "high": "to"}
    tooltip = [
        *named, *(alt.Tooltip(f"{n}:Q", title=t, format=".4~g") for n, t in numbers.items())
    ]  # fmt: skip
    base = alt.Chart().encode(x=x, color=marks["color"])
    layers = alt.layer(
        base.mark_line(strokeWidth=1.2).encode(y=y),
        base.mark_rule(strokeWidth=1, clip=True).encode(y=alt.Y("low:Q", title=title), y2="high:Q"),
        base.mark_point(size=36).encode(y=y, shape=marks["shape"], tooltip=tooltip),
    )
    width = charts.panel_width(context, charts.columns_of(context, roles))
    chart = layers.properties(width=width, height=HEIGHT)
    return charts.faceted(context, roles, chart, rows, headed=first)

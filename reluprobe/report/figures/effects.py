"""What each setting does: its values with intervals over blocks; and two settings together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from reluprobe.analysis import lacking
from reluprobe.analysis.effects import Effect, Effects
from reluprobe.analysis.estimates import Estimate
from reluprobe.config import labels
from reluprobe.report import formatting
from reluprobe.report.figures import charts, style
from reluprobe.report.figures.context import Context, Drawing, Entry, LackingError, Row, alt_text
from reluprobe.report.figures.roles import Roles

#: Axes that have a place in the figure, at most.
MOST_AXES = 12
#: Pixels a value, and of what stands left of the panels.
ROW, NAMES = 17, 150
BLOCKS = ("blocks", "blocks")
NOTHING_VARIES = "nothing varies but the seed"


def effects(context: Context) -> Drawing:
    """Each value of each axis: dead units and accuracy, means over all else."""
    found = _effects(context)
    axes = found.axes[:MOST_AXES]
    listed = [effect for axis in axes for effect in _in_order(context, found, axis)]
    measures = [("dead", f"{context.word} %")]
    if any(e.accuracy for e in listed):
        measures.append(("accuracy", f"{context.terms.accuracy} %"))
    width = (context.width - NAMES - charts.RIGHT - charts.GAP) / len(measures)
    panels = [
        _panel(context, listed, *measure, width, first=place == 0)
        for place, measure in enumerate(measures)
    ]
    chart = alt.hconcat(*panels, spacing=charts.GAP)
    return chart, _caption(context, found, len(axes)), _facts(found)


def _in_order(context: Context, found: Effects, axis: str) -> list[Effect]:
    order = context.domain(axis)
    values = [effect for effect in found.effects if effect.axis == axis]
    return sorted(values, key=lambda e: order.index(labels.setting(e.value)))


def _effects(context: Context) -> Effects:
    if (reason := lacking.end(context.records)) is not None:
        raise LackingError(reason)
    if context.effects is None or not context.effects.effects:
        raise LackingError(NOTHING_VARIES)
    if all(e.dead is None and e.accuracy is None for e in context.effects.effects):
        raise LackingError("no run ended with finite numbers")
    return context.effects


def _scale(estimates: Sequence[Estimate | None]) -> alt.Scale:
    ends = [100 * end for e in estimates if e for end in (e.mean, e.low, e.high) if end is not None]
    if not ends:
        return alt.Scale(domain=[0, 100])
    margin = 0.04 * (max(ends) - min(ends)) or 1.0
    return alt.Scale(domain=[max(0, min(ends) - margin), min(100, max(ends) + margin)], nice=False)


def _panel(
    context: Context, listed: Sequence[Effect], measure: str, title: str, width: float, first: bool
) -> Any:
    """One measure: a panel for each axis, its values below each other."""
    rows: list[Row] = [
        {
            labels.field(e.axis): labels.setting(e.value),
            "setting": _named(context, e.axis),
            "value": labels.setting(e.value),
            "place": place,
            "runs": e.runs,
            "blocks": e.blocks,
            **charts.span(estimate, 100),
        }
        for place, e in enumerate(listed)
        if (estimate := getattr(e, measure)) is not None
    ]
    scale = _scale([getattr(e, measure) for e in listed])
    names = alt.Axis(title=None, labelPadding=4, grid=False) if first else None
    y = alt.Y("value:N", sort=alt.EncodingSortField("place", op="min"), axis=names)
    numbers = [("mean", title), ("low", "from"), ("high", "to"), ("runs", "runs"), BLOCKS]
    tooltip = [
        alt.Tooltip("setting:N"),
        alt.Tooltip("value:N"),
        *(
            alt.Tooltip(f"{n}:Q", title=t, format=".4~g")
            for n, t in (*numbers, ("blocks", "blocks"))
        ),
    ]
    base = alt.Chart().encode(y=y, tooltip=tooltip)
    ends = alt.X("low:Q", scale=scale, title=title)
    whisker = base.mark_rule(color=style.COLOURS[0], strokeWidth=1.6).encode(
        x=ends, x2=alt.X2("high:Q")
    )
    point = base.mark_point(color=style.COLOURS[0], size=36, filled=False).encode(
        x=alt.X("mean:Q", scale=scale, title=title),
        fill=alt.condition("datum.blocks > 0", alt.value(style.COLOURS[0]), alt.value(style.PAPER)),
    )
    order = list(dict.fromkeys(_named(context, e.axis) for e in listed))
    header = alt.Header(
        title=None, labels=first, labelAngle=0, labelAlign="left", labelOrient="left"
    )
    return (
        alt.layer(whisker, point, data=charts.data(rows))
        .properties(width=width, height=alt.Step(ROW))
        .facet(row=alt.Row("setting:N", sort=order, header=header), spacing=8)
        .resolve_scale(y="independent")
    )


def _named(context: Context, axis: str) -> str:
    """The axis, and the share of the variance that it explains alone."""
    alone = next((p.share for p in _effects(context).dead if p.axes == (axis,)), None)
    name = context.title(axis)
    return name if alone is None else f"{name} ({100 * alone:.0f}%)"


def _caption(context: Context, found: Effects, shown: int) -> str:
    intervals = any(e.dead is not None and e.dead.half_width is not None for e in found.effects)
    lines = (
        " Lines: 95% intervals over blocks, runs that differ in this setting alone; of two values "
        "those differ that do not meet."
        if intervals
        else " Of one block there is no interval."
    )
    if any(not e.blocks for e in found.effects):
        lines += " Hollow: no block has all the values, which may differ in more than this setting."
    more = f" The first {shown} of {len(found.axes)} settings." if shown < len(found.axes) else ""
    percent = " Beside a setting: the share of the variance of dead units that it explains alone."
    return (
        f"What each setting does to {context.word} units and {context.terms.accuracy} of the "
        f"finished networks: means over all else, the setting that matters most on top."
        f"{lines}{percent if found.dead else ''} Shares: {found.method}.{more}"
    )


def _facts(found: Effects) -> str:
    facts = []
    for axis in found.axes:
        values = [
            f"{labels.setting(e.value)} {formatting.plus_minus(e.dead)}%"
            for e in found.effects
            if e.axis == axis
        ]
        facts.append(f"{labels.name(axis)}: dead {', '.join(values)}")
    return alt_text(facts)


def interaction(context: Context) -> Drawing:
    """The two axes that matter most: one across, a line for each value of the other."""
    roles = context.roles()
    if (reason := lacking.end(context.records)) is not None:
        raise LackingError(reason)
    if len(context.axes) < 2:
        raise LackingError("fewer than two settings vary")
    if context.effects is not None and context.effects.design == "star":
        raise LackingError("each setting was changed alone")
    across, lines = _across_and_lines(context)
    rest = [axis for axis in context.axes if axis not in (across, lines)]
    panels = next((axis for axis in rest if axis in (roles.column, roles.row, roles.dash)), None)
    by = [axis for axis in (across, lines, panels) if axis]
    entries = [entry for entry in context.folds(by) if entry.row.mean is not None]
    if len({entry.fields[labels.field(lines)] for entry in entries}) < 2:
        raise LackingError("no two settings were varied together")
    own = Roles(colour=lines, column=panels)
    measures = _measures(context, entries)
    parts = [_lines(context, own, across, entries, *measure) for measure in measures]
    folded = context.fold_note([axis for axis in rest if axis != panels])
    caption = (
        f"Whether what {labels.name(across)} does depends on {labels.name(lines)}: lines that run "
        f"alongside each other say no. Points are means; {context.word} units on "
        f"{context.examples}.{folded}"
    )
    facts = [
        f"{e.label}: {formatting.plus_minus(e.row.mean)}% {context.word}, "
        f"{context.terms.accuracy} {formatting.plus_minus(e.row.accuracy)}"
        for e in entries
    ]
    return alt.vconcat(*parts), caption, alt_text(facts)


def _across_and_lines(context: Context) -> tuple[str, str]:
    """Of the two that matter most, numbers go across; else the one of more values."""
    first, second = context.axes[:2]
    numeric = [all(isinstance(v, int | float) for v in context.values[a]) for a in (first, second)]
    if numeric[0] != numeric[1]:
        return (first, second) if numeric[0] else (second, first)
    sizes = [len(context.domain(axis)) for axis in (first, second)]
    return (first, second) if sizes[0] > sizes[1] else (second, first)


def _measures(context: Context, entries: Sequence[Entry]) -> list[tuple[str, str]]:
    measures = [("mean", f"{context.word} %")]
    if any(entry.row.accuracy for entry in entries):
        measures.append(("accuracy", f"{context.terms.accuracy} %"))
    return measures


def _lines(
    context: Context, roles: Roles, across: str, entries: Sequence[Entry], measure: str, title: str
) -> Any:
    rows: list[Row] = [
        {**entry.fields, **charts.span(value, 100)}
        for entry in entries
        if (value := getattr(entry.row, measure)) is not None
    ]
    marks = charts.marks(context, roles)
    x = alt.X(**charts.nominal(context, across), axis=alt.Axis(labelAngle=0, grid=False))
    y = alt.Y("mean:Q", title=title, scale=_scale([getattr(e.row, measure) for e in entries]))
    named = [
        alt.Tooltip(field=labels.field(a), type="nominal", title=context.title(a))
        for a in (across, *roles.shown)
    ]
    base = alt.Chart().encode(x=x, **marks)
    dashes = alt.layer(
        base.mark_line(strokeWidth=1.2).encode(y=y),
        alt.Chart()
        .mark_rule(strokeWidth=1)
        .encode(x=x, y=alt.Y("low:Q", title=title), y2=alt.Y2("high:Q"), color=marks["color"]),
        base.mark_point(size=36).encode(
            y=y, tooltip=[*named, alt.Tooltip("mean:Q", title=title, format=".4~g")]
        ),
    )
    width = charts.panel_width(context, charts.columns_of(context, roles))
    return charts.faceted(context, roles, dashes.properties(width=width, height=130), rows)

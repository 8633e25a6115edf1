"""Figures of the finished networks: ranked, accuracy against dead units, by data, all runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from reluprobe.analysis import lacking, splits
from reluprobe.analysis.aggregate import share
from reluprobe.analysis.settings import value_of
from reluprobe.analysis.sorting import place
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.figures import charts, style
from reluprobe.report.figures.context import (
    Context,
    Drawing,
    Entry,
    LackingError,
    Row,
    alt_text,
)
from reluprobe.report.terminal.splits import ALONE

#: Pixels of a row; of the rows' names.
ROW, NAMES = 15, 230


def outcome(context: Context) -> Drawing:
    """Share of dead units and accuracy at the end, one row per configuration, ranked."""
    if (reason := lacking.shares(context.records, context.definition)) is not None:
        raise LackingError(reason)
    ended = [entry for entry in context.entries if entry.row.mean is not None]
    some, none = _with_dead(ended)
    shown, note = context.some(some)
    shown = sorted(shown, key=lambda entry: place("dead", entry.row))
    measures = [(f"{context.word} %", "mean"), (f"{context.terms.accuracy} %", "accuracy")]
    measures = [m for m in measures if any(getattr(e.row, m[1]) for e in shown)]
    panels = [
        _ranked(context, shown, *m, first=n == 0, of=len(measures)) for n, m in enumerate(measures)
    ]
    single = " Small points: single runs." if any(len(e.runs) > 1 for e in shown) else ""
    zero = f" {_none(none, context)}" if none else ""
    caption = (
        f"Share of {context.word} units on {context.examples}, and {context.terms.accuracy}, of "
        f"the finished networks, from the fewest {context.word} to the most. "
        f"{context.seeds(what='Points are means', band='lines')}{single}{zero}{note}"
    )
    facts = [
        f"{e.label}: {formatting.plus_minus(e.row.mean)}% {context.word}, "
        f"{context.terms.accuracy} {formatting.plus_minus(e.row.accuracy)}"
        for e in shown
    ]
    return alt.hconcat(*panels, spacing=charts.GAP), caption, alt_text(facts)


def _with_dead(entries: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Those with a dead unit; of many without any none is drawn: a sentence says as much."""
    none = [e for e in entries if e.row.mean is not None and e.row.mean.mean == 0]
    if len(none) < 3 or len(none) == len(entries):
        return list(entries), []
    return [e for e in entries if e not in none], none


def _none(entries: Sequence[Entry], context: Context) -> str:
    known = [e.row.accuracy.mean for e in entries if e.row.accuracy is not None]
    accuracy = (
        f" ({context.terms.accuracy} {formatting.percent(min(known))} to "
        f"{formatting.percent(max(known))}%)"
        if known
        else ""
    )
    return f"{len(entries)} configurations without a {context.word} unit{accuracy} are left out."


def _ranked(
    context: Context, shown: Sequence[Entry], title: str, measure: str, first: bool, of: int
) -> Any:
    rows: list[Row] = [
        {**e.fields, "label": e.label, "runs": len(e.runs), **charts.span(value, 100)}
        for e in shown
        if (value := getattr(e.row, measure)) is not None
    ]
    singles: list[Row] = [
        {**e.fields, "label": e.label, **run_fields(run), "value": charts.number(100 * value)}
        for e in shown
        if len(e.runs) > 1
        for run in e.runs
        if (value := _of_run(run, measure, context.definition)) is not None
    ]
    order = [e.label for e in shown]
    names = alt.Axis(title=None, labelLimit=NAMES, grid=True) if first else None
    y = alt.Y("label:N", sort=order, axis=names, scale=alt.Scale(domain=order))
    scale = alt.Scale(domain=[0, 100]) if measure == "mean" else alt.Scale(zero=False)
    numbers = [("mean", title), ("low", "from"), ("high", "to"), ("runs", "runs")]
    tooltip = [
        alt.Tooltip("label:N", title="configuration"),
        *(alt.Tooltip(f"{n}:Q", title=t, format=".4~g") for n, t in numbers),
    ]
    base = alt.Chart(charts.data(rows)).encode(y=y)
    x = alt.X("mean:Q", title=title, scale=scale)
    layers = [
        base.mark_rule(color=style.COLOURS[0], strokeWidth=1.4).encode(
            x=alt.X("low:Q", title=title, scale=scale), x2=alt.X2("high:Q")
        ),
        base.mark_point(color=style.COLOURS[0], size=30).encode(x=x, tooltip=tooltip),
    ]
    if singles:
        points = alt.Chart(charts.data(singles)).mark_point(
            color=style.QUIET, size=9, fillOpacity=0.7
        )
        where = [
            alt.Tooltip("seed:N"),
            alt.Tooltip("value:Q", title=title),
            alt.Tooltip("record:N"),
        ]
        layers.append(points.encode(y=y, x=alt.X("value:Q", title=title), tooltip=where))
    room = context.width - NAMES - charts.RIGHT - charts.GAP
    return alt.layer(*layers).properties(width=max(80, room / of), height=alt.Step(ROW))


def run_fields(run: RunRecord) -> Row:
    """What tells a run: its seed, and where its record lies in the sweep's folder."""
    return {"seed": str(run.seed), "record": f"runs/{run.id}.json"}


def _of_run(run: RunRecord, measure: str, definition: str) -> float | None:
    if measure == "mean":
        return share(run.final.layers, definition)
    return run.final.test_accuracy


def accuracy(context: Context) -> Drawing:
    """Dead units against accuracy of the finished networks: one point a run, all in one panel."""
    if (reason := lacking.shares(context.records, context.definition)) is not None:
        raise LackingError(reason)
    roles = context.roles()
    shown = tuple(axis for axis in roles.shown)
    rows = [
        row for run in context.records if run.ended and (row := _point(context, run, context.axes))
    ]
    if len(rows) < 2:
        article = "an" if context.terms.foreign else "a"
        both = f"both {article} {context.terms.accuracy} and a share of {context.word} units"
        raise LackingError(f"fewer than two runs ended with {both}")
    marks = charts.marks(context, roles)
    marks.pop("strokeDash", None)
    second = next((axis for axis in shown if axis != roles.colour), None)
    if second is not None and len(context.domain(second)) <= len(style.SHAPES):
        marks["shape"] = charts.shape(context, second)
    tooltip = [
        *(alt.Tooltip(f"{labels.field(a)}:N", title=context.title(a)) for a in context.axes),
        alt.Tooltip("seed:N"),
        alt.Tooltip("dead:Q", title=f"{context.word} %", format=".4~g"),
        alt.Tooltip("accuracy:Q", title=f"{context.terms.accuracy} %", format=".4~g"),
        alt.Tooltip("record:N"),
    ]
    x = alt.X("dead:Q", title=f"{context.word} %", scale=alt.Scale(domain=[0, 100]))
    y = alt.Y("accuracy:Q", title=f"{context.terms.accuracy} %", scale=alt.Scale(zero=False))
    chart = (
        alt.Chart(charts.data(rows))
        .mark_point(size=34, filled=False, strokeWidth=1.4, strokeOpacity=0.85)
        .encode(x=x, y=y, tooltip=tooltip, **marks)
        .properties(width=min(460, context.width - charts.LEFT - charts.RIGHT), height=260)
    )
    by_colour = _spans(context, rows, roles.colour)
    how = [f"colour: {context.title(roles.colour)}"] if roles.colour else []
    how += [f"shape: {context.title(second)}"] if second and "shape" in marks else []
    told = f" ({'; '.join(how)})" if how else ""
    caption = (
        f"Share of {context.word} units on {context.examples} against {context.terms.accuracy} of "
        f"the finished networks, one point a run{told}. Right is more dead, down less accurate: "
        "where points do not fall to the right, dead units cost nothing."
    )
    return chart, caption, alt_text(by_colour)


def _point(context: Context, run: RunRecord, axes: Sequence[str]) -> Row | None:
    dead, accuracy = share(run.final.layers, context.definition), run.final.test_accuracy
    if dead is None or accuracy is None:
        return None
    named = {labels.field(a): labels.setting(value_of(run, a)) for a in axes}
    numbers = {"dead": charts.number(100 * dead), "accuracy": charts.number(100 * accuracy)}
    return {**named, **run_fields(run), **numbers}


def _spans(context: Context, rows: Sequence[Row], axis: str | None) -> list[str]:
    """Between what the points of each value lie."""
    names = [""] if axis is None else context.domain(axis)
    facts = []
    for name in names:
        own = [row for row in rows if axis is None or row[labels.field(axis)] == name]
        if own:
            dead, right = (
                _span([float(str(row[key])) for row in own]) for key in ("dead", "accuracy")
            )
            words = f"{dead}% {context.word}, {context.terms.accuracy} {right}%"
            facts.append(f"{name or 'all runs'}: {words}")
    return facts


def _span(values: Sequence[float]) -> str:
    low, high = (f"{end:.1f}" for end in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def samples(context: Context) -> Drawing:
    """Share of dead units of the finished networks on the probe, the test and the training set."""
    if (reason := lacking.shares(context.records, context.definition)) is not None:
        raise LackingError(reason)
    looked = [(e, s) for e in context.entries if (s := splits.by_split(e.runs, context.definition))]
    if not looked:
        three = "no run was looked at on the probe, the test and the training set"
        raise LackingError(ALONE if context.terms.foreign else three)
    with_dead, none = _with_dead([entry for entry, _ in looked])
    shown, note = context.some(with_dead)
    by_entry = [(e, s) for e, s in looked if e in shown]
    by_entry.sort(key=lambda pair: place("dead", pair[0].row))
    names = list(dict.fromkeys(name for _, s in by_entry for name in s.examples))
    names = names[: len(style.COLOURS)]
    called = {
        name: f"{name} ({_sizes([s.examples.get(name) for _, s in by_entry])})" for name in names
    }
    rows: list[Row] = [
        {**e.fields, "label": e.label, "sample": called[name], **charts.span(value, 100)}
        for e, s in by_entry
        for name in names
        if (value := s.shares.get(name)) is not None
    ]
    order = [e.label for e, _ in by_entry]
    domain = [*called.values()]
    colour = alt.Scale(domain=domain, range=list(style.COLOURS[: len(domain)]))
    shape = alt.Scale(domain=domain, range=list(style.SHAPES[: len(domain)]))
    title = "counted on (examples)"
    y = alt.Y(
        "label:N",
        sort=order,
        axis=alt.Axis(title=None, labelLimit=NAMES),
        scale=alt.Scale(domain=order),
    )
    offset = alt.YOffset("sample:N", scale=alt.Scale(domain=domain, paddingOuter=0.4))
    x = alt.X("mean:Q", title=f"{context.word} %", scale=alt.Scale(domain=[0, 100]))
    tooltip = [
        alt.Tooltip("label:N", title="configuration"),
        alt.Tooltip("sample:N"),
        alt.Tooltip("mean:Q", title=f"{context.word} %", format=".4~g"),
    ]
    base = alt.Chart(charts.data(rows)).encode(
        y=y, yOffset=offset, color=alt.Color("sample:N", scale=colour, title=title), tooltip=tooltip
    )
    ends = alt.X("low:Q", title=f"{context.word} %")
    height = alt.Step(ROW + 8, **{"for": "position"})
    chart = alt.layer(
        base.mark_rule(strokeWidth=1.2).encode(x=ends, x2=alt.X2("high:Q")),
        base.mark_point(size=26).encode(x=x, shape=alt.Shape("sample:N", scale=shape, title=title)),
    ).properties(width=context.width - NAMES - charts.RIGHT, height=height)
    facts = [
        f"{e.label}: "
        + ", ".join(f"{formatting.plus_minus(mean)}% on {name}" for name, mean in s.shares.items())
        for e, s in by_entry
    ]
    zero = f" {_none(none, context)}" if none else ""
    caption = (
        f"Share of {context.word} units of the finished networks by the examples that they are "
        f"counted on: the more examples, the fewer are {context.word} on all of them. "
        f"{context.seeds(what='Points are means', band='lines')}{zero}{note}"
    )
    return chart, caption, alt_text(facts)


def _sizes(examples: Sequence[int | None]) -> str:
    """``60,000``, or where datasets differ in size ``1,000 to 60,000``."""
    known = [n for n in examples if n is not None]
    low, high = f"{min(known):,}", f"{max(known):,}"
    return low if low == high else f"{low} to {high}"

"""Parallel coordinates: every run as a line over its settings, its dead units and its accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from reluprobe.analysis import lacking
from reluprobe.analysis.aggregate import share
from reluprobe.analysis.settings import value_of
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report.figures import charts, style
from reluprobe.report.figures.context import Context, Drawing, LackingError, Row, alt_text
from reluprobe.report.figures.outcomes import run_fields

#: Settings that have an axis, at most: those that matter most.
MOST_AXES = 7
HEIGHT = 230
#: The axes of what came out.
DEAD, ACCURACY = "dead %", "accuracy %"


def parallel(context: Context) -> Drawing:
    """One line a run, from setting to setting, to its dead units and its accuracy."""
    if (reason := lacking.shares(context.records, context.definition)) is not None:
        raise LackingError(reason)
    if not context.axes:
        raise LackingError("nothing varies but the seed")
    axes = context.axes[:MOST_AXES]
    runs = [run for run in context.records if run.ended]
    rows = [row for run in runs for row in _line(context, run, axes)]
    names = [*map(context.title, axes), f"{context.word} %", f"{context.terms.accuracy} %"]
    present = {str(row["axis"]) for row in rows}
    names = [name for name in names if name in present]
    x = alt.X(
        "axis:N", sort=names, title=None, scale=alt.Scale(domain=names, padding=0),
        axis=alt.Axis(labelAngle=0, domain=False, ticks=False, grid=False),
    )  # fmt: skip
    colour = alt.Scale(domain=[0, 100], range=list(style.SEQUENCE[1:]))
    tooltip = [
        *(alt.Tooltip(f"{labels.field(a)}:N", title=context.title(a)) for a in axes),
        alt.Tooltip("seed:N"),
        alt.Tooltip("dead:Q", title=f"{context.word} %", format=".4~g"),
        alt.Tooltip("accuracy:Q", title=f"{context.terms.accuracy} %", format=".4~g"),
        alt.Tooltip("record:N"),
    ]
    lines = (
        alt.Chart(charts.data(rows))
        .mark_line(strokeWidth=1, strokeOpacity=max(0.12, min(0.8, 30 / max(1, len(runs)))))
        .encode(
            x=x,
            y=alt.Y("place:Q", axis=None, scale=alt.Scale(domain=[-0.03, 1.03], nice=False)),
            detail=alt.Detail("run:N"),
            color=alt.Color("dead:Q", scale=colour, title=f"{context.word} %"),
            tooltip=tooltip,
        )
    )
    marks = alt.Chart(charts.data(_marks(context, axes, names)))
    rules = marks.mark_rule(color=style.QUIET, strokeWidth=0.8).encode(
        x=x, y=alt.YValue(0), y2=alt.Y2Value("height")
    )
    text = marks.mark_text(align="left", dx=4).encode(
        x=x, y=alt.Y("place:Q", axis=None), text=alt.Text("written:N")
    )
    chart = alt.layer(rules, lines, text).properties(width=context.width - 90, height=HEIGHT)
    caption = (
        f"Every run as a line over its settings, to the share of {context.word} units and the "
        f"{context.terms.accuracy} of its finished network; the darker, the more {context.word}. "
        "Settings in the order in which they matter; values evenly spread."
    )
    dead = [
        value for run in runs if (value := share(run.final.layers, context.definition)) is not None
    ]
    fact = f"{len(runs):,} runs, {100 * min(dead):.1f} to {100 * max(dead):.1f}% {context.word}"
    return chart, caption, alt_text([fact])


def _line(context: Context, run: RunRecord, axes: Sequence[str]) -> list[Row]:
    """A run's points: a value's place among those of its axis, and what came out of 100%."""
    dead, accuracy = share(run.final.layers, context.definition), run.final.test_accuracy
    if dead is None:
        return []
    named = {labels.field(a): labels.setting(value_of(run, a)) for a in axes}
    right = None if accuracy is None else charts.number(100 * accuracy)
    whole: Row = {
        **named, **run_fields(run), "run": run.id, "dead": charts.number(100 * dead),
        "accuracy": right,
    }  # fmt: skip
    points = {context.title(a): _place(context, a, named[labels.field(a)]) for a in axes}
    points[f"{context.word} %"] = dead
    if accuracy is not None:
        points[f"{context.terms.accuracy} %"] = accuracy
    return [{**whole, "axis": name, "place": charts.number(at)} for name, at in points.items()]


def _place(context: Context, axis: str, written: str) -> float:
    domain = context.domain(axis)
    return domain.index(written) / max(1, len(domain) - 1)


def _marks(context: Context, axes: Sequence[str], names: Sequence[str]) -> list[Row]:
    """The values beside their axes."""
    rows: list[Row] = []
    for axis in axes:
        domain = context.domain(axis)
        step = -(-len(domain) // 8)
        rows += [
            {"axis": context.title(axis), "place": _place(context, axis, value), "written": value}
            for value in domain[::step]
        ]
    shares = [name for name in names if name.endswith(" %")]
    rows += [
        {"axis": name, "place": percent / 100, "written": str(percent)}
        for name in shares
        for percent in (0, 25, 50, 75, 100)
    ]
    return rows

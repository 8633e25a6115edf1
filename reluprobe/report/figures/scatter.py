"""Dead units against accuracy: one point a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from reluprobe.analysis import lacking
from reluprobe.analysis.aggregate import share
from reluprobe.analysis.estimates import Estimate
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report.figures import charts, quality, style
from reluprobe.report.figures.context import Context, Drawing, LackingError, Row, alt_text
from reluprobe.report.figures.quality import Quality

#: Pixels: no wider, and how high on a page and in a column.
WIDEST, HEIGHTS = 460, {style.PAGE: 260, style.COLUMN: 200}


def accuracy(context: Context) -> Drawing:
    """Dead units against accuracy of the finished networks: one point a run, all in one panel."""
    if (reason := lacking.shares(context.records, context.definition)) is not None:
        raise LackingError(reason)
    both = [
        (run, dead, run.final.test_accuracy)
        for run in context.records
        if run.ended
        and (dead := share(run.final.layers, context.definition)) is not None
        and run.final.test_accuracy is not None
    ]
    if len(both) < 2:
        article = "an" if context.terms.foreign else "a"
        wanted = f"both {article} {context.terms.accuracy} and a share of {context.word} units"
        raise LackingError(f"fewer than two runs ended with {wanted}")
    known = [Estimate(correct, None, 1) for _, _, correct in both]
    shown = quality.quality(context.terms.accuracy, known)
    rows = [_row(context, run, dead, correct, shown) for run, dead, correct in both]
    marks, told = _marks(context)
    caption = (
        f"Share of {context.word} units on {context.examples} against "
        f"{shown.title.removesuffix(' %')} of the finished networks, one point a run{told}. Right "
        f"is more {context.word}, {'up more error' if shown.by_error else 'down less accurate'}: "
        "a run with many and a small error says that they cost nothing there."
    )
    return _chart(context, rows, shown, marks), caption, alt_text(_spans(context, rows))


def _row(context: Context, run: RunRecord, dead: float, correct: float, shown: Quality) -> Row:
    return {
        **context.fields_of(run),
        **charts.run_fields(run),
        "dead": charts.number(100 * dead),
        "accuracy": charts.number(100 * correct),
        "drawn": charts.number(shown.of(correct)),
    }


def _marks(context: Context) -> tuple[dict[str, Any], str]:
    """Colours and shapes: of the two axes that matter most, as far as there are enough."""
    roles = context.roles()
    marks = charts.marks(context, roles)
    marks.pop("strokeDash", None)
    others = [axis for axis in context.axes if axis != roles.colour]
    second = next((a for a in others if len(context.domain(a)) <= len(style.SHAPES)), None)
    if roles.colour is not None and second is not None:
        marks["shape"] = charts.shape(context, second)
        return marks, f" (colour: {context.title(roles.colour)}; shape: {context.title(second)})"
    return marks, "" if roles.colour is None else f" (colour: {context.title(roles.colour)})"


def _chart(context: Context, rows: Sequence[Row], shown: Quality, marks: dict[str, Any]) -> Any:
    title = f"{context.word} %"
    top = charts.roof(float(str(row["dead"])) for row in rows)
    # A little more than there is: a point at 0 is seen whole.
    scale = alt.Scale(domain=[-0.02 * top, 1.02 * top], nice=False)
    numbers = {"dead": title, "accuracy": f"{context.terms.accuracy} %"}
    tooltip = [
        *(alt.Tooltip(f"{labels.field(a)}:N", title=context.title(a)) for a in context.axes),
        alt.Tooltip("seed:N"),
        *(alt.Tooltip(f"{n}:Q", title=t, format=".4~g") for n, t in numbers.items()),
        alt.Tooltip("record:N"),
    ]
    return (
        alt.Chart(charts.data(rows))
        .mark_point(size=34, filled=False, strokeWidth=1.4)
        .encode(
            x=alt.X("dead:Q", title=title, scale=scale),
            y=shown.channel("drawn"),
            tooltip=tooltip,
            **marks,
        )
        .properties(
            width=min(WIDEST, context.width - charts.LEFT - charts.RIGHT),
            height=HEIGHTS[context.width],
        )
    )


def _spans(context: Context, rows: Sequence[Row]) -> list[str]:
    """Between what the points of each value lie, of the axis that has colours."""
    axis = context.roles().colour
    facts = []
    for name in ["all runs"] if axis is None else context.domain(axis):
        own = [row for row in rows if axis is None or row[labels.field(axis)] == name]
        if own:
            dead, correct = (
                _span([float(str(row[key])) for row in own]) for key in ("dead", "accuracy")
            )
            facts.append(f"{name}: {dead}% {context.word}, {context.terms.accuracy} {correct}%")
    return facts


def _span(values: Sequence[float]) -> str:
    low, high = (f"{end:.1f}" for end in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"

"""Dead units against accuracy or R²: one point a run."""

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
from reluprobe.report.quality_terms import QualityTerms

#: Pixels: no wider, and how high on a page and in a column.
WIDEST, HEIGHTS = 460, {style.PAGE: 260, style.COLUMN: 200}


def accuracy(context: Context) -> Drawing:
    """Dead units against how good the finished networks are: one point a run, all in one panel.

    Networks that tell classes apart and such that fit numbers have a panel each.
    """
    if (reason := lacking.shares(context.records, context.definition)) is not None:
        raise LackingError(reason)
    every = [_points(context, terms) for terms in context.qualities]
    parts = [part for part in every if part is not None]
    if not parts:
        terms = context.qualities[0]
        article = "an" if context.terms.foreign else "a"
        wanted = f"both {article} {terms.name} and a share of {context.word} units"
        raise LackingError(f"fewer than two runs ended with {wanted}")
    marks, told = _marks(context)
    names = " or ".join(shown.name for shown, _ in parts)
    up = {f"up {shown.worse}" if shown.by_error else f"down {shown.worse}" for shown, _ in parts}
    caption = (
        f"Share of {context.word} units on {context.examples} against {names} of the finished "
        f"networks, one point a run{told}. Right is more {context.word}, {', '.join(sorted(up))}: "
        "a run with many and a small error says that they cost nothing there."
    )
    charted = [_chart(context, rows, shown, marks) for shown, rows in parts]
    chart = charted[0] if len(charted) == 1 else alt.vconcat(*charted)
    facts = [fact for shown, rows in parts for fact in _spans(context, rows, shown)]
    return chart, caption, alt_text(facts)


def _points(context: Context, terms: QualityTerms) -> tuple[Quality, list[Row]] | None:
    """The runs that have this measure and a share of dead units; None of fewer than two."""
    both = [
        (run, dead, value)
        for run in context.records
        if run.ended
        and (dead := share(run.final.layers, context.definition)) is not None
        and (value := terms.quality.of(run)) is not None
    ]
    if len(both) < 2:
        return None
    shown = quality.quality(terms, [Estimate(value, None, 1) for _, _, value in both])
    return shown, [_row(context, run, dead, value, shown) for run, dead, value in both]


def _row(context: Context, run: RunRecord, dead: float, value: float, shown: Quality) -> Row:
    return {
        **context.fields_of(run),
        **charts.run_fields(run),
        "dead": charts.number(100 * dead),
        shown.terms.quality.name: charts.number(shown.terms.scale * value),
        "drawn": charts.number(shown.of(value)),
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
    numbers = {"dead": title, shown.terms.quality.name: shown.terms.title}
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


def _spans(context: Context, rows: Sequence[Row], shown: Quality) -> list[str]:
    """Between what the points of each value lie, of the axis that has colours."""
    axis = context.roles().colour
    facts = []
    for name in ["all runs"] if axis is None else context.domain(axis):
        own = [row for row in rows if axis is None or row[labels.field(axis)] == name]
        if own:
            terms = shown.terms
            dead = _span([float(str(row["dead"])) for row in own])
            values = [float(str(row[terms.quality.name])) / terms.scale for row in own]
            facts.append(f"{name}: {dead}% {context.word}, {terms.name} {terms.span(values)}")
    return facts


def _span(values: Sequence[float]) -> str:
    low, high = (f"{end:.1f}" for end in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"

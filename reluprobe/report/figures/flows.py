"""Figure of flows: how many units are dead, rare and linear, and what these become."""

from __future__ import annotations

from typing import Any

import altair as alt

from reluprobe.analysis import learning_curves, unit_states
from reluprobe.analysis.learning_curves import Curve
from reluprobe.analysis.unit_states import STATES, Flows
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
from reluprobe.report.figures.firing import slowest

#: What has a band, from the bottom; the rest of the units are healthy.
BANDS = {"dead": style.DEAD, "rare": style.RARE, "linear": style.LINEAR}
#: Pixels: of a panel, of a cell of the table, and of the names beside it.
HEIGHT, CELL, NAMES = 104, 52, 92
#: From this percentage on a cell is so dark that light figures read better.
DARK = 55

Courses = dict[str, Curve]


def flows(context: Context) -> Drawing:
    """Shares of units by state over the course, and beside them what each state becomes."""
    entries, note = slowest(context)
    every = [(e, _courses(e), unit_states.flows(e.runs)) for e in entries]
    drawn = [(e, courses, f) for e, courses, f in every if courses and f is not None]
    if not drawn:
        raise LackingError("the runs of no configuration share two probes")
    top = charts.roof(100 * share for _, courses, _ in drawn for share in _heights(courses))
    beside = alt.hconcat if context.width == style.PAGE else alt.vconcat
    panels = [
        beside(_bands(context, e, courses, top), _table(context, e, of), spacing=16)
        for e, courses, of in drawn
    ]
    chart = alt.vconcat(*panels, spacing=10)
    redrawn = " A unit drawn anew between two probes is left out of the table."
    caption = (
        f"Slow or dead: the share of {context.terms.units} that are dead, rare (z > 0 on at most "
        f"1% of {context.examples}, or rare_threshold, and on one) and linear (on all), by "
        f"{context.terms.clock}; the rest is healthy. Beside it, of the units in a state at a "
        "probe (so many units times steps, all runs together), the share in each state at the "
        f"next.{redrawn if any(of.redrawn for *_, of in drawn) else ''} "
        f"{context.seeds([e for e, *_ in drawn], what='Means', band='')}{note}"
    )
    return chart, caption, alt_text([f"{e.label}: {_fact(of)}" for e, _, of in drawn])


def _courses(entry: Entry) -> Courses:
    def course(state: str) -> Curve:
        return learning_curves.by_probe(
            entry.runs, lambda layers: (unit_states.shares(layers) or {}).get(state)
        )

    courses = {state: course(state) for state in BANDS}
    return {state: curve for state, curve in courses.items() if curve}


def _heights(courses: Courses) -> list[float]:
    return [
        sum(v.mean for v in at) for at in zip(*(c.values for c in courses.values()), strict=True)
    ]


def _bands(context: Context, entry: Entry, courses: Courses, top: float) -> Any:
    """A band a state, one upon the other."""
    rows: list[Row] = []
    times = next(iter(courses.values())).when
    for at, when in enumerate(times):
        end = 0.0
        for state, curve in courses.items():
            start, end = end, end + 100 * curve.values[at].mean
            ends = {"from": charts.number(start), "to": charts.number(end)}
            share = charts.number(end - start)
            rows.append({**entry.fields, "state": state, "when": when, **ends, "share": share})
    taken = NAMES + CELL * len(STATES) + charts.GAP if context.width == style.PAGE else 0
    width = context.width - charts.LEFT - charts.RIGHT - taken
    scale = alt.Scale(domain=[*BANDS], range=[*BANDS.values()])
    legend = charts.legend(context, [*BANDS], symbolType="square")
    y = alt.Y(
        "from:Q",
        title="% of units",
        scale=alt.Scale(domain=[0, top], nice=False),
        axis=alt.Axis(tickCount=4),
    )
    tooltip = [
        alt.Tooltip("state:N"),
        alt.Tooltip("when:Q", title=context.terms.clock),
        alt.Tooltip("share:Q", title="% of units", format=".4~g"),
    ]
    title = alt.TitleParams(entry.label, fontSize=style.SMALL, anchor="start", limit=width)
    return (
        alt.Chart(charts.data(rows))
        .mark_area(stroke=style.PAPER, strokeWidth=0.4)
        .encode(
            x=charts.moments(context.terms.clock, "when", times, width),
            y=y,
            y2=alt.Y2("to:Q"),
            color=alt.Color("state:N", scale=scale, title="a unit is", legend=legend),
            tooltip=tooltip,
        )
        .properties(width=width, height=HEIGHT, title=title)
    )


def _table(context: Context, entry: Entry, of: Flows) -> Any:
    """A row a state that any unit was in, a column what it is at the next probe."""
    before = [state for state in STATES if of.n[state]]
    rows: list[Row] = [
        {
            **entry.fields,
            "before": f"{state} ({of.n[state]:,})",
            "after": after,
            "value": charts.number(100 * share.mean),
            "written": formatting.mean(share),
            "exact": formatting.plus_minus(share),
        }
        for state in before
        for after, share in of.to[state].items()
        if share is not None
    ]
    after = [s for s in STATES if any(row["after"] == s for row in rows)]
    order = [f"{state} ({of.n[state]:,})" for state in before]
    base = alt.Chart(charts.data(rows)).encode(
        x=alt.X(
            "after:N", sort=after, title="% of them at the next probe",
            axis=alt.Axis(orient="top", labelAngle=0, grid=False),
        ),
        y=alt.Y("before:N", sort=order, title=None, axis=alt.Axis(labelLimit=NAMES, grid=False)),
        tooltip=[*map(alt.Tooltip, ("before:N", "after:N")), alt.Tooltip("exact:N", title="%")],
    )  # fmt: skip
    scale = alt.Scale(domain=[0, 100], range=list(style.FLOWS))
    cells = base.mark_rect(stroke=style.PAPER).encode(
        color=alt.Color("value:Q", scale=scale, legend=None)
    )
    ink = alt.condition(
        f"datum.value > {DARK}", alt.value(style.ON_DARK), alt.value(style.ON_LIGHT)
    )
    text = base.mark_text().encode(text=alt.Text("written:N"), color=ink)
    size = {"width": CELL * len(after), "height": HEIGHT / len(STATES) * len(before)}
    return alt.layer(cells, text).resolve_scale(color="independent").properties(**size)


def _fact(of: Flows) -> str:
    facts = [
        f"of units {state} at a probe "
        + ", ".join(
            f"{formatting.plus_minus(share)}% are {after}"
            for after, share in of.to[state].items()
            if share is not None
        )
        + " at the next"
        for state in ("rare", "dead")
        if of.n[state]
    ]
    return "; ".join(facts) or "no unit was rare or dead before the last probe"

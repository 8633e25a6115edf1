"""Figure of firing rates: how many units of each layer fire how often, over the course."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from reluprobe.analysis import firing as rates
from reluprobe.analysis import lacking
from reluprobe.analysis.layers import names_of
from reluprobe.analysis.learning_curves import Curve
from reluprobe.analysis.rates import slow
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
from reluprobe.report.terminal.layout import shown_layers

#: Configurations, and panels beside each other: on a page, and in a column of a paper.
MOST_ROWS, ACROSS, NARROW = 4, 4, 2
#: Pixels.
HEIGHT = 96
NEVER, ALWAYS = 0, -1
#: The bins that rare units lie in, at the threshold that is the default.
RARE = (1, 2)

Course = tuple[Curve, ...]


def firing(context: Context) -> Drawing:
    """How often the units of each layer fire, a band a bin of firing rates."""
    entries, note = slowest(context)
    courses = [(e, _courses(context, e)) for e in entries]
    drawn = [(e, layers) for e, layers in courses if layers]
    if not drawn:
        raise LackingError("the runs of no configuration share a probe")
    last, _ = drawn[-1]
    panels = [_panels(context, e, layers, e is last) for e, layers in drawn]
    chart = alt.vconcat(*panels, spacing=8)
    caption = (
        f"How often units fire, by {context.terms.layer} ({context.terms.first}): the share of its "
        f"units that have z > 0 on so many % of {context.examples}, by {context.terms.clock}; at "
        "the bottom those that never fire, above them the rare, on top those that always do. "
        f"{context.seeds([e for e, _ in drawn], what='Means', band='')}{_some(drawn)}{note}"
    )
    facts = [f"{e.label}: {_facts(layers)}" for e, layers in drawn]
    return chart, caption, alt_text(facts)


def slowest(context: Context, most: int = MOST_ROWS) -> tuple[list[Entry], str]:
    """The configurations with most dead and rare units at the end; and a word about the others.

    Raises:
        LackingError: no record has firing rates, or no unit was ever anything but healthy.
    """
    if (reason := lacking.flows(context.records)) is not None:
        raise LackingError(reason)
    told = [e for e in context.entries if lacking.flows(e.runs) is None]
    if len(told) <= most:
        return told, _without(context, len(told))
    ranked = sorted(told, key=lambda e: slow(e.runs), reverse=True)[:most]
    note = (
        f" Of {len(context.entries):,} configurations the {most} with most dead and rare units at "
        "the end are shown."
    )
    return [e for e in told if e in ranked], note


def _without(context: Context, shown: int) -> str:
    left = sum(bool(e.runs) for e in context.entries) - shown
    return f" Not shown: {left:,} without a dead, rare or linear unit." if left > 0 else ""


def _courses(context: Context, entry: Entry) -> dict[str, Course]:
    """The layers that there is room for."""
    names = names_of(entry.runs)
    most = ACROSS if context.width == style.PAGE else NARROW
    shown = [names[i] for i in shown_layers(len(names), most)]
    courses = {name: rates.course(entry.runs, name) for name in shown}
    return {name: course for name, course in courses.items() if course[NEVER]}


def _some(drawn: Sequence[tuple[Entry, Mapping[str, Course]]]) -> str:
    """That not all layers are shown, where it is so."""
    some = any(len(layers) < len(names_of(e.runs)) for e, layers in drawn)
    return " Of the layers the first, the last and some in between." if some else ""


def _panels(context: Context, entry: Entry, layers: Mapping[str, Course], last: bool) -> Any:
    """A configuration: a panel a layer, in it a band a bin, one upon the other.

    The last one's panels say what time is counted in, for all above.
    """
    rows = [row for name, course in layers.items() for row in _rows(entry, name, course)]
    bins = [*rates.bin_names()]
    scale = alt.Scale(domain=bins, range=list(style.FIRING))
    legend = charts.legend(context, bins, symbolType="square")
    width = charts.panel_width(context, len(layers))
    clock = context.terms.clock
    tooltip = [
        *map(alt.Tooltip, ("layer:N", "bin:N")),
        alt.Tooltip("when:Q", title=clock),
        alt.Tooltip("share:Q", title="% of units", format=".4~g"),
    ]
    y = alt.Y(
        "from:Q",
        title="% of units",
        scale=alt.Scale(domain=[0, 100], nice=False),
        axis=alt.Axis(tickCount=4, grid=False),
    )
    times = [float(str(row["when"])) for row in rows]
    chart = (
        alt.Chart()
        .mark_area(stroke=style.PAPER, strokeWidth=0.4)
        .encode(
            x=charts.moments(clock if last else "", "when", times, width),
            y=y,
            y2=alt.Y2("to:Q"),
            color=alt.Color("bin:N", scale=scale, title="fires on %", legend=legend),
            tooltip=tooltip,
        )
        .properties(width=width, height=HEIGHT)
    )
    column = alt.Column("layer:N", title=None, sort=[*layers], header=alt.Header(labelPadding=2))
    title = alt.TitleParams(entry.label, fontSize=style.SMALL, anchor="start", offset=2)
    return chart.properties(data=charts.data(rows)).facet(column=column).properties(title=title)


def _rows(entry: Entry, name: str, course: Course) -> list[Row]:
    """A band's lower and upper end at each moment, in percent; the topmost ends at 100."""
    rows: list[Row] = []
    for at, when in enumerate(course[NEVER].when):
        end = 0.0
        for label, curve in zip(rates.bin_names(), course, strict=True):
            start, end = end, end + 100 * curve.values[at].mean
            ends = {"from": charts.number(start), "to": charts.number(end)}
            share = charts.number(end - start)
            rows.append(
                {**entry.fields, "layer": name, "when": when, "bin": label, **ends, "share": share}
            )
    return rows


def _facts(layers: Mapping[str, Course]) -> str:
    return "; ".join(f"{name} at the end {_fact(course)}" for name, course in layers.items())


def _fact(course: Course) -> str:
    rare = sum(course[place].last.mean for place in RARE)
    return (
        f"{formatting.plus_minus(course[NEVER].last)}% never fire, {formatting.percent(rare)}% on "
        f"at most 1%, {formatting.plus_minus(course[ALWAYS].last)}% always"
    )

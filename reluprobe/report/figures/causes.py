"""Causes of death by layer: the weights, the bias, or the layers upstream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import altair as alt

from reluprobe.analysis import death_causes, lacking
from reluprobe.analysis.death_causes import Blame
from reluprobe.analysis.layers import names_of
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
from reluprobe.report.terminal.layout import shown_layers, tail

#: Panels, at most, and beside each other; layers of a deep network that have a bar.
MOST_PANELS, ACROSS, MOST_ROWS = 12, 3, 8
#: Where bars are cut, in percent: where parts nearly cancel, each is many times the fall.
FARTHEST = 250.0
#: Letters of a layer's name; pixels of a bar.
LETTERS, BAR = 18, 13
#: The parts of a fall, of a lightness each, so that grey tells them apart.
PARTS = {"weights": style.COLOURS[0], "bias": "#9a1c4a", "upstream": "#9bd5b8"}


def causes(context: Context) -> Drawing:
    """What killed the units of each layer: shares of the fall of their largest pre-activation."""
    if (reason := lacking.causes(context.records)) is not None:
        raise LackingError(reason)
    blames = [(e, blame) for e in context.entries if (blame := death_causes.blame(e.runs))]
    if not blames:
        raise LackingError(lacking.SEVERAL_DEPTHS)
    shown, note = context.some([e for e, _ in blames], MOST_PANELS)
    drawn = [(e, blame) for e, blame in blames if e in shown]
    rows = [row for e, blame in drawn for row in _rows(context, e, blame)]
    across = min(ACROSS if context.width == style.PAGE else 1, len(drawn))
    chart = _panels(context, rows, [e.label for e, _ in drawn], across)
    cut = (
        f" Bars are cut at ±{FARTHEST:.0f}%, where ‹ and › say how far they reach: parts "
        "that nearly cancel are each many times the fall."
        if any(row["cut"] for row in rows)
        else ""
    )
    caption = (
        f"What killed the units of each {context.terms.layer}: shares (Shapley) of the fall of the "
        "dying units' largest pre-activation that the weights, the bias and the layers upstream "
        "did; left of 0: held the units up; means over the runs in which any died. Right: deaths a "
        f"run, over all runs. A layer in which none died has no bar.{cut}{note}"
    )
    facts = [f"{e.label}: {_blamed(blame[-1])}" for e, blame in drawn]
    return chart, caption, alt_text(facts)


def _panels(context: Context, rows: Sequence[Row], order: Sequence[str], across: int) -> Any:
    """A panel a configuration: a stacked bar a layer, and how many died there."""
    ends = [float(str(row[end])) for row in rows for end in ("from", "to")]
    low, high = min([0.0, *ends]), max([100.0, *ends])
    scale = alt.Scale(domain=[low * 1.08, high * 1.08], nice=False)
    places = alt.EncodingSortField("place", op="min")
    y = alt.Y("layer:N", sort=places, axis=alt.Axis(title=None, grid=False, ticks=False))
    x = alt.X("from:Q", title="share of the fall %", scale=scale, axis=alt.Axis(tickCount=4))
    parts = alt.Scale(domain=[*PARTS], range=[*PARTS.values()])
    tooltip = [
        *map(alt.Tooltip, ("layer:N", "part:N", "deaths:N")),
        alt.Tooltip("share:Q", title="share of the fall %", format=".4~g"),
    ]
    base = alt.Chart().encode(y=y)
    layers = [
        base.mark_bar(stroke=style.PAPER, strokeWidth=0.5).encode(
            x=x,
            x2=alt.X2("to:Q"),
            color=alt.Color("part:N", scale=parts, title=None),
            tooltip=tooltip,
        ),
        *(_cut(base, side) for side in ("left", "right") if any(row["cut"] for row in rows)),
        base.mark_text(align="left", dx=4)
        .encode(x=alt.XValue("width"), text=alt.Text("deaths:N"))
        .transform_filter("datum.part == 'weights'"),
        alt.Chart().mark_rule(color=style.INK, strokeWidth=0.8).encode(x=alt.datum(0)),
    ]
    width = charts.panel_width(context, across) - 40
    return (
        alt.layer(*layers)
        .properties(width=width, height=alt.Step(BAR), data=charts.data(rows))
        .facet(
            facet=alt.Facet("panel:N", title=None, sort=list(order)),
            columns=across,
            spacing={"row": 10, "column": 40},
        )
        .resolve_scale(y="independent")
    )


def _cut(base: alt.Chart, side: Literal["left", "right"]) -> alt.Chart:
    """How far the bars that are cut on this side reach, written at their ends."""
    ends = base.transform_filter(f"datum.cut != '' && datum.to {'<' if side == 'left' else '>'} 0")
    inset = 3 if side == "left" else -3
    colour = style.ON_LIGHT if side == "left" else style.ON_DARK
    return ends.mark_text(align=side, dx=inset, color=colour).encode(
        x=alt.X("to:Q"), text=alt.Text("cut:N")
    )


def _rows(context: Context, entry: Entry, blame: Sequence[Blame]) -> list[Row]:
    """The bars of a configuration: a layer each, and last the whole network."""
    layers = names_of(entry.runs)
    places = _shown(blame, context)
    named = [*((tail(layers[i], LETTERS), blame[i]) for i in places), ("all", blame[-1])]
    return [
        row | {**entry.fields, "panel": entry.label, "place": place}
        for place, (name, layer) in enumerate(named)
        for row in _bars(name, layer)
    ]


def _bars(name: str, layer: Blame) -> list[Row]:
    """The parts of one layer, stacked: what pushed down to the right, what held up to the left."""
    ends = [0.0, 0.0]
    deaths = "" if layer.deaths is None else f"{layer.deaths.mean:,.0f}"
    rows: list[Row] = []
    cut: dict[int, tuple[Row, str]] = {}
    for part in PARTS:
        estimate = getattr(layer, part)
        share = 0.0 if estimate is None else 100 * estimate.mean
        side = int(share < 0)
        start, end = ends[side], ends[side] + share
        ends[side] = end
        near, far = (max(-FARTHEST, min(FARTHEST, at)) for at in (start, end))
        places = {"from": charts.number(near), "to": charts.number(far)}
        named = {"layer": name, "part": part, "deaths": deaths, "cut": ""}
        rows.append({**named, **places, "share": charts.number(share)})
        if far != end:
            cut[side] = (rows[-1], f"‹ {-end:,.0f}%" if side else f"{end:,.0f}% ›")
    for row, written in cut.values():
        row["cut"] = written
    return rows


def _shown(blame: Sequence[Blame], context: Context) -> list[int]:
    """Of a deep network some layers, evenly spread; of one with names those with most deaths."""
    layers = range(len(blame) - 1)
    if not context.terms.foreign:
        return shown_layers(len(layers), MOST_ROWS)
    deaths = {i: estimate.mean if (estimate := blame[i].deaths) else 0.0 for i in layers}
    return sorted(sorted(layers, key=lambda i: -deaths[i])[:MOST_ROWS])


def _blamed(blame: Blame) -> str:
    parts = ", ".join(f"{name} {formatting.plus_minus(getattr(blame, name))}%" for name in PARTS)
    deaths = formatting.plus_minus(blame.deaths, lambda n: f"{n or 0:,.0f}")
    return f"{parts} of the fall in {deaths} deaths a run"

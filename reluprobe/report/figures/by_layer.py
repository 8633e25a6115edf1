"""Dead units by hidden layer: over time where configurations are few, else at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from reluprobe.analysis import lacking, learning_curves
from reluprobe.analysis.learning_curves import Curve
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
from reluprobe.report.terminal import meanings
from reluprobe.report.terminal.layout import shown_layers, tail
from reluprobe.report.terminal.named_layers import worst

#: Configurations with a panel each, at most; rows of the map beyond.
FEW, MOST_ROWS = 6, 30
#: Of so many moments each has a point.
MOST_POINTS = 30
#: Layers that have a line or a column.
MOST_LAYERS = 20
#: Letters of a layer's name. Pixels of a row of the map, and of its names.
LETTERS, ROW, NAMES = 20, 17, 230
#: From this part of its colours on a cell is so dark that light figures read better.
DARK = 0.55

Layers = Mapping[str, Curve]


def layers(context: Context) -> Drawing:
    """Share of dead units of each hidden layer."""
    if (reason := lacking.courses(context.records)) is not None:
        raise LackingError(reason)
    probed = [e for e in context.entries if lacking.courses(e.runs) is None]
    every = [(e, by_layer) for e in probed if (by_layer := _by_layer(e, context.definition))]
    if not every:
        reason = lacking.shares(context.records, context.definition)
        raise LackingError(reason or "the runs of no configuration share a probe")
    with_dead = [(e, by_layer) for e, by_layer in every if _any(by_layer)]
    none = len(every) - len(with_dead)
    left = f" {none} configurations without a {context.word} unit are left out." if none else ""
    drawn = with_dead or every
    entries, note = context.some([e for e, _ in drawn], MOST_ROWS)
    shown = [(e, by_layer) for e, by_layer in drawn if e in entries]
    chart = _lines(context, shown) if len(shown) <= FEW else _map(context, shown)
    when = f"by {context.terms.clock}" if len(shown) <= FEW else "of the finished networks"
    rule = meanings.rule(context.definition, context.records)
    between = meanings.of_curves([context.definition], context.records)
    between = between if len(shown) <= FEW else ""
    caption = (
        f"Share of {context.word} units in each {context.terms.layer} ({context.terms.first}) "
        f"{when}, on {context.examples} ({rule}).{between} "
        f"{context.seeds(entries, what='Means', band='')}{left if with_dead else ''}{note}"
    )
    facts = [
        f"{e.label}: "
        + ", ".join(f"{name} {formatting.plus_minus(c.last)}%" for name, c in by_layer.items())
        for e, by_layer in shown
    ]
    return chart, caption, alt_text(facts)


def _by_layer(entry: Entry, definition: str) -> Layers:
    by_layer = learning_curves.by_layer(entry.runs, definition)
    return {name: curve for name, curve in by_layer.items() if curve.values}


def _any(by_layer: Layers) -> bool:
    return any(value.mean for curve in by_layer.values() for value in curve.values)


def _names(context: Context, shown: Sequence[tuple[Entry, Layers]]) -> list[str]:
    """The layers that there is room for: some of ours, of others those most dead."""
    names = list(dict.fromkeys(name for _, by_layer in shown for name in by_layer))
    if not context.terms.foreign:
        return [names[i] for i in shown_layers(len(names), MOST_LAYERS)]
    dead = {
        name: max(by_layer[name].last.mean for _, by_layer in shown if name in by_layer)
        for name in names
    }
    return list(worst(dead, MOST_LAYERS))


def _lines(context: Context, shown: Sequence[tuple[Entry, Layers]]) -> Any:
    """A panel a configuration, a line a layer: from the first to the last, from cold to warm."""
    names = _names(context, shown)
    rows: list[Row] = [
        {
            **e.fields,
            "panel": e.label,
            "layer": tail(name, LETTERS),
            "when": when,
            **charts.span(value, 100),
        }
        for e, by_layer in shown
        for name in names
        if name in by_layer
        for when, value in zip(by_layer[name].when, by_layer[name].values, strict=True)
    ]
    across = min(len(shown), 3 if context.width == style.PAGE else 1)
    domain = [tail(name, LETTERS) for name in names]
    scale = alt.Scale(domain=domain, range=style.layer_colours(len(domain)))
    top = charts.roof([float(str(row["mean"])) for row in rows])
    times = [float(str(row["when"])) for row in rows]
    width, order = charts.panel_width(context, across), [e.label for e, _ in shown]
    legend = alt.Legend(symbolType="stroke", symbolOpacity=1)
    colour = alt.Color("layer:N", scale=scale, title=context.terms.layer, legend=legend)
    base = alt.Chart().encode(
        x=charts.moments(context.terms.clock, "when", times, width),
        y=charts.percent(f"{context.word} %", top),
        color=colour,
        tooltip=[
            alt.Tooltip("layer:N"),
            alt.Tooltip("when:Q", title=context.terms.clock),
            alt.Tooltip("mean:Q", title=f"{context.word} %", format=".4~g"),
        ],
    )
    dashes = alt.Scale(domain=domain, range=style.layer_dashes(len(domain)))
    dash = alt.StrokeDash("layer:N", scale=dashes, title=context.terms.layer)
    points = [base.mark_point(size=12)] if len(set(times)) <= MOST_POINTS else []
    return (
        alt.layer(base.mark_line().encode(strokeDash=dash), *points)
        .properties(width=width, height=150, data=charts.data(rows))
        .facet(facet=alt.Facet("panel:N", title=None, sort=order), columns=across)
    )


def _map(context: Context, shown: Sequence[tuple[Entry, Layers]]) -> Any:
    """A row a configuration, a column a layer: its share at the end, as colour and number."""
    names = _names(context, shown)
    rows: list[Row] = [
        {
            **e.fields,
            "label": e.label,
            "layer": tail(name, LETTERS),
            "value": charts.number(100 * by_layer[name].last.mean),
            "written": formatting.mean(by_layer[name].last),
        }
        for e, by_layer in shown
        for name in names
        if name in by_layer
    ]
    order = [e.label for e, _ in shown]
    axis = alt.Axis(title=None, labelLimit=NAMES, grid=False)
    y = alt.Y("label:N", sort=order, axis=axis, scale=alt.Scale(domain=order))
    x = alt.X(
        "layer:N", sort=[tail(name, LETTERS) for name in names], title=context.terms.layer,
        axis=alt.Axis(orient="top", labelAngle=0 if not context.terms.foreign else -60, grid=False),
    )  # fmt: skip
    scale = alt.Scale(domain=[0, 100], range=list(style.SEQUENCE), clamp=True)
    tooltip = [alt.Tooltip("label:N"), alt.Tooltip("layer:N"), alt.Tooltip("written:N", title="%")]
    base = alt.Chart(charts.data(rows)).encode(x=x, y=y, tooltip=tooltip)
    ink = alt.condition(
        f"datum.value / 100 > {DARK}", alt.value(style.ON_DARK), alt.value(style.ON_LIGHT)
    )
    cells = base.mark_rect().encode(color=alt.Color("value:Q", scale=scale, legend=None))
    text = base.mark_text().encode(text=alt.Text("written:N"), color=ink)
    width = min(context.width - NAMES - charts.RIGHT, 46 * len(names))
    return alt.layer(cells, text).properties(width=width, height=alt.Step(ROW))

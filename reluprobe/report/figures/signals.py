"""Histograms of activations before training, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from reluprobe.analysis import aggregate, init_signal, lacking
from reluprobe.analysis.aggregate import Summary
from reluprobe.config import labels
from reluprobe.records import LayerRecord
from reluprobe.report import formatting
from reluprobe.report.figures import charts, style
from reluprobe.report.figures.context import (
    Context,
    Drawing,
    LackingError,
    Row,
    alt_text,
    unnamed,
)
from reluprobe.report.terminal import tables

#: The settings that make a network before its first step.
BIRTH = (
    *("activation", "leaky_slope", "elu_alpha", "celu_alpha", "prelu_slope", "init", "init_scale"),
    *("weight_gain", "bias_init", "use_bias", "depth", "width", "norm", "residual", "dataset"),
    "pixels",
)
#: Layers across and networks down, at most.
ACROSS, DOWN = 5, 12
#: Pixels: a panel's height; and of the names left of them.
HEIGHT, NAMES = 42, 120
#: The least share of outputs that is seen.
LEAST = 1e-6


def histograms(context: Context) -> Drawing:
    """Each layer's outputs before training, a row for each kind of network at birth."""
    foreign = context.terms.foreign
    vary = [n for n in aggregate.axes(context.records) if n in BIRTH or foreign]
    rows = [
        row
        for row in aggregate.summarize(context.records, context.definition, vary)
        if init_signal.signals(row.members)
    ]
    if not rows:
        raise LackingError(lacking.signals(context.records) or lacking.SEVERAL_DEPTHS)
    note = ""
    if len(rows) > DOWN:
        note = f" The first {DOWN} of {len(rows)} kinds of network are shown."
        rows = rows[:DOWN]
    names = [labels.settings(row.settings) for row in tables.shortened(rows)]
    named = [n or unnamed(row.members[0]) for n, row in zip(names, rows, strict=True)]
    networks = [_at_birth(row) for row in rows]
    across = min(ACROSS, max(map(len, networks)))
    width = (context.width - NAMES - charts.RIGHT - charts.GAP * (across - 1)) / across
    lines = [
        _line(layers, name, across, max(width, 40))
        for layers, name in zip(networks, named, strict=True)
    ]
    facts = [
        f"{name}: standard deviation by layer "
        + ", ".join(
            formatting.plus_minus(s.deviation, _short) for s in init_signal.signals(row.members)
        )
        for name, row in zip(named, rows, strict=True)
    ]
    caption = (
        "How the outputs of each hidden layer are distributed before training, on the probe: one "
        "run of each kind, counts on a logarithmic axis, all layers of a row on one horizontal "
        f"axis. σ: their standard deviation; 0: the share that is exactly 0.{note}"
    )
    return alt.vconcat(*lines, spacing=8), caption, alt_text(facts)


def _at_birth(row: Summary) -> tuple[LayerRecord, ...]:
    """The hidden layers of its first run that has all their histograms, before training."""
    starts = (run.history[0].layers for run in row.members if run.history)
    return next((layers for layers in starts if all(x.activations for x in layers)), ())


def _line(layers: Sequence[LayerRecord], name: str, across: int, width: float) -> Any:
    """One network: its layers, evenly spread where they are many, on a common axis."""
    shown = tables.shown_layers(len(layers), across)
    rows = [row for place in shown for row in _bins(layers[place], place)]
    order = [_measures(layers[place], place) for place in shown]
    ends = [float(str(row["low"])) for row in rows]
    scale = alt.Scale(domain=[min(ends), max(ends)], nice=False)
    axis = alt.Axis(title=None, grid=False, tickCount=3)
    share = alt.Scale(type="log", domain=[LEAST, 1])
    bars = (
        alt.Chart()
        .mark_area(color=style.COLOURS[0], interpolate="step-after", line=True)
        .encode(
            x=alt.X("low:Q", scale=scale, axis=axis),
            y=alt.Y("share:Q", scale=share, axis=None),
            y2=alt.datum(LEAST),
            tooltip=[alt.Tooltip(f"{n}:Q", format=".3~g") for n in ("low", "share")],
        )
        .properties(width=width, height=HEIGHT)
    )
    header = alt.Header(title=None, labelFontSize=style.SMALL)
    title = alt.TitleParams(_broken(name), anchor="middle", orient="left", angle=0, align="left")
    return bars.properties(data=charts.data(rows)).facet(
        column=alt.Column("panel:N", sort=order, header=header), title=title, spacing=charts.GAP
    )


def _broken(name: str) -> list[str]:
    """A name in lines, parted where it has its dots."""
    return name.split(" · ")


def _bins(layer: LayerRecord, index: int) -> list[Row]:
    outputs = layer.activations
    assert outputs is not None
    counts = np.array(outputs.counts, float)
    high = outputs.high if outputs.high > outputs.low else outputs.low + 1e-12
    edges = np.linspace(outputs.low, high, len(counts) + 1)
    shares = counts / counts.sum()
    # From the left edge of each bin on its share; the last edge ends the last bin.
    heights = np.maximum([*shares, shares[-1]], LEAST)
    name = _measures(layer, index)
    return [
        {"panel": name, "low": charts.number(low), "share": charts.number(float(height))}
        for low, height in zip(edges, heights, strict=True)
    ]


def _measures(layer: LayerRecord, index: int) -> str:
    outputs = layer.activations
    assert outputs is not None
    return f"L{index + 1} · σ {_short(outputs.variance**0.5)} · 0: {100 * outputs.zeros:.0f}%"


def _short(value: float | None) -> str:
    return labels.setting(float(f"{value or 0:.2g}"))

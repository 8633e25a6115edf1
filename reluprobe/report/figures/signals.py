"""Histograms of activations before training, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from reluprobe.analysis import aggregate, init_signal, lacking
from reluprobe.analysis.aggregate import Summary
from reluprobe.config import labels
from reluprobe.records import LayerRecord
from reluprobe.report import formatting
from reluprobe.report.figures import style
from reluprobe.report.figures.context import (
    Context,
    Drawing,
    LackingError,
    alt_text,
    unnamed,
    wrapped,
)
from reluprobe.report.figures.style import LOOKS
from reluprobe.report.terminal import tables

#: The settings that make a network before its first step.
BIRTH = (
    *("activation", "leaky_slope", "elu_alpha", "celu_alpha", "prelu_slope", "init", "init_scale"),
    *("weight_gain", "bias_init", "use_bias", "depth", "width", "norm", "residual", "dataset"),
    "pixels",
)
#: Layers across and networks down, at most.
ACROSS, DOWN = 5, 12


def histograms(context: Context) -> Drawing:
    """Each layer's outputs before training, a row for each kind of network at birth."""
    foreign = context.terms.foreign
    vary = [n for n in aggregate.axes(context.records) if n in BIRTH or foreign]
    rows = [
        row for row in aggregate.summarize(context.records, context.definition, vary)
        if init_signal.signals(row.members)
    ]  # fmt: skip
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
    figure = style.canvas(style.PAGE, 0.66 * len(rows) + 0.4)
    axes = figure.subplots(len(rows), across, squeeze=False)
    for line, layers, name in zip(axes, networks, named, strict=True):
        _row(line, layers)
        line[0].set_ylabel(wrapped(name, 16), rotation=0, ha="right", va="center")
    figure.supxlabel("output of a unit")
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
    return figure, caption, alt_text(facts)


def _at_birth(row: Summary) -> tuple[LayerRecord, ...]:
    """The hidden layers of its first run that has all their histograms, before training."""
    starts = (run.history[0].layers for run in row.members if run.history)
    return next((layers for layers in starts if all(x.activations for x in layers)), ())


def _row(line: np.ndarray, layers: Sequence[LayerRecord]) -> None:
    """One network: its layers, evenly spread where they are many, on a common axis."""
    shown = tables.shown_layers(len(layers), len(line))
    outputs = [a for i in shown if (a := layers[i].activations)]
    low, high = min(a.low for a in outputs), max(a.high for a in outputs)
    for ax, i in zip(line, shown, strict=False):
        _histogram(ax, layers[i], (low, high))
        ax.set_title(_measures(layers[i], i), loc="right", fontsize=style.SMALL, pad=1)
    for ax in line[len(shown) :]:
        ax.remove()


def _histogram(axes: Axes, layer: LayerRecord, ends: tuple[float, float]) -> None:
    outputs = layer.activations
    assert outputs is not None
    counts = np.array(outputs.counts, float)
    high = outputs.high if outputs.high > outputs.low else outputs.low + 1e-12
    edges = np.linspace(outputs.low, high, len(counts) + 1)
    # With an edge, as a signal that has faded is all in a spike.
    axes.stairs(
        counts / counts.sum(), edges, fill=True, facecolor=LOOKS[0].colour,
        edgecolor=LOOKS[0].colour, linewidth=0.6,
    )  # fmt: skip
    axes.set_yscale("log")
    axes.set_ylim(1e-6, 3)
    margin = 0.03 * (ends[1] - ends[0]) or 1.0
    axes.set_xlim(ends[0] - margin, ends[1] + margin)
    for locate in (axes.yaxis.set_major_locator, axes.yaxis.set_minor_locator):
        locate(NullLocator())
    axes.spines["left"].set_visible(False)


def _measures(layer: LayerRecord, index: int) -> str:
    outputs = layer.activations
    assert outputs is not None
    return f"L{index + 1} · σ {_short(outputs.variance**0.5)} · 0: {100 * outputs.zeros:.0f}%"


def _short(value: float | None) -> str:
    return labels.setting(float(f"{value or 0:.2g}"))

"""Activations of finished networks: every unit on every image, dead units marked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.patches import Rectangle

from reluprobe.analysis import dead_masks, lacking
from reluprobe.analysis.survival_curves import thinned
from reluprobe.files.printable import printable
from reluprobe.records import RecordError, RunRecord, saved_activations
from reluprobe.report import formatting
from reluprobe.report.figures import style
from reluprobe.report.figures.context import (
    Context,
    Drawing,
    Entry,
    LackingError,
    alt_text,
    wrapped,
)
from reluprobe.report.terminal import tables

#: Layers across and networks down, at most; rows of a panel.
ACROSS, DOWN, ROWS = 5, 3, 256
#: Colours told apart. Fewer make a smaller file, and the eye tells no more.
SHADES = 16
#: An output of this quantile of its layer has the strongest colour: a few are far beyond.
STRONG = 0.99


@dataclass(frozen=True)
class SavedRun:
    """A run with the activations that it saved."""

    entry: Entry
    run: RunRecord
    layers: list[saved_activations.Outputs]


def heatmaps(context: Context) -> Drawing:
    """Each hidden layer as units × images, those that fire on most images on top."""
    saved = [run for e in context.entries if (run := _saved_run(context, e)) is not None]
    if (reason := lacking.end(context.records)) is not None:
        raise LackingError(reason)
    if not saved and context.left_out:
        raise LackingError(context.left_out[0])
    if not saved:
        if context.terms.foreign:
            raise LackingError("records of foreign runs hold no activations")
        kept = "save_activations = true keeps them"
        raise LackingError(f"no run that ended has its activations beside its record: {kept}")
    shown, note = context.some([run.entry for run in saved], DOWN)
    saved = [run for run in saved if run.entry in shown]
    across = min(ACROSS, max(len(run.layers) for run in saved))
    figure = style.canvas(style.PAGE, 1.5 * len(saved) + 0.35)
    axes = figure.subplots(len(saved), across, squeeze=False)
    for line, run in zip(axes, saved, strict=True):
        places = tables.shown_layers(len(run.layers), across)
        for ax, i in zip(line, places, strict=False):
            _layer(ax, run, i)
        for ax in line[len(places) :]:
            ax.remove()
        line[0].set_ylabel(wrapped(run.entry.label, 24))
    figure.supxlabel(f"the first {saved_activations.IMAGES} images of the probe")
    facts = [f"{run.entry.label}: {_silent_units(run)}" for run in saved]
    caption = (
        "Outputs of each hidden layer (L1 is nearest the input) of one finished network of a "
        "kind: a row is a unit, a column an image, the darker the stronger; units that fire on "
        "most images on top. Red at the left: units that are dead on the whole probe, "
        f"{context.examples}.{note}"
    )
    return figure, caption, alt_text(facts)


def _saved_run(context: Context, entry: Entry) -> SavedRun | None:
    ours = [run for run in entry.runs if run.ours is not None]
    for run in sorted(ours, key=lambda r: r.seed):
        try:
            layers = saved_activations.read(context.archive.folder, run.id, run.ours)
        except RecordError as error:
            context.left_out.append(printable(error.message))
            continue
        if layers:
            return SavedRun(entry, run, layers)
    return None


def _layer(axes: Axes, saved: SavedRun, index: int) -> None:
    outputs, layer = np.abs(saved.layers[index]), saved.run.final.layers[index]
    dead = dead_masks.bits(layer)
    # A CReLU's units give out two numbers each: what is marked is the unit.
    dead = np.resize(dead, len(outputs))
    order = np.lexsort((-outputs.mean(axis=1), -(outputs > 0).mean(axis=1), dead))
    order = thinned(order, ROWS)
    strong = float(np.quantile(outputs, STRONG)) or float(outputs.max()) or 1.0
    colours = colormaps[style.SEQUENCE].resampled(SHADES)
    axes.imshow(
        outputs[order], colours, norm=PowerNorm(0.5, 0, strong), aspect="auto", extent=(0, 1, 1, 0)
    )
    share = float(dead[order].mean())
    strip = Rectangle((-0.06, 1 - share), 0.04, share, color=style.DEAD, linewidth=0, clip_on=False)
    axes.add_patch(strip)
    axes.set_title(f"L{index + 1}: {formatting.percent(layer.dead)}% dead")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _silent_units(saved: SavedRun) -> str:
    silent = [f"L{n} {_silent(layer)}" for n, layer in enumerate(saved.layers, start=1)]
    return f"of the units of {', '.join(silent)} are 0 on all {saved_activations.IMAGES} images"


def _silent(layer: saved_activations.Outputs) -> str:
    return f"{formatting.percent(float((layer == 0).all(axis=1).mean()))}%"

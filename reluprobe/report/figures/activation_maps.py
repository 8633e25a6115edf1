"""Activations of finished networks: every unit on every image, dead units marked."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
from jaxtyping import Float
from PIL import Image

from reluprobe.analysis import dead_masks, lacking
from reluprobe.analysis.survival_curves import thinned
from reluprobe.files.printable import printable
from reluprobe.records import RecordError, RunRecord, saved_activations
from reluprobe.report import formatting
from reluprobe.report.figures import charts, style
from reluprobe.report.figures.context import Context, Drawing, Entry, LackingError, Row, alt_text
from reluprobe.report.terminal.layout import shown_layers

#: Layers across and networks down, at most; rows of a panel.
ACROSS, DOWN, ROWS = 5, 3, 256
#: Colours told apart. Fewer make a smaller file, and the eye tells no more.
SHADES = 16
#: An output of this quantile of its layer has the strongest colour: a few are far beyond.
STRONG = 0.99
#: Pixels: a panel's height, the strip of dead units left of it, and the name left of a row.
HEIGHT, STRIP, NAMES = 130, 5, 96
#: From nothing to strong: light to dark, even in grey.
LIGHT, DARK = (255, 255, 217), (8, 29, 88)


@dataclass(frozen=True)
class SavedRun:
    """A run with the activations that it saved."""

    entry: Entry
    run: RunRecord
    layers: list[saved_activations.Outputs]


def heatmaps(context: Context) -> Drawing:
    """Each hidden layer as units × images, those that fire on most images on top."""
    if (reason := lacking.end(context.records)) is not None:
        raise LackingError(reason)
    saved = [run for e in context.entries if (run := _saved_run(context, e)) is not None]
    if not saved and context.left_out:
        raise LackingError(context.left_out[0])
    if not saved:
        if context.terms.foreign:
            raise LackingError("records of foreign runs hold no activations")
        kept = "the first seed of a few configurations keeps them, or all with save_activations"
        raise LackingError(f"no run that ended has its activations beside its record: {kept}")
    entries, note = context.some([run.entry for run in saved], DOWN)
    shown = [run for run in saved if run.entry in entries]
    across = min(ACROSS, max(len(run.layers) for run in shown))
    room = context.width - NAMES - charts.RIGHT - charts.GAP * (across - 1)
    lines = [_network(run, across, room / across) for run in shown]
    facts = [f"{run.entry.label}: {_silent_units(run)}" for run in shown]
    caption = (
        "Outputs of each hidden layer (L1 is nearest the input) of one finished network of a "
        f"kind: a row is a unit, a column one of the first {saved_activations.IMAGES} images of "
        "the probe, the darker the stronger; units that fire on most images on top. Red at the "
        f"left: units that are dead on the whole probe, {context.examples}.{note}"
    )
    return alt.vconcat(*lines), caption, alt_text(facts)


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


def _network(saved: SavedRun, across: int, width: float) -> Any:
    """One network: its layers beside each other, evenly spread where they are many."""
    places = shown_layers(len(saved.layers), across)
    panels = [_layer(saved, index, width) for index in places]
    title = alt.TitleParams(
        saved.entry.label.split(" · "), orient="left", angle=0, align="left", anchor="middle"
    )
    return alt.hconcat(*panels, spacing=charts.GAP, title=title)


def _layer(saved: SavedRun, index: int, width: float) -> Any:
    """A layer as one picture, and a red strip along its dead units."""
    outputs, layer = np.abs(saved.layers[index]), saved.run.final.layers[index]
    dead = dead_masks.bits(layer)
    # A CReLU's units give out two numbers each: what is marked is the unit.
    dead = np.resize(dead, len(outputs))
    order = np.lexsort((-outputs.mean(axis=1), -(outputs > 0).mean(axis=1), dead))
    order = thinned(order, ROWS)
    share = float(dead[order].mean())
    row: Row = {
        **saved.entry.fields,
        **charts.run_fields(saved.run),
        "picture": picture(outputs[order]),
        "from": charts.number(1 - share),
        "to": 1,
    }
    base = alt.Chart(charts.data([row]))
    scale = alt.Scale(domain=[1, 0], nice=False)
    image = base.mark_image(
        width=width - STRIP - 3, height=HEIGHT, align="left", baseline="top", aspect=False,
        smooth=False,
    ).encode(url=alt.Url("picture:N"), x=alt.XValue(STRIP + 3), y=alt.YValue(0))  # fmt: skip
    strip = base.mark_rect(color=style.DEAD).encode(
        x=alt.XValue(0),
        x2=alt.X2Value(STRIP),
        y=alt.Y("from:Q", axis=None, scale=scale),
        y2=alt.Y2("to:Q"),
    )
    title = f"L{index + 1}: {formatting.percent(layer.dead)}% dead"
    size = {"width": width, "height": HEIGHT}
    return alt.layer(image, strip).properties(title=title, **size)


def picture(outputs: Float[np.ndarray, "unit image"]) -> str:
    """Outputs as a PNG within a URL: a dot a unit and image, the darker the stronger."""
    strong = float(np.quantile(outputs, STRONG)) or float(outputs.max()) or 1.0
    shades = np.sqrt(np.clip(outputs / strong, 0, 1)) * (SHADES - 1)
    image = Image.fromarray(shades.round().astype(np.uint8), "P")
    image.putpalette(_palette())
    out = io.BytesIO()
    image.save(out, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"


def _palette() -> list[int]:
    mixed: Sequence[np.ndarray] = [
        np.array(LIGHT) + (np.array(DARK) - np.array(LIGHT)) * n / (SHADES - 1)
        for n in range(SHADES)
    ]
    return [round(value) for colour in mixed for value in colour]


def _silent_units(saved: SavedRun) -> str:
    silent = [f"L{n} {_silent(layer)}" for n, layer in enumerate(saved.layers, start=1)]
    return f"of the units of {', '.join(silent)} are 0 on all {saved_activations.IMAGES} images"


def _silent(layer: saved_activations.Outputs) -> str:
    return f"{formatting.percent(float((layer == 0).all(axis=1).mean()))}%"

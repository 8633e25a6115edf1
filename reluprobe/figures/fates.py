"""What becomes of units: each one's life, how long they live, and what kills them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from reluprobe import lifelines, lives, looks, wording
from reluprobe.curves import Curve
from reluprobe.figures import lines, panels, style
from reluprobe.figures.lines import Part
from reluprobe.figures.scene import Entry, LackingError, Picture, Scene, told, wrapped
from reluprobe.figures.style import LOOKS
from reluprobe.looks import Blame
from reluprobe.records import RunRecord
from reluprobe.tables import shown_layers

#: Of a network's units, no more rows than this: a page has not more dots for them.
MOST_UNITS = 600
NEVER = "no unit was ever dead at a probe"
#: The parts of a fall, and how each is hatched, so that grey tells them apart.
PARTS = (("weights", "", 0), ("bias", "xxxxx", 1), ("upstream", "/////", 2))


def units(scene: Scene) -> Picture:
    """The life of every unit of one run of each configuration, sorted by when it died."""
    found = [(e, _first_with_deaths(e)) for e in scene.entries]
    there = [(e, run) for e, run in found if run is not None]
    if not there:
        raise LackingError(NEVER)
    shown, note = scene.some([e for e, _ in there])
    there = [(e, run) for e, run in there if e in shown]
    large = len(there) <= 3
    figure, axes = panels.grid(len(there), 2.4 if large else 1.25, across=3 if large else 6)
    # Each panel has its own layers and probes.
    for ax, (entry, run) in zip(axes, there, strict=True):
        _lives(ax, run)
        ax.set_title(wrapped(entry.label, 40 if large else 20), fontsize=style.SMALL)
    names = (("alive", style.ALIVE), ("dead", style.DEAD), ("alive again", style.REVIVED))
    keys = [Patch(facecolor=c, edgecolor=style.QUIET, linewidth=0.4, label=n) for n, c in names]
    figure.legend(handles=keys, loc="outside upper center", ncols=3, frameon=False)
    figure.supxlabel("epoch")
    figure.supylabel("units, by hidden layer")
    facts = [f"{e.label}: {_told(run)}" for e, run in there]
    without = len(found) - len(there)
    none = f" In {wording.count(without, 'configuration')} no unit died." if without else ""
    caption = (
        "The life of every unit: a row is a unit, a column a probe, by hidden layer (L1 on top) "
        "and in each sorted by when the unit first died. Of each configuration the run of the "
        f"first seed.{none}{note}"
    )
    return Picture(figure, caption, told(facts))


def _first_with_deaths(entry: Entry) -> RunRecord | None:
    runs = sorted(entry.runs, key=lambda r: r.config.seed)
    run = next((r for r in runs if len(r.timeline()) > 1), None)
    return run if run and any(mask.any() for mask in lives.masks(run)) else None


def _lives(axes: Axes, run: RunRecord) -> None:
    masks = lives.masks(run)
    each = max(1, MOST_UNITS // len(masks))
    layers = [lifelines.thinned(lifelines.states(mask), each) for mask in masks]
    rows = np.concatenate(layers)
    colours = ListedColormap([style.ALIVE, style.DEAD, style.REVIVED])
    # From 0 to 1 in both directions, so that panels share axes whatever they are made of.
    axes.imshow(rows, colours, vmin=0, vmax=2, aspect="auto", extent=(0, 1, 1, 0))
    ends = np.cumsum([len(layer) for layer in layers]) / len(rows)
    for end in ends[:-1]:
        axes.axhline(end, color=style.ON_LIGHT, linewidth=0.5)
    shown = shown_layers(len(layers), 5)
    middles = [(ends[i] + (ends[i - 1] if i else 0)) / 2 for i in shown]
    axes.set_yticks(middles, [f"L{i + 1}" for i in shown])
    times = [when for when, _ in run.timeline()]
    marks = [i for i, when in enumerate(times) if when == int(when)]
    marks = marks[:: -(-len(marks) // 5)]
    axes.set_xticks([(i + 0.5) / len(times) for i in marks], [f"{times[i]:.0f}" for i in marks])
    axes.tick_params(length=0, labelbottom=True, labelleft=True)
    axes.spines[:].set_visible(False)


def _told(run: RunRecord) -> str:
    found = lives.of_network(run)
    if found is None:
        return "no probes"
    again = found.ever - found.end
    return (
        f"{wording.percent(found.ever)}% of units dead at some probe, {wording.percent(found.end)}%"
        f" at the last, {wording.percent(again)}% alive again by then (seed {run.config.seed})"
    )


def survival(scene: Scene) -> Picture:
    """How long units live until they first die, and how long they then stay dead."""
    alive = _courses(scene, lifelines.not_yet_dead)
    dead = _courses(scene, lifelines.still_dead)
    alive = [(e, c) for e, c in alive if any(e is other for other, _ in dead)]
    if not dead:
        raise LackingError(NEVER)
    shown, note = scene.some([e for e, _ in dead])
    parts = [
        Part("units not yet seen dead %", alive, across="epoch"),
        Part("still dead %", dead, across="probes after a death"),
    ]
    figure = lines.beside([part.of(shown) for part in parts])
    ends = {e.label: c for e, c in dead}
    facts = [
        f"{e.label}: {wording.plus_minus(c.last)}% never seen dead by epoch {c.when[-1]:g}; "
        f"{wording.plus_minus(ends[e.label].values[1])}% of deaths outlast a probe, "
        f"{wording.plus_minus(ends[e.label].last)}% {ends[e.label].when[-1]:g} probes"
        for e, c in alive
        if e in shown
    ]
    caption = (
        "Survival curves: the share of hidden units that no probe has yet seen dead, and of the "
        "times a unit was dead the share that lasts longer than so many probes (Kaplan–Meier: "
        f"deaths that run on at the end count as long as they were watched). {scene.seeds()}{note}"
    )
    return Picture(figure, caption, told(facts))


def _courses(scene: Scene, fold: Callable[[Sequence[RunRecord]], Curve]) -> lines.Courses:
    found = [(entry, fold(entry.runs)) for entry in scene.entries]
    return [(entry, curve) for entry, curve in found if curve]


def causes(scene: Scene) -> Picture:
    """What killed the units of each layer: shares of the fall of their largest pre-activation."""
    found = [(e, looks.blame(e.runs)) for e in scene.entries]
    there = [(e, blame) for e, blame in found if any(layer.weights for layer in blame)]
    if not there:
        raise LackingError(
            "no cause of death was recorded: one is where a unit of a plain ReLU network dies"
        )
    shown, note = scene.some([e for e, _ in there])
    there = [(e, blame) for e, blame in there if e in shown]
    large = len(there) <= 3
    deepest = max(len(blame) for _, blame in there)
    figure, axes = panels.grid(
        len(there), (0.16 if large else 0.12) * deepest + 0.45, across=3 if large else 5
    )
    for ax, (entry, blame) in zip(axes, there, strict=True):
        _bars(ax, blame)
        ax.set_title(wrapped(entry.label, 40 if large else 22), fontsize=style.SMALL)
    axes[0].invert_yaxis()
    handles = [
        Patch(facecolor=LOOKS[k].colour, hatch=hatch, edgecolor=style.PAPER, label=name)
        for name, hatch, k in PARTS
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False)
    figure.supxlabel("share of the fall %")
    facts = [f"{e.label}: {_blamed(blame[-1])}" for e, blame in there]
    caption = (
        "What killed the units of each hidden layer: shares (Shapley) of the fall of the dying "
        "units' largest pre-activation that the weights, the bias and the layers upstream did; "
        "left of 0: held the units up. Right: deaths a run. Means over runs; a layer in which "
        f"none died has no bar.{note}"
    )
    return Picture(figure, caption, told(facts))


def _bars(axes: Axes, blame: Sequence[Blame]) -> None:
    names = [*(f"L{i + 1}" for i in range(len(blame) - 1)), "all"]
    for row, layer in enumerate(blame):
        ends = [0.0, 0.0]  # of what pushed down, to the right, and of what held up
        for name, hatch, k in PARTS:
            found = getattr(layer, name)
            if found is None:
                continue
            side = int(found.mean < 0)
            axes.barh(
                row, 100 * found.mean, 0.75, ends[side], color=LOOKS[k].colour, hatch=hatch,
                edgecolor=style.PAPER, linewidth=0,
            )  # fmt: skip
            ends[side] += 100 * found.mean
        if layer.deaths is not None:
            axes.annotate(
                f"{layer.deaths.mean:,.0f}", (1.02, row), xycoords=("axes fraction", "data"),
                va="center", fontsize=style.SMALL,
            )  # fmt: skip
    axes.axvline(0, color=style.INK, linewidth=0.6)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)


def _blamed(found: Blame) -> str:
    parts = ", ".join(f"{name} {wording.plus_minus(getattr(found, name))}%" for name, _, _ in PARTS)
    deaths = wording.plus_minus(found.deaths, lambda n: f"{n or 0:,.0f}")
    return f"{parts} of the fall in {deaths} deaths a run"

"""Causes of death by layer: the weights, the bias, or the layers upstream."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from reluprobe.analysis import death_causes, lacking
from reluprobe.analysis.death_causes import Blame
from reluprobe.analysis.layers import names_of
from reluprobe.report import formatting
from reluprobe.report.figures import small_multiples, style
from reluprobe.report.figures.context import Context, Drawing, LackingError, alt_text
from reluprobe.report.figures.style import LOOKS
from reluprobe.report.terminal.layout import shown_layers, tail

#: Layers of a deep network that have a bar; and where bars are cut, in percent: where parts nearly
#: cancel, each is many times the fall.
MOST_ROWS, FARTHEST = 10, 250.0
#: Letters of a layer's name.
LETTERS = 18
#: The parts of a fall, of a lightness each, so that grey tells them apart.
EDGE: dict[str, Any] = {"edgecolor": style.PAPER, "linewidth": 0.4}
PARTS = {"weights": LOOKS[0].colour, "bias": "#9a1c4a", "upstream": "#9bd5b8"}


def causes(context: Context) -> Drawing:
    """What killed the units of each layer: shares of the fall of their largest pre-activation."""
    if (reason := lacking.causes(context.records)) is not None:
        raise LackingError(reason)
    blame_of = {id(e): death_causes.blame(e.runs) for e in context.entries}
    explained = [e for e in context.entries if blame_of[id(e)]]
    if not explained:
        raise LackingError(lacking.SEVERAL_DEPTHS)
    shown, note = context.some(explained)
    blamed = [(e, blame_of[id(e)]) for e in shown]
    large = len(blamed) <= small_multiples.LARGE
    deepest = 1 + min(MOST_ROWS, max(len(blame) - 1 for _, blame in blamed))
    figure, (axes,) = small_multiples.page(
        [e.label for e, _ in blamed],
        [
            small_multiples.Block(
                "", "share of the fall %", partial(_prepare, [b for _, b in blamed])
            )
        ],
        height=(0.16 if large else 0.11) * deepest,
        across=3 if large else 5,
        beyond=0.3,
        legend=True,
        left=1.1 if context.terms.foreign else 0.0,
    )
    for ax, (e, blame) in zip(axes, blamed, strict=True):
        _bars(ax, blame, names_of(e.runs), _shown(blame, context))
    handles = [
        Patch(facecolor=colour, edgecolor=style.PAPER, label=name) for name, colour in PARTS.items()
    ]
    figure.legend(handles=handles, **style.ON_TOP)
    facts = [f"{e.label}: {_blamed(blame[-1])}" for e, blame in blamed]
    ends = axes[0].get_xlim()
    cut = f" Bars end at ±{FARTHEST:.0f}%." if FARTHEST in map(abs, ends) else ""
    caption = (
        f"What killed the units of each {context.terms.layer}: shares (Shapley) of the fall of the "
        "dying units' largest pre-activation that the weights, the bias and the layers upstream "
        "did; left of 0: held the units up; means over the runs in which any died. Right: deaths a "
        f"run, over all runs. A layer in which none died has no bar.{cut}{note}"
    )
    return figure, caption, alt_text(facts)


def _prepare(every: Sequence[Sequence[Blame]], axes: Axes) -> None:
    """Room for what pushed down, right of 0, and for what held up."""
    layers = [layer for blame in every for layer in blame]
    shares = [[e.mean for n in PARTS if (e := getattr(x, n))] for x in layers]
    up = min(sum(s for s in parts if s < 0) for parts in shares)
    down = max(sum(s for s in parts if s > 0) for parts in shares)
    # Where all parts cancel there is no fall to have shares of.
    axes.set_xlim(max(105 * up, -FARTHEST), min(105 * down, FARTHEST) if up or down else 105)
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2.5, 5, 10]))


def _shown(blame: Sequence[Blame], context: Context) -> list[int]:
    """Of a deep network some layers, evenly spread; of one with names those with most deaths."""
    layers = range(len(blame) - 1)
    if not context.terms.foreign:
        return shown_layers(len(layers), MOST_ROWS)
    deaths = {i: estimate.mean if (estimate := blame[i].deaths) else 0.0 for i in layers}
    return sorted(sorted(layers, key=lambda i: -deaths[i])[:MOST_ROWS])


def _bars(axes: Axes, blame: Sequence[Blame], layers: Sequence[str], shown: Sequence[int]) -> None:
    """A row a layer of these, and last the whole network."""
    names = [*(tail(layers[i], LETTERS) for i in shown), "all"]
    for row, layer in enumerate([*(blame[i] for i in shown), blame[-1]]):
        ends = [0.0, 0.0]  # of what pushed down, to the right, and of what held up
        for name, colour in PARTS.items():
            part = getattr(layer, name)
            if part is None:
                continue
            side = int(part.mean < 0)
            axes.barh(row, 100 * part.mean, 0.75, ends[side], color=colour, **EDGE)
            ends[side] += 100 * part.mean
        if layer.deaths is not None:
            axes.annotate(
                f"{layer.deaths.mean:,.0f}", (1.02, row), xycoords=("axes fraction", "data"),
                va="center", fontsize=style.SMALL,
            )  # fmt: skip
    axes.axvline(0, color=style.INK, linewidth=0.6)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0, labelleft=True, pad=1.5)


def _blamed(blame: Blame) -> str:
    parts = ", ".join(f"{name} {formatting.plus_minus(getattr(blame, name))}%" for name in PARTS)
    deaths = formatting.plus_minus(blame.deaths, lambda n: f"{n or 0:,.0f}")
    return f"{parts} of the fall in {deaths} deaths a run"

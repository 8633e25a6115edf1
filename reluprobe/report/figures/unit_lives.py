"""Figures of the lives of units: dead or alive at each probe, and survival curves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from reluprobe.analysis import lacking, survival_curves, unit_lives
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.figures import lines, small_multiples, style
from reluprobe.report.figures.context import Context, Drawing, Entry, LackingError, alt_text
from reluprobe.report.figures.lines import Part
from reluprobe.report.terminal.tables import shown_layers

#: Of a network's units, no more rows than this: a page has not more dots for them.
MOST_UNITS = 600
#: What a unit may be at a probe, in the order of ``survival_curves``.
STATES = (
    ("alive", style.ALIVE),
    ("dead", style.DEAD),
    ("alive again", style.REVIVED),
    ("drawn anew", style.REDRAWN),
    ("dead again", style.DIED_AGAIN),
)


def units(context: Context) -> Drawing:
    """The life of every unit of one run of each configuration, sorted by when it died."""
    if (reason := lacking.lives(context.records)) is not None:
        raise LackingError(reason)
    mortal = [e for e in context.entries if lacking.lives(e.runs) is None]
    shown, note = context.some(mortal)
    runs = [(e, min(filter(lacking.mortal, e.runs), key=_seed)) for e in shown]
    large = len(runs) <= small_multiples.LARGE
    figure, (axes,) = small_multiples.page(
        [e.label for e, _ in runs],
        [small_multiples.Block("units, by hidden layer", "epoch")],
        height=2.0 if large else 0.85,
        across=3 if large else 6,
        beyond=0.1,
        legend=True,
    )
    for ax, (_, run) in zip(axes, runs, strict=True):
        _lives(ax, run)
    redrawn = any(layer.redrawn is not None for _, run in runs for layer in unit_lives.watched(run))
    names = STATES if redrawn else STATES[:3]
    keys = [Patch(facecolor=c, edgecolor=style.QUIET, linewidth=0.4, label=n) for n, c in names]
    figure.legend(handles=keys, **(style.ON_TOP | {"ncols": len(names)}))
    facts = [f"{e.label}: {_summary(run)}" for e, run in runs]
    none = _without(context)
    if redrawn:
        none += (
            " Drawn anew: alive since it was; dead again: at the first probe after that, as "
            "another unit in the same place."
        )
    caption = (
        "The life of every unit: a row is a unit, a column a probe, by hidden layer (L1 on top) "
        "and in each sorted by when the unit first died. Of each configuration the first "
        f"run in which any did.{none}{note}"
    )
    return figure, caption, alt_text(facts)


def _seed(run: RunRecord) -> int:
    return run.config.seed


def _without(context: Context) -> str:
    """How many configurations that ended are not shown, and why."""
    reasons = Counter(lacking.lives(e.runs) for e in context.entries if e.runs)
    del reasons[None]
    return "".join(
        f" Of {labels.count(n, 'configuration')}: {reason}." for reason, n in reasons.items()
    )


def _lives(axes: Axes, run: RunRecord) -> None:
    watched = unit_lives.watched(run)
    most = max(1, MOST_UNITS // len(watched))
    layers = [survival_curves.thinned(survival_curves.states(*seen), most) for seen in watched]
    rows = np.concatenate(layers)
    colours = ListedColormap([colour for _, colour in STATES])
    last = len(STATES) - 1
    axes.imshow(rows, colours, vmin=0, vmax=last, aspect="auto", extent=(0, 1, 1, 0))
    axes.set_ylim(1, 0)
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
    # Each has its own layers and probes.
    axes.tick_params(length=0, labelbottom=True, labelleft=True, pad=1.5)
    axes.spines[:].set_visible(False)


def _summary(run: RunRecord) -> str:
    lives = unit_lives.of_network(run)
    if lives is None:
        return "no probes"
    again = lives.ever - lives.end
    text = (
        f"{formatting.percent(lives.ever)}% of units dead at some probe, "
        f"{formatting.percent(lives.end)}% at the last, "
        f"{formatting.percent(again)}% alive again by then"
    )
    if lives.redrawn:
        text += (
            f", {lives.redrawn:,.0f} drawn anew, {formatting.percent(lives.died_again)}% of them "
            "dead at the next probe"
        )
    return f"{text} (seed {run.config.seed})"


def survival(context: Context) -> Drawing:
    """How long units live until they first die, and how long they then stay dead."""
    if (reason := lacking.lives(context.records, followed=True)) is not None:
        raise LackingError(reason)
    mortal = [e for e in context.entries if lacking.lives(e.runs, followed=True) is None]
    shown, note = context.some(mortal)
    alive = [(e, survival_curves.not_yet_dead(e.runs)) for e in shown]
    dead = [(e, survival_curves.still_dead(e.runs)) for e in shown]
    parts = [
        Part("units not yet seen dead %", alive, across="epoch"),
        Part("still dead %", dead, across="probes after a death"),
    ]
    figure = lines.beside(parts)
    ends = {e.label: c for e, c in dead}
    facts = [
        f"{e.label}: {formatting.plus_minus(c.last)}% never seen dead by epoch {c.when[-1]:g}; "
        f"{formatting.plus_minus(ends[e.label].values[1])}% of deaths outlast a probe, "
        f"{formatting.plus_minus(ends[e.label].last)}% {ends[e.label].when[-1]:g} probes"
        for e, c in alive
    ]
    caption = (
        "Survival curves: the share of hidden units that no probe has yet seen dead, and of the "
        "times a unit was dead the share that lasts longer than so many probes (Kaplan–Meier: "
        f"deaths that run on at the end count as long as they were watched{_ended(shown)}). "
        f"{context.seeds()}{lines.behind(parts)}{note}"
    )
    return figure, caption, alt_text(facts)


def _ended(shown: Sequence[Entry]) -> str:
    """What ends a death besides coming back."""
    watched = (seen for e in shown for run in e.runs for seen in unit_lives.watched(run))
    redraws = any(seen.redrawn is not None for seen in watched)
    return "; a unit that is drawn anew is dead no more, or once more" if redraws else ""

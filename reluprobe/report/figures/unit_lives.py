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
from reluprobe.report.terminal.layout import shown_layers, tail
from reluprobe.report.terminal.named_layers import worst
from reluprobe.report.terms import terms_of

#: Of a network's units, no more rows than this: a page has not more dots for them.
MOST_UNITS = 600
#: Letters of a layer's name; and layers that have names, at most.
LETTERS, MOST_LAYERS = 14, 12
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
        [small_multiples.Block(f"units, by {context.terms.layer}", context.terms.clock)],
        height=2.0 if large else 0.85,
        across=3 if large else 6,
        beyond=0.1,
        legend=True,
        left=0.7 if context.terms.foreign else 0.0,
    )
    for ax, (_, run) in zip(axes, runs, strict=True):
        _lives(ax, run)
    seen = [layer for _, run in runs for layer in unit_lives.watched(run).values()]
    redrawn = any(layer.redrawn is not None for layer in seen)
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
        "The life of every unit: a row is a unit, a column a probe, by "
        f"{context.terms.layer} ({_on_top(context)}) and in each sorted by when the unit first "
        f"died. Of each configuration the first run in which any did.{none}{note}"
    )
    return figure, caption, alt_text(facts)


def _on_top(context: Context) -> str:
    if not context.terms.foreign:
        return "L1 on top"
    deep = any(len(run.layers) > MOST_LAYERS for run in context.records)
    return f"the first on top{f'; of many the {MOST_LAYERS} with most dead' if deep else ''}"


def _seed(run: RunRecord) -> int:
    return run.seed


def _without(context: Context) -> str:
    """How many configurations that ended are not shown, and why."""
    reasons = Counter(lacking.lives(e.runs) for e in context.entries if e.runs)
    del reasons[None]
    return "".join(
        f" Of {labels.count(n, 'configuration')}: {reason}." for reason, n in reasons.items()
    )


def _shown(run: RunRecord) -> dict[str, unit_lives.Watched]:
    """The layers to show: of a foreign network with many those with most dead at the end."""
    watched = unit_lives.watched(run)
    if run.ours is not None:
        return watched
    dead = {name: float(seen.dead[-1].mean()) for name, seen in watched.items()}
    return {name: watched[name] for name in worst(dead, MOST_LAYERS)}


def _lives(axes: Axes, run: RunRecord) -> None:
    watched = _shown(run)
    most = max(1, MOST_UNITS // len(watched))
    states = [survival_curves.states(*seen) for seen in watched.values()]
    layers = [survival_curves.thinned(layer, most) for layer in states]
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
    names = [*watched]
    axes.set_yticks(middles, [tail(names[i], LETTERS) for i in shown])
    times = [when for when, _ in run.timeline()]
    marks = [i for i, when in enumerate(times) if when == int(when)]
    marks = marks[:: -(-len(marks) // 5)]
    written = [f"{times[i]:{terms_of([run]).number if run.ours is None else '.0f'}}" for i in marks]
    axes.set_xticks([(i + 0.5) / len(times) for i in marks], written)
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
    return f"{text} (seed {run.seed})"


def survival(context: Context) -> Drawing:
    """How long units live until they first die, and how long they then stay dead."""
    if (reason := lacking.lives(context.records, followed=True)) is not None:
        raise LackingError(reason)
    mortal = [e for e in context.entries if lacking.lives(e.runs, followed=True) is None]
    shown, note = context.some(mortal)
    alive = [(e, survival_curves.not_yet_dead(e.runs)) for e in shown]
    dead = [(e, survival_curves.still_dead(e.runs)) for e in shown]
    parts = [
        Part("units not yet seen dead %", alive, across=context.terms.clock),
        Part("still dead %", dead, across="probes after a death"),
    ]
    figure = lines.beside(parts)
    ends = {e.label: c for e, c in dead}
    facts = [
        f"{e.label}: {formatting.plus_minus(c.last)}% never seen dead by "
        f"{context.terms.at(c.when[-1])}; "
        f"{formatting.plus_minus(ends[e.label].values[1])}% of deaths outlast a probe, "
        f"{formatting.plus_minus(ends[e.label].last)}% {ends[e.label].when[-1]:g} probes"
        for e, c in alive
    ]
    caption = (
        f"Survival curves: the share of {context.terms.units} that no probe has yet seen dead, and "
        "of the times a unit was dead the share that lasts longer than so many probes "
        f"(Kaplan–Meier: deaths that run on at the end count as long as they were watched"
        f"{_ended(shown)}). {context.seeds()}{lines.behind(parts)}{note}"
    )
    return figure, caption, alt_text(facts)


def _ended(shown: Sequence[Entry]) -> str:
    """What ends a death besides coming back."""
    watched = (seen for e in shown for run in e.runs for seen in unit_lives.watched(run).values())
    redraws = any(seen.redrawn is not None for seen in watched)
    return "; a unit that is drawn anew is dead no more, or once more" if redraws else ""

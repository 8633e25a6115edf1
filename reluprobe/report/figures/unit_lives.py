"""Figures of the lives of units: dead or alive at each probe, and survival curves."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import altair as alt
import numpy as np
from jaxtyping import Int

from reluprobe.analysis import lacking, survival_curves, unit_lives
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.figures import charts, curves, style
from reluprobe.report.figures.context import (
    Context,
    Drawing,
    Entry,
    LackingError,
    Row,
    alt_text,
)
from reluprobe.report.figures.curves import Measure
from reluprobe.report.life_words import LifeWords, words_of
from reluprobe.report.terminal.layout import shown_layers, tail
from reluprobe.report.terminal.named_layers import worst
from reluprobe.report.terms import terms_of

#: Panels, at most, and beside each other; of so few each is large.
MOST_PANELS, ACROSS, LARGE = 12, 4, 3
#: Of a network's units, no more rows than this in a large panel and in a small one: neither has
#: dots for many more, and a page holds a rectangle or more for each.
MOST_UNITS, FEW_UNITS = 300, 100
#: Letters of a layer's name; and layers that have names, at most.
LETTERS, MOST_LAYERS = 14, 12
#: Colours of what a unit may be at a probe, in the order of ``survival_curves``.
COLOURS = (style.ALIVE, style.DEAD, style.REVIVED, style.REDRAWN, style.DIED_AGAIN)
#: Units of a layer that were alive so far are the panel's ground.
GROUND = 0
#: Rectangles: from and to which probe, from and to which row, the state.
Block = tuple[int, int, int, int, int]


def units(context: Context) -> Drawing:
    """The life of every unit of one run of each configuration, sorted by when it died."""
    definition, words = context.definition, words_of(context.definition)
    if (reason := lacking.lives(context.records, definition=definition)) is not None:
        raise LackingError(reason)
    followed = partial(lacking.mortal, definition=definition)
    mortal = [e for e in context.entries if any(map(followed, e.runs))]
    shown, note = context.some(mortal, MOST_PANELS)
    runs = [(e, min(filter(followed, e.runs), key=lambda r: r.seed)) for e in shown]
    seen = [layer for _, run in runs for layer in unit_lives.watched(run, definition).values()]
    anew = any(layer.redrawn is not None for layer in seen)
    named = _states(words) if anew else _states(words)[:3]
    panels = [_panel(context, entry, run, len(runs), named) for entry, run in runs]
    across = min(ACROSS if context.width == style.PAGE else 2, len(panels))
    chart = alt.concat(*panels, columns=across)
    redrawn = ""
    if anew:
        redrawn = (
            f" Drawn anew: {words.other} since it was; {words.anew}: at the first probe after "
            "that, as another unit in the same place."
        )
    caption = (
        f"The life of every unit: a row is a unit, a column a probe, by {context.terms.layer} "
        f"({_on_top(context)}) and in each sorted by when {_first(definition)}. Of each "
        f"configuration the first run in which any {'did' if definition == 'dead' else 'was'}."
        f"{redrawn}{_without(context)}{note}"
    )
    facts = [f"{e.label}: {_summary(run, definition)}" for e, run in runs]
    return chart, caption, alt_text(facts)


def _states(words: LifeWords) -> list[str]:
    """What a unit may be at a probe, in the order of their colours."""
    return [words.other, words.state, words.back, "drawn anew", words.anew]


def _first(definition: str) -> str:
    return "the unit first died" if definition == "dead" else f"the unit first was {definition}"


def _on_top(context: Context) -> str:
    if not context.terms.foreign:
        return "L1 on top"
    deep = any(len(run.layers) > MOST_LAYERS for run in context.records)
    many = f"; of many the {MOST_LAYERS} with most {context.definition}"
    return f"the first on top{many if deep else ''}"


def _without(context: Context) -> str:
    """How many configurations that ended are not shown, and why."""
    definition = context.definition
    reasons = Counter(
        lacking.lives(e.runs, definition=definition) for e in context.entries if e.runs
    )
    del reasons[None]
    return "".join(
        f" Of {labels.count(n, 'configuration')}: {reason}." for reason, n in reasons.items()
    )


def _shown(run: RunRecord, definition: str) -> dict[str, unit_lives.Watched]:
    """The layers to show: of a foreign network with many those with most dead at the end."""
    watched = unit_lives.watched(run, definition)
    if run.ours is not None:
        return watched
    dead = {name: float(seen.dead[-1].mean()) for name, seen in watched.items()}
    return {name: watched[name] for name in worst(dead, MOST_LAYERS)}


def _panel(
    context: Context, entry: Entry, run: RunRecord, panels: int, named: Sequence[str]
) -> Any:
    """One run: its layers below each other, a rectangle for units that were alike for a while."""
    watched = _shown(run, context.definition)
    most = max(1, (MOST_UNITS if panels <= LARGE else FEW_UNITS) // len(watched))
    layers = [survival_curves.thinned(survival_curves.states(*w), most) for w in watched.values()]
    total = sum(map(len, layers))
    ends = np.cumsum([len(layer) for layer in layers]) / total
    names = _states(words_of(context.definition))
    rows: list[Row] = []
    for name, layer, end in zip(watched, layers, ends, strict=True):
        top = end - len(layer) / total
        rows += [
            {
                **entry.fields,
                **charts.run_fields(run),
                "layer": name,
                "state": names[state],
                "from": start,
                "to": stop,
                "top": charts.number(top + first / total),
                "bottom": charts.number(top + last / total),
            }
            for start, stop, first, last, state in blocks(layer)
        ]
    width = charts.panel_width(context, min(panels, ACROSS if context.width == style.PAGE else 2))
    height = 190 if panels <= LARGE else 110
    scale = alt.Scale(domain=list(named), range=list(COLOURS[: len(named)]))
    colour = alt.Color("state:N", scale=scale, title="a unit is")
    x = alt.X("from:Q", title=context.terms.clock, scale=_domain(run), axis=_times(run))
    y = alt.Y("top:Q", title=None, scale=alt.Scale(domain=[1, 0]), axis=_names(watched, ends))
    tooltip = [alt.Tooltip(f"{field}:N") for field in ("layer", "state", "seed", "record")]
    chart = (
        alt.Chart(charts.data(rows))
        .mark_rect()
        .encode(x=x, x2=alt.X2("to:Q"), y=y, y2=alt.Y2("bottom:Q"), color=colour, tooltip=tooltip)
    )
    lines = alt.Chart(charts.data([{"end": float(end)} for end in ends[:-1]])).mark_rule(
        color=style.ON_LIGHT, strokeWidth=0.6
    )
    title = alt.TitleParams(entry.label, fontSize=style.SMALL, limit=width + 40)
    view = {"width": width, "height": height, "title": title}
    layered = (
        alt.layer(chart, lines.encode(y=alt.Y("end:Q"))) if len(ends) > 1 else alt.layer(chart)
    )
    return layered.properties(**view, view=alt.ViewConfig(fill=style.ALIVE))


def blocks(states: Int[np.ndarray, "unit probe"]) -> list[Block]:
    """A picture of few colours as rectangles, the ground left out.

    Rows that have the same state over the same probes and lie below each other are one.
    """
    made: list[Block] = []
    above: dict[tuple[int, int, int], int] = {}
    for row, stretches in enumerate([*map(_stretches, states), []]):
        here = {stretch: above.get(stretch, row) for stretch in stretches}
        made += [
            (start, stop, first, row, state)
            for (start, stop, state), first in above.items()
            if (start, stop, state) not in here
        ]
        above = here
    return made


def _stretches(row: Int[np.ndarray, " probe"]) -> list[tuple[int, int, int]]:
    """From which probe to which a unit was in which state, but for the ground."""
    cuts = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), len(row)]
    parts = itertools.pairwise(cuts)
    return [(start, stop, int(row[start])) for start, stop in parts if row[start] != GROUND]


def _domain(run: RunRecord) -> alt.Scale:
    return alt.Scale(domain=[0, len(run.timeline())], nice=False)


def _times(run: RunRecord) -> alt.Axis:
    """A few of the probes by their epochs or steps; each stands in the middle of its column."""
    times = [when for when, _ in run.timeline()]
    marks = [i for i, when in enumerate(times) if when == int(when)]
    marks = marks[:: -(-len(marks) // 5)]
    number = terms_of([run]).number if run.ours is None else ".0f"
    written = {str(i + 0.5): f"{times[i]:{number}}" for i in marks}
    expression = f"{json.dumps(written)}[datum.value]"
    return alt.Axis(values=[i + 0.5 for i in marks], labelExpr=expression, grid=False)


def _names(watched: dict[str, unit_lives.Watched], ends: np.ndarray) -> alt.Axis:
    """The layers' names, each in its middle; of many some."""
    names = [*watched]
    starts = np.concatenate([[0.0], ends[:-1]])
    middles = {i: float(f"{(starts[i] + ends[i]) / 2:.6g}") for i in shown_layers(len(names), 5)}
    written = {str(at): tail(names[i], LETTERS) for i, at in middles.items()}
    expression = f"{json.dumps(written)}[datum.value]"
    return alt.Axis(
        values=[*middles.values()], labelExpr=expression, ticks=False, domain=False, grid=False,
        labelOverlap=False,
    )  # fmt: skip


def _summary(run: RunRecord, definition: str) -> str:
    words = words_of(definition)
    lives = unit_lives.of_network(run, definition)
    if lives is None:
        return "no probes"
    again = lives.ever - lives.end
    text = (
        f"{formatting.percent(lives.ever)}% of units {words.state} at some probe, "
        f"{formatting.percent(lives.end)}% at the last, "
        f"{formatting.percent(again)}% {words.back} by then"
    )
    if lives.redrawn:
        text += (
            f", {lives.redrawn:,.0f} drawn anew, {formatting.percent(lives.died_again)}% of them "
            f"{words.state} at the next probe"
        )
    return f"{text} (seed {run.seed})"


def survival(context: Context) -> Drawing:
    """How long units live until they first die, and how long they then stay dead."""
    definition, words = context.definition, words_of(context.definition)
    if (reason := lacking.lives(context.records, True, definition)) is not None:
        raise LackingError(reason)
    not_yet = partial(survival_curves.not_yet_dead, definition=definition)
    still = partial(survival_curves.still_dead, definition=definition)
    alive = Measure(f"not yet {words.state} %", "share", not_yet)
    dead = Measure(f"still {words.state} %", "share", still)
    living = curves.over_time(context, [alive], context.terms.clock)
    staying = curves.over_time(context, [dead], words.clock)
    if living is None or staying is None:
        raise LackingError("no unit was followed over two probes")
    shown = [entry for entry, _, _ in living.curves]
    facts = [
        f"{e.label}: {formatting.plus_minus(c.last)}% never seen {words.state} by "
        f"{context.terms.at(c.when[-1])}"
        for e, _, c in living.curves
    ]
    facts += [
        f"{e.label}: {formatting.plus_minus(c.values[1])}% of {words.stretches} outlast a probe, "
        f"{formatting.plus_minus(c.last)}% {c.when[-1]:g} probes"
        for e, _, c in staying.curves
    ]
    caption = (
        f"Survival curves: the share of {context.terms.units} that no probe has yet seen "
        f"{words.state}, and of the times a unit was {words.state} the share that lasts longer "
        f"than so many probes (Kaplan–Meier: {words.stretches} that run on at the end count as "
        f"long as they were watched{_ended(shown, definition)}). "
        f"{context.seeds(shown)}{living.note}"
    )
    return alt.vconcat(living.chart, staying.chart), caption, alt_text(facts)


def _ended(shown: Sequence[Entry], definition: str) -> str:
    """What ends a death besides coming back."""
    runs = (run for e in shown for run in e.runs)
    watched = (seen for run in runs for seen in unit_lives.watched(run, definition).values())
    redraws = any(seen.redrawn is not None for seen in watched)
    return f"; a unit that is drawn anew is {definition} no more, or once more" if redraws else ""

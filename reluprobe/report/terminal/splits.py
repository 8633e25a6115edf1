"""What ``looks`` found → what the terminal shows. Nothing here prints."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.analysis.aggregate import Estimate
from reluprobe.analysis.death_causes import Blame
from reluprobe.analysis.init_signal import Signal
from reluprobe.analysis.splits import SplitShares, firing_bound
from reluprobe.analysis.step_course import StepPoint
from reluprobe.config import Value, labels
from reluprobe.config.choices import SPLITS
from reluprobe.report import formatting
from reluprobe.report.terminal import blocks
from reluprobe.report.terminal.tables import CALLED, cell, heat, shown_layers, table_width

Settings = Mapping[str, Value | None]
Named = Sequence[tuple[Settings, SplitShares]]

MOST_LAYERS = 10
BLOCKS = " " + blocks.HEIGHTS
MOST_MOMENTS = 16

#: What the columns of the table of samples mean, where their names do not say it.
SAMPLES_LEGEND = {
    "certain": "% of units dead for every input in the training data's box",
    "wakes": "% of the units dead on the probe that fire on the training set",
    "test wakes": "% of those dead on the training set that fire on the test set",
}
BLAME_LEGEND = (
    "deaths a run; %: shares (Shapley) of the fall of the dying units' largest pre-activation; "
    "below 0: held them up"
)
SIGNAL_LEGEND = (
    "before training: % of outputs that are 0, their mean and standard deviation; ratio: mean z² "
    "over that of the layer before (1 for He with ReLU, 0.5 for variance 1/n); histogram: of the "
    "first seed's outputs, smallest to largest, log scale"
)


def samples_title(found: Named, definition: str) -> Text:
    """What the table of samples shows."""
    sizes = {n: max(s.examples[n] for _, s in found) for n in SPLITS}
    listed = ", ".join(f"{n} {sizes[n]:,}" for n in SPLITS)
    word = CALLED[definition][0]
    return Text(f"{word} % of the finished networks, by sample ({listed} examples)", style="italic")


def samples_headline(found: Named) -> Text | None:
    """Where most units are dead on the probe: how many of them the training set wakes."""
    there = [(s.units["probe"], s.awake, settings) for settings, s in found]
    dead, awake, settings = max(there, key=lambda t: t[0].mean if t[0] else 0.0)
    if dead is None or awake is None or dead.mean == 0:
        return None
    name = f"{labels.settings(settings)}: " if labels.settings(settings) else ""
    total, woken = (formatting.plus_minus(e, lambda v: f"{v or 0:,.0f}") for e in (dead, awake))
    words = f"{name}of {total} units dead on the probe, {woken} fire on the training set"
    return Text(words, style="bold")


def samples(found: Named, width: int) -> Table:
    """A row a configuration. Where ``width`` is short, intervals go first, then what wakes."""
    tables = [_samples(found, formatting.plus_minus, 6)]
    tables += [
        _samples(found, lambda e: formatting.percent(e.mean if e else None), n) for n in (6, 4)
    ]
    return next((t for t in tables if table_width(t) <= width), tables[-1])


def samples_legend(table: Table) -> Text:
    """The meaning of those columns of the table of samples that are there."""
    there = [str(column.header) for column in table.columns]
    told = [f"{n}: {words}" for n, words in SAMPLES_LEGEND.items() if n in there]
    return Text("; ".join(told), style="dim")


def _samples(found: Named, write: Callable[[Estimate | None], str], columns: int) -> Table:
    titles = (*SPLITS, *SAMPLES_LEGEND)[:columns]
    table = Table(box=None, pad_edge=False)
    for key in found[0][0]:
        table.add_column(labels.name(key), no_wrap=True)
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    for settings, s in found:
        shares = [Text(write(s.shares[n]), style=cell(s.shares[n]).style) for n in SPLITS]
        rest = [Text(write(e)) for e in (s.certified, s.awakened, s.asleep)]
        names = [labels.setting(value) for value in settings.values()]
        table.add_row(*names, *[*shares, *rest][:columns])
    return table


def bounds(found: Named) -> Text:
    """What silence on each sample bounds, at 95%."""
    sizes = {n: max(s.examples[n] for _, s in found) for n in SPLITS}
    parts = [
        f"{n}: {size:,} examples, up to {100 * firing_bound(size):.2g}%"
        for n, size in sizes.items()
    ]
    return Text(
        "a unit that fires on none of n examples may still fire on this much of such data (95%): "
        + "; ".join(parts)
    )


def courses(found: Sequence[tuple[Settings, Sequence[StepPoint]]]) -> Group:
    """For each configuration a row a probe; of many probes, as many as fit a screen."""
    parts: list[RenderableType] = []
    for settings, moments in found:
        depth = len(moments[0].layers)
        shown = shown_layers(depth, MOST_LAYERS)
        table = Table(box=None, pad_edge=False)
        for title in ("step", *(f"L{i + 1}" for i in shown), "all"):
            table.add_column(title, justify="right", no_wrap=True, min_width=6)
        for at in _early(len(moments), MOST_MOMENTS):
            m = moments[at]
            cells = [m.layers[i] for i in shown] + [m.mean]
            table.add_row(f"{m.step:,}", *map(_coloured, cells))
        parts += [Text(labels.settings(settings), style="bold")] * bool(settings) + [table]
    return Group(*parts)


def _early(count: int, room: int) -> list[int]:
    """Indices of at most ``room`` probes, closer together at the start, where most happens."""
    return sorted({round(count ** (i / (room - 1))) - 1 for i in range(room)} | {0})


def _coloured(found: Estimate | None) -> Text:
    share = found.mean if found else None
    return Text(formatting.percent(share), style=heat(share))


def blame(found: Sequence[tuple[Settings, Sequence[Blame]]]) -> Group:
    """For each configuration a row a hidden layer, and one for the whole network."""
    return _by_layer(found, ("deaths", "weights %", "bias %", "upstream %"), _blamed)


def _blamed(b: Blame) -> list[str]:
    deaths = formatting.plus_minus(
        b.deaths, lambda v: formatting.NOT_APPLICABLE if v is None else f"{v:,.1f}"
    )
    return [deaths, *map(formatting.plus_minus, (b.weights, b.bias, b.upstream))]


def signals(found: Sequence[tuple[Settings, Sequence[Signal]]]) -> Group:
    """For each configuration a row a hidden layer."""
    return _by_layer(
        found, ("zeros %", "mean", "deviation", "ratio", "dead %", "histogram"), _signal
    )


def _signal(s: Signal) -> list[str]:
    short = [
        formatting.NOT_APPLICABLE if e is None else f"{e.mean:.3g}" for e in (s.mean, s.deviation)
    ]
    ratio = formatting.plus_minus(s.ratio, lambda v: formatting.number(v, 2))
    shares = formatting.plus_minus(s.zeros), formatting.plus_minus(s.dead)
    return [shares[0], *short, ratio, shares[1], sparkline(s.counts)]


def sparkline(counts: Sequence[int]) -> str:
    """A histogram in block characters, two bins a character, heights on a log scale."""
    pairs = [sum(counts[i : i + 2]) for i in range(0, len(counts), 2)]
    top = math.log1p(max(pairs, default=0))
    return "".join(
        BLOCKS[round(math.log1p(n) / top * (len(BLOCKS) - 1)) if top else 0] for n in pairs
    )


def _by_layer(
    found: Sequence[tuple[Settings, Sequence[Any]]],
    columns: Sequence[str],
    row: Callable[[Any], list[str]],
) -> Group:
    """A heading and a table for each configuration: names of any length fit."""
    parts: list[RenderableType] = []
    for settings, layers in found:
        table = Table(box=None, pad_edge=False)
        table.add_column("L", justify="right", min_width=3)
        for name in columns:
            table.add_column(name, justify="right", no_wrap=True, min_width=9)
        for i, layer in enumerate(layers, start=1):
            last = columns[0] == "deaths" and i == len(layers)
            table.add_row("all" if last else str(i), *row(layer), style="bold" if last else None)
        parts += [Text(labels.settings(settings), style="bold"), table]
    return Group(*parts)

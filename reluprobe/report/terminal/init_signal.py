"""Table of what an initializer does to activations before training, by hidden layer."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Group

from reluprobe.analysis.init_signal import Signal
from reluprobe.report import formatting
from reluprobe.report.terminal import blocks
from reluprobe.report.terminal.layout import Settings, layer_tables

TITLE = "signals"
LEGEND = (
    "before training: % of outputs that are 0, their mean and standard deviation; ratio: mean z² "
    "over that of the layer before (1 for He with ReLU, 0.5 for variance 1/n); histogram: of the "
    "first seed's outputs, smallest to largest, log scale"
)
BLOCKS = " " + blocks.HEIGHTS


def tables(
    configurations: Sequence[tuple[Settings, Sequence[str], Sequence[Signal]]],
) -> Group:
    """For each configuration, with its layers' names, one row per hidden layer."""
    titles = ("zeros %", "mean", "deviation", "ratio", "dead %", "histogram")
    rows = (
        (settings, zip(names, map(_row, layers), strict=True))
        for settings, names, layers in configurations
    )
    return layer_tables(titles, rows)


def _row(signal: Signal) -> list[str]:
    return [
        formatting.plus_minus(signal.zeros),
        formatting.mean(signal.mean, _short),
        formatting.mean(signal.deviation, _short),
        formatting.plus_minus(signal.ratio, lambda v: formatting.number(v, 2)),
        formatting.plus_minus(signal.dead),
        histogram(signal.counts),
    ]


def _short(value: float | None) -> str:
    return formatting.NOT_APPLICABLE if value is None else f"{value:.3g}"


def histogram(counts: Sequence[int]) -> str:
    """A histogram in block characters, two bins a character, heights on a log scale."""
    pairs = [sum(counts[i : i + 2]) for i in range(0, len(counts), 2)]
    top = math.log1p(max(pairs, default=0))
    return "".join(
        BLOCKS[round(math.log1p(n) / top * (len(BLOCKS) - 1)) if top else 0] for n in pairs
    )

"""Table of the causes of death by hidden layer: weights, bias, upstream."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group

from reluprobe.analysis.death_causes import Blame
from reluprobe.report import formatting
from reluprobe.report.terminal.layout import Settings, layer_tables

TITLE = "causes of death"
LEGEND = (
    "deaths: a run, over all runs; %: shares (Shapley) of the fall of the dying units' largest "
    "pre-activation, over the runs in which any died; below 0: held them up"
)


def tables(
    configurations: Sequence[tuple[Settings, Sequence[str], Sequence[Blame]]],
) -> Group:
    """For each configuration, with its layers' names, one row a layer, and one for all of them."""
    titles = ("deaths", "weights %", "bias %", "upstream %")
    rows = (
        (settings, zip(names, map(_row, layers), strict=False))
        for settings, names, layers in configurations
    )
    return layer_tables(titles, rows, [_row(layers[-1]) for *_, layers in configurations])


def _row(blame: Blame) -> list[str]:
    shares = (blame.weights, blame.bias, blame.upstream)
    return [formatting.plus_minus(blame.deaths, _count), *map(formatting.plus_minus, shares)]


def _count(deaths: float | None) -> str:
    return formatting.NOT_APPLICABLE if deaths is None else f"{deaths:,.1f}"

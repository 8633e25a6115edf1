"""What ``prune`` prints: how many units went, and that the network gives out the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.config import labels
from reluprobe.report.formatting import number, percent
from reluprobe.report.terminal.layout import plain_table

if TYPE_CHECKING:
    from reluprobe.pruning import PruneReport

#: A difference of outputs is rounding up to this share of the largest output.
ROUNDING = 1e-5


def parts(report: PruneReport) -> Iterator[RenderableType]:
    """The answer, the units by layer, both networks on the splits, what stays and why."""
    yield Text(_answer(report), style="bold")
    if not report.removed:
        yield from (Text(line, style="dim") for line in _staying(report))
        return
    yield Text(_same(report))
    yield Text()
    yield _layers(report)
    yield Text()
    yield _splits(report)
    for line in _staying(report):
        yield Text(line, style="dim")


def _answer(report: PruneReport) -> str:
    units = sum(layer.units for layer in report.layers)
    examples = f"{report.splits[0].examples:,}"
    where = f"dead on all {examples} training examples"
    if report.on == "certified":
        where = "proven dead for every input in the training set's box"
    before, after = report.parameters
    if not report.removed:
        return f"nothing to take out: of {units:,} hidden units none that could go is {where}"
    return (
        f"took out {report.removed:,} of {units:,} hidden units ({percent(report.removed / units)}"
        f"%), {where}: {before - after:,} of {before:,} parameters "
        f"({percent((before - after) / before)}%)"
    )


def _same(report: PruneReport) -> str:
    test = report.splits[-1]
    apart = f"outputs differ by {test.difference:.1e} at most, of up to {test.largest:.3g}"
    if test.difference <= ROUNDING * max(test.largest, 1):
        return f"on the test set the network gives out the same, but for rounding: {apart}"
    fires = "units that are dead on the training set fire on the test set"
    if test.changed is None:
        return f"on the test set {apart}: some {fires}"
    total = f"{test.changed:,} of {test.examples:,} predictions"
    return f"on the test set {total} change; {apart}: some {fires}"


def _layers(report: PruneReport) -> Table:
    table = plain_table()
    for name in ("L", "units", "dead", "taken out", "left"):
        table.add_column(name, justify="right", no_wrap=True)
    counts = [(layer.units, layer.dead, layer.removed) for layer in report.layers]
    names = [*map(str, range(1, len(counts) + 1)), "all"]
    totals = tuple(map(sum, zip(*counts, strict=True)))
    for name, (units, dead, removed) in zip(names, [*counts, totals], strict=True):
        table.add_row(name, *(f"{n:,}" for n in (units, dead, removed, units - removed)))
    return table


def _splits(report: PruneReport) -> Table:
    table = plain_table()
    classifies = report.splits[0].accuracy is not None
    measure = "acc %" if classifies else "loss"
    table.add_column("split", no_wrap=True)
    names = (f"{measure} before", "after", "largest difference", "largest output")
    for name in ("examples", *names):
        table.add_column(name, justify="right", no_wrap=True)
    for split in report.splits:
        both = split.accuracy or split.loss or (None, None)
        shown = map(percent if classifies else number, both)
        sizes = f"{split.difference:.1e}", f"{split.largest:.3g}"
        table.add_row(split.name, f"{split.examples:,}", *shown, *sizes)
    return table


def _staying(report: PruneReport) -> Iterable[str]:
    """Dead units that stay, and why."""
    numbered = list(enumerate(report.layers, start=1))
    varying = sum(layer.varying for layer in report.layers)
    unfolded = sum(layer.unfolded for layer in report.layers)
    if varying:
        yield (
            f"{labels.count(varying, 'dead unit')} left: flat on every example, but not at one "
            "value, so the network needs it"
        )
    if unfolded:
        yield (
            f"{labels.count(unfolded, 'dead unit')} left: at a constant that is not 0, which the "
            "next layer cannot take up: it has no bias, or pads with zeros"
        )
    for name in [f"L{n}" for n, layer in numbered if layer.emptied]:
        yield f"{name} is dead whole: one of its units stays, for a layer has a unit"

"""What ``looks`` found → what the terminal shows. Nothing here prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from reluprobe import wording
from reluprobe.config import Value
from reluprobe.looks import SAMPLES, Blame, Samples, Signal, firing_bound
from reluprobe.summary import Estimate
from reluprobe.tables import CALLED, cell, table_width

Named = Sequence[tuple[Mapping[str, Value], Samples]]

SAMPLES_LEGEND = (
    "wakes: % of the units dead on the probe that fire on the training set; test wakes: % of those "
    "dead on the training set that fire on the test set; certain: % of units dead for every input "
    "in the training data's box"
)
BLAME_LEGEND = (
    "deaths a run; %: shares (Shapley) of the fall of the dying units' largest pre-activation; "
    "below 0: held them up"
)
SIGNAL_LEGEND = (
    "before training: % of outputs that are 0, their mean and standard deviation; ratio: mean z² "
    "over that of the layer before (1 for He with ReLU, 0.5 for variance 1/n)"
)


def samples_title(found: Named, definition: str) -> Text:
    """What the table of samples shows."""
    sizes = {n: max(s.examples[n] for _, s in found) for n in SAMPLES}
    listed = ", ".join(f"{n} {sizes[n]:,}" for n in SAMPLES)
    word = CALLED[definition][0]
    return Text(f"{word} % of the finished networks, by sample ({listed} examples)", style="italic")


def samples(found: Named, width: int) -> Table:
    """A row a configuration. Where ``width`` is short, intervals are given up."""
    whole = _samples(found, wording.plus_minus)
    if table_width(whole) <= width:
        return whole
    return _samples(found, lambda e: wording.percent(e.mean if e else None))


def _samples(found: Named, write: Callable[[Estimate | None], str]) -> Table:
    table = _table(found[0][0], (*SAMPLES, "wakes", "test wakes", "certain"))
    for settings, s in found:
        shares = [Text(write(s.shares[n]), style=cell(s.shares[n]).style) for n in SAMPLES]
        rest = (write(s.awakened), write(s.asleep), write(s.certified))
        table.add_row(*_names(settings), *shares, *rest)
    return table


def bounds(found: Named) -> Text:
    """What silence on each sample bounds, at 95%."""
    sizes = {n: max(s.examples[n] for _, s in found) for n in SAMPLES}
    parts = [
        f"{n}: {size:,} examples, up to {100 * firing_bound(size):.2g}%"
        for n, size in sizes.items()
    ]
    return Text(
        "a unit that fires on none of n examples may still fire on this much of such data (95%): "
        + "; ".join(parts)
    )


def blame(found: Sequence[tuple[Mapping[str, Value], Sequence[Blame]]]) -> Table:
    """A row a configuration and hidden layer, and one for the whole network."""
    table = _table(found[0][0], ("L", "deaths", "weights %", "bias %", "upstream %"))
    for settings, layers in found:
        names = _names(settings)
        for i, layer in enumerate(layers, start=1):
            last = i == len(layers)
            shares = map(wording.plus_minus, (layer.weights, layer.bias, layer.upstream))
            number = "all" if last else str(i)
            row = (number, _count(layer.deaths), *shares)
            table.add_row(*names, *row, style="bold" if last else None)
            names = [""] * len(names)
    return table


def _count(found: Estimate | None) -> str:
    return wording.plus_minus(found, lambda v: wording.number(v, 1))


def signals(found: Sequence[tuple[Mapping[str, Value], Sequence[Signal]]]) -> Table:
    """A row a configuration and hidden layer."""
    table = _table(found[0][0], ("L", "zeros %", "mean", "deviation", "ratio", "dead %"))
    for settings, layers in found:
        names = _names(settings)
        for i, s in enumerate(layers, start=1):
            numbers = (_short(s.mean), _short(s.deviation), _ratio(s.ratio))
            table.add_row(*names, str(i), _mean(s.zeros), *numbers, cell(s.dead))
            names = [""] * len(names)
    return table


def _mean(found: Estimate | None) -> str:
    return wording.percent(found.mean if found else None)


def _short(found: Estimate | None) -> str:
    return wording.NOT_APPLICABLE if found is None else f"{found.mean:.3g}"


def _ratio(found: Estimate | None) -> str:
    return wording.plus_minus(found, lambda v: wording.number(v, 2))


def _names(settings: Mapping[str, Value]) -> list[str]:
    return [wording.setting(value) for value in settings.values()]


def _table(settings: Mapping[str, Value], columns: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for key in settings:
        table.add_column(wording.name(key), no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table

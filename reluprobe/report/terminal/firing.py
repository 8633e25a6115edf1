"""Tables of firing rates: how often units fire by layer, rare and linear by split, dead data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.analysis.firing import Firing, Split, bin_names
from reluprobe.report import formatting
from reluprobe.report.terminal.layout import (
    WriteAs,
    add_layers,
    fitted_ends,
    plain_table,
    shown_layers,
    split_columns,
)

#: Layers that have a row.
MOST_LAYERS = 12


def parts(firing: Firing, when: str, width: int) -> list[RenderableType]:
    """The finished networks of a configuration; ``when`` says at what moment they ended."""
    title = f"% of units by the % of probe examples that they fire on, {when}"
    shown: list[RenderableType] = ["", _title(title), _histograms(firing, width)]
    if firing.splits:
        shown += [*_by_split(firing, width), *_dead_data(firing.splits, width)]
    return shown


def _title(text: str) -> Text:
    return Text(text, style="italic")


def _histograms(firing: Firing, width: int) -> RenderableType:
    """A column a bin; of bins that have no room beside the others a table of their own."""

    def build(places: Sequence[int]) -> Table:
        table = _layered([*firing.layers], [bin_names()[i] for i in places])
        for name in _shown(firing.layers):
            shares = firing.layers[name]
            table.add_row(name.removeprefix("L"), *(formatting.mean(shares[i]) for i in places))
        whole = (formatting.mean(firing.network[i]) for i in places)
        table.add_row("all", *whole, style="bold")
        return table

    return split_columns(range(len(firing.network)), build, width)


def _by_split(firing: Firing, width: int) -> list[RenderableType]:
    """A column a split for rare units, and where there is any for linear ones."""
    splits = firing.splits.values()
    applies = [m for m in ("rare", "linear") if any(s.network[m] is not None for s in splits)]
    found = [m for m in applies if any(_has_any(s, m) for s in splits)]
    none = [m for m in applies if m not in found]
    words = [Text(f"no unit is {' or '.join(none)} on any of {', '.join(firing.splits)}")]
    if not found:
        return ["", *words]

    def build(write: WriteAs) -> Table:
        table = _layered([*firing.layers], [f"{m} {n}" for m in found for n in firing.splits])
        for name in _shown(firing.layers):
            cells = (getattr(s, m).get(name) for m in found for s in splits)
            table.add_row(name.removeprefix("L"), *map(write, cells))
        whole = (s.network[m] for m in found for s in splits)
        table.add_row("all", *map(write, whole), style="bold")
        return table

    title = f"{' and '.join(found)} units by sample, %"
    return ["", _title(title), fitted_ends(build, width), *(words if none else [])]


def _has_any(split: Split, measure: str) -> bool:
    return any(share is not None and share.mean for share in getattr(split, measure).values())


def _dead_data(splits: Mapping[str, Split], width: int) -> list[RenderableType]:
    """By layer and split, on how many examples not one unit is active; layers that have any."""
    by_layer = {name: [s.dead_data[name] for s in splits.values()] for name in splits["probe"].rare}
    known = {name: row for name, row in by_layer.items() if any(e is not None for e in row)}
    if not known:
        return [Text("dead data: not counted in somebody's own network")]
    found = {name: row for name, row in known.items() if any(e and e.mean for e in row)}
    if not found:
        return [Text("no dead data: on every example some unit of each layer is active")]

    def build(write: WriteAs) -> Table:
        table = _layered([*found], [*splits])
        for name, row in found.items():
            table.add_row(name.removeprefix("L"), *(write(e, _examples) for e in row))
        return table

    rest = " (0 in the other layers)" if len(found) < len(by_layer) else ""
    title = f"dead data: % of examples on which a whole layer is silent{rest}"
    return ["", _title(title), fitted_ends(build, width)]


def _shown(layers: Mapping[str, object]) -> list[str]:
    names = [*layers]
    return [names[i] for i in shown_layers(len(names), MOST_LAYERS)]


def _layered(names: Sequence[str], headings: Sequence[str]) -> Table:
    table = plain_table()
    add_layers(table, [name.removeprefix("L") for name in names])
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _examples(share: float | None) -> str:
    return "<0.1" if share is not None and 0 < share < 0.0005 else formatting.percent(share)

"""Tables of layers that have names, a row each: dead units, and their course, by configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.analysis.aggregate import Estimate, Summary
from reluprobe.analysis.layers import by_name, names_of
from reluprobe.analysis.learning_curves import Curve
from reluprobe.config import labels
from reluprobe.records import LayerInfo, RunRecord
from reluprobe.report import formatting
from reluprobe.report.terminal.layout import fitted, plain_table, split_columns, tail

#: By a layer's name.
Shares = Mapping[str, float | None]
WriteCell = Callable[[Estimate | None, Callable[[Estimate | None], str]], Text]

#: Layers that are shown: a screen's worth. Of more, those with the most dead.
MOST_LAYERS = 18
#: Letters of a layer's name, from its end.
NAME = 32


def worst(shares: Shares, most: int = MOST_LAYERS) -> list[str]:
    """The layers with the largest shares, so many at most, in their own order."""
    ranked = sorted(shares, key=lambda name: -(shares[name] or 0.0))
    return [name for name in shares if name in {*ranked[:most]}]


def most_dead(rows: Sequence[Summary]) -> dict[str, float | None]:
    """Of each layer the largest share of any configuration."""
    names = names_of(run for row in rows for run in row.members)
    means = {n: [e.mean for row in rows if (e := row.layers.get(n)) is not None] for n in names}
    return {name: max(listed, default=None) for name, listed in means.items()}


def rest(shares: Shares, shown: Sequence[str], word: str) -> Text | None:
    """How many layers are not shown, and up to what they come; None where all are."""
    hidden = [share or 0.0 for name, share in shares.items() if name not in shown]
    if not hidden:
        return None
    count = labels.count(len(hidden), "layer")
    words = f"… and {count} more, with at most {formatting.percent(max(hidden))}% {word}"
    return Text(words, style="dim")


@dataclass(frozen=True)
class Column:
    """One column of such a table: its heading, and a cell a layer."""

    title: str
    cells: Sequence[Text | str]
    number: bool = False


def by_layer(rows: Sequence[Summary], word: str, width: int, cell: WriteCell) -> RenderableType:
    """A row a layer: its activation and units, and the share of each configuration.

    Args:
        rows: one at least that has ended.
        word: what is counted.
        width: columns of the terminal.
        cell: writes an estimate, by the function that is its second argument.
    """
    shares = most_dead(rows)
    shown = worst(shares)
    described = describing([run for row in rows for run in row.members], shown)

    def column(row: Summary, write: Callable[[Estimate | None], str]) -> Column:
        cells = [cell(row.layers[n], write) if n in row.layers else Text("") for n in shown]
        return Column(_heading(row, word), cells, number=True)

    written = [[column(row, w) for row in rows] for w in (formatting.plus_minus, formatting.mean)]
    full, means = (table([*described, *columns]) for columns in written)
    split = split_columns(written[1], lambda some: table([*described, *some]), width)
    ends = any(e is not None and e.ends for row in rows for e in row.layers.values())
    lacking = "±" * ends
    chosen = fitted(((full, ""), (means, lacking), (split, lacking)), width)
    return _with_rest(chosen, shares, shown, word)


def courses(
    rows: Sequence[Summary],
    curves: Sequence[Mapping[str, Curve]],
    word: str,
    width: int,
    draw: Callable[[Curve | None], Text],
) -> RenderableType:
    """A row a layer, and its course in each configuration, as ``draw`` draws it."""
    shares = most_dead(rows)
    shown = worst(shares)
    names = Column("layer", [tail(name, NAME) for name in shown])
    drawn = [
        Column(_heading(row, word), [draw(by_name.get(name)) for name in shown])
        for row, by_name in zip(rows, curves, strict=True)
    ]
    split = split_columns(drawn, lambda some: table([names, *some]), width)
    return _with_rest(split, shares, shown, word)


def describing(runs: Sequence[RunRecord], shown: Sequence[str]) -> list[Column]:
    """What does not change of each layer, and how many of its units were not finite at the end."""
    infos = {info.name: info for run in reversed(runs) for info in run.layers}
    columns = [
        Column("layer", [tail(name, NAME) for name in shown]),
        Column("activation", [_activation(infos[name]) for name in shown]),
        Column("units", [f"{infos[name].units:,}" for name in shown], number=True),
    ]
    lost = [_not_finite(runs, name) for name in shown]
    if any(lost):
        cells = [Text(f"{n:,}" if n else "", style="bold red") for n in lost]
        columns.append(Column("not finite", cells, number=True))
    return columns


def table(columns: Sequence[Column]) -> Table:
    """Columns of equally many cells, side by side."""
    drawn = plain_table()
    for column in columns:
        drawn.add_column(column.title, justify="right" if column.number else "left", no_wrap=True)
    for cells in zip(*(column.cells for column in columns), strict=True):
        drawn.add_row(*cells)
    return drawn


def _with_rest(
    shown_part: RenderableType, shares: Shares, shown: Sequence[str], word: str
) -> RenderableType:
    more = rest(shares, shown, word)
    return shown_part if more is None else Group(shown_part, more)


def _heading(row: Summary, word: str) -> str:
    """What a configuration is called over its column; of one alone, what is counted."""
    return labels.settings(row.settings).replace(" · ", "\n") or f"{word} %"


def _activation(info: LayerInfo) -> str:
    return f"{tail(info.activation, NAME)}{', bypassed' if info.bypassed else ''}"


def _not_finite(runs: Sequence[RunRecord], name: str) -> int:
    """The most units of a layer that were not finite at the last look of any run."""
    last = (by_name(run, run.final.layers).get(name) for run in runs if run.history)
    return max((layer.not_finite or 0 for layer in last if layer is not None), default=0)

"""Fitting tables to a terminal's width: measure them, and give up what there is no room for."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.config import Value, labels
from reluprobe.report import formatting

#: What tells a configuration from the others; None for a setting without an effect in it.
Settings = Mapping[str, Value | None]

NARROW = 80
#: Columns that ``print`` of a result fills.
PRINTED = 100
#: Columns that somebody may still ask for.
WIDEST = 240
#: Blanks between two columns.
GAP = 2
#: Letters of a layer's name beside several numbers.
LAYER_NAME = 28
#: A sparkline of fewer probes than this, of those there are, is not worth a column.
FEWEST_PROBES = 8

#: Writes an estimate, its numbers as they are or as another function writes these.
WriteAs = Callable[..., str]

Layout = TypeVar("Layout", bound=RenderableType)
Column = TypeVar("Column")


def plain_table() -> Table:
    """An empty table without a box, as all are here."""
    return Table(box=None, pad_edge=False)


def add_layers(table: Table, names: Iterable[str], min_width: int | None = None) -> None:
    """The column of what a row's layer is called: by numbers, or by names."""
    if all(map(str.isdigit, names)):
        table.add_column("L", justify="right", no_wrap=True, min_width=min_width)
    else:
        table.add_column("layer", no_wrap=True)


def tail(name: str, room: int) -> str:
    """A name in so many letters: of a longer one the end, which tells one layer from the next."""
    return name if len(name) <= room else f"…{name[1 - room :]}"


def said(cell: RenderableType) -> str:
    """A cell without its colours."""
    return cell.plain if isinstance(cell, Text) else str(cell)


def text_of(parts: Iterable[RenderableType], width: int) -> str:
    """What a terminal of this width would show of these, without colours: for ``repr``."""
    # In a notebook too this is text: Rich would show it there and then.
    out = Console(file=io.StringIO(), width=width, color_system=None, force_jupyter=False)
    for part in parts:
        out.print(part)
    text = out.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines())


def table_width(table: Table) -> int:
    """How many columns of a terminal it takes to cut nothing of a table without a box.

    Rich's own measure gives the same, but slowly: for ten thousand runs it took 0.4 s.
    """
    widths = [max(map(_width, (c.header, *c.cells)), default=0) for c in table.columns]
    return sum(widths) + GAP * (len(widths) - 1)


def _width(cell: RenderableType) -> int:
    return max(map(cell_len, said(cell).splitlines()), default=0)


def first_that_fits(
    layouts: Iterable[Layout], width: int, measure: Callable[[Table], int] = table_width
) -> Layout:
    """The first of these that cuts nothing at this width; the last, where none does.

    Args:
        layouts: at least one, the fullest first. One that is no table, but a group of them or
            a text, is taken as it is.
        width: columns of the terminal.
        measure: how many of them a table needs.
    """
    layout = None
    for layout in layouts:
        if not isinstance(layout, Table) or measure(layout) <= width:
            break
    if layout is None:
        raise ValueError("there must be a layout to choose")
    return layout


@dataclass(frozen=True)
class Fitted:
    """What is shown at a width, and below it in a line what there was no room for.

    Attributes:
        shown: the table, or several.
        left_out: what it lacks, in words; empty where it lacks nothing.
        needs: columns at which nothing is lacking.
    """

    shown: RenderableType
    left_out: str = ""
    needs: int = 0

    @property
    def note(self) -> Text | None:
        """What is lacking and how to see it, in one line; None where nothing is."""
        if not self.left_out:
            return None
        see = f"COLUMNS={self.needs} or --json" if self.needs <= WIDEST else "--json"
        return Text(f"no room here for {self.left_out}: {see} shows it", style="dim italic")

    def __rich__(self) -> RenderableType:
        """The same for a console."""
        return self.shown if self.note is None else Group(self.shown, self.note)


def fitted(
    layouts: Iterable[tuple[RenderableType, str]],
    width: int,
    measure: Callable[[Table], int] = table_width,
) -> Fitted:
    """The first of these that cuts nothing at this width, as :func:`first_that_fits`.

    Args:
        layouts: each with what it lacks beside the first, in words.
        width: columns of the terminal.
        measure: how many of them a table needs.
    """
    needs, chosen = 0, None
    for layout, lacking in layouts:
        chosen = Fitted(layout, lacking, needs)
        if not isinstance(layout, Table) or (taken := measure(layout)) <= width:
            break
        needs = needs or taken
    if chosen is None:
        raise ValueError("there must be a layout to choose")
    return chosen


def fitted_ends(build: Callable[[WriteAs], Table], width: int) -> Fitted:
    """A table whose means have their intervals, or where there is no room for these have none."""
    return fitted([(build(formatting.plus_minus), ""), (build(formatting.mean), "±")], width)


def split_columns(
    columns: Sequence[Column],
    build: Callable[[Sequence[Column]], Table],
    width: int,
    measure: Callable[[Table], int] = table_width,
) -> Group:
    """Tables one below the other, each with as many of these columns as fit, and one at least."""
    tables: list[Table] = []
    rest = columns
    while rest:
        parts = ((n, build(rest[:n])) for n in range(len(rest), 0, -1))
        # A column that is too wide alone is shown all the same.
        shown, table = next((n, part) for n, part in parts if n == 1 or measure(part) <= width)
        tables.append(table)
        rest = rest[shown:]
    return Group(*tables)


def shown_layers(depth: int, room: int) -> list[int]:
    """Indices of at most ``room`` layers, evenly spread, first and last among them."""
    if depth <= room:
        return list(range(depth))
    return sorted({round(i * (depth - 1) / (room - 1)) for i in range(room)})


def shown_courses(
    depth: int, probes: int, width: int, fewest: int = 2
) -> tuple[list[int], list[int]]:
    """Which layers and which probes there is room for, in one column per layer.

    A probe takes one character. Layers are given up first, down to two of them, until the others
    have room for ``FEWEST_PROBES`` probes each; then probes, down to ``fewest``.
    """
    layers, room = [], 0
    for count in range(max(depth, 2), 1, -1):
        layers = shown_layers(depth, count)
        room = width // len(layers) - GAP
        if room >= min(probes, FEWEST_PROBES):
            break
    return layers, shown_layers(probes, max(room, fewest))


def layer_tables(
    titles: Sequence[str],
    configurations: Iterable[tuple[Settings, Iterable[tuple[str, Sequence[str]]]]],
    total: Sequence[Sequence[str]] = (),
) -> Group:
    """A heading and a table for each configuration, so that names of any length fit.

    Args:
        titles: of the columns.
        configurations: each with its rows, one a layer: what that is called, and the cells.
        total: the cells of each configuration's whole network, where they are shown too.
    """
    parts: list[RenderableType] = []
    for n, (settings, rows) in enumerate(configurations):
        named = [(tail(name, LAYER_NAME), cells) for name, cells in rows]
        table = plain_table()
        add_layers(table, [name for name, _ in named], min_width=3)
        for title in titles:
            table.add_column(title, justify="right", no_wrap=True, min_width=9)
        for name, cells in named:
            table.add_row(name, *cells)
        if total:
            table.add_row("all", *total[n], style="bold")
        parts += [Text(labels.settings(settings), style="bold"), table]
    return Group(*parts)

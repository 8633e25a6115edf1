"""Two settings, one down and one across, as a heat map with its numbers. Nothing here prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.analysis.aggregate import Pivot, Summary
from reluprobe.config import Value, labels
from reluprobe.report import formatting
from reluprobe.report.terminal import blocks
from reluprobe.report.terminal.tables import CALLED, heat, table_width

#: A shade two characters wide is about as high as it is wide.
SWATCH = 2
LEGEND = f"shade: {blocks.SHADES_LEGEND}"

Cell = Callable[[Summary | None], Text]


def title(row: str, column: str, definition: str) -> Text:
    """What a pivot shows."""
    word = CALLED[definition][0]
    return Text(f"{word} % (test accuracy %) by {row} and {labels.name(column)}", style="italic")


def table(found: Pivot, row: str, width: int) -> RenderableType:
    """In each cell a shade, the share, and in brackets the accuracy.

    Where ``width`` is short, accuracies go below the shares; where it is shorter still, the
    columns go into several tables.
    """
    for write in (_line, _two_lines):
        whole = _table(found, row, found.columns, write)
        if table_width(whole) <= width:
            return whole
    return _parted(found, row, width)


def _parted(found: Pivot, row: str, width: int) -> Group:
    parts, rest = [], list(found.columns)
    while rest:
        tables = {n: _table(found, row, rest[:n], _two_lines) for n in range(len(rest), 0, -1)}
        # A column that is too wide alone is shown all the same.
        fits = next((n for n, table in tables.items() if table_width(table) <= width), 1)
        parts.append(tables[fits])
        rest = rest[fits:]
    return Group(*parts)


def _table(found: Pivot, row: str, columns: Sequence[Value | None], write: Cell) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(labels.name(row), no_wrap=True)
    for value in columns:
        table.add_column(labels.setting(value), justify="right", no_wrap=True)
    for name in found.rows:
        cells = [write(found.cells.get((name, value))) for value in columns]
        table.add_row(labels.setting(name), *cells)
    return table


def _line(found: Summary | None) -> Text:
    return _cell(found, " ")


def _two_lines(found: Summary | None) -> Text:
    return _cell(found, "\n")


def _cell(found: Summary | None, between: str) -> Text:
    if found is None:
        return Text("")
    if found.mean is None:
        return Text("diverged" if found.diverged else formatting.NOT_APPLICABLE, style="dim")
    share = found.mean.mean
    text = Text(f"{blocks.shade(share) * SWATCH} {formatting.percent(share):>5}", style=heat(share))
    if found.accuracy is None:
        return text
    return text.append(f"{between}({formatting.percent(found.accuracy.mean)})", style="dim")

"""Pivot of two settings, one down and one across: a heat map with its numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.analysis.aggregate import Pivot, Summary
from reluprobe.config import Value, labels
from reluprobe.report import formatting
from reluprobe.report.terminal import blocks, mishaps
from reluprobe.report.terminal.layout import first_that_fits, plain_table, split_columns
from reluprobe.report.terminal.tables import CALLED, heat
from reluprobe.report.terms import OURS, Terms

#: A shade two characters wide is about as high as it is wide.
SWATCH = 2
LEGEND = f"shade: {blocks.SHADES_LEGEND}"

WriteCell = Callable[[Summary | None], Text]


def title(row: str, column: str, definition: str, terms: Terms = OURS) -> Text:
    """What a pivot shows."""
    measures = f"{CALLED[definition][0]} % ({terms.accuracy} %)"
    return Text(f"{measures} by {row} and {labels.name(column)}", style="italic")


def table(pivot: Pivot, row: str, width: int) -> RenderableType:
    """In each cell a shade, the share, and in brackets the accuracy.

    Where ``width`` is short, accuracies go below the shares; where it is shorter still, the
    columns go into several tables.
    """
    return first_that_fits(_layouts(pivot, row, width), width)


def _layouts(pivot: Pivot, row: str, width: int) -> Iterator[RenderableType]:
    yield _table(pivot, row, pivot.columns, _line)
    yield _table(pivot, row, pivot.columns, _two_lines)
    yield split_columns(
        pivot.columns, lambda columns: _table(pivot, row, columns, _two_lines), width
    )


def _table(pivot: Pivot, row: str, columns: Sequence[Value | None], write: WriteCell) -> Table:
    table = plain_table()
    table.add_column(labels.name(row), no_wrap=True)
    for value in columns:
        table.add_column(labels.setting(value), justify="right", no_wrap=True)
    for name in pivot.rows:
        cells = [write(pivot.cells.get((name, value))) for value in columns]
        table.add_row(labels.setting(name), *cells)
    return table


def _line(summary: Summary | None) -> Text:
    return _cell(summary, " ")


def _two_lines(summary: Summary | None) -> Text:
    return _cell(summary, "\n")


def _cell(summary: Summary | None, between: str) -> Text:
    if summary is None:
        return Text("")
    if summary.mean is None:
        return Text(mishaps.fate(summary), style="dim")
    share = summary.mean.mean
    text = Text(f"{blocks.shade(share) * SWATCH} {formatting.percent(share):>5}", style=heat(share))
    if summary.accuracy is None:
        return text
    return text.append(f"{between}({formatting.percent(summary.accuracy.mean)})", style="dim")

"""Pivot of two settings, one down and one across: a heat map with its numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.analysis import aggregate
from reluprobe.analysis.aggregate import Pivot, Summary
from reluprobe.config import Value, labels, rank
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.quality_terms import QualityTerms, in_words
from reluprobe.report.terminal import blocks, mishaps
from reluprobe.report.terminal.layout import (
    first_that_fits,
    plain_table,
    shown_layers,
    split_columns,
    table_width,
)
from reluprobe.report.terminal.tables import CALLED, heat

#: A shade two characters wide is about as high as it is wide.
SWATCH = 2
#: Lines of a pivot on one screen, and the least share of its cells that is no gap.
MOST_LINES, FULL = 13, 0.5
LEGEND = f"shade: {blocks.SHADES_LEGEND}"

WriteCell = Callable[[Summary | None], Text]


def title(row: str, column: str, definition: str, qualities: Sequence[QualityTerms]) -> Text:
    """What a pivot shows."""
    beside = ", ".join(terms.title for terms in qualities)
    measures = f"{CALLED[definition][0]} % ({beside})"
    return Text(f"{measures} by {row} and {labels.name(column)}", style="italic")


def table(pivot: Pivot, row: str, width: int) -> RenderableType:
    """In each cell a shade, the share, and in brackets how good networks are.

    Where ``width`` is short, that goes below the shares; where it is shorter still, the
    columns go into several tables.
    """
    return first_that_fits(_layouts(pivot, row, width), width)


def on_a_screen(
    records: Sequence[RunRecord], axes: Sequence[str], definition: str, width: int
) -> tuple[Pivot, str, str] | None:
    """The pivot of these two settings with the one down and the other across that fits better.

    Of many values some are left out, evenly spread; None where half of its cells are gaps.

    Args:
        records: the runs.
        axes: the two settings.
        definition: which definition of death counts.
        width: columns of the terminal.

    Returns:
        it, what goes down, and what goes across.
    """
    drawn = []
    # Numbers rather go across, as along an axis.
    one, other = axes
    pairs = [(one, other), (other, one)]
    for down, across in sorted(pairs, key=lambda pair: _are_numbers(records, pair[0])):
        whole = aggregate.pivot(records, down, across, definition)
        if whole is None or len(whole.cells) < FULL * len(whole.rows) * len(whole.columns):
            continue
        rows = sorted(whole.rows, key=rank) if formatting.are_numbers(whole.rows) else whole.rows
        part = _fewer(replace(whole, rows=tuple(rows)), down, width)
        lost = len(whole.rows) * len(whole.columns) - len(part.rows) * len(part.columns)
        in_lines = table_width(_table(part, down, part.columns, _line)) <= width
        drawn.append(((lost, not in_lines), part, down, across))
    if not drawn:
        return None
    _, part, down, across = min(drawn, key=lambda entry: entry[0])
    return part, down, across


def _are_numbers(records: Sequence[RunRecord], name: str) -> bool:
    return formatting.are_numbers({run.settings.get(name) for run in records})


def _fewer(pivot: Pivot, down: str, width: int) -> Pivot:
    """As many of its rows and columns as fit a screen, the first and the last among them."""
    for count in range(len(pivot.columns), 1, -1):
        columns = [pivot.columns[i] for i in shown_layers(len(pivot.columns), count)]
        part = replace(pivot, columns=tuple(columns))
        narrow = _table(part, down, part.columns, _line)
        one_line = table_width(narrow) <= width
        if one_line or table_width(_table(part, down, part.columns, _two_lines)) <= width:
            most = MOST_LINES if one_line else MOST_LINES // 2
            rows = [part.rows[i] for i in shown_layers(len(part.rows), most)]
            return replace(part, rows=tuple(rows))
    return pivot


def left_out(pivot: Pivot, whole: dict[str, int], down: str, across: str) -> Text | None:
    """How many values of either setting a pivot lacks; None where none."""
    shown = {down: len(pivot.rows), across: len(pivot.columns)}
    listed = [
        f"{n} of {whole[name]} values of {labels.name(name)}"
        for name, n in shown.items()
        if n < whole[name]
    ]
    return Text(f"{' and '.join(listed)} are shown", style="dim") if listed else None


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
    beside = in_words(summary, lambda terms, one: terms.write(one.mean))
    return text.append(f"{between}({beside})", style="dim") if beside else text

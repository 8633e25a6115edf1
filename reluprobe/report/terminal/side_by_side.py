"""Table of several sweeps side by side, one row per configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.analysis.aggregate import Summary
from reluprobe.analysis.side_by_side import Beside, Line, difference
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.formatting import points
from reluprobe.report.quality_terms import QualityTerms, terms_of_quality
from reluprobe.report.terminal import mishaps, tables
from reluprobe.report.terminal.layout import (
    fitted,
    plain_table,
    split_columns,
    table_width,
)
from reluprobe.report.terminal.tables import CALLED, cell

#: Configurations that one sweep alone has: its own report lists them all.
MOST_ALONE = 12
NOT_THERE = "absent"
#: The width that a name in several lines has at least.
NAME = 22

Write = Callable[..., str]


def letter(n: int) -> str:
    """What a sweep is called in headings: A, B, … Z, then its number."""
    return chr(ord("A") + n) if n < 26 else str(n + 1)


def heading(n: int, name: str, beside: Beside) -> Text:
    """A sweep's letter, name, and what sets it apart."""
    apart = labels.settings({key: values[n] for key, values in beside.apart.items()})
    return Text(f"{letter(n)}  {name}{': ' if apart else ''}{apart}", style="bold cyan")


def lost(rows: Sequence[Summary]) -> Text | None:
    """How many of a sweep's runs came to no end, or collapsed; None where none did."""
    counts = {word: sum(getattr(c, word) for c in rows) for word in mishaps.MISHAPS}
    fates = ", ".join(f"{n} {word}" for word, n in counts.items() if n)
    return Text(f"of its runs, {fates}", style="red") if fates else None


def title(beside: Beside, definition: str) -> Text:
    """What the table shows, and how many configurations line up."""
    word, shared, count = CALLED[definition][0], len(beside.shared), len(beside.lines[0].sweeps)
    lines = labels.count(shared, "configuration") if shared else "no configuration"
    where = "both" if count == 2 else "several of them"
    points = ", B − A in points" if count == 2 else ""
    runs = _runs(beside.lines)
    measures = " and ".join([f"{word} %", *(terms.title for terms in terms_of_quality(runs))])
    text = f"{measures} side by side{points}; {lines} in {where}"
    return Text(text, style="italic")


def _runs(lines: Sequence[Line]) -> list[RunRecord]:
    return [run for line in lines for one in line.present for run in one.members]


def shown(beside: Beside) -> list[Line]:
    """The lines to show: those of several sweeps, and some that one alone has."""
    shared = len(beside.shared)
    return list(beside.lines[: shared + MOST_ALONE])


def rest(beside: Beside) -> Text | None:
    """How many configurations of one sweep alone are not shown; None where all are."""
    hidden = len(beside.lines) - len(shown(beside))
    if not hidden:
        return None
    return Text(f"and {labels.count(hidden, 'configuration')} that one alone has", style="dim")


def table(beside: Beside, definition: str, width: int) -> RenderableType:
    """One row per configuration, two columns per sweep, and for two sweeps the difference.

    Where ``width`` is short, intervals go, of how good networks are first; then names take one
    column and as many lines as they need; then sweeps go into several tables.
    """
    return fitted(_layouts(shown(beside), definition, width), width, _least)


def _layouts(
    lines: Sequence[Line], definition: str, width: int
) -> Iterator[tuple[RenderableType, str]]:
    sweeps = range(len(lines[0].sweeps))
    columns, one = _names(lines, tables.MOST_NAMES), _names(lines, 1)
    full, means = formatting.plus_minus, formatting.mean
    present = [one for line in lines for one in line.present]
    every = [e for one in present for e in (one.mean, one.accuracy, one.r2)]
    bare = " and ".join(terms.bare for terms in terms_of_quality(_runs(lines)))
    ends = "±" * any(e is not None and e.ends for e in every)
    yield _table(lines, columns, sweeps, definition, (full, full)), ""
    yield (
        _table(lines, columns, sweeps, definition, (full, means)),
        f"{ends} of {bare}" * len(ends),
    )
    yield _table(lines, columns, sweeps, definition, (means, means)), ends
    yield _table(lines, one, sweeps, definition, (means, means)), ends

    def part(sweeps: Sequence[int]) -> Table:
        return _table(lines, one, sweeps, definition, (means, means))

    yield split_columns(sweeps, part, width, _least), ends


def _least(table: Table) -> int:
    """The width that it takes to cut nothing; what sets a configuration apart may be wrapped."""
    first = table.columns[0]
    if first.no_wrap:
        return table_width(table)
    name = max(len(str(cell)) for cell in first.cells)
    return table_width(table) - max(0, name - NAME)


def _names(lines: Sequence[Line], most: int) -> list[dict[str, str]]:
    """What tells each line apart: settings in at most so many columns, or in one."""
    rows = tables.shortened([line.present[0] for line in lines], most)
    return [{key: labels.setting(v) for key, v in row.settings.items()} for row in rows]


def _table(
    lines: Sequence[Line],
    names: Sequence[dict[str, str]],
    sweeps: Sequence[int],
    definition: str,
    write: tuple[Write, Write],
) -> Table:
    table = plain_table()
    for key in names[0]:
        table.add_column(labels.name(key), no_wrap=key != "change")
    word = CALLED[definition][0]
    qualities = terms_of_quality(_runs(lines))
    # That it is on the test set says the title.
    short = [terms.short.removeprefix("test ") for terms in qualities]
    for n in sweeps:
        table.add_column(f"{letter(n)} {word} %", justify="right", no_wrap=True)
        for terms, name in zip(qualities, short, strict=True):
            table.add_column(f"{name} {terms.unit}".strip(), justify="right", no_wrap=True)
    two = len(sweeps) == len(lines[0].sweeps) == 2
    for title in ("B − A", *short) * two:
        table.add_column(title, justify="right", no_wrap=True)
    for line, name in zip(lines, names, strict=True):
        cells = [text for n in sweeps for text in _cells(line.sweeps[n], qualities, write)]
        table.add_row(*name.values(), *cells, *(_difference(line, qualities) if two else []))
    return table


def _cells(
    summary: Summary | None, qualities: Sequence[QualityTerms], write: tuple[Write, Write]
) -> list[Text]:
    if summary is None:
        return [Text(NOT_THERE, style="dim"), *[Text("")] * len(qualities)]
    beside = [Text(write[1](terms.quality.among(summary), terms.write)) for terms in qualities]
    if summary.mean is None:
        return [Text(mishaps.fate(summary), style="dim"), *beside]
    return [cell(summary.mean, write[0]), *beside]


def _difference(line: Line, qualities: Sequence[QualityTerms]) -> list[Text]:
    change = difference(line)
    beside = (terms.write_change(terms.quality.among(change)) for terms in qualities)
    return [Text(points(change.dead)), *map(Text, beside)]

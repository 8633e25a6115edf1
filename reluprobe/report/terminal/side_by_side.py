"""Sweeps side by side → what the terminal shows. Nothing here prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from reluprobe.analysis.aggregate import Estimate, Summary
from reluprobe.analysis.side_by_side import Beside, Line, difference
from reluprobe.config import labels
from reluprobe.report import formatting
from reluprobe.report.terminal import tables
from reluprobe.report.terminal.compare_text import points
from reluprobe.report.terminal.tables import CALLED, heat, table_width

#: Configurations that one sweep alone has: its own report lists them all.
MOST_ALONE = 12
NOT_THERE = "absent"
#: The width that a name in several lines has at least.
NAME = 22

Write = Callable[[Estimate | None], str]


def letter(n: int) -> str:
    """What a sweep is called in headings: A, B, … Z, then its number."""
    return chr(ord("A") + n) if n < 26 else str(n + 1)


def heading(n: int, name: str, found: Beside) -> Text:
    """A sweep's letter, name, and what sets it apart."""
    apart = labels.settings({key: values[n] for key, values in found.apart.items()})
    return Text(f"{letter(n)}  {name}{': ' if apart else ''}{apart}", style="bold cyan")


def lost(rows: Sequence[Summary]) -> Text | None:
    """How many of a sweep's runs came to no end, or collapsed; None where none did."""
    counts = {word: sum(getattr(c, word) for c in rows) for word in tables.MISHAPS}
    told = ", ".join(f"{n} {word}" for word, n in counts.items() if n)
    return Text(f"of its runs, {told}", style="red") if told else None


def title(found: Beside, definition: str) -> Text:
    """What the table shows, and how many configurations line up."""
    word, shared, count = CALLED[definition][0], len(found.shared), len(found.lines[0].sweeps)
    lines = labels.count(shared, "configuration") if shared else "no configuration"
    where = "both" if count == 2 else "several of them"
    points = ", B − A in points" if count == 2 else ""
    told = f"{word} % and test accuracy % side by side{points}; {lines} in {where}"
    return Text(told, style="italic")


def shown(found: Beside) -> list[Line]:
    """The lines to show: those of several sweeps, and some that one alone has."""
    there = len(found.shared)
    return list(found.lines[: there + MOST_ALONE])


def rest(found: Beside) -> Text | None:
    """How many configurations of one sweep alone are not shown; None where all are."""
    hidden = len(found.lines) - len(shown(found))
    if not hidden:
        return None
    return Text(f"and {labels.count(hidden, 'configuration')} that one alone has", style="dim")


def table(found: Beside, definition: str, width: int) -> Group:
    """A row a configuration, two columns a sweep, and for two sweeps the difference.

    Where ``width`` is short, intervals go, of accuracy first; then names take one column and as
    many lines as they need; then sweeps go into several tables.
    """
    lines = shown(found)
    columns, one = _names(lines, tables.MOST_NAMES), _names(lines, 1)
    every = list(range(len(lines[0].sweeps)))
    means = (_mean, _mean)
    layouts = (
        (columns, (formatting.plus_minus, formatting.plus_minus)),
        (columns, (formatting.plus_minus, _mean)),
        (columns, means),
        (one, means),
    )
    for names, write in layouts:
        whole = _table(lines, names, every, definition, write)
        if _least(whole) <= width:
            return Group(whole)
    parts: list[Table] = []
    while every:
        sizes = range(len(every), 0, -1)
        tried = {n: _table(lines, one, every[:n], definition, means) for n in sizes}
        fits = next((n for n, part in tried.items() if _least(part) <= width), 1)
        parts.append(tried[fits])
        every = every[fits:]
    return Group(*parts)


def _least(table: Table) -> int:
    """The width that it takes to cut nothing; what sets a configuration apart may be wrapped."""
    first = table.columns[0]
    if first.no_wrap:
        return table_width(table)
    name = max(len(str(cell)) for cell in first.cells)
    return table_width(table) - max(0, name - NAME)


def _mean(found: Estimate | None) -> str:
    return formatting.percent(found.mean if found else None)


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
    table = Table(box=None, pad_edge=False)
    for key in names[0]:
        table.add_column(labels.name(key), no_wrap=key != "change")
    word = CALLED[definition][0]
    for n in sweeps:
        table.add_column(f"{letter(n)} {word} %", justify="right", no_wrap=True)
        table.add_column("acc %", justify="right", no_wrap=True)
    two = len(sweeps) == len(lines[0].sweeps) == 2
    for title in ("B − A", "acc") * two:
        table.add_column(title, justify="right", no_wrap=True)
    for line, name in zip(lines, names, strict=True):
        cells = [text for n in sweeps for text in _cells(line.sweeps[n], write)]
        table.add_row(*name.values(), *cells, *(_difference(line) if two else []))
    return table


def _cells(found: Summary | None, write: tuple[Write, Write]) -> list[Text]:
    if found is None:
        return [Text(NOT_THERE, style="dim"), Text("")]
    if found.mean is None:
        fate = next((w for w in tables.MISHAPS if getattr(found, w)), formatting.NOT_APPLICABLE)
        return [Text(fate, style="dim"), Text(write[1](found.accuracy))]
    dead = Text(write[0](found.mean), style=heat(found.mean.mean))
    return [dead, Text(write[1](found.accuracy))]


def _difference(line: Line) -> list[Text]:
    found = difference(line)
    return [Text(points(found.dead)), Text(points(found.accuracy))]

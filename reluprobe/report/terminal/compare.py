"""Table of changes of settings against a baseline, with paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from reluprobe.analysis.bootstrap import Change
from reluprobe.analysis.compare import Group, Level, level
from reluprobe.analysis.contrast import Contrast, Question, verdict
from reluprobe.config import labels
from reluprobe.report import formatting
from reluprobe.report.formatting import points
from reluprobe.report.quality_terms import terms_of_error, terms_of_quality
from reluprobe.report.terminal import compare_text
from reluprobe.report.terminal.compare_text import paired_alike
from reluprobe.report.terminal.layout import Fitted, fitted, plain_table
from reluprobe.report.terminal.mishaps import MISHAPS
from reluprobe.report.terminal.tables import CALLED, heat


def _change(change: Change | None, write: formatting.Write) -> str:
    if change is None or change.low is None:
        return write(change.mean if change else None)
    return f"{write(change.mean)} [{write(change.low)}, {write(change.high)}]"


def table(group: Group, rows: Sequence[Contrast], question: Question, width: int) -> Fitted:
    """The baseline in absolute numbers, then one row per change.

    Where ``width`` is short, the change of loss or RMSE goes first; then what a row comes to goes
    below its change, and names and verdicts take as many lines as they need.
    """
    measures = _measures(group, rows, question)
    error = measures[-1]
    lacking = error.name if any(row.changes[error.key] is not None for row in rows) else ""
    layouts = (
        (_Wide(measures), ""),
        (_Wide(measures[:-1]), lacking),
        (_Narrow(measures[:-1]), lacking),
    )
    return fitted(((_table(group, rows, question, one), less) for one, less in layouts), width)


@dataclass(frozen=True)
class _Measure:
    """What a table has two columns of: a measure's name in a heading, and how it is written."""

    key: str
    name: str
    unit: str
    write: formatting.Write
    write_change: formatting.Write


def _measures(group: Group, rows: Sequence[Contrast], question: Question) -> list[_Measure]:
    """Dead units, how good networks are, and last what they are wrong by."""
    pairs = [pair for row in rows for pair in row.pairs]
    runs = [run for pair in pairs for run in (pair.other, pair.baseline)]
    runs += [run for one in group.baselines for run in one.runs.values()]
    error = terms_of_error(runs)
    word = CALLED[question.definition][0]
    return [
        _Measure("dead", f"{word} %", "points", formatting.percent, points),
        *(
            _Measure(t.quality.name, t.heading, t.points or "change", t.write, t.write_change)
            for t in terms_of_quality(runs)
        ),
        _Measure(error.key, error.name, "change", error.write, error.write_change),
    ]


class _Wide:
    """One line a row: what it comes to stands before its change."""

    no_wrap = True

    def __init__(self, measures: Sequence[_Measure]) -> None:
        self.measures = measures

    def columns(self) -> list[str]:
        return [title for one in self.measures for title in (one.name, f"{one.unit} [95%]")]

    def cells(self, ends: Sequence[Text], changes: Sequence[str]) -> list[Text]:
        return [t for end, c in zip(ends, changes, strict=True) for t in (end, Text(c))]

    def baseline(self, ends: Sequence[Text], intervals: Sequence[str]) -> list[Text]:
        return self.cells(ends, intervals)

    def words(self, text: str) -> str:
        return text


class _Narrow:
    """What a row comes to stands below its change."""

    no_wrap = False

    def __init__(self, measures: Sequence[_Measure]) -> None:
        self.measures = measures

    def columns(self) -> list[str]:
        return [f"{one.name}, {one.unit}" for one in self.measures]

    def cells(self, ends: Sequence[Text], changes: Sequence[str]) -> list[Text]:
        pairs = list(zip(ends, changes, strict=True))
        return [end if c in ("", end.plain) else Text(f"{c}\nto ").append(end) for end, c in pairs]

    def baseline(self, ends: Sequence[Text], intervals: Sequence[str]) -> list[Text]:
        return [
            Text.assemble(end, f" {interval}" if interval else "")
            for end, interval in zip(ends, intervals, strict=True)
        ]

    def words(self, text: str) -> str:
        return text.replace(" · ", "\n· ").replace(", ", ",\n").replace("; ", ";\n")


def _table(
    group: Group, rows: Sequence[Contrast], question: Question, layout: _Wide | _Narrow
) -> Table:
    table = plain_table()
    table.add_column("change", no_wrap=layout.no_wrap)
    for name in layout.columns():
        table.add_column(name, justify="right", no_wrap=True)
    # Of equal numbers of pairs the title tells; a column of them costs names their width.
    several = layout.no_wrap or paired_alike(group) is None
    if several:
        title = "n" if group.same else "pairs"
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=layout.no_wrap)

    def add(name: str, cells: Sequence[Text], n: str, said: Text) -> None:
        words = Text(layout.words(said.plain), style=said.style)
        table.add_row(layout.words(name), *cells, *([n] if several else []), words)

    levels = {one.key: level(group, one.key, question) for one in layout.measures}
    done = sum(len(one.done) for one in group.baselines)
    count = compare_text.blocks(len(group.baselines)) if group.same else str(done)
    ends = _ends(layout.measures, {name: at and at.mean for name, at in levels.items()})
    intervals = [_interval(levels[one.key], one.write) for one in layout.measures]
    add("baseline", layout.baseline(ends, intervals), count, _fate(_counts(group)))
    for row in rows:
        changes = [_change(row.changes[one.key], one.write_change) for one in layout.measures]
        n = compare_text.counted(row) if group.same else str(len(row.pairs))
        cells = layout.cells(_ends(layout.measures, row.levels), changes)
        add(labels.change(row.differs), cells, n, _verdict(row, question))
    return table


def _interval(at: Level | None, write: formatting.Write) -> str:
    return "" if at is None or at.low is None else f"[{write(at.low)}, {write(at.high)}]"


def _ends(measures: Sequence[_Measure], levels: Mapping[str, float | None]) -> list[Text]:
    """What runs come to, on average, by each measure."""
    values = [(one, levels[one.key]) for one in measures]
    return [
        Text(one.write(value), style=heat(value) if one.key == "dead" else "dim")
        for one, value in values
    ]


def _counts(group: Group) -> dict[str, int]:
    return {what: sum(len(c.seeds(what)) for c in group.baselines) for what in MISHAPS}


def _fate(counts: Mapping[str, int], said: str = "") -> Text:
    """What became of runs that have no final numbers, or none to speak of."""
    return Text("; ".join(f"{n} {what}" for what, n in counts.items() if n and what != said))


def _verdict(row: Contrast, question: Question) -> Text:
    said = verdict(row, question.definition)
    fate = _fate({what: row.count(what) for what in MISHAPS}, said).plain
    dead = row.changes["dead"]
    bad = (dead and dead.rises) or row.worse or not row.pairs
    style = "green" if row.helps else "red" if bad else "dim"
    return Text("; ".join(filter(None, (said, fate))), style=style)

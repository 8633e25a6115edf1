"""Table of changes of settings against a baseline, with paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from reluprobe.analysis.bootstrap import Change
from reluprobe.analysis.compare import Group, Level, level
from reluprobe.analysis.contrast import MEASURES, Contrast, Question, verdict
from reluprobe.config import labels
from reluprobe.report import formatting
from reluprobe.report.terminal import compare_text
from reluprobe.report.terminal.compare_text import paired_alike, points
from reluprobe.report.terminal.layout import Fitted, fitted, plain_table
from reluprobe.report.terminal.mishaps import MISHAPS
from reluprobe.report.terminal.tables import CALLED, heat
from reluprobe.report.terms import Terms, terms_of


def _change(change: Change | None, write: formatting.Write = points) -> str:
    if change is None or change.low is None:
        return write(change.mean if change else None)
    return f"{write(change.mean)} [{write(change.low)}, {write(change.high)}]"


def table(group: Group, rows: Sequence[Contrast], question: Question, width: int) -> Fitted:
    """The baseline in absolute numbers, then one row per change.

    Where ``width`` is short, the change of loss goes first; then what a row comes to goes below
    its change, and names and verdicts take as many lines as they need.
    """
    terms = terms_of(run for one in group.baselines for run in one.runs.values())
    lacking = terms.loss if any(row.changes["loss"] is not None for row in rows) else ""
    layouts = (
        (_Wide(terms, loss=True), ""),
        (_Wide(terms, loss=False), lacking),
        (_Narrow(terms), lacking),
    )
    return fitted(((_table(group, rows, question, one), less) for one, less in layouts), width)


class _Wide:
    """One line a row: what it comes to stands before its change."""

    no_wrap = True

    def __init__(self, terms: Terms, loss: bool) -> None:
        self.terms, self.loss = terms, loss

    def columns(self, word: str) -> list[str]:
        titles = [f"{word} %", "points [95%]", f"{self.terms.short} %", "points [95%]"]
        return titles + [self.terms.loss, "change [95%]"] * self.loss

    def cells(self, ends: Sequence[Text], changes: Sequence[str]) -> list[Text]:
        beside = [t for end, c in zip(ends, changes, strict=True) for t in (end, Text(c))]
        return beside if self.loss else beside[:4]

    def baseline(self, ends: Sequence[Text], intervals: Sequence[str]) -> list[Text]:
        return self.cells(ends, intervals)

    def words(self, text: str) -> str:
        return text


class _Narrow:
    """What a row comes to stands below its change."""

    no_wrap = False

    def __init__(self, terms: Terms) -> None:
        self.terms = terms

    def columns(self, word: str) -> list[str]:
        return [f"{word} %, points", f"{self.terms.short} %, points"]

    def cells(self, ends: Sequence[Text], changes: Sequence[str]) -> list[Text]:
        pairs = list(zip(ends, changes, strict=True))[:2]
        return [end if c in ("", end.plain) else Text(f"{c}\nto ").append(end) for end, c in pairs]

    def baseline(self, ends: Sequence[Text], intervals: Sequence[str]) -> list[Text]:
        return [
            Text.assemble(end, f" {interval}" if interval else "")
            for end, interval in list(zip(ends, intervals, strict=True))[:2]
        ]

    def words(self, text: str) -> str:
        return text.replace(" · ", "\n· ").replace(", ", ",\n").replace("; ", ";\n")


def _table(
    group: Group, rows: Sequence[Contrast], question: Question, layout: _Wide | _Narrow
) -> Table:
    table = plain_table()
    table.add_column("change", no_wrap=layout.no_wrap)
    for name in layout.columns(CALLED[question.definition][0]):
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

    levels = {name: level(group, name, question) for name in MEASURES}
    done = sum(len(one.done) for one in group.baselines)
    count = compare_text.blocks(len(group.baselines)) if group.same else str(done)
    ends = _ends({name: at and at.mean for name, at in levels.items()})
    add("baseline", layout.baseline(ends, _intervals(levels)), count, _fate(_counts(group)))
    for row in rows:
        dead, accuracy, loss = (row.changes[k] for k in ("dead", "accuracy", "loss"))
        changes = _change(dead), _change(accuracy), _change(loss, compare_text.loss)
        n = compare_text.counted(row) if group.same else str(len(row.pairs))
        cells = layout.cells(_ends(row.levels), changes)
        add(labels.change(row.differs), cells, n, _verdict(row, question))
    return table


def _intervals(levels: Mapping[str, Level | None]) -> list[str]:
    writes = {"dead": formatting.percent, "accuracy": formatting.percent, "loss": formatting.number}
    return [
        f"[{write(at.low)}, {write(at.high)}]"
        if (at := levels[name]) is not None and at.low is not None
        else ""
        for name, write in writes.items()
    ]


def _ends(levels: Mapping[str, float | None]) -> list[Text]:
    """What runs come to, on average: the dead share, accuracy and loss."""
    dead, accuracy, loss = (levels[name] for name in ("dead", "accuracy", "loss"))
    return [
        Text(formatting.percent(dead), style=heat(dead)),
        Text(formatting.percent(accuracy), style="dim"),
        Text(formatting.number(loss), style="dim"),
    ]


def _counts(group: Group) -> dict[str, int]:
    return {what: sum(len(c.seeds(what)) for c in group.baselines) for what in MISHAPS}


def _fate(counts: Mapping[str, int], said: str = "") -> Text:
    """What became of runs that have no final numbers, or none to speak of."""
    return Text("; ".join(f"{n} {what}" for what, n in counts.items() if n and what != said))


def _verdict(row: Contrast, question: Question) -> Text:
    said = verdict(row, question.definition)
    fate = _fate({what: row.count(what) for what in MISHAPS}, said).plain
    dead, quality = row.changes["dead"], row.quality
    bad = (dead and dead.rises) or (quality and quality.falls) or not row.pairs
    style = "green" if row.helps else "red" if bad else "dim"
    return Text("; ".join(filter(None, (said, fate))), style=style)

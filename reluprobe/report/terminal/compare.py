"""Table of changes of settings against a baseline, with paired differences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from reluprobe.analysis.aggregate import estimate
from reluprobe.analysis.baseline import Configuration
from reluprobe.analysis.bootstrap import Change
from reluprobe.analysis.compare import Group
from reluprobe.analysis.contrast import Contrast, Question, measure, verdict
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.terminal import compare_text
from reluprobe.report.terminal.compare_text import paired_alike, points
from reluprobe.report.terminal.layout import first_that_fits, plain_table
from reluprobe.report.terminal.tables import CALLED, cell


def _change(change: Change | None, write: formatting.Write = points) -> str:
    if change is None or change.low is None:
        return write(change.mean if change else None)
    return f"{write(change.mean)} [{write(change.low)}, {write(change.high)}]"


def table(group: Group, rows: Sequence[Contrast], question: Question, width: int) -> Table:
    """The baseline in absolute numbers, then one row per change.

    Where ``width`` is short, the change of loss goes first; then what a row comes to goes below
    its change, and names and verdicts take as many lines as they need.
    """
    layouts = (_Wide(loss=True), _Wide(loss=False), _Narrow())
    return first_that_fits((_table(group, rows, question, one) for one in layouts), width)


class _Wide:
    """One line a row: what it comes to stands before its change."""

    no_wrap = True

    def __init__(self, loss: bool) -> None:
        self.loss = loss

    def columns(self, word: str) -> list[str]:
        titles = [f"{word} %", "points [95%]", "test acc %", "points [95%]"]
        return titles + ["test loss", "change [95%]"] * self.loss

    def cells(self, ends: Sequence[Text], changes: Sequence[str]) -> list[Text]:
        beside = [t for end, c in zip(ends, changes, strict=True) for t in (end, Text(c))]
        return beside if self.loss else beside[:4]

    def words(self, text: str) -> str:
        return text


class _Narrow:
    """What a row comes to stands below its change."""

    no_wrap = False

    def columns(self, word: str) -> list[str]:
        return [f"{word} %, points", "test acc %, points"]

    def cells(self, ends: Sequence[Text], changes: Sequence[str]) -> list[Text]:
        pairs = list(zip(ends, changes, strict=True))[:2]
        return [end if c in ("", end.plain) else Text(f"{c}\nto ").append(end) for end, c in pairs]

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
        table.add_column("pairs", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=layout.no_wrap)

    def add(name: str, ends: Sequence[Text], changes: Sequence[str], n: int, said: Text) -> None:
        cells = layout.cells(ends, changes)
        words = Text(layout.words(said.plain), style=said.style)
        table.add_row(layout.words(name), *cells, *([str(n)] if several else []), words)

    done = group.baseline.done
    add("baseline", _ends(done.values(), question), ("", "", ""), len(done), _fate(group.baseline))
    for row in rows:
        ends = _ends((row.configuration.done[seed] for seed in row.pairs), question)
        dead, accuracy, loss = (row.changes[k] for k in ("dead", "accuracy", "loss"))
        changes = _change(dead), _change(accuracy), _change(loss, compare_text.loss)
        said = _verdict(row, group.baseline, question)
        add(labels.settings(row.differs), ends, changes, len(row.pairs), said)
    return table


def _ends(runs: Iterable[RunRecord], question: Question) -> list[Text]:
    """What runs come to, on average: the dead share, accuracy and loss."""
    ended = list(runs)
    dead, accuracy, loss = (
        estimate(measure(run, name, question) for run in ended)
        for name in ("dead", "accuracy", "loss")
    )
    return [
        cell(dead, formatting.mean),
        Text(formatting.mean(accuracy), style="dim"),
        Text(formatting.mean(loss, formatting.number), style="dim"),
    ]


def _fate(configuration: Configuration, said: str = "") -> Text:
    """What became of runs that have no final numbers, or none to speak of."""
    counts = {what: len(configuration.seeds(what)) for what in ("diverged", "failed", "collapsed")}
    return Text("; ".join(f"{n} {what}" for what, n in counts.items() if n and what != said))


def _verdict(row: Contrast, baseline: Configuration, question: Question) -> Text:
    said = verdict(row, baseline, question.definition)
    fate = _fate(row.configuration, said).plain
    dead, quality = row.changes["dead"], row.quality
    bad = (dead and dead.rises) or (quality and quality.falls) or not row.pairs
    style = "green" if row.helps else "red" if bad else "dim"
    return Text("; ".join(filter(None, (said, fate))), style=style)

"""Sweeps that change one thing at a time: every change beside the configuration that has none.

Intervals are those of ``compare``: over the seeds of both sides, pair by pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.analysis import compare, design
from reluprobe.analysis.aggregate import Summary
from reluprobe.analysis.baseline import Configuration, choose, configurations
from reluprobe.analysis.bootstrap import Change
from reluprobe.analysis.contrast import Contrast, Question, untold
from reluprobe.analysis.settings import applies
from reluprobe.config import labels
from reluprobe.errors import InputError
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.quality_terms import ALL_TERMS, QualityTerms, terms_of_quality
from reluprobe.report.terminal import compare_text
from reluprobe.report.terminal.layout import Fitted, fitted, plain_table, table_width
from reluprobe.report.terminal.mishaps import MISHAPS
from reluprobe.report.terminal.tables import CALLED, heat

#: Changes that a sentence names, at most; settings that name the baseline.
MOST_NAMED, MOST_SETTINGS = 3, 2
#: Changes that the table lists: of more those with the fewest dead and those with the most.
MOST_ROWS = 26
#: What the baseline is called where many settings vary.
UNCHANGED = "the unchanged network"
#: The width that a name in several lines has at least.
NAME = 26


@dataclass(frozen=True)
class OneChange:
    """Every configuration beside the unchanged one.

    Attributes:
        group: the unchanged one, and a row a change.
        rows: the changes, from the fewest dead units to the most.
        question: what is counted.
        name: of the unchanged one.
    """

    group: compare.Group
    rows: tuple[Contrast, ...]
    question: Question
    name: str

    def base(self, rows: Sequence[Summary]) -> Summary | None:
        """The unchanged one among these configurations."""
        runs = {run.id for one in self.group.baselines for run in one.runs.values()}
        return next((row for row in rows if runs & {run.id for run in row.members}), None)

    @property
    def lacking(self) -> str:
        """Why no change can be told: too few seeds; empty where one can."""
        reasons = [untold(row) for row in self.rows]
        return str(reasons[0]) if reasons and all(r is not None for r in reasons) else ""


def of_rows(rows: Sequence[Summary], definition: str) -> OneChange | None:
    """The changes of these configurations; None where no one of them is the unchanged one."""
    records = [run for row in rows for run in row.members]
    base = _unchanged(records)
    if base is None:
        return None
    names = [name for name in base.settings if len({*_values(records, name)}) > 1]
    question = Question({name: base.settings[name] for name in names}, (), definition)
    group = compare.compare(records, question).groups[0]
    if len(group.baselines) != 1 or not group.rows:
        return None
    # What has no effect beside the others, or is changed with another alone, does not name it.
    lone = {name for row in group.rows if len(row.differs) == 1 for name in row.differs}
    own = {n: base.settings[n] for n in names if n in lone and applies(n, base.settings)}
    named = labels.change(own) if 0 < len(own) <= MOST_SETTINGS else UNCHANGED
    return OneChange(group, tuple(compare.sort_contrasts(group.rows)), question, named)


def _values(records: Sequence[RunRecord], name: str) -> list[object]:
    return [run.settings.get(name) for run in records]


def _unchanged(records: Sequence[RunRecord]) -> Configuration | None:
    """The configuration that is as usual in all that varies; else the one in the middle."""
    every = configurations(records)
    try:
        return choose(every, {})
    except InputError:
        grid = design.grid_of(records)
        centre = None if grid is None else grid.centre
        if grid is None or centre is None:
            return None
        middle = grid.runs[centre][0].id
        return next((one for one in every if middle in {run.id for run in one.runs.values()}), None)


def sentences(changes: OneChange, word: str) -> list[str]:
    """How many changes leave fewer dead units, which of them gain, and which leave more."""
    dead = _level(changes, "dead")
    beside = "".join(
        f", {terms.bare} {terms.value(level)}"
        for terms in _qualities(changes)
        if (level := _level(changes, terms.quality.name)) is not None
    )
    text = (
        f"one change at a time from {changes.name} ({formatting.percent(dead)}% {word}{beside}): "
    )
    rows = [row for row in changes.rows if row.changes["dead"] is not None]
    if changes.lacking:
        return [
            f"{text}{changes.lacking}, which changes help",
            f"fewest {word}: {_listed(rows)}",
            f"most {word}: {_listed(rows[::-1])}",
        ]
    helping = [row for row in rows if row.helps]
    gaining = [row for row in helping if row.better]
    harming = [row for row in rows[::-1] if (d := row.changes["dead"]) is not None and d.rises]
    quality = compare_text.quality_name(rows)
    text += (
        f"of {labels.count(len(rows), 'change')} {len(helping) or 'none'} "
        f"{'leaves' if len(helping) < 2 else 'leave'} fewer {word} units and no worse {quality}"
    )
    if harming:
        text += f", {len(harming)} {'leaves' if len(harming) == 1 else 'leave'} more"
    lines = [text]
    if gaining:
        lines.append(f"fewer {word} and better {quality}: {_listed(gaining)}")
    elif helping:
        lines.append(f"fewer {word}: {_listed(helping)}")
    if harming:
        lines.append(f"more {word}: {_listed(harming)}")
    return lines


def _listed(rows: Sequence[Contrast]) -> str:
    """``norm batch 0.0% (accuracy +0.8), lr 1e-3 6.5% (+0.6) and 3 more``."""
    parts = []
    for row in rows[:MOST_NAMED]:
        named = [
            f"{'' if parts else f'{terms.bare} '}{terms.write_change(change.mean)}"
            for terms in ALL_TERMS
            if (change := row.changes[terms.quality.name]) is not None
        ]
        gained = f" ({', '.join(named)})" if named else ""
        parts.append(
            f"{labels.change(row.differs)} {formatting.percent(row.levels['dead'])}%{gained}"
        )
    return formatting.few([*parts, *[""] * (len(rows) - len(parts))], MOST_NAMED)


def _qualities(changes: OneChange) -> tuple[QualityTerms, ...]:
    """By what it is told how good the networks are: the unchanged one's measures."""
    base = changes.group.baselines
    return terms_of_quality(run for one in base for run in one.runs.values())


def _level(changes: OneChange, name: str) -> float | None:
    level = compare.level(changes.group, name, changes.question)
    return None if level is None else level.mean


def parts(changes: OneChange, definition: str, width: int) -> list[RenderableType]:
    """A title, the table, what is left out of it, and what its intervals are."""
    left = hidden(changes)
    shown = [title(changes, definition), table(changes, width), *([] if left is None else [left])]
    units = {"points", *(terms.points or "change" for terms in _qualities(changes))}
    legend = f"{', '.join(sorted(units, reverse=True))}: {LEGEND}"
    return shown if changes.lacking else [*shown, Text(legend, style="dim")]


def title(changes: OneChange, definition: str) -> Text:
    """What the table shows."""
    pairs = "" if (alike := compare_text.paired_alike(changes.group)) is None else f"; {alike}"
    beside = " and ".join(terms.bare for terms in _qualities(changes))
    text = f"every change beside {changes.name}, {CALLED[definition][0]} % and {beside}{pairs}"
    return Text(text, style="italic")


def table(changes: OneChange, width: int) -> Fitted:
    """The unchanged network, then a row a change: what it comes to, and by how much it differs.

    Where ``width`` is short accuracies or R² go, their changes stay; where it is shorter still
    names take as many lines as they need, then intervals go.
    """
    headings = " and ".join(terms.heading for terms in _qualities(changes))
    layouts = (
        (_table(changes, ends=True, levels=True), ""),
        (_table(changes, ends=True, levels=False), headings),
        (_table(changes, ends=False, levels=True), "intervals"),
    )
    return fitted(layouts, width, _least)


def _least(listed: Table) -> int:
    """The width that cuts nothing: a name may take several lines."""
    name = max((len(str(cell)) for cell in listed.columns[0].cells), default=0)
    return table_width(listed) - max(0, name - NAME)


def _table(changes: OneChange, *, ends: bool, levels: bool) -> Table:
    listed = plain_table()
    listed.add_column("change")
    interval = " [95%]" if ends else ""
    titles = [f"{CALLED[changes.question.definition][0]} %", f"points{interval}"]
    qualities = _qualities(changes)
    for terms in qualities:
        both = [terms.heading, f"{terms.points or 'change'}{interval}"]
        titles += both if levels else [terms.change_heading]
    for title in titles:
        listed.add_column(title, justify="right", no_wrap=True)
    write = _whole if ends else _mean
    before = _level(changes, "dead")
    cells = [Text(formatting.percent(before), style=heat(before)), Text("")]
    for terms in qualities:
        level = terms.write(_level(changes, terms.quality.name))
        cells += [Text(level, style="dim"), *[Text("")] * levels]
    listed.add_row(Text(changes.name, style="bold"), *cells)
    for row in shown(changes):
        reached, change = row.levels["dead"], row.changes["dead"]
        cells = [Text(formatting.percent(reached), style=heat(reached))]
        cells.append(Text(write(change, formatting.points), style=_colour(change)))
        for terms in qualities:
            name = terms.quality.name
            if levels:
                cells.append(Text(terms.write(row.levels[name]), style="dim"))
            change = row.changes[name]
            cells.append(Text(write(change, terms.write_change), style=_colour(change, good=1)))
        listed.add_row(_name(row), *cells)
    return listed


def shown(changes: OneChange) -> list[Contrast]:
    """The changes that are listed: all, or those at both ends."""
    rows = [*changes.rows]
    if len(rows) <= MOST_ROWS:
        return rows
    half = MOST_ROWS // 2
    return [*rows[:half], *rows[-half:]]


def hidden(changes: OneChange) -> Text | None:
    """How many changes are not listed, between which; None where all are."""
    left = len(changes.rows) - len(shown(changes))
    if not left:
        return None
    text = f"and {labels.count(left, 'change')} between those with the fewest and the most (--full)"
    return Text(text, style="dim")


def _name(row: Contrast) -> Text:
    fates = [f"{n} {what}" for what in MISHAPS if (n := row.count(what))]
    if row.badly and not row.count("collapsed"):
        fates.append(f"{row.badly} badly")
    text = Text(labels.change(row.differs))
    return text.append(f" ({', '.join(fates)})", style="red") if fates else text


def _whole(change: Change | None, write: formatting.Write) -> str:
    if change is None or change.low is None:
        return _mean(change, write)
    return f"{write(change.mean)} [{', '.join(map(write, (change.low, change.high)))}]"


def _mean(change: Change | None, write: formatting.Write) -> str:
    return write(None if change is None else change.mean)


def _colour(change: Change | None, good: int = -1) -> str:
    """Of a change that is clear: whether it is one for the better."""
    if change is None or not (change.rises or change.falls):
        return "dim"
    return "green" if change.rises == (good > 0) else "red"


LEGEND = "mean difference of pairs of one seed [95% interval]; see reluprobe compare"

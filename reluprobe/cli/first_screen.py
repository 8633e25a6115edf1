"""First screen of a sweep's report: the answer, what it rests on, and where to look next."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from reluprobe.analysis import aggregate, effects, environments
from reluprobe.analysis.aggregate import Summary
from reluprobe.analysis.effects import Effects
from reluprobe.analysis.sorting import extremes
from reluprobe.analysis.trained_badly import bad_runs
from reluprobe.cli.console import out
from reluprobe.cli.reading import View
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.records.folder import Archive
from reluprobe.report import formatting
from reluprobe.report.terminal import (
    answer,
    effects_table,
    foreign_coverage,
    in_short,
    mishaps,
    tables,
)
from reluprobe.report.terminal import pivot as pivot_table
from reluprobe.report.terms import probe_examples, terms_of

#: Configurations that are all shown; of more, so many at each end.
FEW, ENDS = 8, 5
#: Rows of the table of effects, and of the pivot; columns of the latter.
MOST_EFFECTS, MOST_DOWN, MOST_ACROSS = 14, 14, 8
#: Of a star: its changes, at most.
MOST_CHANGES = 28


def show(sweep: Archive, rows: Sequence[Summary], view: View) -> None:
    """Print some fifty lines, whatever the size of the grid."""
    # Of settings that were asked for the table is wanted, not what all of them do.
    found = effects.effects(sweep.records, view.definition) if view.by is None else None
    out.print(Text(sweep.name, style="bold cyan"))
    for line in answer.sentences(rows, found, view.definition):
        out.print(Text(line, style="bold"))
    out.print(Text(_meaning(sweep, view.definition), style="dim"))
    out.print(tables.provenance(sweep))
    whole = found is not None and answer.told_apart(found) and _grid(sweep, rows, found, view)
    if not whole:
        _configurations(rows, found, view)
    if short := in_short.lines(sweep, rows, view.definition):
        out.print()
        for line in short:
            out.print(line)
    _named_layers(sweep, rows, view)
    for line in _troubles(sweep, rows):
        out.print(line, soft_wrap=True)


def _meaning(sweep: Archive, definition: str) -> str:
    """What is counted: in plain words first."""
    word, formula = tables.CALLED[definition]
    runs = sweep.records
    examples = " or ".join(sorted({probe_examples(run) for run in runs}))
    if definition != "dead":
        return f"{word}: {formula} ({examples})"
    return (
        "a dead unit no longer learns: no example sends a gradient to its weights "
        f"(f′(z) = 0 on all of {examples}); usual: none or a few % before training, 25 to 40% in "
        "the MNIST study's ReLU network"
    )


def _grid(sweep: Archive, rows: Sequence[Summary], found: Effects, view: View) -> bool:
    """The table of effects, and a pivot; whether the latter has every configuration."""
    terms = terms_of(sweep.records)
    out.print()
    out.print(effects_table.title(found, view.definition))
    out.print(effects_table.table(found, view.definition, terms, MOST_EFFECTS))
    for line in effects_table.legend(found, MOST_EFFECTS):
        out.print(line)
    pair = _pair(found)
    if pair is None:
        return False
    down, across = pair
    cross = aggregate.pivot(sweep.records, down, across, view.definition)
    if cross is None or len(cross.columns) > MOST_ACROSS:
        down, across = across, down
        cross = aggregate.pivot(sweep.records, down, across, view.definition)
    if cross is None or not _fits(cross):
        return False
    out.print()
    out.print(pivot_table.title(labels.name(down), across, view.definition, terms))
    out.print(pivot_table.table(cross, down, out.width))
    return len(cross.cells) == len(rows)


def _fits(cross: aggregate.Pivot) -> bool:
    """Whether a pivot is small enough, and says more than its gaps."""
    down, across = len(cross.rows), len(cross.columns)
    return down <= MOST_DOWN and across <= MOST_ACROSS and 2 * len(cross.cells) >= down * across


def _pair(found: Effects) -> tuple[str, str] | None:
    """The two axes that matter most; numbers go across, else the one of more values."""
    if len(found.axes) < 2:
        return None
    sizes = {axis: sum(e.axis == axis for e in found.effects) for axis in found.axes[:2]}
    numbers = {
        axis: all(isinstance(e.value, int | float) for e in found.effects if e.axis == axis)
        for axis in sizes
    }
    across = max(sizes, key=lambda axis: (numbers[axis], sizes[axis]))
    down = next(axis for axis in sizes if axis != across)
    return down, across


def _configurations(rows: Sequence[Summary], found: Effects | None, view: View) -> None:
    """All of few configurations; of many those with the fewest dead units and with the most."""
    if len(rows) < 2:
        return
    most = MOST_CHANGES if found is not None and found.design == "star" else FEW
    word = tables.CALLED[view.definition][0]
    out.print()
    if len(rows) <= most:
        ordered = rows if view.sort or found is None else aggregate.sort_summaries(rows, "dead")
        _table(ordered, view)
        return
    best, worst = extremes(rows, ENDS)
    none = [row for row in rows if row.mean is not None and row.mean.mean == 0]
    if len(none) > 1:
        out.print(Text(_none(none, len(rows), word)))
        best = []
    ends = [
        f"{len(end)} with the {which}" for end, which in ((best, "fewest"), (worst, "most")) if end
    ]
    title = f"of {len(rows):,} configurations the {' and the '.join(ends)} {word}"
    out.print(Text(title, style="italic"))
    _table([*best, *worst[::-1]], view)


def _table(rows: Sequence[Summary], view: View) -> None:
    out.print(tables.outcome(rows, view.definition, out.width))
    if (ends := tables.ends(rows, layers=False)) is not None:
        out.print(ends)


def _named_layers(sweep: Archive, rows: Sequence[Summary], view: View) -> None:
    """Of somebody else's network which layers have most dead units, by their names."""
    if not terms_of(sweep.records).foreign:
        return
    out.print()
    out.print(tables.layers_title(view.definition, terms_of(sweep.records)))
    out.print(tables.by_layer(rows, view.definition, out.width))
    for line in foreign_coverage.lines(sweep.records, out.width):
        out.print(line)


def _none(rows: Sequence[Summary], total: int, word: str) -> str:
    """Those without any, in a sentence: from which accuracy to which."""
    known = [row.accuracy.mean for row in rows if row.accuracy is not None]
    accuracy = (
        f" (accuracy {formatting.percent(min(known))} to {formatting.percent(max(known))}%)"
        if known
        else ""
    )
    return f"no unit is {word} in {len(rows):,} of {total:,} configurations{accuracy}"


def _troubles(sweep: Archive, rows: Sequence[Summary]) -> list[RenderableType]:
    lines: list[RenderableType] = []
    bad = bad_runs(sweep.records)
    if bad:
        run, how = max(bad, key=lambda pair: pair[1].train_loss or 0.0)
        lines.append(
            Text(
                f"{labels.count(len(bad), 'run')} trained badly, few dead units or not: e.g. "
                f"{_label(rows, run)}: {how.reason}",
                style="bold yellow",
            )
        )
    for what in ("diverged", "failed"):
        lost = [run for run in sweep.records if run.status == what]
        if lost:
            number = f"{labels.count(len(lost), 'run')} " if len(lost) > 1 else ""
            one = f"{_label(rows, lost[0])} {mishaps.fate_of(lost[0])}"
            text = f"{number}{what}, e.g. {one}" if number else one
            lines.append(Text(f"{text}  (--full)", style="bold red"))
    collapsed = [run for run in sweep.records if aggregate.collapsed(run) is not None]
    if collapsed:
        text = f"{labels.count(len(collapsed), 'run')} collapsed: output without regard to input"
        lines.append(Text(f"{text}  (--full)", style="bold red"))
    if (unlike := mishaps.unlike(environments.differences(sweep.records))) is not None:
        lines.append(unlike)
    return lines


def _label(rows: Sequence[Summary], run: RunRecord) -> str:
    row = next(row for row in rows if any(member is run for member in row.members))
    named = labels.settings(row.settings)
    return f"{named} · seed {run.seed}" if named else f"seed {run.seed}"

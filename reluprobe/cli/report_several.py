"""Report of several sweeps: a headline each, then their configurations side by side."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence

from rich.text import Text

from reluprobe.analysis import aggregate, environments, side_by_side
from reluprobe.analysis.side_by_side import Beside
from reluprobe.cli.console import out
from reluprobe.cli.reading import View
from reluprobe.config import labels, written
from reluprobe.records.folder import Archive
from reluprobe.report.terminal import meanings, mishaps, tables
from reluprobe.report.terminal import side_by_side as side_by_side_table


def show(sweeps: Sequence[Archive], view: View) -> None:
    """Print the headlines of these sweeps, and one table of all."""
    definition = view.definition
    lined_up = side_by_side.line_up([s.records for s in sweeps], definition, view.by, view.sort)
    names = Counter(sweep.name for sweep in sweeps)
    for n, sweep in enumerate(sweeps):
        name = sweep.name if names[sweep.name] == 1 else sweep.place
        rows = tables.shortened(aggregate.summarize(sweep.records, definition, view.by))
        out.print(side_by_side_table.heading(n, name, lined_up))
        out.print(tables.sweep_headline(rows, definition))
        out.print(tables.provenance(sweep))
        lost = side_by_side_table.lost(rows)
        if lost is not None:
            out.print(lost)
    runs = [record for sweep in sweeps for record in sweep.records]
    out.print(Text(f"{definition}: {meanings.rule(definition, runs)}", style="dim"))
    every = [row for line in lined_up.lines for row in line.present]
    if (ends := tables.ends(every)) is not None:
        out.print(ends)
    out.print()
    out.print(side_by_side_table.title(lined_up, definition))
    out.print(side_by_side_table.table(lined_up, definition, out.width))
    rest = side_by_side_table.rest(lined_up)
    if rest is not None:
        out.print(rest)
    _common(lined_up)
    every = (record for sweep in sweeps for record in sweep.records)
    unlike = mishaps.unlike(environments.differences(every))
    if unlike is not None:
        out.print(unlike, soft_wrap=True)


def next_commands(sweeps: Sequence[Archive], view: View) -> list[str]:
    """What to ask next: each sweep's own report, and if it can be had the paired comparison."""
    lined_up = side_by_side.line_up([s.records for s in sweeps], view.definition, view.by)
    reports = [f"reluprobe report {_quoted(s)}" for s in sweeps]
    return [f"next: {command}" for command in reports + _paired(sweeps, lined_up)]


def _quoted(sweep: Archive) -> str:
    return shlex.quote(sweep.place)


def _common(lined_up: Beside) -> None:
    """Say what is not independent: the same run in both, or runs of the same seeds."""
    pairs = [side_by_side.common(line) for line in lined_up.shared]
    same, seeds = sum(ids for _, ids in pairs), sum(n for n, _ in pairs)
    if same:
        verb = "is" if same == 1 else "are"
        text = f"{labels.count(same, 'run')} {verb} one and the same, by settings and seed"
        out.print(Text(text, style="dim"))
    if seeds > same:
        text = "some runs share their seed: reluprobe compare gives paired differences"
        out.print(Text(text, style="dim"))


def _paired(sweeps: Sequence[Archive], lined_up: Beside) -> list[str]:
    """The comparison seed by seed of two sweeps that something sets apart."""
    pairs = [side_by_side.common(line) for line in lined_up.shared]
    if len(sweeps) != 2 or not lined_up.apart or not any(n for n, _ in pairs):
        return []
    baseline = ",".join(f"{name}={written(values[0])}" for name, values in lined_up.apart.items())
    within = " ".join(f"--within {name}" for name in lined_up.lines[0].settings)
    where = " ".join(map(_quoted, sweeps))
    command = f"reluprobe compare {where} --baseline {shlex.quote(baseline)} {within}"
    return [f"{command.strip()}  (paired differences)"]

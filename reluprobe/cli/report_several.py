"""Several sweeps in one report: what each came to, then their configurations side by side."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence

from rich.text import Text

from reluprobe.analysis import aggregate, side_by_side
from reluprobe.analysis.side_by_side import Beside
from reluprobe.cli.console import out
from reluprobe.config import labels, written
from reluprobe.records.folder import Archive
from reluprobe.report.terminal import side_by_side as side_by_side_table
from reluprobe.report.terminal import tables


def several(found: Sequence[Archive]) -> list[Archive]:
    """The sweeps with runs to put side by side; none where there are not two."""
    there = [sweep for sweep in found if sweep.records]
    return there if len(there) > 1 else []


def show(
    sweeps: Sequence[Archive], definition: str, by: Sequence[str] | None, sort: str | None
) -> None:
    """Print the headlines of these sweeps, and one table of all."""
    found = side_by_side.line_up([s.records for s in sweeps], definition, by, sort)
    names = Counter(sweep.name for sweep in sweeps)
    for n, sweep in enumerate(sweeps):
        name = sweep.name if names[sweep.name] == 1 else str(sweep.folder)
        rows = tables.shortened(aggregate.summarize(sweep.records, definition, by))
        out.print(side_by_side_table.heading(n, name, found))
        out.print(tables.sweep_headline(rows, definition))
        out.print(tables.provenance(sweep))
        lost = side_by_side_table.lost(rows)
        if lost is not None:
            out.print(lost)
    out.print(Text(f"{definition}: {tables.CALLED[definition][1]}", style="dim"))
    out.print()
    out.print(side_by_side_table.title(found, definition))
    out.print(side_by_side_table.table(found, definition, out.width))
    rest = side_by_side_table.rest(found)
    if rest is not None:
        out.print(rest)
    _common(found)


def commands(sweeps: Sequence[Archive], definition: str, by: Sequence[str] | None) -> list[str]:
    """What to ask next: each sweep's own report, and if it can be had the paired comparison."""
    found = side_by_side.line_up([s.records for s in sweeps], definition, by)
    each = [f"reluprobe report {_quoted(s)}" for s in sweeps]
    return [f"next: {command}" for command in each + _paired(sweeps, found)]


def _quoted(sweep: Archive) -> str:
    return shlex.quote(str(sweep.folder))


def _common(found: Beside) -> None:
    """Say what is not independent: the same run in both, or runs of the same seeds."""
    pairs = [side_by_side.common(line) for line in found.shared]
    same, seeds = sum(ids for _, ids in pairs), sum(n for n, _ in pairs)
    if same:
        verb = "is" if same == 1 else "are"
        told = f"{labels.count(same, 'run')} {verb} one and the same, by settings and seed"
        out.print(Text(told, style="dim"))
    if seeds > same:
        told = "some runs share their seed: reluprobe compare gives paired differences"
        out.print(Text(told, style="dim"))


def _paired(sweeps: Sequence[Archive], found: Beside) -> list[str]:
    """The comparison seed by seed of two sweeps that something sets apart."""
    pairs = [side_by_side.common(line) for line in found.shared]
    if len(sweeps) != 2 or not found.apart or not any(n for n, _ in pairs):
        return []
    baseline = ",".join(f"{name}={written(values[0])}" for name, values in found.apart.items())
    within = " ".join(f"--within {name}" for name in found.lines[0].settings)
    where = " ".join(map(_quoted, sweeps))
    command = f"reluprobe compare {where} --baseline {shlex.quote(baseline)} {within}"
    return [f"{command.strip()}  (paired differences)"]

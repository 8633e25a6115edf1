"""What a sweep says while and after it runs: to people, to machines, or next to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from reluprobe import records
from reluprobe.cli import console
from reluprobe.cli.commands import report
from reluprobe.config import SweepConfig, labels, load_reference
from reluprobe.engine.events import BegunAgain
from reluprobe.plan.grouping import group_runs
from reluprobe.plan.runs import Plan, Run
from reluprobe.plan.slices import Part
from reluprobe.records import resume
from reluprobe.records.folder import RUNS, Archive
from reluprobe.report import formatting
from reluprobe.report.terminal.tables import axes


@dataclass(frozen=True)
class Invocation:
    """What a command is about. ``again``: the command that goes on with it."""

    sweep: SweepConfig
    plan: Plan
    mine: Sequence[Run]
    part: Part
    folder: Path
    again: str


@dataclass(frozen=True)
class Outcome:
    """What it came to: the records of its runs, how many were written now, in what time.

    ``compiling``: None where many compile at a time, so that it is no part of that time.
    """

    records: dict[str, records.RunRecord]
    written: int
    seconds: float
    compiling: float | None
    code: int

    def count(self, status: str) -> int:
        """How many runs ended so."""
        return sum(record.status == status for record in self.records.values())


def standing(job: Invocation, found: resume.Standing | Outcome) -> str:
    """``12 of 140 runs done (1 diverged), 2 failed, 126 missing``, of a slice where it is one."""
    diverged, failed = found.count("diverged"), found.count("failed")
    done, total = found.count("ok") + diverged, len(job.mine)
    text = f"{done:,} of {labels.count(total, 'run')} done"
    text += f" ({diverged:,} diverged)" if diverged else ""
    parts = [text, f"{failed:,} failed" if failed else ""]
    parts.append(f"{missing:,} missing" if (missing := total - done - failed) else "")
    return ", ".join(filter(None, parts))


class People:
    """Tables on stdout; what goes wrong on stderr."""

    silent = False

    def plan(self, job: Invocation) -> None:
        """How many runs in how many programs, and the axes."""
        programs = labels.count(len(group_runs(job.mine)), "compiled group")
        runs, folded = labels.count(len(job.plan.runs), "run"), job.plan.folded
        text = f"{job.sweep.name}: {runs}"
        text += f" ({labels.count(folded, 'duplicate')} folded)" if folded else ""
        if job.part[1] > 1:
            mine = labels.count(len(job.mine), "run")
            text += f", of which slice {job.part[0]}/{job.part[1]} is {mine}"
        console.out.print(Text(f"{text} in {programs}", style="bold cyan"))
        if job.sweep.axes:
            console.out.print(axes(job.sweep.axes))

    def start(self, job: Invocation, found: resume.Standing) -> None:
        """What is there already."""
        if found.records or found.damaged:
            console.out.print(Text(f"{job.folder}: {standing(job, found)}"), soft_wrap=True)
        for line in found.damaged:
            complain(f"run again: {line}")

    def happened(self, event: Any, path: Path | None) -> None:
        """Only what went wrong is told; the rest is progress."""
        mishap(event)

    def end(self, job: Invocation, outcome: Outcome) -> None:
        """The tables of what there is, and where it lies."""
        ended = tuple(outcome.records[run.id] for run in job.mine if run.id in outcome.records)
        interrupted = outcome.code > 128
        if ended and job.part[1] == 1 and not interrupted:
            named = load_reference(job.sweep.reference) if job.sweep.reference else None
            missing = len(job.mine) - len(ended)
            console.out.print()
            report.show(
                Archive(job.sweep.name, job.folder, ended, missing=missing, reference=named),
                report.View(),
            )
            console.out.print()
        console.out.print(Text(where(job, outcome)), soft_wrap=True)
        if not interrupted:
            console.out.print(Text(f"next: reluprobe report {job.folder}"), soft_wrap=True)
        remains(job, outcome)


class Quiet(People):
    """The last line, and what goes wrong."""

    silent = True

    def plan(self, job: Invocation) -> None:
        """Nothing."""

    def start(self, job: Invocation, found: resume.Standing) -> None:
        """Nothing but files that are no records."""
        for line in found.damaged:
            complain(f"run again: {line}")

    def end(self, job: Invocation, outcome: Outcome) -> None:
        """Where it lies."""
        console.out.print(Text(where(job, outcome)), soft_wrap=True)
        remains(job, outcome)


def where(job: Invocation, outcome: Outcome) -> str:
    """The line that says where the records are."""
    if not outcome.written:
        return f"{job.folder / RUNS}: {standing(job, outcome)}; nothing was run"
    told = f"wrote {labels.count(outcome.written, 'record')} to {job.folder / RUNS}"
    told += f" in {formatting.duration(outcome.seconds)}"
    if outcome.compiling is None:
        return told
    share = 100 * outcome.compiling / outcome.seconds
    return f"{told}, {formatting.duration(outcome.compiling)} of it ({share:.0f}%) compiling"


def remains(job: Invocation, outcome: Outcome) -> None:
    """On stderr, what is not done, and the command that does it."""
    if len(outcome.records) < len(job.mine):
        complain(f"{standing(job, outcome)}; to go on: {job.again}")
    elif outcome.count("failed"):
        complain(f"{standing(job, outcome)}; to try them again: {job.again} --retry-failed")


def mishap(event: Any) -> None:
    """On stderr, a run that failed, a chunk that did not fit, a process that died."""
    record = getattr(event, "record", None)
    if record is not None and record.status == "failed":
        complain(f"failed: {record.id} {labels.network(record.config)}: {record.error}")
    elif isinstance(event, BegunAgain):
        runs = labels.count(event.runs, "run")
        complain(f"a process or its machine has died: {event.host} begins its {runs} again")
    elif hasattr(event, "lanes"):
        lanes = labels.count(event.lanes, "run")
        complain(f"out of memory: going on with {lanes} side by side on a device")


def complain(text: str) -> None:
    """One message on stderr."""
    console.err.print(Text(text, style="red"), soft_wrap=True)

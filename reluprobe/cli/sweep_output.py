"""What ``sweep`` prints while and after it runs: tables for people, or only the last line.

``json_lines`` has the third form, for programs.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, assert_never

from rich.text import Text

from reluprobe import records
from reluprobe.analysis.axes import differing
from reluprobe.cli import console, report_sweep, weights_on_disk
from reluprobe.cli.reading import View
from reluprobe.config import (
    SETTINGS,
    SweepConfig,
    Value,
    labels,
    load_reference,
    settings_of,
    spelled_out,
)
from reluprobe.engine import events
from reluprobe.files.printable import printable
from reluprobe.plan.grouping import group_runs
from reluprobe.plan.runs import Plan, Run
from reluprobe.plan.slices import Part
from reluprobe.records import checkpoints, resume
from reluprobe.records.folder import RUNS, Archive
from reluprobe.report import formatting
from reluprobe.report.terminal.tables import axes
from reluprobe.report.terms import run_label

#: So many ids are named of runs that are run again.
MOST_NAMED = 4


@dataclass(frozen=True)
class Invocation:
    """What a command is about.

    Attributes:
        sweep: as its file and flags have it.
        plan: all of its runs.
        mine: those of this command's slice.
        part: which slice that is.
        folder: where its records go.
        again: the command that resumes it.
    """

    sweep: SweepConfig
    plan: Plan
    mine: Sequence[Run]
    part: Part
    folder: Path
    again: str


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes:
        records: of its slice's runs, by id, also those that were there before.
        written: how many of them were written now.
        seconds: how long that took.
        compiling: how many seconds of that went into compiling; None where many compile at a
            time, so that it is no part of that time.
        code: the exit code.
    """

    records: dict[str, records.RunRecord]
    written: int
    seconds: float
    compiling: float | None
    code: int

    def count(self, status: str) -> int:
        """How many runs ended so."""
        return sum(record.status == status for record in self.records.values())


class SweepOutput(Protocol):
    """A form of output: it takes the plan, the state at the start, every event, the end."""

    @property
    def silent(self) -> bool:
        """Whether to show no progress."""
        ...

    def plan(self, job: Invocation) -> None:
        """What is to be run."""

    def start(self, job: Invocation, standing: resume.Standing) -> None:
        """What the folder holds before anything is run."""

    def weights(self, cost: weights_on_disk.Cost) -> None:
        """What the weights that are to be saved will take."""

    def event(self, event: events.Event, path: Path | None) -> None:
        """Something happened; ``path``: the record that was written for it."""

    def end(self, job: Invocation, outcome: Outcome) -> None:
        """It is over."""


class HumanOutput:
    """Tables on stdout; what goes wrong on stderr."""

    silent = False

    def plan(self, job: Invocation) -> None:
        """How many runs in how many programs, and what they vary in."""
        programs = labels.count(len(group_runs(job.mine)), "compiled group")
        runs, folded = labels.count(len(job.plan.runs), "run"), job.plan.folded
        text = f"{job.sweep.name}: {runs}"
        text += f" ({labels.count(folded, 'duplicate')} folded)" if folded else ""
        if job.part[1] > 1:
            mine = labels.count(len(job.mine), "run")
            text += f", of which slice {job.part[0]}/{job.part[1]} is {mine}"
        console.out.print(Text(f"{text} in {programs}", style="bold cyan"))
        if varied := varying(job):
            console.out.print(axes(varied))

    def start(self, job: Invocation, standing: resume.Standing) -> None:
        """How many runs are done already, and which files are no whole records."""
        if standing.records or standing.damaged or _begun(job, standing):
            text = Text(f"{job.folder}: {counts(job, standing)}")
            console.out.print(text, soft_wrap=True)
        complain_of_damaged(standing)
        complain_of_weightless(standing)

    def weights(self, cost: weights_on_disk.Cost) -> None:
        """How many files, and how large."""
        console.out.print(Text(f"to be saved: {cost.text}"), soft_wrap=True)

    def event(self, event: events.Event, path: Path | None) -> None:
        """Only what went wrong; the rest is progress."""
        complain_of_mishap(event)

    def end(self, job: Invocation, outcome: Outcome) -> None:
        """The sweep's report, where its records are, what is not done."""
        ended = tuple(outcome.records[run.id] for run in job.mine if run.id in outcome.records)
        interrupted = outcome.code > 128
        if ended and job.part[1] == 1 and not interrupted:
            reference = load_reference(job.sweep.reference) if job.sweep.reference else None
            missing = len(job.mine) - len(ended)
            archive = Archive(job.sweep.name, job.folder, ended, (), missing, reference)
            console.out.print()
            report_sweep.show(archive, View())
            console.out.print()
        console.out.print(Text(last_line(job, outcome)), soft_wrap=True)
        if job.sweep.save_weights is not None:
            whole = not interrupted and job.part[1] == 1
            for line in weights_on_disk.after(job.folder, outcome.records, whole):
                console.out.print(Text(line), soft_wrap=True)
        if not interrupted:
            following = f"next: reluprobe report {shlex.quote(str(job.folder))}"
            console.out.print(Text(following), soft_wrap=True)
        complain_of_remaining(job, outcome)


class QuietOutput:
    """The last line on stdout; what goes wrong on stderr."""

    silent = True

    def plan(self, job: Invocation) -> None:
        """Nothing."""

    def start(self, job: Invocation, standing: resume.Standing) -> None:
        """Only files that are no whole records."""
        complain_of_damaged(standing)
        complain_of_weightless(standing)

    def weights(self, cost: weights_on_disk.Cost) -> None:
        """Nothing."""

    def event(self, event: events.Event, path: Path | None) -> None:
        """Only what went wrong."""
        complain_of_mishap(event)

    def end(self, job: Invocation, outcome: Outcome) -> None:
        """Where the records are, what is not done."""
        console.out.print(Text(last_line(job, outcome)), soft_wrap=True)
        complain_of_remaining(job, outcome)


def varying(job: Invocation) -> dict[str, tuple[Value, ...]]:
    """The settings that a sweep's runs vary in, each with its values; seeds last.

    Axes come first, as the sweep's file has them, with what [[include]] adds to them; then what
    [[include]] alone brings in.
    """
    values = {name: [*listed] for name, listed in job.sweep.axes.items()}
    for name, listed in values.items():
        listed += [extra[name] for extra in job.sweep.include if name in extra]
    # An activation's values may name its parameter too.
    named = {key for n, listed in values.items() for v in listed for key in spelled_out({n: v})}
    settings = [settings_of(run.config) for run in job.plan.runs]
    for name in differing(settings):
        values_of_runs = [own[name] for own in settings if SETTINGS[name].applies(own)]
        if name not in named and len({*values_of_runs}) > 1:
            values[name] = values_of_runs
    values |= {"seed": values.pop("seed")} if "seed" in values else {}
    return {name: tuple(dict.fromkeys(listed)) for name, listed in values.items()}


def counts(job: Invocation, standing: resume.Standing | Outcome) -> str:
    """``12 of 140 runs done (1 diverged), 2 failed, 126 missing (2 of them begun)``, of a slice."""
    diverged, failed = standing.count("diverged"), standing.count("failed")
    done, total = standing.count("ok") + diverged, len(job.mine)
    text = f"{done:,} of {labels.count(total, 'run')} done"
    text += f" ({diverged:,} diverged)" if diverged else ""
    parts = [text, f"{failed:,} failed" if failed else ""]
    if missing := total - done - failed:
        begun = _begun(job, standing)
        parts.append(f"{missing:,} missing" + (f" ({begun:,} of them begun)" if begun else ""))
    return ", ".join(filter(None, parts))


def _begun(job: Invocation, standing: resume.Standing | Outcome) -> int:
    """How many runs without a record go on where they were stopped."""
    missing = [run for run in job.mine if run.id not in standing.records]
    return len(checkpoints.begun(job.folder, missing))


def last_line(job: Invocation, outcome: Outcome) -> str:
    """How many records were written, where they are, and how long it took."""
    if not outcome.written:
        what = "no run has ended" if _begun(job, outcome) else "nothing was run"
        return f"{job.folder / RUNS}: {counts(job, outcome)}; {what}"
    line = f"wrote {labels.count(outcome.written, 'record')} to {job.folder / RUNS}"
    line += f" in {formatting.duration(outcome.seconds)}"
    if outcome.compiling is None:
        return line
    share = 100 * outcome.compiling / outcome.seconds
    return f"{line}, {formatting.duration(outcome.compiling)} of it ({share:.0f}%) compiling"


def complain_of_damaged(standing: resume.Standing) -> None:
    """Name the files that should be records and are none."""
    for line in standing.damaged:
        console.complain(f"run again: {line}")


def complain_of_weightless(standing: resume.Standing) -> None:
    """Name the runs that are run again for their weights alone."""
    ids = standing.weightless
    if ids:
        more = f" and {len(ids) - MOST_NAMED:,} more" if len(ids) > MOST_NAMED else ""
        named = f"{', '.join(ids[:MOST_NAMED])}{more}"
        had = "had ended without its" if len(ids) == 1 else "had ended without their"
        console.complain(f"run again: {labels.count(len(ids), 'run')} {had} weights: {named}")


def complain_of_remaining(job: Invocation, outcome: Outcome) -> None:
    """Say what is not done, and the command that does it."""
    if len(outcome.records) < len(job.mine):
        console.complain(f"{counts(job, outcome)}; to resume: {job.again}")
    elif outcome.count("failed"):
        again = job.again.replace(" --retry-failed", "") + " --retry-failed"
        console.complain(f"{counts(job, outcome)}; to try them again: {again}")


def complain_of_mishap(event: events.Event) -> None:
    """Name a run that failed, a chunk that did not fit, a process that died."""
    match event:
        case events.RunDone(record=record) if record.status == "failed":
            network = run_label(record)
            console.complain(f"failed: {record.id} {network}: {printable(record.error or '')}")
        case events.BegunAgain(runs=number, host=host):
            runs = labels.count(number, "run")
            console.complain(f"a process or its machine has died: {host} begins its {runs} again")
        case events.MemoryShort(lanes=number):
            lanes = labels.count(number, "run")
            console.complain(f"out of memory: going on with {lanes} side by side on a device")
        case (
            events.Compiling()
            | events.Compiled()
            | events.Resumed()
            | events.EpochDone()
            | events.Saved()
            | events.WeightsTaken()
            | events.RunDone()
        ):
            pass
        case _:
            assert_never(event)

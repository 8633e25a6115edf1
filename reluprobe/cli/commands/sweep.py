"""``reluprobe sweep``: a grid of runs from a TOML file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from reluprobe.cli import (
    complete,
    console,
    executor_options,
    json_lines,
    options,
    progress,
    signals,
    streams,
    sweep_output,
    weights_on_disk,
)
from reluprobe.cli.running_dead import RunningDead
from reluprobe.config import read_sweep
from reluprobe.config.choices import ORDERS
from reluprobe.engine.events import RunDone
from reluprobe.errors import InputError, ReluprobeError
from reluprobe.executor import session
from reluprobe.executor.dispatch import Job
from reluprobe.plan.digests import with_digests
from reluprobe.plan.pictured import pictured
from reluprobe.plan.runs import expand
from reluprobe.plan.slices import Part, runs_of_part
from reluprobe.records.ownership import Claim, Way

HELP = """Run every combination in a sweep file and show the outcome.

Results go to OUT/<sweep name>/runs/<id>.json, one file a run, as each ends. The same command goes
on where an earlier one ended: runs whose records are there are not run again, and a run that was
stopped on its way goes on from there.

Ends with 0: all done; 3: some runs failed; 130 or 143: stopped by Ctrl-C or SIGTERM; 2: bad input;
1: cannot write, or the folder is in use."""

File = Annotated[
    Path,
    typer.Argument(
        help="The sweep file (TOML).",
        show_default=False,
        autocompletion=complete.sweep_files,
        **dict(options.AS_PATH, metavar="FILE"),
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override a key of \\[base], or seeds: --set epochs=2. Repeatable."),
]
Chunk = Annotated[
    str | None,
    typer.Option(
        "--chunk", metavar="I/N", help="Only slice I of N, I from 1: docs/many-machines.md."
    ),
]
Order = Annotated[
    str | None,
    typer.Option(
        "--order",
        help=f"Which runs come first: {', '.join(ORDERS)}.",
        metavar="NAME",
        show_default="the file's, or seeds",
        autocompletion=complete.among(ORDERS),
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Move the folder's runs aside, start over.")]
Extend = Annotated[bool, typer.Option("--extend", help="Add to a folder that holds another plan.")]
Retry = Annotated[bool, typer.Option("--retry-failed", help="Run failed runs again.")]
MaxFailures = Annotated[
    int | None, typer.Option("--max-failures", min=1, help="Stop when this many runs have failed.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be run, and stop.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only errors and the last line.")]
Json = Annotated[bool, typer.Option("--json", help="Events for machines, one object a line.")]


def command(
    file: File,
    *,
    set_: Set = None,
    chunk: Chunk = None,
    order: Order = None,
    fresh: Fresh = False,
    extend: Extend = False,
    retry_failed: Retry = False,
    max_failures: MaxFailures = None,
    dry_run: DryRun = False,
    save_weights: options.SaveWeights = False,
    save_weights_every: options.SaveWeightsEvery = False,
    no_compile_cache: options.NoCompileCache = False,
    quiet: Quiet = False,
    as_json: Json = False,
    executor: executor_options.ExecutorOption = "local",
    address: executor_options.Address = None,
    devices: executor_options.Devices = None,
    out: options.Out = Path("results"),
    manual_dir: options.ManualDir = None,
) -> None:
    """Run it; the help is HELP."""
    part = options.parse_part(chunk)
    way = _way(fresh, extend, part)
    place = executor_options.Place(executor, address, devices)
    overrides = options.parse_overrides(set_ or []) | ({} if order is None else {"order": order})
    if when := options.when_saved(save_weights, save_weights_every):
        overrides["save_weights"] = when
    sweep = with_digests(read_sweep(file, overrides))
    plan = expand(sweep)
    mine, folder = runs_of_part(plan.runs, part), out / sweep.name
    job = sweep_output.Invocation(sweep, plan, mine, part, folder, options.typed(but="--fresh"))
    voice = (
        json_lines.JsonLinesOutput()
        if as_json
        else sweep_output.QuietOutput()
        if quiet
        else sweep_output.HumanOutput()
    )
    if not dry_run:
        streams.work_goes_on()
    voice.plan(job)
    if dry_run:
        if cost := weights_on_disk.cost(mine, sweep.save_weights, manual_dir, load=False):
            voice.weights(cost)
        return
    console.log_to_stderr(facts=not quiet)
    try:
        claim = Claim(folder, sweep, plan.runs, part, way)
        with session.opened(claim, retry_failed=retry_failed) as ours:
            voice.start(job, ours.standing)
            if cost := weights_on_disk.cost(ours.todo, sweep.save_weights, manual_dir):
                voice.weights(cost)
                weights_on_disk.check_room(cost, folder)
            every = sweep.save_activations
            keep = pictured(plan.runs, every)
            asked = every, sweep.save_weights, keep, not no_compile_cache
            work = Job(folder, part, manual_dir, retry_failed, *asked)
            outcome = _run(job, ours, voice, place, work, max_failures)
    except ReluprobeError as error:
        if not isinstance(error, InputError) and error.hint is None:
            error.hint = f"mend that; runs that had ended are kept. To resume: {job.again}"
        raise
    voice.end(job, outcome)
    if outcome.code:
        raise typer.Exit(outcome.code)


def _run(
    job: sweep_output.Invocation,
    ours: session.Session,
    voice: sweep_output.SweepOutput,
    place: executor_options.Place,
    work: Job,
    most: int | None,
) -> sweep_output.Outcome:
    """Run what is left; whatever stops it, what has ended is in the outcome."""
    todo, began = ours.todo, time.perf_counter()
    if not todo:
        return _outcome(ours, 0, 0.0, 0.0, None)

    failures, written = 0, 0
    # Before signals are taken over: until there is work, Ctrl-C need not wait for its end.
    engine = place.engine(work, voice.silent)
    with signals.watched() as stop:

        def enough() -> bool:
            return stop() or (most is not None and failures >= most)

        counts = progress.Progress(todo, len(ours.records), _dead(job, ours))
        with progress.shown(counts, voice.silent):
            for event, path in ours.run(engine, enough):
                counts.see(event)
                voice.event(event, path)
                if isinstance(event, RunDone):
                    written += 1
                    failures += event.record.status == "failed"
    seconds = time.perf_counter() - began
    compiling = counts.compiling if place.name == "local" else None
    return _outcome(ours, written, seconds, compiling, stop.signal)


def _dead(job: sweep_output.Invocation, ours: session.Session) -> RunningDead | None:
    """What the leading axis' values come to, as the runs end; None where only seeds vary."""
    axis = next((axis for axis in sweep_output.varying(job).items() if axis[0] != "seed"), None)
    return None if axis is None else RunningDead(axis, job.mine, ours.records.values())


def _outcome(
    ours: session.Session,
    written: int,
    seconds: float,
    compiling: float | None,
    signal: int | None,
) -> sweep_output.Outcome:
    # A failed run whose turn to be retried did not come has its record still.
    records = ours.standing.records | ours.records
    code = 3 if any(record.status == "failed" for record in records.values()) else 0
    if signal is not None and ours.todo:
        code = 128 + signal
    return sweep_output.Outcome(records, written, seconds, compiling, code)


def _way(fresh: bool, extend: bool, part: Part) -> Way:
    if fresh and (extend or part[1] > 1):
        other = "--extend" if extend else "--chunk"
        raise InputError(f"--fresh does not go with {other}", hint="one after the other")
    return "fresh" if fresh else "extend" if extend else "refuse"

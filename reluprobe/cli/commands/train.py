"""``reluprobe train``: a sweep of one, shown epoch by epoch."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from reluprobe.cli import console, live_view, options
from reluprobe.config import (
    SETTINGS,
    RunConfig,
    conflicts,
    idle_settings,
    labels,
    make_run,
    parse_sweep,
    phases,
)
from reluprobe.engine.events import EpochDone, RunDone
from reluprobe.errors import InputError
from reluprobe.plan.runs import Run, as_run
from reluprobe.records import RunRecord
from reluprobe.records.ownership import Claim, occupied
from reluprobe.report import formatting
from reluprobe.report.terminal import live_rows, tables

HELP = """Train one network and watch its units die, epoch by epoch.

With no flag this is the MNIST study's run: 5 × 256 ReLU, glorot_uniform, Adam at 5e-3, batch 128,
12 epochs, probed on the first 1,000 training images."""

Name = Annotated[str | None, typer.Option("--name", help="Folder below --out. [train-<id>]")]


Keep = Annotated[
    bool,
    typer.Option(
        "--save-activations",
        help="Keep the outputs of hidden units on 200 images, for report to draw.",
    ),
]


@options.with_settings
def command(
    *,
    out: options.Out = Path("results"),
    name: Name = None,
    manual_dir: options.ManualDir = None,
    save_activations: Keep = False,
    **settings: Any,
) -> None:
    """Run it; the help is HELP."""
    given = {n: v for n, v in settings.items() if v != SETTINGS[n].default}
    run = as_run(make_run(given))
    idle = idle_settings(given)
    if idle:
        raise InputError("a setting without an effect", idle)
    bad = conflicts(run.config)
    if bad:
        raise InputError("settings that do not mix", bad)

    written = {"name": f"train-{run.id}" if name is None else name, "base": given}
    written["save_activations"] = save_activations
    plan = parse_sweep(written, where="the command line")
    console.log_to_stderr()
    claim = Claim(out / plan.name, plan, [run], hint="another --name or --out")
    # What cannot be written is known before anything is trained.
    with occupied(claim):
        record, path = _show(run, claim.folder, manual_dir, save_activations)
    console.out.print()
    console.out.print(live_rows.train_headline(record))
    console.out.print(
        Text(f"wrote {path}  ({formatting.duration(record.seconds)})"), soft_wrap=True
    )
    console.out.print(Text(f"next: reluprobe report {path.parent.parent}"), soft_wrap=True)
    if record.status == "failed":
        raise typer.Exit(3)


def _show(run: Run, folder: Path, manual_dir: Path | None, keep: bool) -> tuple[RunRecord, Path]:
    """Train it, a row an epoch; give its record, and where it lies."""
    from reluprobe.executor import local

    rows = live_rows.EpochRows(run.config, console.out.width)
    console.out.print(Text(labels.network(run.config), style="bold cyan"))
    console.out.print(_legend(run.config))
    with console.status("loading and compiling"):
        events = local.start(folder, [run], manual_dir, save_activations=keep)
        first = next(events)
    console.out.print(rows.heading(), soft_wrap=True)
    starts = {s.first: s for s in phases.stretches(run.config.phases, run.config.epochs)[1:]}
    with live_view.watched(run.config) as watch:
        for event, path in itertools.chain([first], events):
            if isinstance(event, EpochDone):
                there = starts.get(event.epoch.epoch)
                above = [_phase(there, run.config)] if there else []
                watch.see(event.epoch, *above, rows.row(event.epoch, event.diverged))
            if isinstance(event, RunDone) and path is not None:
                return event.record, path
    raise AssertionError("a run that nobody stops ends")


def _phase(found: phases.Stretch, config: RunConfig) -> Text:
    dataset = found.phase.dataset or config.dataset
    task = found.phase.task.replace("_", " ")
    return Text(f"phase {found.index + 1}: {dataset}, {task}; test acc % is of this task", "italic")


def _legend(config: RunConfig) -> Text:
    size = config.probe_examples
    probe = f"{size:,}" if isinstance(size, int) else size
    meaning = tables.CALLED["dead"][1]
    return Text(f"L1…: % of units dead, {meaning} ({probe} training examples)", style="dim")

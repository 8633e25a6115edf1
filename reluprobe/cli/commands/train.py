"""``reluprobe train``: a sweep of one, shown epoch by epoch."""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Self

import typer
from rich.text import Text

from reluprobe.cli import (
    console,
    live_view,
    options,
    progress,
    signals,
    streams,
    weights_on_disk,
)
from reluprobe.config import RunConfig, labels, phases, sizes
from reluprobe.engine.events import Compiling, EpochDone, Event, Resumed
from reluprobe.garbage import uncollected
from reluprobe.plan.digests import with_digest
from reluprobe.plan.runs import checked_run
from reluprobe.records import EpochRecord
from reluprobe.records.folder import RUNS
from reluprobe.report import formatting
from reluprobe.report.terminal import dead_unit, live_rows

HELP = """Train one network and watch its units die, epoch by epoch.

With no flag this is the MNIST study's run: 5 × 256 ReLU, glorot_uniform, Adam at 5e-3, batch 128,
12 epochs, probed on the first 1,000 training images.

Stopped, it keeps how far it has come; the same command goes on from there. Ends with 0: done; 3:
the run failed; 130 or 143: stopped by Ctrl-C or SIGTERM; 2: bad input; 1: cannot be done."""

Name = Annotated[str | None, typer.Option("--name", help="Folder below --out. \\[train-<id>]")]
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
    context: typer.Context,
    out: options.Out = Path("results"),
    name: Name = None,
    manual_dir: options.ManualDir = None,
    save_activations: Keep = False,
    save_weights: options.SaveWeights = False,
    save_weights_every: options.SaveWeightsEvery = False,
    no_compile_cache: options.NoCompileCache = False,
    **settings: Any,
) -> None:
    """Run it; the help is HELP."""
    from reluprobe import api  # not for those who ask for help

    given = options.typed_settings(context, settings)
    checked_run(given)  # before a file is looked for
    given = with_digest(given)
    run = checked_run(given)
    when = options.when_saved(save_weights, save_weights_every)
    claim = api.train_claim(
        run,
        given,
        out,
        name,
        {"save_activations": save_activations, "save_weights": when},
        where="the command line",
        hint="another --name or --out",
    )
    console.log_to_stderr(facts=True)
    streams.work_goes_on()
    cost = weights_on_disk.cost([run], when, manual_dir)
    if cost is not None:
        weights_on_disk.check_room(cost, claim.folder)
    with signals.watched() as stop, _Screen(run.config, cost) as screen:
        record = api.train_claimed(
            claim,
            manual_dir,
            opened=screen.opened,
            progress=screen.see,
            stop=stop,
            compile_cache=not no_compile_cache,
        )
    if record is None:
        console.complain(f"{screen.stopped()}; to resume: {options.typed()}")
        raise typer.Exit(128 + (stop.signal or 0))
    folder = claim.folder
    console.out.print()
    console.out.print(live_rows.train_headline(record))
    if record.ended:
        console.out.print(Text(dead_unit.USUAL, style="dim"))
    wrote = f"wrote {folder / RUNS / f'{run.id}.json'}  ({formatting.duration(record.seconds)})"
    console.out.print(Text(wrote), soft_wrap=True)
    if when is not None:
        from reluprobe.engine.prune import obstacle

        lines = weights_on_disk.after(folder, {run.id}, ended=True)
        if record.ended and obstacle(run.config) is None:
            place = shlex.quote(str(folder / RUNS / f"{run.id}.json"))
            lines.append(f"without its dead units: reluprobe prune {place}")
        for line in lines:
            console.out.print(Text(line), soft_wrap=True)
    following = f"next: reluprobe report {shlex.quote(str(folder))}"
    console.out.print(Text(following), soft_wrap=True)
    if record.status == "failed":
        raise typer.Exit(3)


class _Screen:
    """What a terminal shows while one run trains: one row per epoch."""

    def __init__(self, config: RunConfig, cost: weights_on_disk.Cost | None = None) -> None:
        self.config, self.cost = config, cost
        self.rows: live_rows.EpochRows | None = None
        self.starts = {s.first: s for s in phases.stretches(config.phases, config.epochs)[1:]}
        self.waiting = progress.Wait("loading and compiling")
        self.watching = ExitStack()
        self.view: live_view.Rows | None = None
        self.epoch: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.waiting.end()
        self.watching.close()

    def opened(self) -> None:
        """What is trained, once its folder is ours; then wait for the program."""
        console.out.print(Text(labels.network(self.config), style="bold cyan"))
        console.out.print(_legend(self.config))
        if self.cost is not None:
            console.out.print(Text(f"to be saved: {self.cost.text}"))
        self.waiting.begin()
        with uncollected():
            from reluprobe.engine.process import set_up_process  # brings JAX
            from reluprobe.executor import local  # noqa: F401  # and all that trains

        set_up_process()

    def see(self, event: Event) -> None:
        """Take an event; the first epoch ends the wait, and tells what its columns are."""
        if isinstance(event, Compiling):
            self.waiting.what = f"compiling {labels.architecture(event.run.config)}"
            return
        self.waiting.end()
        match event:
            case Resumed(history=history):
                for epoch in history:
                    self._row(epoch, epoch.test_loss is None)
            case EpochDone(epoch=epoch, diverged=diverged):
                self._row(epoch, diverged)

    def stopped(self) -> str:
        """How far it has come; as far it is saved."""
        if self.epoch is None:
            return "stopped before the first epoch"
        total = phases.total_epochs(self.config.phases, self.config.epochs)
        return f"stopped after epoch {self.epoch:,} of {total:,}, and saved"

    def _begun(self, epoch: EpochRecord) -> tuple[live_rows.EpochRows, live_view.Rows]:
        """The table, from its first epoch on: data tell whether a network has R² or accuracy."""
        if self.rows is None or self.view is None:
            regression, width = epoch.rmse is not None, console.out.width
            # How many layers somebody's own network has, its first look tells.
            layers = len(epoch.layers)
            self.rows = live_rows.EpochRows(layers, regression=regression, width=width)
            console.out.print(self.rows.heading(), soft_wrap=True)
            self.view = self.watching.enter_context(live_view.watched(self.config, layers))
        return self.rows, self.view

    def _row(self, epoch: EpochRecord, diverged: bool) -> None:
        rows, view = self._begun(epoch)
        start = self.starts.get(epoch.epoch)
        above = [_phase(start, self.config, rows.quality.heading)] if start else []
        view.see(epoch, *above, rows.row(epoch, diverged))
        self.epoch = epoch.epoch


def _phase(stretch: phases.Stretch, config: RunConfig, measure: str) -> Text:
    dataset = stretch.phase.dataset or config.dataset
    task = stretch.phase.task.replace("_", " ")
    return Text(
        f"phase {stretch.index + 1}: {dataset}, {task}; {measure} is of this task", "italic"
    )


def _legend(config: RunConfig) -> Text:
    size = config.probe_examples
    probe = f"{size:,}" if isinstance(size, int) else size
    if sizes.at_most(config):
        probe = f"up to {probe}"
    # What it is before its formula: no example sends a gradient to its weights.
    text = f"L1…: % of units that no longer learn (dead, f′(z) = 0 on {probe} training examples)"
    return Text(text, style="dim")

"""``reluprobe sweep``: a grid of runs from a TOML file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from reluprobe import grid, wording
from reluprobe.archive import Archive
from reluprobe.cli import console, options, report
from reluprobe.config import SweepConfig, load_reference, phases, read_sweep
from reluprobe.tables import axes

HELP = """Run every combination in a sweep file and show the outcome.

Results go to OUT/<sweep name>/runs/<id>.json, one file a run, as each ends."""

File = Annotated[Path, typer.Argument(help="The sweep file (TOML).", show_default=False)]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override a key of [base], or seeds: --set epochs=2. Repeatable."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be run, and stop.")]


def command(
    file: File,
    *,
    set_: Set = None,
    dry_run: DryRun = False,
    out: options.Out = Path("results"),
    manual_dir: options.ManualDir = None,
) -> None:
    """Run it; the help is HELP."""
    sweep = read_sweep(file, options.parse_overrides(set_ or []))
    plan = grid.expand(sweep)
    _show_plan(sweep, plan)
    if dry_run:
        return

    from reluprobe.cli import engine
    from reluprobe.sweep import Compiled, EpochDone

    configs = [run.config for run in plan.runs]
    began, compiling = time.perf_counter(), 0.0
    steps = sum(phases.total_epochs(c.phases, c.epochs) + 1 for c in configs)
    with console.progress(steps) as bar:
        task = bar.task_ids[0]

        def on_epoch(done: EpochDone) -> None:
            bar.update(task, advance=1, description=f"{done.run.config.activation} {done.run.id}")

        def on_compiled(done: Compiled) -> None:
            nonlocal compiling
            compiling += done.seconds

        events = engine.start(sweep, plan.runs, out, manual_dir)
        ended = engine.follow(events, next(events), on_epoch, on_compiled)
    wall = time.perf_counter() - began
    folder = out / sweep.name
    by_id = {record.id: record for record, _ in ended}
    named = load_reference(sweep.reference) if sweep.reference else None
    here = Archive(sweep.name, folder, tuple(by_id[run.id] for run in plan.runs), reference=named)
    console.out.print()
    report.show(here, report.View())
    console.out.print()
    console.out.print(Text(_where(folder, len(ended), wall, compiling)), soft_wrap=True)
    console.out.print(Text(f"next: reluprobe report {folder}"), soft_wrap=True)
    if any(record.status == "failed" for record, _ in ended):
        raise typer.Exit(1)


def _where(folder: Path, runs: int, wall: float, compiling: float) -> str:
    return (
        f"wrote {wording.count(runs, 'record')} to {folder / 'runs'} in {wording.duration(wall)}, "
        f"{wording.duration(compiling)} of it ({100 * compiling / wall:.0f}%) compiling"
    )


def _show_plan(sweep: SweepConfig, plan: grid.Plan) -> None:
    groups = len(grid.groups(plan.runs))
    runs, programs = wording.count(len(plan.runs), "run"), wording.count(groups, "compiled group")
    folded = f" ({wording.count(plan.folded, 'duplicate')} folded)" if plan.folded else ""
    console.out.print(Text(f"{sweep.name}: {runs}{folded} in {programs}", style="bold cyan"))
    if sweep.axes:
        console.out.print(axes(sweep.axes))

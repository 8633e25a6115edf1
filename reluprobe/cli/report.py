"""``reluprobe report``: what the records say. Never imports JAX."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.text import Text

from reluprobe import archive, payload, pivot_table, summary, tables
from reluprobe.cli import beside, console, options, sections
from reluprobe.config.names import DEFINITIONS
from reluprobe.errors import InputError, nearest
from reluprobe.tables import MOST_NAMES

HELP = """Show the outcome of finished runs: dead units beside accuracy, seeds folded.

Takes folders of results, of one sweep, or single records."""

By = Annotated[
    options.Texts,
    options.repeatable(
        "--by", "Group by this setting, folding the others.", "AXIS", "every axis but the seed"
    ),
]
Sort = Annotated[
    str | None, typer.Option("--sort", help="Order rows by dead, accuracy, loss, or a setting.")
]
Lives = Annotated[
    bool, typer.Option("--lives", help="Also show how units died, came back, or stayed dead.")
]
Causes = Annotated[
    bool, typer.Option("--causes", help="Also show what killed them: weights, bias or upstream.")
]
Signals = Annotated[
    bool, typer.Option("--signals", help="Also show what the init does to activations.")
]
Bounds = Annotated[
    bool, typer.Option("--bounds", help="Also show what silence on a sample can bound.")
]


@dataclass(frozen=True)
class View:
    """How to look at records."""

    definition: str = "dead"
    by: Sequence[str] | None = None
    sort: str | None = None
    also: frozenset[str] = frozenset()


def command(
    paths: options.Paths,
    *,
    definition: options.Definition = "dead",
    by: By = None,
    sort: Sort = None,
    lives: Lives = False,
    causes: Causes = False,
    signals: Signals = False,
    bounds: Bounds = False,
    as_json: options.Json = False,
) -> None:
    """Run it; the help is HELP."""
    check_definition(definition)
    wanted = {"lives": lives, "causes": causes, "signals": signals, "bounds": bounds}
    also = frozenset(name for name, yes in wanted.items() if yes)
    view = View(definition, options.split(by), sort, also)
    found = archive.open_all(paths)
    if as_json:
        told = payload.report(found, view.definition, view.by, view.sort, view.also)
        print(json.dumps(told, allow_nan=False))
    else:
        _show_all(found, view)
    complain(found)


def _show_all(found: Sequence[archive.Archive], view: View) -> None:
    """One sweep whole; several side by side, and whole where more than that was asked for."""
    there = [sweep for sweep in found if sweep.records]
    if len(there) > 1:
        beside.show(there, view.definition, view.by, view.sort)
        if not view.also:
            return
    for sweep in there:
        if len(there) > 1:
            console.out.rule(style="dim")
        show(sweep, view)
    console.out.print()
    console.out.print(Text(_next(there, view)), soft_wrap=True)


def check_definition(definition: str) -> None:
    """Refuse a definition that is none.

    Raises:
        InputError: it is not.
    """
    if definition not in DEFINITIONS:
        allowed = f"allowed is one of {', '.join(DEFINITIONS)}{nearest(definition, DEFINITIONS)}"
        raise InputError("unknown definition", [f"--definition {definition}: {allowed}"])


def show(found: archive.Archive, view: View) -> None:
    """One sweep: headline, pivot, outcome, layers, sections, what was lost."""
    rows = summary.summarize(found.records, view.definition, view.by)
    rows = tables.shortened(summary.ordered(rows, view.sort))
    out = console.out
    out.print(Text(found.name, style="bold cyan"))
    out.print(tables.sweep_headline(rows, view.definition))
    out.print(tables.provenance(found))
    out.print(Text(f"{view.definition}: {tables.CALLED[view.definition][1]}", style="dim"))
    out.print()
    cross = summary.pivot(found.records, "activation", "learning_rate", view.definition)
    # Beside many other axes the two would fold what is not to be folded.
    if cross is not None and view.by is None and len(summary.axes(found.records)) <= MOST_NAMES:
        out.print(pivot_table.title("activation", "learning_rate", view.definition))
        out.print(pivot_table.table(cross, "activation", out.width))
        out.print(Text(pivot_table.LEGEND, style="dim"))
        out.print()
    out.print(tables.outcome(rows, view.definition, out.width))
    out.print()
    out.print(tables.layers_title(view.definition))
    out.print(tables.by_layer(rows, view.definition, out.width))
    sections.show(found, rows, view.definition, view.also)
    for bad in (tables.collapsed(found.records), tables.lost(found.records)):
        if bad is not None:
            out.print()
            out.print(bad, soft_wrap=True)


def _next(found: Sequence[archive.Archive], view: View) -> str:
    folder = found[0].folder
    if not view.also:
        return f"next: reluprobe report {folder} --lives --causes"
    return f"next: reluprobe report {folder} --definition never_positive"


def complain(found: Sequence[archive.Archive]) -> None:
    """Name what could not be read, and leave with 1 if there is any."""
    faults = [fault for sweep in found for fault in sweep.faults]
    for fault in faults:
        console.err.print(Text(f"left out: {fault}", style="red"), soft_wrap=True)
    if faults:
        raise typer.Exit(1)

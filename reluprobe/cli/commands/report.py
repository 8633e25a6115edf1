"""``reluprobe report``: what the records say. Never imports JAX."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from reluprobe.analysis import aggregate
from reluprobe.born import result
from reluprobe.cli import complete, console, draw_figures, options, report_sections, report_several
from reluprobe.config import SETTINGS
from reluprobe.config.choices import DEFINITIONS
from reluprobe.errors import InputError, nearest
from reluprobe.records.folder import Archive, open_all
from reluprobe.report import json_report
from reluprobe.report.terminal import pivot as pivot_table
from reluprobe.report.terminal import tables
from reluprobe.report.terminal.tables import MOST_NAMES

HELP = """Show the outcome of finished runs: dead units beside accuracy, seeds folded.

Takes folders of results, of one sweep, or single records, and results of born-dead; puts several
sweeps side by side. Prints tables, then leaves figures and a page in the sweep's report/."""

By = Annotated[
    options.Texts,
    options.repeatable(
        "--by",
        "Group by this setting, folding the others.",
        "AXIS",
        "every axis but the seed",
        among=SETTINGS,
    ),
]
Sort = Annotated[
    str | None,
    typer.Option(
        "--sort",
        help="Order rows by dead, accuracy, loss, or a setting.",
        autocompletion=complete.among((*aggregate.SORT_KEYS, *SETTINGS)),
    ),
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
    figures: draw_figures.Wanted = None,
    format: draw_figures.Format = None,
    only: draw_figures.Only = None,
    heatmap: draw_figures.Heatmap = None,
    out: draw_figures.Out = None,
) -> None:
    """Run it; the help is HELP."""
    check_definition(definition)
    request = draw_figures.request(figures, format, only, heatmap, out)
    wanted = {"lives": lives, "causes": causes, "signals": signals, "bounds": bounds}
    also = frozenset(name for name, yes in wanted.items() if yes)
    view = View(definition, options.split(by), sort, also)
    results = result.files(paths)
    found = open_all([p for p in paths if not result.is_of(p)], needed=not results)
    if as_json:
        told = json_report.report(found, view.definition, view.by, view.sort, view.also)
        born = [result.to_dict(result.read(path)) for path in results]
        print(json.dumps(told | ({"born_dead": born} if born else {}), allow_nan=False))
        complain(found)
        return
    _tables(found, results, view)
    drawn = True
    if request is not None and _whole(paths, request):
        console.out.print()
        drawn = draw_figures.show(found, results, request, view.definition, view.by)
    if found:
        console.out.print()
        for line in _next(found, view):
            console.out.print(Text(line), soft_wrap=True)
    complain(found)
    if not drawn:
        raise typer.Exit(1)


def _tables(found: Sequence[Archive], results: Sequence[Path], view: View) -> None:
    """One sweep whole; several side by side, and whole where more than that was asked for."""
    shown = [partial(show, sweep, view) for sweep in found]
    several = report_several.several(found)
    if several:
        together = partial(report_several.show, several, view.definition, view.by, view.sort)
        shown = [together, *(shown if view.also else [])]
    shown += [partial(_born_dead, path) for path in results]
    for n, one in enumerate(shown):
        if n:
            console.out.rule(style="dim")
        one()


def _born_dead(path: Path) -> None:
    from reluprobe.cli.commands import born_dead

    born_dead.show(result.read(path))


def _whole(paths: Sequence[Path], request: draw_figures.Request) -> bool:
    """Whether figures are of whole folders, or have a folder of their own."""
    if request.out is not None or not any(path.is_file() for path in paths):
        return True
    if request.asked:
        raise InputError("figures of single files need a folder of their own", hint="--out DIR")
    told = "no figures of single files: --out DIR has them drawn there"
    console.err.print(Text(told, style="dim"), soft_wrap=True)
    return False


def check_definition(definition: str) -> None:
    """Refuse a definition that is none.

    Raises:
        InputError: it is not.
    """
    if definition not in DEFINITIONS:
        allowed = f"allowed is one of {', '.join(DEFINITIONS)}{nearest(definition, DEFINITIONS)}"
        raise InputError("unknown definition", [f"--definition {definition}: {allowed}"])


def rows_of(found: Archive, view: View) -> list[aggregate.Summary]:
    """The rows of a sweep's tables."""
    rows = aggregate.summarize(found.records, view.definition, view.by)
    return tables.shortened(aggregate.sort_summaries(rows, view.sort))


def show(found: Archive, view: View) -> None:
    """One sweep: headline, pivot, outcome, layers, sections, what was lost."""
    rows = rows_of(found, view)
    out = console.out
    out.print(Text(found.name, style="bold cyan"))
    out.print(tables.sweep_headline(rows, view.definition))
    out.print(tables.provenance(found))
    out.print(Text(f"{view.definition}: {tables.CALLED[view.definition][1]}", style="dim"))
    out.print()
    cross = aggregate.pivot(found.records, "activation", "learning_rate", view.definition)
    # Beside many other axes the two would fold what is not to be folded.
    if cross is not None and view.by is None and len(aggregate.axes(found.records)) <= MOST_NAMES:
        out.print(pivot_table.title("activation", "learning_rate", view.definition))
        out.print(pivot_table.table(cross, "activation", out.width))
        out.print(Text(pivot_table.LEGEND, style="dim"))
        out.print()
    out.print(tables.outcome(rows, view.definition, out.width))
    out.print()
    out.print(tables.layers_title(view.definition))
    out.print(tables.by_layer(rows, view.definition, out.width))
    report_sections.show(found, rows, view.definition, view.also)
    for bad in (tables.collapsed(found.records), tables.lost(found.records)):
        if bad is not None:
            out.print()
            out.print(bad, soft_wrap=True)


def _next(found: Sequence[Archive], view: View) -> list[str]:
    folder, several = found[0].folder, report_several.several(found)
    if several and not view.also:
        return report_several.commands(several, view.definition, view.by)
    if not view.also:
        return [f"next: reluprobe report {folder} --lives --causes"]
    return [f"next: reluprobe report {folder} --definition never_positive"]


def complain(found: Sequence[Archive]) -> None:
    """Name what could not be read, and leave with 1 if there is any."""
    complain_of([fault for sweep in found for fault in sweep.faults])


def complain_of(faults: Sequence[str]) -> None:
    """Name these files, and leave with 1 if there are any."""
    for fault in faults:
        console.err.print(Text(f"left out: {fault}", style="red"), soft_wrap=True)
    if faults:
        raise typer.Exit(1)

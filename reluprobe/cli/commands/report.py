"""``reluprobe report``: what the records say. Never imports JAX."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from reluprobe import records
from reluprobe.analysis import side_by_side, thresholds
from reluprobe.analysis.effects import EffectsOnce
from reluprobe.born import result
from reluprobe.cli import (
    console,
    draw_figures,
    figure_flags,
    gate,
    options,
    reading,
    report_born_dead,
    report_several,
    report_sweep,
    report_watch,
)
from reluprobe.cli.reading import View
from reluprobe.errors import InputError
from reluprobe.records import outline
from reluprobe.records.folder import Archive, Read
from reluprobe.report import json_report

#: Of born-dead, by their files.
Results = Mapping[Path, result.Result]
#: Of sweeps by their places: tables and figures need the same, which take a while to work out.
Computed = Mapping[str, EffectsOnce]

HELP = """Show the outcome of finished runs: dead units beside accuracy, seeds folded.

Takes folders of results, of one sweep, or single records, and results of born-dead; puts several
sweeps side by side. Prints one screen, then leaves figures and a page in the sweep's report/.

Ends with 0; 4: more units are dead than --max-dead allows; 2: bad input; 1: something could not be
read or drawn."""

Lives = Annotated[
    bool,
    typer.Option(
        "--lives",
        help="Also show how units died, came back, or stayed dead (or what --definition says).",
    ),
]
Causes = Annotated[
    bool, typer.Option("--causes", help="Also show what killed them: weights, bias or upstream.")
]
Rates = Annotated[
    bool, typer.Option("--rates", help="Also show whether units that fire rarely are slow or dead.")
]
Signals = Annotated[
    bool, typer.Option("--signals", help="Also show what the init does to activations.")
]
Bounds = Annotated[
    bool, typer.Option("--bounds", help="Also show what silence on a sample can bound.")
]
Watch = Annotated[
    bool,
    typer.Option("--watch", help="Show the first screen, and renew it as the sweep's runs end."),
]
Full = Annotated[bool, typer.Option("--full", help="Show every configuration, layer and section.")]


def command(
    paths: reading.Paths,
    *,
    definition: reading.Definition = "dead",
    dormant_threshold: reading.DormantThreshold = None,
    rare_threshold: reading.RareThreshold = None,
    by: reading.By = None,
    sort: reading.Sort = None,
    full: Full = False,
    watch: Watch = False,
    lives: Lives = False,
    causes: Causes = False,
    rates: Rates = False,
    signals: Signals = False,
    bounds: Bounds = False,
    max_dead: gate.MaxDead = None,
    as_json: options.Json = False,
    figures: figure_flags.Wanted = None,
    format: figure_flags.Format = None,
    only: figure_flags.Only = None,
    heatmap: figure_flags.Heatmap = None,
    facet: figure_flags.Facet = None,
    colour: figure_flags.Colour = None,
    width: figure_flags.Width = None,
    out: figure_flags.Out = None,
) -> None:
    """Run it; the help is HELP."""
    reading.check_definition(definition)
    asked = thresholds.checked(dormant_threshold, rare_threshold)
    most = gate.parse(max_dead)
    request = figure_flags.request(figures, format, only, heatmap, facet, colour, width, out)
    sections = {
        reading.FULL: full,
        "lives": lives,
        "causes": causes,
        "rates": rates,
        "signals": signals,
        "bounds": bounds,
    }
    also = frozenset(name for name, asked in sections.items() if asked)
    view = View(definition, options.split(by), sort, also, asked)
    if watch:
        beside = {"--json": as_json, "--max-dead": most, **{f"--{name}": True for name in also}}
        _watch(paths, view, beside | {"--figures": request is not None and request.asked})
        return
    results, faults, copies = result.read_all(paths)
    # A folder called born-dead may be one of sweeps all the same.
    others = [p for p in paths if not (p.is_file() and result.is_of(p))]
    reads = _reader(view) if as_json or request is None else records.read
    sweeps = reading.load(others, not (results or faults), asked, reads)
    drawn = True
    computed = {s.place: EffectsOnce(s.records, view.definition) for s in sweeps}
    if request is not None:
        request = figure_flags.with_names(request, sweeps, computed, view.by)
    if as_json:
        _print_json(sweeps, results, view)
    else:
        with draw_figures.processes(request) as pool:
            _show(sweeps, results, view, computed)
            if request is not None and pool is not None and _whole(paths, request):
                console.out.print()
                shown = (view.definition, view.by)
                drawn = draw_figures.show(sweeps, results, request, *shown, pool, computed)
        if sweeps:
            console.out.print()
            for line in _next(sweeps, view):
                console.out.print(Text(line), soft_wrap=True)
    more_faults, more_copies = reading.left_out(sweeps)
    reading.exit_if_unreadable([*faults, *more_faults], [*copies, *more_copies])
    if not drawn:
        raise typer.Exit(1)
    if most is not None:
        gate.check(gate.of_sweeps(sweeps, view), most)


def _reader(view: View) -> Read:
    """What reads a record, where its tables alone are wanted: the first screen, or its numbers."""
    of_dropped = f"{view.definition}_units" in outline.LEFT_OUT
    return records.read if view.also or view.thresholds or of_dropped else outline.read


def _watch(paths: Sequence[Path], view: View, asked: Mapping[str, object]) -> None:
    """Show the first screen alone, again and again."""
    beside = [flag for flag, value in asked.items() if value]
    if beside:
        raise InputError(
            "--watch shows the first screen alone", [f"it stands beside {', '.join(beside)}"]
        )
    report_watch.run(paths, view)


def _print_json(sweeps: Sequence[Archive], results: Results, view: View) -> None:
    content = json_report.report(sweeps, view.definition, view.by, view.sort, view.also)
    born_dead = [result.to_dict(measured) for measured in results.values()]
    content |= {"born_dead": born_dead} if born_dead else {}
    console.write(json.dumps(content, allow_nan=False) + "\n")


def _show(sweeps: Sequence[Archive], results: Results, view: View, computed: Computed) -> None:
    """One sweep whole; several side by side, and whole where more than that was asked for.

    Sweeps of ours and of foreign runs apart: their settings have nothing in common.
    """
    kinds = side_by_side.by_kind(sweeps)
    if max(map(len, kinds), default=0) < 2:
        parts = [partial(report_sweep.show, s, view, computed[s.place]) for s in sweeps]
    else:
        parts = [part for kind in kinds for part in _of_kind(kind, view, computed)]
    parts += [partial(report_born_dead.show, measured) for measured in results.values()]
    for n, show in enumerate(parts):
        if n:
            console.out.rule(style="dim")
        show()


def _of_kind(sweeps: Sequence[Archive], view: View, computed: Computed) -> list[Callable[[], None]]:
    whole = [partial(report_sweep.show, s, view, computed[s.place]) for s in sweeps]
    if len(sweeps) == 1:
        return whole
    return [partial(report_several.show, sweeps, view), *(whole if view.also else [])]


def _whole(paths: Sequence[Path], request: figure_flags.Request) -> bool:
    """Whether figures are of whole folders, or have a folder of their own."""
    if request.out is not None or not any(path.is_file() for path in paths):
        return True
    if request.asked:
        raise InputError("figures of single files need a folder of their own", hint="--out DIR")
    text = "no figures of single files: --out DIR has them drawn there"
    console.err.print(Text(text, style="dim"), soft_wrap=True)
    return False


def _next(sweeps: Sequence[Archive], view: View) -> list[str]:
    folder = shlex.quote(sweeps[0].place)
    if view.also:
        return [f"next: reluprobe report {folder} --definition never_positive"]
    several = [kind for kind in side_by_side.by_kind(sweeps) if len(kind) > 1]
    if several:
        return [line for kind in several for line in report_several.next_commands(kind, view)]
    return [f"next: reluprobe report {folder} --full  (everything; or --lives --causes)"]

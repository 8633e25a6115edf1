"""``reluprobe compare``: which change of setting helps. Never imports JAX."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from reluprobe.analysis import compare, contrast
from reluprobe.cli import complete, console, options
from reluprobe.cli.commands import report
from reluprobe.config import SETTINGS, Value, faults_of, spelled_out, written
from reluprobe.config.choices import SPLITS
from reluprobe.errors import InputError, nearest
from reluprobe.records import RunRecord
from reluprobe.records.folder import Archive, open_all
from reluprobe.report import json_compare
from reluprobe.report.terminal import compare as compare_table
from reluprobe.report.terminal import compare_text, tables

HELP = """Hold every configuration against a baseline, seed by seed: which change helps?

Takes folders of results, of one sweep, or single records, and pools the runs of all of them."""

Baseline = Annotated[
    options.Texts,
    options.repeatable(
        "--baseline",
        "Setting of the baseline; the others at their defaults.",
        "SETTING=VALUE",
        "the defaults",
    ),
]
Within = Annotated[
    options.Texts,
    options.repeatable(
        "--within", "Compare apart at each value of this setting.", "AXIS", among=SETTINGS
    ),
]
On = Annotated[
    str,
    typer.Option(
        "--on",
        help=f"Dead on which sample: {', '.join(SPLITS)}.",
        autocompletion=complete.among(SPLITS),
    ),
]
Sort = Annotated[
    str,
    typer.Option(
        "--sort",
        help="Order rows by change in dead, accuracy, loss.",
        autocompletion=complete.among(compare.SORT_KEYS),
    ),
]


def command(
    paths: options.Paths,
    *,
    baseline: Baseline = None,
    within: Within = None,
    definition: options.Definition = "dead",
    on: On = "probe",
    sort: Sort = "dead",
    as_json: options.Json = False,
) -> None:
    """Run it; the help is HELP."""
    report.check_definition(definition)
    if on not in SPLITS:
        allowed = f"allowed is one of {', '.join(SPLITS)}{nearest(on, SPLITS)}"
        raise InputError("unknown sample", [f"--on {on}: {allowed}"])
    compare.sort_contrasts([], sort)  # refuses an unknown key before anything is read
    apart = tuple(options.full_name(name) for name in options.split(within) or ())
    question = contrast.Question(parse_baseline(baseline or ()), apart, definition, on)
    archives = open_all(paths)
    runs, again = compare.pool(archives)
    found = compare.compare(runs, question)
    if as_json:
        told = json_compare.comparison(found, archives, sort)
        print(json.dumps(told, allow_nan=False))
    else:
        show(found, archives, runs, again, sort)
        console.out.print()
        console.out.print(Text(_next(found, paths, runs)), soft_wrap=True)
    report.complain(archives)


def parse_baseline(texts: Sequence[str]) -> dict[str, Value]:
    """``activation=relu``, ``lr=0.01,depth=5``: settings and values, checked.

    Raises:
        InputError: with every fault found.
    """
    found: dict[str, Any] = {}
    faults = []
    # Where a comma parts settings a name and = follow; a value may hold others.
    parts = (part for whole in texts for part in re.split(r",(?=\s*[\w-]+\s*=)", whole))
    for text in (part.strip() for part in parts if part.strip()):
        key, equals, value = text.partition("=")
        name = options.full_name(key)
        if not equals:
            faults.append(f"got {text!r}; allowed is SETTING=VALUE")
        elif name in found:
            faults.append(f"{name} is named twice")
        else:
            found[name] = options.value_of(name, value)
    faults += faults_of(found)
    if faults:
        raise InputError("cannot read --baseline", faults)
    return {name: SETTINGS[name].clean(value) for name, value in spelled_out(found).items()}


def show(
    found: compare.Comparison,
    archives: Sequence[Archive],
    runs: Sequence[RunRecord],
    again: int,
    sort: str,
) -> None:
    """Headline, a table a group, legend, what is missing, what was lost."""
    out = console.out
    names = list(dict.fromkeys(a.name for a in archives))
    whole = Archive(", ".join(names), archives[0].folder, tuple(runs))
    out.print(Text(whole.name, style="bold cyan"))
    out.print(compare_text.headline(found))
    out.print(tables.provenance(whole))
    for group in found.groups:
        out.print()
        out.print(compare_text.title(group))
        if not group.rows:
            continue
        rows = compare.sort_contrasts(group.rows, sort)
        out.print(compare_table.table(group, rows, found.question, out.width))
    out.print()
    for line in compare_text.legend(found, runs):
        out.print(line)
    for line in compare_text.missing(found, archives, again):
        out.print(line)
    for bad in (tables.collapsed(runs), tables.lost(runs)):
        if bad is not None:
            out.print()
            out.print(bad, soft_wrap=True)


def _next(found: compare.Comparison, paths: Sequence[Path], runs: Sequence[RunRecord]) -> str:
    """The comparison within another setting, or on the whole training set; else a report."""
    question = found.question
    where = " ".join(shlex.quote(str(path)) for path in paths)
    told = f"next: reluprobe compare {where}"
    named = [f"{name}={written(value)}" for name, value in question.baseline.items()]
    told += "".join(f" --baseline {shlex.quote(text)}" for text in named)
    told += "".join(f" --within {name}" for name in question.within)
    apart = compare.splits(runs, question)
    if apart is not None:
        return f"{told} --within {apart}"
    if question.on == "probe" and any(run.samples for run in runs):
        return f"{told} --on train"
    return f"next: reluprobe report {where} --lives --causes"

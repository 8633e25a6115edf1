"""``reluprobe compare``: which change of setting helps. Never imports JAX."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from reluprobe.analysis import compare, contrast, environments, settings, thresholds
from reluprobe.cli import compare_exports, complete, console, exported_text, options, reading
from reluprobe.config import assignments, cleaned, faults_of, full_name, written
from reluprobe.config.choices import SPLITS
from reluprobe.errors import InputError, nearest
from reluprobe.records import RunRecord, Setting
from reluprobe.records.folder import Archive
from reluprobe.report import json_compare
from reluprobe.report.terminal import compare as compare_table
from reluprobe.report.terminal import compare_text, mishaps, tables

HELP = """Hold every change of settings against a baseline, seed by seed: which helps?

Where several configurations have the baseline's settings, each is held against those that differ
from it in these alone.

Takes folders of results, of one sweep, or single records, and pools the runs of all of them.

--latex, --markdown and --csv write the changes as a table, to stdout or a file; --figure draws
them with their intervals."""

Baseline = Annotated[
    options.Texts,
    options.repeatable(
        "--baseline",
        "Setting of the baseline; where nothing varies in it, the others at their defaults.",
        "SETTING=VALUE",
        "the defaults",
    ),
]
Within = Annotated[
    options.Texts,
    options.repeatable(
        "--within", "Compare apart at each value of this setting.", "AXIS", among=reading.NAMES
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
        help="Order rows by change in dead, accuracy, r2, rmse, loss.",
        autocompletion=complete.among(compare.SORT_KEYS),
    ),
]


def command(
    paths: reading.Paths,
    *,
    baseline: Baseline = None,
    within: Within = None,
    definition: reading.Definition = "dead",
    dormant_threshold: reading.DormantThreshold = None,
    rare_threshold: reading.RareThreshold = None,
    on: On = "probe",
    sort: Sort = "dead",
    as_json: options.Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Write the changes as CSV.")] = False,
    as_markdown: exported_text.Markdown = False,
    as_latex: exported_text.Latex = False,
    columns: compare_exports.Columns = None,
    out: compare_exports.Out = None,
    figure: compare_exports.Figure = None,
) -> None:
    """Run it; the help is HELP."""
    forms = {"json": as_json, "csv": as_csv, "markdown": as_markdown, "latex": as_latex}
    form = compare_exports.form_of([name for name, yes in forms.items() if yes], columns, out)
    reading.check_definition(definition)
    asked = thresholds.checked(dormant_threshold, rare_threshold)
    compare.sort_contrasts([], sort)  # refuses an unknown key before anything is read
    archives = reading.load(paths, asked=asked)
    runs, duplicates = compare.pool(archives)
    _check_sample(on, runs)
    groups = tuple(settings.check_names(options.split(within) or (), runs, "cannot read --within"))
    question = contrast.Question(parse_baseline(baseline or (), runs), groups, definition, on)
    comparison = compare.compare(runs, question)
    if figure is not None:
        # Before anything is printed: what cannot be drawn or written is all that is said then.
        from reluprobe.report.figures import changes

        changes.figure(comparison, runs, sort).save(figure)
    if form is None:
        show(comparison, archives, runs, duplicates, sort)
        console.out.print()
        console.out.print(Text(_next(comparison, paths, runs)), soft_wrap=True)
    elif form == "json":
        content = json_compare.comparison(comparison, archives, sort)
        console.write(json.dumps(content, allow_nan=False) + "\n")
    else:
        names = options.split(columns)
        chosen = names and [full_name(name, settings.known_names(runs)) for name in names]
        text = compare_exports.table(comparison, _name(archives), runs, sort, form, chosen)
        exported_text.deliver(text, out)
    if figure is not None:
        # Beside a table for other programs it is no part of it.
        to = console.out if form is None else console.err
        to.print(Text(f"wrote {figure}"), soft_wrap=True)
    reading.exit_if_unreadable(*reading.left_out(archives))


def _check_sample(on: str, runs: Sequence[RunRecord]) -> None:
    """Refuse a sample that is none: the owners of foreign runs call theirs as they like."""
    own = [sample.sample for run in runs if run.ours is None for sample in run.samples]
    allowed = list(dict.fromkeys([*SPLITS, *own]))
    if on not in allowed:
        listed = f"allowed is one of {', '.join(allowed)}{nearest(on, allowed)}"
        raise InputError("unknown sample", [f"--on {on}: {listed}"])


def parse_baseline(texts: Sequence[str], runs: Sequence[RunRecord] = ()) -> dict[str, Setting]:
    """``activation=relu``, ``lr=0.01,depth=5``: settings and values, checked.

    A value of a foreign run is the one that is written so among these runs' own.

    Raises:
        InputError: with every fault found.
    """
    texts_by_name, faults = assignments.parse(texts, settings.known_names(runs))
    foreign = [run for run in runs if run.ours is None]
    if foreign and not faults:
        settings.check_names([*texts_by_name], foreign, "cannot read --baseline")
        return {n: settings.value_among(value, n, foreign) for n, value in texts_by_name.items()}
    given = {n: settings.value_among(value, n, runs) for n, value in texts_by_name.items()}
    if settings.own_names(runs):
        settings.check_names([*given], runs, "cannot read --baseline")
    own = {n: given.pop(n) for n in settings.own_names(runs) if n in given}
    baseline: dict[str, Any] = {
        n: assignments.value_of(n, v) if isinstance(v, str) else v for n, v in given.items()
    }
    faults += faults_of(baseline)
    if faults:
        raise InputError("cannot read --baseline", faults)
    return {**cleaned(baseline), **own}


def _name(archives: Sequence[Archive]) -> str:
    return ", ".join(dict.fromkeys(a.name for a in archives))


def show(
    comparison: compare.Comparison,
    archives: Sequence[Archive],
    runs: Sequence[RunRecord],
    duplicates: int,
    sort: str,
) -> None:
    """Headline, one table per group, legend, what is missing, what was lost."""
    out = console.out
    whole = Archive(_name(archives), archives[0].folder, tuple(runs))
    out.print(Text(whole.name, style="bold cyan"))
    out.print(compare_text.headline(comparison))
    out.print(tables.provenance(whole))
    for group in comparison.groups:
        out.print()
        out.print(compare_text.title(group))
        if not group.rows:
            continue
        rows = compare.sort_contrasts(group.rows, sort)
        out.print(compare_table.table(group, rows, comparison.question, out.width))
    out.print()
    for line in compare_text.legend(comparison, runs):
        out.print(line)
    for line in compare_text.missing(comparison, archives, duplicates):
        out.print(line)
    unlike = mishaps.unlike(environments.differences(runs))
    for warning in (mishaps.collapsed(runs), mishaps.lost(runs), unlike):
        if warning is not None:
            out.print()
            out.print(warning, soft_wrap=True)


def _next(comparison: compare.Comparison, paths: Sequence[Path], runs: Sequence[RunRecord]) -> str:
    """The comparison within another setting, or on the whole training set; else a report."""
    question = comparison.question
    where = " ".join(shlex.quote(str(path)) for path in paths)
    line = f"next: reluprobe compare {where}"
    baseline = [f"{name}={written(value)}" for name, value in question.baseline.items()]
    line += "".join(f" --baseline {shlex.quote(text)}" for text in baseline)
    line += "".join(f" --within {name}" for name in question.within)
    setting = compare.splits(runs, question)
    if setting is not None:
        return f"{line} --within {setting}"
    names = [sample.sample for run in runs for sample in run.samples]
    other = "train" if "train" in names else next((n for n in names if n != "probe"), None)
    if question.on == "probe" and other is not None:
        return f"{line} --on {shlex.quote(other)}"
    return f"next: reluprobe report {where} --lives --causes"

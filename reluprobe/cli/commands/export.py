"""``reluprobe export``: results for other programs. Never imports JAX."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from reluprobe import records
from reluprobe.analysis import aggregate, environments, settings, thresholds
from reluprobe.analysis.thresholds import Thresholds
from reluprobe.cli import console, exported_text, options, reading
from reluprobe.cli.reading import View
from reluprobe.config import SETTINGS, full_name, labels
from reluprobe.config.choices import DEFINITIONS
from reluprobe.errors import InputError
from reluprobe.records.folder import Archive, stream_records
from reluprobe.report.terminal import mishaps

HELP = """Take results elsewhere: tidy tables for pandas, polars or R, or a table for a paper.

--csv and --parquet write two tables into a folder: runs, one row per run, and layers, one row per
run, epoch and hidden layer; with --units a third, one row per run, epoch and hidden unit.
columns.csv says what their columns mean. --markdown and --latex write a table of configurations
for a paper, to stdout or a file. --tensorboard writes every run's curves and hyperparameters."""

Csv = Annotated[bool, typer.Option("--csv", help="Write runs.csv and layers.csv.")]
Parquet = Annotated[bool, typer.Option("--parquet", help="Write runs.parquet and layers.parquet.")]
Units = Annotated[
    bool,
    typer.Option("--units", help="Write units, too: which were dead. Parquet, unless --csv."),
]
Tensorboard = Annotated[
    Path | None,
    typer.Option("--tensorboard", help="Write a log folder for TensorBoard.", **options.AS_PATH),
]
Columns = Annotated[
    options.Texts,
    options.repeatable(
        "--columns",
        "Columns of the Markdown or LaTeX table: settings, definitions, accuracy, r2, rmse, loss, "
        "train_loss, runs, layers.",
        "NAME",
        "settings that vary, dead, accuracy or R² and RMSE, losses",
        among=(
            *(*SETTINGS, *DEFINITIONS, "accuracy", "r2", "rmse", "loss", "train_loss"),
            *("runs", "layers"),
        ),
    ),
]
#: What ``runs`` calls them.
_ALIASES = {"test_accuracy": "accuracy", "test_loss": "loss"}
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="Folder for tables; file for Markdown or LaTeX.",
        **options.AS_PATH,
        show_default="export; stdout",
    ),
]


def command(
    paths: reading.Paths,
    *,
    as_csv: Csv = False,
    as_parquet: Parquet = False,
    with_units: Units = False,
    as_markdown: exported_text.Markdown = False,
    as_latex: exported_text.Latex = False,
    tensorboard: Tensorboard = None,
    out: Out = None,
    definition: reading.Definition = "dead",
    dormant_threshold: reading.DormantThreshold = None,
    rare_threshold: reading.RareThreshold = None,
    by: reading.By = None,
    sort: reading.Sort = None,
    columns: Columns = None,
) -> None:
    """Run it; the help is HELP."""
    # A table of units is large: CSV is for those who ask for it.
    as_parquet = as_parquet or (with_units and not as_csv)
    tidy = [name for name, yes in (("csv", as_csv), ("parquet", as_parquet)) if yes]
    markup = [name for name, yes in (("markdown", as_markdown), ("latex", as_latex)) if yes]
    number = len(markup) + bool(tidy) + (tensorboard is not None)
    if number != 1:
        allowed = (
            "allowed is --csv, --parquet or both; or --markdown; or --latex; or --tensorboard DIR"
        )
        wrong = "formats that do not go together" if number else "no format given"
        raise InputError(wrong, [allowed])
    reading.check_definition(definition)
    asked = thresholds.checked(dormant_threshold, rare_threshold)
    view = View(definition, options.split(by), sort, thresholds=asked)
    named = options.split(columns)
    if markup:
        _markup(paths, markup[0], out, view, named)
        return
    shaped = view.by is not None or view.sort is not None or named is not None
    if shaped or (tidy and definition != "dead") or (tensorboard is not None and out is not None):
        raise InputError("an option without an effect", [_EFFECTS])
    if tensorboard is not None:
        _log(paths, tensorboard, view)
    else:
        _tables(paths, Path("export") if out is None else out, tidy, with_units, asked)


_EFFECTS = (
    "--by, --sort and --columns are for --markdown and --latex, --definition is for these and "
    "--tensorboard; tables hold every run. --out is for all but --tensorboard DIR"
)


def _tables(
    paths: Sequence[Path],
    folder: Path,
    formats: Sequence[str],
    with_units: bool,
    asked: Thresholds,
) -> None:
    # Not before it is needed: Arrow takes a quarter of a second to import.
    from reluprobe.report.export import files

    faults: list[str] = []
    copies: list[str] = []
    notes: list[str] = []
    lacking: list[bool] = []
    places = environments.Environments()

    def seen() -> Iterator[tuple[Path, records.RunRecord]]:
        for home, record in stream_records(paths, faults, copies):
            places.see(record)
            told = thresholds.asked_anew(record, asked)
            lacking.append(thresholds.untold(told))
            yield home, told

    with console.status("exporting"):
        names = [*files.TABLES] if with_units else files.ALWAYS
        written = files.write(seen(), folder, formats, names, notes)
    for path, rows in written.items():
        console.out.print(Text(f"wrote {path}  ({labels.count(rows, 'row')})"), soft_wrap=True)
    if any(lacking):
        notes.append(thresholds.said(sum(lacking), len(lacking), asked))
    for note in notes:
        console.err.print(Text(note, style="yellow"), soft_wrap=True)
    _say_unlike(places.differences())
    reading.exit_if_unreadable(faults, copies)


def _log(paths: Sequence[Path], folder: Path, view: View) -> None:
    from reluprobe.report.export import tensorboard_log

    sweeps = reading.load(paths, asked=view.thresholds)
    pairs = [(sweep.folder, record) for sweep in sweeps for record in sweep.records]
    with console.status("exporting"):
        log = tensorboard_log.write(pairs, folder, view.definition)
    again = ", in the place of an earlier export's" if log.replaced else ""
    text = f"wrote {log.folder}  ({labels.count(log.runs, 'run')}{again})"
    console.out.print(Text(text), soft_wrap=True)
    command = f"next: tensorboard --logdir {shlex.quote(str(log.folder))}"
    console.out.print(Text(command), soft_wrap=True)
    _say_unlike(environments.differences(record for _, record in pairs))
    reading.exit_if_unreadable(*reading.left_out(sweeps))


def _say_unlike(differences: environments.Differences) -> None:
    line = mishaps.unlike(differences)
    if line is not None:
        console.err.print(line, soft_wrap=True)


def _markup(
    paths: Sequence[Path],
    kind: str,
    out: Path | None,
    view: View,
    columns: Sequence[str] | None,
) -> None:
    from reluprobe.report.export import configurations, markup

    sweeps = reading.load(paths, asked=view.thresholds)
    written = [
        markup.WRITERS[kind](
            configurations.table(
                sweep, _rows(sweep, view), view.definition, _full_names(columns, sweep)
            )
        )
        for sweep in sweeps
        if sweep.records
    ]
    exported_text.deliver("\n".join(written), out)
    _say_unlike(environments.differences(r for sweep in sweeps for r in sweep.records))
    reading.exit_if_unreadable(*reading.left_out(sweeps))


def _rows(sweep: Archive, view: View) -> list[aggregate.Summary]:
    rows = aggregate.summarize(sweep.records, view.definition, view.by)
    return aggregate.sort_summaries(rows, view.sort)


def _full_names(columns: Sequence[str] | None, sweep: Archive) -> list[str] | None:
    """Columns as a table calls them: a setting's also by its flag, a layer's as it is."""
    if columns is None:
        return None
    layers = {name for run in sweep.records for name in run.layer_names}
    known = settings.known_names(sweep.records)
    return [
        name if name in layers else _ALIASES.get(name, full_name(name, known)) for name in columns
    ]

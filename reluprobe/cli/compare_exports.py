"""What ``reluprobe compare`` writes for other programs and papers: its options, and the tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from reluprobe.analysis import compare
from reluprobe.analysis.contrast import MEASURES
from reluprobe.cli import options
from reluprobe.errors import InputError
from reluprobe.records import RunRecord

#: Of the table for a paper.
COLUMNS = (
    "change",
    *(column for name in MEASURES for column in (name, f"{name}_change")),
    *("pairs", "verdict"),
)
Columns = Annotated[
    options.Texts,
    options.repeatable(
        "--columns",
        f"Columns of the Markdown or LaTeX table: {', '.join(COLUMNS)}, or a setting of --within.",
        "NAME",
        "change, dead, accuracy or R² and their changes",
        among=COLUMNS,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="File for CSV, Markdown or LaTeX.",
        **options.AS_PATH,
        show_default="stdout",
    ),
]
Figure = Annotated[
    Path | None,
    typer.Option(
        "--figure", help="Draw the changes into this file: .svg, .png or .pdf.", **options.AS_PATH
    ),
]


def form_of(forms: Sequence[str], columns: options.Texts, out: Path | None) -> str | None:
    """How the comparison is written; None on the terminal.

    Raises:
        InputError: in several ways, or with an option that none of them has.
    """
    if len(forms) > 1:
        allowed = "allowed is one of --json, --csv, --markdown and --latex"
        raise InputError("formats that do not go together", [allowed])
    form = next(iter(forms), None)
    if columns is not None and form not in ("markdown", "latex"):
        raise InputError("an option without an effect", ["--columns is for --markdown and --latex"])
    if out is not None and form in (None, "json"):
        said = "--out is for --csv, --markdown and --latex"
        raise InputError("an option without an effect", [said])
    return form


def table(
    comparison: compare.Comparison,
    name: str,
    runs: Sequence[RunRecord],
    sort: str,
    form: str,
    columns: Sequence[str] | None = None,
) -> str:
    """A comparison as CSV, every number unrounded; or as a table for a paper."""
    if form == "csv":
        # Not before it is needed: Arrow takes a quarter of a second to import.
        from reluprobe.report import result_tables
        from reluprobe.report.export import formats

        return formats.csv_text(result_tables.comparison(comparison, sort))
    from reluprobe.report.export import changes, markup

    return markup.WRITERS[form](changes.table(comparison, runs, name, sort, columns))

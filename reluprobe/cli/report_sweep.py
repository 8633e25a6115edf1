"""One sweep's report on the terminal: headline, pivot, outcome, layers, sections, lost runs."""

from __future__ import annotations

from rich.text import Text

from reluprobe.analysis import aggregate, environments
from reluprobe.cli import first_screen, report_sections
from reluprobe.cli.console import out
from reluprobe.cli.reading import FULL, View
from reluprobe.records.folder import Archive
from reluprobe.report.terminal import foreign_coverage, mishaps, tables
from reluprobe.report.terminal import pivot as pivot_table
from reluprobe.report.terms import terms_of


def summaries(sweep: Archive, view: View) -> list[aggregate.Summary]:
    """The rows of a sweep's tables: its configurations, seeds folded."""
    rows = aggregate.summarize(sweep.records, view.definition, view.by)
    return tables.shortened(aggregate.sort_summaries(rows, view.sort))


def show(sweep: Archive, view: View) -> None:
    """Print the report of one sweep: one screen, and what was asked for; or all of it."""
    rows = summaries(sweep, view)
    if FULL in view.also:
        _whole(sweep, rows, view)
        return
    first_screen.show(sweep, rows, view)
    report_sections.show_asked(sweep, rows, view)


def _whole(sweep: Archive, rows: list[aggregate.Summary], view: View) -> None:
    out.print(Text(sweep.name, style="bold cyan"))
    out.print(tables.sweep_headline(rows, view.definition))
    out.print(tables.provenance(sweep))
    out.print(Text(f"{view.definition}: {tables.CALLED[view.definition][1]}", style="dim"))
    if (ends := tables.ends(rows)) is not None:
        out.print(ends)
    out.print()
    _pivot(sweep, view)
    out.print(tables.outcome(rows, view.definition, out.width))
    out.print()
    terms = terms_of(sweep.records)
    out.print(tables.layers_title(view.definition, terms))
    out.print(tables.by_layer(rows, view.definition, out.width))
    report_sections.show(sweep, rows, view)
    unlike = mishaps.unlike(environments.differences(sweep.records))
    for warning in (mishaps.collapsed(sweep.records), mishaps.lost(sweep.records), unlike):
        if warning is not None:
            out.print()
            out.print(warning, soft_wrap=True)
    if not_counted := foreign_coverage.lines(sweep.records, out.width):
        out.print()
        for line in not_counted:
            out.print(line)


def _pivot(sweep: Archive, view: View) -> None:
    # Beside many other axes the two would fold what is not to be folded.
    if view.by is not None or len(aggregate.axes(sweep.records)) > tables.MOST_NAMES:
        return
    cross = aggregate.pivot(sweep.records, "activation", "learning_rate", view.definition)
    if cross is not None:
        terms = terms_of(sweep.records)
        out.print(pivot_table.title("activation", "learning_rate", view.definition, terms))
        out.print(pivot_table.table(cross, "activation", out.width))
        out.print(Text(pivot_table.LEGEND, style="dim"))
        out.print()

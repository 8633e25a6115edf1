"""One sweep's report on the terminal: headline, pivot, outcome, layers, sections, lost runs."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from reluprobe.analysis import aggregate, environments
from reluprobe.analysis.effects import Effects, EffectsOnce
from reluprobe.cli import report_sections
from reluprobe.cli.console import out
from reluprobe.cli.reading import FULL, View
from reluprobe.config import labels
from reluprobe.records.folder import Archive
from reluprobe.report.quality_terms import terms_of_quality
from reluprobe.report.terminal import (
    answer,
    dead_unit,
    effects_table,
    first_screen,
    foreign_coverage,
    mishaps,
    tables,
)
from reluprobe.report.terminal import pivot as pivot_table
from reluprobe.report.terms import terms_of


def summaries(sweep: Archive, view: View) -> list[aggregate.Summary]:
    """The rows of a sweep's tables: its configurations, seeds folded."""
    rows = aggregate.summarize(sweep.records, view.definition, view.by)
    return tables.shortened(aggregate.sort_summaries(rows, view.sort))


def show(sweep: Archive, view: View, computed: EffectsOnce | None = None) -> None:
    """Print the report of one sweep: one screen, and what was asked for; or all of it.

    ``computed`` is of the sweep, where its figures need it too.
    """
    rows = summaries(sweep, view)
    computed = computed or EffectsOnce(sweep.records, view.definition)
    if FULL in view.also:
        _whole(sweep, rows, view, computed)
        return
    for part in screen(sweep, rows, view, out.width, computed):
        out.print(part)
    report_sections.show_asked(sweep, rows, view)


def screen(
    sweep: Archive,
    rows: list[aggregate.Summary],
    view: View,
    width: int,
    computed: EffectsOnce | None = None,
) -> list[RenderableType]:
    """The first screen, one part below the other."""
    asked = {"folded": view.by is not None, "every": view.by is not None or view.sort is not None}
    return first_screen.parts(sweep, rows, view.definition, width, **asked, computed=computed)


def _whole(
    sweep: Archive, rows: list[aggregate.Summary], view: View, computed: EffectsOnce
) -> None:
    """Print all that there is."""
    terms, definition = terms_of(sweep.records), view.definition
    measured = computed.value if view.by is None else None
    out.print(Text(sweep.name, style="bold cyan"))
    for line in answer.sentences(rows, measured, definition):
        out.print(Text(line, style="bold"))
    out.print(tables.sweep_headline(rows, definition))
    for line in dead_unit.lines(definition, sweep.records):
        out.print(line)
    out.print(tables.provenance(sweep))
    if (ends := tables.ends(rows)) is not None:
        out.print(ends)
    out.print()
    if measured is not None:
        _effects(sweep, measured, definition)
    out.print(tables.outcome(rows, definition, out.width))
    out.print()
    out.print(tables.layers_title(definition, terms))
    out.print(tables.by_layer(rows, definition, out.width))
    report_sections.show(sweep, rows, view)
    unlike = mishaps.unlike(environments.differences(sweep.records))
    records = sweep.records
    amiss = (mishaps.collapsed(records), mishaps.badly(records), mishaps.lost(records), unlike)
    for warning in amiss:
        if warning is not None:
            out.print()
            out.print(warning, soft_wrap=True)
    if not_counted := foreign_coverage.lines(sweep.records, out.width):
        out.print()
        for line in not_counted:
            out.print(line)


def _effects(sweep: Archive, measured: Effects, definition: str) -> None:
    """Print what every value of every setting does, and two settings against each other."""
    qualities = terms_of_quality(sweep.records)
    out.print(effects_table.title(measured, definition))
    out.print(effects_table.table(measured, definition, qualities, out.width, every=True))
    for line in effects_table.legend(measured, definition, qualities, every=True):
        out.print(line)
    out.print()
    if not answer.told_apart(measured):
        return
    drawn = pivot_table.on_a_screen(sweep.records, measured.axes[:2], definition, out.width)
    if drawn is not None:
        cross, down, across = drawn
        out.print(pivot_table.title(labels.name(down), across, definition, qualities))
        out.print(pivot_table.table(cross, down, out.width))
        out.print(Text(pivot_table.LEGEND, style="dim"))
        out.print()

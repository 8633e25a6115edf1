"""The parts of a report below its main tables: samples, signals, lives, causes, claims."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from reluprobe.analysis import (
    claims,
    death_causes,
    init_signal,
    phase_outcomes,
    replication,
    splits,
    step_course,
    unit_lives,
)
from reluprobe.analysis.aggregate import Summary
from reluprobe.cli.console import out
from reluprobe.config import Value
from reluprobe.records.folder import Archive
from reluprobe.report.terminal import claims as claims_table
from reluprobe.report.terminal import phase_outcomes as phase_table
from reluprobe.report.terminal import sparklines, unit_map
from reluprobe.report.terminal import splits as splits_table
from reluprobe.report.terminal import unit_lives as lives_table

Rows = Sequence[Summary]


def show(found: Archive, rows: Rows, definition: str, also: Collection[str]) -> None:
    """Print what the sweep has, and of the rest what was asked for."""
    _by_epoch(rows, definition, "lives" in also)
    _samples(rows, definition, "bounds" in also)
    _phases(rows, definition)
    _courses(rows, definition)
    if "signals" in also or all(r.config.epochs == 0 for r in found.records):
        _signals(rows)
    if "lives" in also:
        _lives(rows)
    if "causes" in also:
        _causes(rows)
    if found.reference is not None:
        _claims(replication.compare(found.records, found.reference))


def _by_epoch(rows: Rows, definition: str, asked: bool) -> None:
    out.print()
    if len(rows) > sparklines.MOST_ROWS and not asked:
        out.print(Text(f"by epoch, of {len(rows)} configurations: --lives", style="dim"))
        return
    found = sparklines.by_summary(rows, definition)
    if len(sparklines.moments(found)) < 2:
        out.print(Text("by epoch: no run ended that was probed more than once", style="dim"))
        return
    room = sparklines.room(found, out.width)
    out.print(sparklines.title(found, definition, room))
    out.print(sparklines.table(found, room))
    out.print(Text(sparklines.LEGEND, style="dim"))


def _samples(rows: Rows, definition: str, bounds: bool) -> None:
    looked = [(row.settings, splits.by_split(row.members, definition)) for row in rows]
    there = [(settings, s) for settings, s in looked if s is not None]
    if not there:
        return
    out.print()
    out.print(splits_table.samples_title(there, definition))
    headline = splits_table.samples_headline(there)
    if headline is not None:
        out.print(headline)
    table = splits_table.samples(there, out.width)
    out.print(table)
    out.print(splits_table.samples_legend(table))
    if bounds:
        out.print(splits_table.bounds(there))


def _phases(rows: Rows, definition: str) -> None:
    for row in rows:
        turns = phase_outcomes.turns(row.members, definition)
        if turns:
            out.print()
            out.print(phase_table.headline(row.settings, turns, definition))
            out.print(phase_table.table(turns, definition, out.width))
    if any(run.phases for row in rows for run in row.members):
        out.print(Text(phase_table.LEGEND, style="dim"))


def _courses(rows: Rows, definition: str) -> None:
    found = [(row.settings, step_course.course(row.members, definition)) for row in rows]
    there = [(settings, moments) for settings, moments in found if moments]
    if there:
        word = splits_table.CALLED[definition][0]
        out.print()
        out.print(Text(f"{word} % by step", style="italic"))
        out.print(splits_table.courses(there))


def _signals(rows: Rows) -> None:
    found = [(row.settings, init_signal.signals(row.members)) for row in rows]
    _table("signals", splits_table.SIGNAL_LEGEND, found, splits_table.signals)


def _causes(rows: Rows) -> None:
    found = [(row.settings, death_causes.blame(row.members)) for row in rows]
    _table("causes of death", splits_table.BLAME_LEGEND, found, splits_table.blame)


def _table(
    title: str,
    legend: str,
    found: Sequence[tuple[Mapping[str, Value | None], Sequence[Any]]],
    table: Callable[[Any], RenderableType],
) -> None:
    there = [(settings, layers) for settings, layers in found if layers]
    out.print()
    if not there:
        out.print(Text(f"{title}: none was recorded in these runs", style="dim"))
        return
    out.print(Text(title, style="italic"))
    out.print(table(there))
    out.print(Text(legend, style="dim"))


def _lives(rows: Rows) -> None:
    found = [(row.settings, unit_lives.fates(row.members)) for row in rows]
    out.print()
    out.print(lives_table.headline(found))
    out.print(lives_table.title(found))
    out.print(lives_table.table(found, out.width))
    out.print(Text(lives_table.LEGEND, style="dim"))
    _map(rows)


def _map(rows: Rows) -> None:
    out.print()
    shown = unit_map.runs(rows)
    if not shown:
        told = "life of every unit: no unit of a run that ended was dead at any of several probes"
        out.print(Text(told, style="dim"))
        return
    for row, run in shown:
        out.print(unit_map.title(row, run))
        out.print(unit_map.table(run, out.width))
    out.print(Text(unit_map.LEGEND, style="dim"))
    if len(rows) > len(shown):
        which = "the one with the most dead units" if len(shown) == 1 else "those with dead units"
        out.print(Text(f"of {len(rows)} configurations, {which}", style="dim"))


def _claims(found: replication.Replication) -> None:
    out.print()
    for line in claims_table.heading(found):
        out.print(line)
    if not found.rows:
        return
    out.print()
    out.print(claims_table.title(found))
    out.print(claims_table.table(found))
    judged = claims.judge_all(found)
    if judged:
        out.print()
        out.print(claims_table.claims_title(judged))
        out.print(Text(claims_table.RULE, style="dim"))
        out.print(claims_table.claims(judged))

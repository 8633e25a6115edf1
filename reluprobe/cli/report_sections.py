"""Sections of a report below its main tables: epochs, splits, phases, lives, causes, rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from reluprobe.analysis import (
    claims,
    death_causes,
    init_signal,
    lacking,
    phase_outcomes,
    rates,
    replication,
    splits,
    step_course,
    unit_fates,
)
from reluprobe.analysis.aggregate import Summary
from reluprobe.cli.console import out
from reluprobe.cli.reading import FULL, View
from reluprobe.records import RunRecord, Setting
from reluprobe.records.folder import Archive
from reluprobe.report.quality_terms import terms_of_quality
from reluprobe.report.terminal import claims as claims_table
from reluprobe.report.terminal import death_causes as causes_table
from reluprobe.report.terminal import init_signal as signal_table
from reluprobe.report.terminal import phase_outcomes as phase_table
from reluprobe.report.terminal import rates as rates_tables
from reluprobe.report.terminal import sparklines, unit_map
from reluprobe.report.terminal import splits as splits_table
from reluprobe.report.terminal import step_course as course_table
from reluprobe.report.terminal import unit_lives as lives_table
from reluprobe.report.terms import row_names, terms_of

Rows = Sequence[Summary]


def show(sweep: Archive, rows: Rows, view: View) -> None:
    """Print what the sweep has, and of the rest what was asked for."""
    definition, also = view.definition, view.also
    _by_epoch(rows, definition, "lives" in also)
    _samples(rows, definition, "bounds" in also)
    _phases(rows, definition)
    _courses(rows, definition)
    if "signals" in also or all(map(lacking.untrained, sweep.records)):
        _signals(rows, sweep.records)
    if "lives" in also:
        _lives(rows, sweep.records, definition)
    if "causes" in also:
        _causes(rows, sweep.records)
    if "rates" in also:
        _rates(rows, sweep.records, FULL in also)
    if sweep.reference is not None:
        _claims(replication.compare(sweep.records, sweep.reference))


def show_asked(sweep: Archive, rows: Rows, view: View) -> None:
    """Print only what was asked for."""
    also = view.also
    if "bounds" in also:
        _samples(rows, view.definition, True)
    if "signals" in also:
        _signals(rows, sweep.records)
    if "lives" in also:
        _by_epoch(rows, view.definition, True)
        _lives(rows, sweep.records, view.definition)
    if "causes" in also:
        _causes(rows, sweep.records)
    if "rates" in also:
        _rates(rows, sweep.records, FULL in also)


def _by_epoch(rows: Rows, definition: str, asked: bool) -> None:
    out.print()
    if len(rows) > sparklines.MOST_ROWS and not asked:
        text = f"by {terms_of(rows[0].members).clock}, of {len(rows)} configurations: --lives"
        out.print(Text(text, style="dim"))
        return
    courses = sparklines.by_summary(rows, definition)
    if len(sparklines.moments(courses)) < 2:
        runs = [run for row in rows for run in row.members]
        reason = lacking.courses(runs) or lacking.shares(runs, definition)
        text = f"by {terms_of(runs).clock}: {reason or 'the runs share no probe but one'}"
        out.print(Text(text, style="dim"))
        return
    terms = terms_of(rows[0].members)
    if terms.foreign:
        drawn, room = sparklines.named(rows, courses, definition, out.width)
    else:
        room = sparklines.room(courses, out.width)
        drawn = sparklines.table(courses, room)
    out.print(sparklines.title(courses, definition, room, terms))
    out.print(drawn)
    out.print(Text(sparklines.LEGEND, style="dim"))


def _samples(rows: Rows, definition: str, bounds: bool) -> None:
    splits_of = [(row.settings, splits.by_split(row.members, definition)) for row in rows]
    present = [(settings, s) for settings, s in splits_of if s is not None]
    if not present:
        if bounds:
            out.print()
            foreign = any(run.ours is None for row in rows for run in row.members)
            lacking_what = splits_table.ALONE if foreign else splits_table.LACKING
            out.print(Text(f"bounds: {lacking_what}", style="dim"))
        return
    out.print()
    out.print(splits_table.title(present, definition))
    headline = splits_table.headline(present)
    if headline is not None:
        out.print(headline)
    table = splits_table.table(present, out.width)
    out.print(table)
    if legend := splits_table.legend(table):
        out.print(legend)
    if bounds:
        out.print(splits_table.bounds(present))


def _phases(rows: Rows, definition: str) -> None:
    for row in rows:
        turns = phase_outcomes.turns(row.members, definition)
        if turns:
            out.print()
            qualities = terms_of_quality(row.members)
            out.print(phase_table.headline(row.settings, turns, definition, qualities))
            out.print(phase_table.table(turns, definition, out.width, qualities))
    if any(run.phases for row in rows for run in row.members):
        out.print(Text(phase_table.LEGEND, style="dim"))


def _courses(rows: Rows, definition: str) -> None:
    courses = [(row.settings, step_course.course(row.members, definition)) for row in rows]
    present = [(settings, moments) for settings, moments in courses if moments]
    if present:
        out.print()
        out.print(course_table.title(definition))
        out.print(course_table.tables(present))


def _signals(rows: Rows, runs: Sequence[RunRecord]) -> None:
    by_row = [
        (row.settings, row_names(row.members), init_signal.signals(row.members)) for row in rows
    ]
    reason = lacking.signals(runs)
    _table(signal_table.TITLE, signal_table.LEGEND, reason, by_row, signal_table.tables)


def _causes(rows: Rows, runs: Sequence[RunRecord]) -> None:
    by_row = [
        (row.settings, row_names(row.members), death_causes.blame(row.members)) for row in rows
    ]
    reason = lacking.causes(runs)
    _table(causes_table.TITLE, causes_table.LEGEND, reason, by_row, causes_table.tables)


def _table(
    title: str,
    legend: str,
    reason: str | None,
    by_row: Sequence[tuple[Mapping[str, Setting], Sequence[str], Sequence[Any]]],
    table: Callable[[Any], RenderableType],
) -> None:
    present = [entry for entry in by_row if entry[-1]]
    out.print()
    if reason is not None or not present:
        out.print(Text(f"{title}: {reason or lacking.SEVERAL_DEPTHS}", style="dim"))
        return
    out.print(Text(title, style="italic"))
    out.print(table(present))
    out.print(Text(legend, style="dim"))


def _lives(rows: Rows, runs: Sequence[RunRecord], definition: str) -> None:
    fates = [(row.settings, unit_fates.fates(row.members, definition)) for row in rows]
    reason = lacking.lives(runs, definition=definition)
    out.print()
    if lacking.courses(runs) is not None or not any(fate for _, fate in fates):
        out.print(Text(f"lives of units: {reason}", style="dim"))
        return
    out.print(lives_table.headline(fates, definition))
    out.print(lives_table.title(fates, definition))
    out.print(lives_table.table(fates, out.width, definition))
    out.print(lives_table.legend(definition))
    redrawn = lives_table.redrawn(fates, definition)
    if redrawn is not None:
        out.print(redrawn)
        out.print(lives_table.redrawn_legend(definition))
    for row, (_, fate) in zip(rows, fates, strict=True):
        if (text := lives_table.left_out(row, fate, definition)) is not None:
            out.print(text)
    _map(rows, reason, definition)


def _rates(rows: Rows, runs: Sequence[RunRecord], every: bool) -> None:
    out.print()
    if (reason := lacking.rates(runs)) is not None:
        out.print(Text(f"slow or dead: {reason}", style="dim"))
        return
    ranked = sorted(rows, key=lambda row: rates.slow(row.members), reverse=True)
    told = [row for row in ranked if lacking.rates(row.members) is None]
    some = told if every else told[: 1 + rates_tables.MOST_LINES]
    known = [
        (row.settings, _ended(row.members), of)
        for row in some
        if (of := rates.rates(row.members)) is not None
    ]
    for part in rates_tables.section(known, out.width, every, len(told) - len(some)):
        out.print(part)
    out.print(rates_tables.legend(runs))


def _ended(runs: Sequence[RunRecord]) -> str:
    """When these runs ended: ``epoch 12``, ``epoch 3 or 6``."""
    ends = sorted({run.when(run.final) for run in runs if run.ended})
    return f"{terms_of(runs).clock} {' or '.join(map(str, ends))}"


def _map(rows: Rows, reason: str | None, definition: str) -> None:
    out.print()
    if reason is not None:
        out.print(Text(f"life of every unit: {reason}", style="dim"))
        return
    shown = unit_map.runs(rows, definition)
    for row, run in shown:
        out.print(unit_map.title(row, run))
        out.print(unit_map.table(run, out.width, definition))
    out.print(unit_map.legend(definition))
    if len(rows) > len(shown):
        most, some = f"the one with the most {definition} units", f"those with {definition} units"
        which = most if len(shown) == 1 else some
        out.print(Text(f"of {len(rows)} configurations, {which}", style="dim"))


def _claims(replicated: replication.Replication) -> None:
    out.print()
    for line in claims_table.heading(replicated):
        out.print(line)
    if replicated.rows:
        out.print()
        out.print(claims_table.title(replicated))
        out.print(claims_table.table(replicated))
    judged = claims.judge_all(replicated)
    if judged:
        out.print()
        out.print(claims_table.claims_title(judged))
        out.print(Text(claims_table.RULE, style="dim"))
        out.print(claims_table.claims(judged))

"""First screen of a sweep's report: the answer, what it rests on, and where to look next."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from reluprobe.analysis import aggregate, lacking
from reluprobe.analysis.aggregate import Summary
from reluprobe.analysis.effects import Effects, EffectsOnce
from reluprobe.analysis.sorting import extremes
from reluprobe.config import labels
from reluprobe.records.folder import Archive
from reluprobe.report import quality_terms
from reluprobe.report.terminal import (
    answer,
    dead_unit,
    effects_table,
    foreign_coverage,
    in_short,
    in_time,
    one_change,
    tables,
    troubles,
)
from reluprobe.report.terminal import pivot as pivot_table
from reluprobe.report.terminal.one_change import OneChange
from reluprobe.report.terms import terms_of

#: Configurations that are all shown, by layer too; of more, so many at each end.
FEW, BY_LAYER, ENDS = 12, 6, 5


def parts(
    sweep: Archive,
    rows: Sequence[Summary],
    definition: str,
    width: int,
    *,
    folded: bool = False,
    every: bool = False,
    computed: EffectsOnce | None = None,
) -> list[RenderableType]:
    """Some fifty lines, whatever the size of the grid.

    Args:
        sweep: what was run.
        rows: its configurations.
        definition: which definition of death counts.
        width: columns of the terminal.
        folded: the rows are by settings that were asked for: what all settings do is not.
        every: all rows are wanted, as they are ordered.
        computed: of the sweep, where others need it too.
    """
    computed = computed or EffectsOnce(sweep.records, definition)
    measured = None if folded else computed.value
    shown: list[RenderableType] = [Text(sweep.name, style="bold cyan")]
    shown += [Text(line, style="bold") for line in answer.sentences(rows, measured, definition)]
    shown += [*dead_unit.lines(definition, sweep.records), tables.provenance(sweep, short=True)]
    star = measured is not None and measured.design == "star" and not every
    changes = one_change.of_rows(rows, definition) if star else None
    if len(rows) > 1:
        shown += _settings(sweep, rows, measured, changes, definition, width, every)
    base = None if changes is None else changes.base(rows)
    for section in (
        in_time.tables(rows, definition) if changes is None or len(rows) <= BY_LAYER else [],
        in_short.parts(sweep, rows, definition, base),
        _named_layers(sweep, rows, definition, width),
    ):
        shown += ["", *section] if section else []
    return [*shown, *troubles.lines(sweep, rows)]


def _settings(
    sweep: Archive,
    rows: Sequence[Summary],
    measured: Effects | None,
    changes: OneChange | None,
    definition: str,
    width: int,
    every: bool,
) -> list[RenderableType]:
    """What the settings do: before training, one by one, against each other, or row by row."""
    if all(map(lacking.untrained, sweep.records)) and not every:
        signals = in_time.signals_table(rows)
        if signals and len(rows) <= FEW:
            return ["", *signals]
        return [*signals, *_configurations(rows, definition, width, every)]
    if changes is not None:
        return ["", *one_change.parts(changes, definition, width)]
    whole = False
    shown: list[RenderableType] = []
    if measured is not None and answer.told_apart(measured):
        drawn, whole = _grid(sweep, measured, definition, width)
        shown += drawn
    if every or not whole:
        shown += _configurations(rows, definition, width, every)
    return shown


def _grid(
    sweep: Archive, measured: Effects, definition: str, width: int
) -> tuple[list[RenderableType], bool]:
    """The table of effects, and a pivot; whether the latter has every configuration."""
    qualities = quality_terms.terms_of_quality(sweep.records)
    shown: list[RenderableType] = []
    # What nothing is left to check says less than the configurations themselves.
    if answer.checked(measured):
        shown = [
            "",
            effects_table.title(measured, definition),
            effects_table.table(measured, definition, qualities, width),
            *effects_table.legend(measured, definition, qualities),
        ]
    counts = {axis: sum(e.axis == axis for e in measured.effects) for axis in measured.axes}
    pair = (measured.axes[0], measured.axes[1])
    if any(run.phases for run in sweep.records):  # which have a table of their own
        return shown, len(counts) == len(pair)
    drawn = pivot_table.on_a_screen(sweep.records, pair, definition, width)
    if drawn is None:
        return shown, False
    cross, down, across = drawn
    shown += [
        "",
        pivot_table.title(labels.name(down), across, definition, qualities),
        pivot_table.table(cross, down, width),
    ]
    if (some := pivot_table.left_out(cross, counts, down, across)) is not None:
        shown.append(some)
    return shown, some is None and len(measured.axes) == len(pair)


def _configurations(
    rows: Sequence[Summary], definition: str, width: int, every: bool
) -> list[RenderableType]:
    """All of few configurations; of many those with the fewest dead units and with the most."""
    if every:
        return ["", *_table(rows, definition, width)]
    if len(rows) <= FEW:
        ordered = aggregate.sort_summaries(rows, "dead")
        return ["", *_table(ordered, definition, width), *_by_layer(ordered, definition, width)]
    word = tables.CALLED[definition][0]
    best, worst = extremes(rows, ENDS)
    none = [row for row in rows if row.mean is not None and row.mean.mean == 0]
    if len(none) > 1:
        best, worst = [], [row for row in worst if row not in none]
        title = f"{len(none):,} of {len(rows):,} configurations have no unit {word}"
        title += f" ({between})" if (between := quality_terms.between(none)) else ""
        title += f"; the {len(worst)} with the most:" if worst else ""
    else:
        title = f"of {len(rows):,} configurations the {len(best)} with the fewest {word}"
        title += f" and the {len(worst)} with the most"
    ends = [*best, *worst[::-1]]
    shown = _table(ends, definition, width, losses=False) if ends else []
    return ["", Text(title, style="italic"), *shown]


def _table(
    rows: Sequence[Summary], definition: str, width: int, *, losses: bool = True
) -> list[RenderableType]:
    ends = tables.ends(rows, layers=False)
    listed = tables.outcome(rows, definition, width, losses=losses)
    return [listed, *([] if ends is None else [ends])]


def _by_layer(rows: Sequence[Summary], definition: str, width: int) -> list[RenderableType]:
    """Dead units of each layer, of a handful of configurations."""
    terms = terms_of(rows[0].members)
    if terms.foreign or len(rows) > BY_LAYER:
        return []
    title = tables.layers_title(definition, terms)
    return ["", title, tables.by_layer(rows, definition, width)]


def _named_layers(
    sweep: Archive, rows: Sequence[Summary], definition: str, width: int
) -> list[RenderableType]:
    """Of somebody else's network which layers have most dead units, by their names."""
    terms = terms_of(sweep.records)
    if not terms.foreign:
        return []
    best, worst = extremes(rows, ENDS)
    shown = rows if len(rows) <= FEW else [*best, *worst[::-1]]
    title = tables.layers_title(definition, terms)
    lines = foreign_coverage.lines(sweep.records, width)
    return [title, tables.by_layer(shown, definition, width), *lines]

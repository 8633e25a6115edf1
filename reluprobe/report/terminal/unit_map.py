"""Map of unit lives: every unit of a run, unit × probe, in block characters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from rich.table import Table
from rich.text import Text

from reluprobe.analysis import lacking, unit_lives
from reluprobe.analysis.aggregate import Summary, share
from reluprobe.analysis.survival_curves import DEAD, DIED_AGAIN, REDRAWN, REVIVED, states
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report.life_words import words_of
from reluprobe.report.terminal import blocks
from reluprobe.report.terminal.layout import FEWEST_PROBES, GAP, plain_table, shown_courses, tail
from reluprobe.report.terminal.named_layers import worst
from reluprobe.report.terminal.tables import heat
from reluprobe.report.terms import terms_of

#: Rows of a map; each stands for equally many units, or one more.
MOST_ROWS = 16
#: Of more configurations than this, the one with the most dead is shown.
MOST_MAPS = 3
#: Most units of a row have been dead and are alive again, or have been drawn anew and live.
BACK, ANEW = "o", "+"


def legend(definition: str) -> Text:
    """What a character of the map stands for."""
    words = words_of(definition)
    return Text(
        f"units sorted by when they {words.began}, at the left how many so far; "
        f"{words.state} of a row's units: {blocks.SHADES_LEGEND}; {BACK} more of them "
        f"{words.back} than {words.state}, {ANEW} drawn anew and {words.other}",
        style="dim",
    )


def runs(rows: Sequence[Summary], definition: str = "dead") -> list[tuple[Summary, RunRecord]]:
    """The runs to show: of each configuration the first seed's in which a unit ever died."""
    every = [(row, run) for row in rows if (run := _first(row.members, definition)) is not None]
    if len(every) <= MOST_MAPS:
        return every
    return [max(every, key=lambda pair: share(pair[1].final.layers, definition) or 0.0)]


def _first(members: Sequence[RunRecord], definition: str) -> RunRecord | None:
    mortal = (run for run in members if lacking.mortal(run, definition=definition))
    return min(mortal, key=lambda run: run.seed, default=None)


def title(row: Summary, run: RunRecord) -> Text:
    """Whose lives the map shows, and when."""
    when = [moment for moment, _ in run.timeline()]
    parts = [labels.settings(row.settings), f"seed {run.seed}"]
    name = " · ".join(filter(None, parts))
    words = f"life of every unit, {terms_of([run]).span(when[0], when[-1])}: {name}"
    return Text(words, style="italic")


def table(run: RunRecord, width: int, definition: str = "dead") -> Table:
    """One column per layer, side by side; of many layers and probes, as many as fit."""
    layers = unit_lives.watched(run, definition)
    names, probes = _shown(run, layers, width - len("units"))
    table = plain_table()
    table.add_column("units", justify="right", no_wrap=True)
    for name in names:
        table.add_column(tail(name, _room(probes)), no_wrap=True)
    units = [states(*layers[name])[:, probes] for name in names]
    count = min(MOST_ROWS, max(map(len, units)))
    drawn = [_rows(layer, count) for layer in units]
    for n, cells in enumerate(zip(*drawn, strict=True), start=1):
        place = f"{n / count:.0%}" if 4 * n % count == 0 else ""
        table.add_row(place, *cells)
    return table


def _shown(
    run: RunRecord, layers: Mapping[str, unit_lives.Watched], width: int
) -> tuple[Sequence[str], Sequence[int]]:
    """Which layers there is room for, and which probes; of layers with names those most dead."""
    names = [*layers]
    places, probes = shown_courses(len(names), len(layers[names[0]].dead), width)
    if not terms_of([run]).foreign:
        return [names[i] for i in places], probes
    dead = {name: float(layers[name].dead[-1].mean()) for name in names}
    longest = min(max(map(len, names)), _room(probes))
    return worst(dead, max(1, width // (max(longest, len(probes)) + GAP))), probes


def _room(probes: Sequence[int]) -> int:
    """Letters of a layer's name: it takes not much more room than the layer's map."""
    return max(2 * FEWEST_PROBES, len(probes))


def _rows(units: np.ndarray, count: int) -> Iterator[Text]:
    """Units ``(unit, probe)``, sorted, as one character per probe and row of units.

    So many rows whatever the units, that layers of several widths stand side by side: where units
    are fewer than rows each has several.
    """
    parts = np.array_split(units, count)
    if len(units) < count:
        parts = [units[[n * len(units) // count]] for n in range(count)]
    for part in parts:
        kinds = ((DEAD, DIED_AGAIN), (REVIVED,), (REDRAWN,))
        shares = [np.isin(part, kind).mean(axis=0).tolist() for kind in kinds]
        yield Text.assemble(*((_cell(*s), heat(s[0])) for s in zip(*shares, strict=True)))


def _cell(dead: float, back: float, anew: float) -> str:
    if max(back, anew) > dead:
        return BACK if back >= anew else ANEW
    return blocks.shade(dead)

"""Slow or dead: fates of rare units, movement, firing rates and dead data of a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.analysis.movement import REFERENCE, Movement, Pace
from reluprobe.analysis.rates import Rates
from reluprobe.analysis.unit_states import STATES, Flows
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.terminal import firing, meanings
from reluprobe.report.terminal.layout import Settings, WriteAs, fitted_ends, plain_table
from reluprobe.report.terminal.tables import USUAL

#: Layers that are named; configurations that have a line.
MOST_NAMED, MOST_LINES = 6, 20
LEGEND = (
    f"rare: fires (z > 0) on at most {USUAL['rare']} of the examples and on one; linear: on "
    "all, where f is straight; else healthy. A rare ReLU still learns from the few that it fires "
    "on: it is slow, not dead. moves: relative change of a unit's weights and bias from a probe "
    "to the next, of those in this state at both; × healthy: beside healthy units of the same "
    "layer over the same steps"
)
#: ``--lives`` compares probes as they were.
ON_NEW_DATA = (
    "; where data change, a unit's state before is that on the new data, unlike in --lives"
)


def headline(rates: Rates) -> Text:
    """What becomes of the rare, and how far they move, in a sentence."""
    return Text("; ".join([*_fate(rates.flows), *_paces(rates.movement)]), style="bold")


def _fate(flows: Flows | None) -> Iterator[str]:
    if flows is None:
        yield "no run was probed twice: what became of units nobody saw"
    elif flows.n["rare"]:
        to = flows.to["rare"]
        yield (
            f"of units rare at a probe {formatting.plus_minus(to['dead'])}% are dead at the next "
            f"and {formatting.plus_minus(to['healthy'])}% healthy"
        )
    else:
        yield "no unit was rare at a probe before the last"


def _paces(movement: Movement | None) -> Iterator[str]:
    if movement is None:
        return
    ratios = {state: pace.ratio for state, pace in movement.network.items() if pace is not None}
    said = [
        f"{state} ones {_times(ratio.mean)} ×"
        for state in ("rare", "dead")
        if (ratio := ratios.get(state)) is not None
    ]
    if said:
        first = said[0].replace(" ones ", " units move ", 1)
        yield ", ".join([f"{first} as far as healthy ones", *said[1:]])


def parts(rates: Rates, when: str, width: int) -> list[RenderableType]:
    """A configuration in full; ``when`` says at what moment it ended."""
    shown: list[RenderableType] = []
    if rates.flows is not None:
        shown += [_title("from a probe to the next, % of the units that were")]
        shown += [_flow_table(rates.flows, width), *map(Text, _asides(rates.flows))]
    if rates.movement is not None:
        shown += ["", _title("how far units move from a probe to the next")]
        shown += [_movement_table(rates.movement, width), *map(Text, _still(rates.movement))]
    shown += firing.parts(rates.firing, when, width)
    return shown


def _title(text: str) -> Text:
    return Text(text, style="italic")


def _flow_table(flows: Flows, width: int) -> RenderableType:
    def build(write: WriteAs) -> Table:
        table = _numbers("", *STATES, "n")
        for before in STATES:
            shares = [write(flows.to[before][after]) for after in STATES]
            table.add_row(before, *shares, f"{flows.n[before]:,}")
        return table

    return fitted_ends(build, width)


def _asides(flows: Flows) -> Iterator[str]:
    """What the table does not say: through which state units died, and who is left out."""
    if flows.deaths:
        came = ", ".join(
            f"{formatting.plus_minus(share)}% from {state}"
            for state, share in flows.died_from.items()
            if share is not None and share.mean
        )
        number = labels.count(flows.deaths, "unit")
        yield f"of {number} that died between two probes came {came}"
    if flows.redrawn:
        yield (
            f"left out: {flows.redrawn:,} times that a unit was drawn anew between two probes, "
            "which ended what it was"
        )


def _movement_table(movement: Movement, width: int) -> RenderableType:
    def build(write: WriteAs) -> Table:
        table = _numbers("", "moves %", "× healthy", "most %", "n")
        for state, pace in movement.network.items():
            table.add_row(state, *_pace(pace, write, state != REFERENCE))
        return table

    return fitted_ends(build, width)


def _pace(pace: Pace | None, write: WriteAs, compared: bool) -> list[str]:
    if pace is None:
        return [formatting.NOT_APPLICABLE] * 3 + ["0"]
    ratio = write(pace.ratio, _times) if compared else "1"
    return [write(pace.mean, _moved), ratio, _moved(pace.most), f"{pace.n:,}"]


def _still(movement: Movement) -> Iterator[str]:
    """Where no dead unit's weights changed by a single bit."""
    dead = {n: p for n, by in movement.layers.items() if (p := by["dead"]) is not None}
    still = [name for name, pace in dead.items() if pace.most == 0]
    if still:
        where = "" if len(still) == len(dead) else f" of {formatting.few(still, MOST_NAMED)}"
        yield f"the dead units{where} stand still to the bit"


def _numbers(first: str, *headings: str) -> Table:
    table = plain_table()
    table.add_column(first, overflow="fold")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _times(ratio: float | None) -> str:
    return f"{ratio:.2f}" if ratio and 0.1 <= ratio < 100 else formatting.significant(ratio, 2)


def _moved(change: float | None) -> str:
    return formatting.significant(None if change is None else 100 * change, 2)


#: Configurations, at what moment they ended, and what their records say; those with most dead and
#: rare units first.
RatesByConfiguration = Sequence[tuple[Settings, str, Rates]]


def section(
    configurations: RatesByConfiguration, width: int, every: bool, more: int = 0
) -> list[RenderableType]:
    """The configuration with most dead and rare units in full, and a line for each of the others.

    Args:
        configurations: one at least.
        width: columns of the terminal.
        every: all of them in full.
        more: how many others there are.
    """
    alone, full = len(configurations) == 1, configurations if every else configurations[:1]
    shown: list[RenderableType] = []
    for settings, when, rates in full:
        name = "" if alone else f" {labels.settings(settings)}"
        shown += [*([""] if shown else []), _title(f"slow or dead?{name}"), headline(rates)]
        shown += ["", *parts(rates, when, width)]
    others = configurations[len(full) :]
    return [*shown, "", *_others(others, more), ""] if others else [*shown, ""]


def legend(runs: Sequence[RunRecord]) -> Text:
    """What the words mean, by these runs' own threshold."""
    text = meanings.with_threshold(LEGEND, "rare", runs)
    return Text(text + (ON_NEW_DATA if any(run.phases for run in runs) else ""), style="dim")


def _others(configurations: RatesByConfiguration, more: int) -> list[RenderableType]:
    """A line each."""
    title = (
        "the others: units at the end; of the rare how many are dead and how many healthy at the "
        "next probe; how far rare and dead units move beside healthy ones"
    )
    table = _numbers("", *TITLES)
    for settings, _, rates in configurations:
        table.add_row(labels.settings(settings), *_line(rates))
    note = Text(f"and {more:,} with fewer dead and rare units: --full", style="dim")
    return [_title(title), table, *([note] if more else [])]


TITLES = ("dead %", "rare %", "linear %", "→ dead %", "→ healthy %", "rare ×", "dead ×")


def _line(rates: Rates) -> list[str]:
    end = [formatting.mean(rates.end[state]) for state in ("dead", "rare", "linear")]
    to = rates.flows.to["rare"] if rates.flows else {}
    fate = [formatting.mean(to.get(state)) for state in ("dead", "healthy")]
    network = rates.movement.network if rates.movement else {}
    paces = [network.get(state) for state in ("rare", "dead")]
    return [*end, *fate, *(formatting.mean(pace and pace.ratio, _times) for pace in paces)]

"""Table of a run's phases: what changing data do to dead units and to how good networks are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from rich.table import Table
from rich.text import Text

from reluprobe.analysis.phase_outcomes import Turn
from reluprobe.config import labels
from reluprobe.report import formatting
from reluprobe.report.quality_terms import QualityTerms
from reluprobe.report.terminal.layout import Fitted, Settings, fitted, plain_table
from reluprobe.report.terminal.tables import CALLED, cell

MOST_ROWS = 12
LEGEND = (
    "start: on the phase's own probe before its first step; wakes: % of the units dead at the end "
    "of the phase before that fire on the new data, before any step; end: at the phase's end, with "
    "how good it is on its task's test set; first data: the same network on the first phase's probe"
)


def headline(
    settings: Settings,
    turns: Sequence[Turn],
    definition: str,
    qualities: Sequence[QualityTerms],
) -> Text:
    """From the end of the first phase to that of the last."""
    first, last = turns[0], turns[-1]
    name = f"{labels.settings(settings)}: " if labels.settings(settings) else ""
    dead = " → ".join(f"{formatting.mean(turn.end)}%" for turn in (first, last))
    text = f"{name}over {len(turns)} phases {CALLED[definition][0]} {dead} at their ends"
    for terms in qualities:
        ends = terms.quality.among(first), terms.quality.among(last)
        if None not in ends:
            text += f", {terms.name} {' → '.join(map(terms.mean, ends))}"
    return Text(text, style="bold")


def table(
    turns: Sequence[Turn],
    definition: str,
    width: int,
    qualities: Sequence[QualityTerms],
) -> Fitted:
    """One row per phase, first and last among them; intervals only where there is room."""
    ends = any(turn.end is not None and turn.end.ends for turn in turns)
    writes = ((formatting.plus_minus, ""), (formatting.mean, "±" if ends else ""))
    layouts = ((_table(turns, definition, write, qualities), less) for write, less in writes)
    return fitted(layouts, width)


def _table(
    turns: Sequence[Turn],
    definition: str,
    write: Callable[..., str],
    qualities: Sequence[QualityTerms],
) -> Table:
    table = plain_table()
    table.add_column("phase", justify="right")
    table.add_column("data", no_wrap=True)
    word = CALLED[definition][0]
    short = [terms.heading.removeprefix("test ") for terms in qualities]
    titles = ["start", "wakes", f"end {word} %", *(terms.heading for terms in qualities)]
    titles += [f"first data {word} %", *short]
    for title in titles:
        table.add_column(title, justify="right")
    for turn in shown(turns):
        table.add_row(
            str(turn.phase + 1),
            _data(turn),
            cell(turn.start, write),
            Text(write(turn.wakes)),
            cell(turn.end, write),
            *(Text(write(t.quality.among(turn), t.write)) for t in qualities),
            cell(turn.reference, write),
            *(Text(write(turn.still(t.quality), t.write)) for t in qualities),
        )
    return table


def shown(turns: Sequence[Turn]) -> list[Turn]:
    """At most ``MOST_ROWS`` of the phases, evenly spread, the first and the last among them."""
    places = np.linspace(0, len(turns) - 1, min(MOST_ROWS, len(turns))).round()
    return [turns[int(i)] for i in dict.fromkeys(places)]


def _data(turn: Turn) -> str:
    return turn.dataset if turn.task == "same" else f"{turn.dataset} {turn.task.replace('_', ' ')}"

"""What ``newdata`` found → what the terminal shows. Nothing here prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from rich.table import Table
from rich.text import Text

from reluprobe.analysis.aggregate import Estimate
from reluprobe.analysis.phase_outcomes import Turn
from reluprobe.config import Value, labels
from reluprobe.report import formatting
from reluprobe.report.terminal.tables import CALLED, heat, table_width

MOST_ROWS = 12
LEGEND = (
    "start: on the phase's own probe before its first step; wakes: % of the units dead at the end "
    "of the phase before that fire on the new data, before any step; end: at the phase's end, with "
    "the test accuracy on its task; first data: the same network on the first phase's probe"
)


def headline(settings: Mapping[str, Value | None], found: Sequence[Turn], definition: str) -> Text:
    """From the end of the first phase to that of the last."""
    first, last = found[0], found[-1]
    name = labels.settings(settings)
    dead = f"{_percent(first.end)}% → {_percent(last.end)}%"
    text = (
        f"{name}: " * bool(name) + f"over {len(found)} phases {CALLED[definition][0]} {dead} at "
        f"their ends, test accuracy {_percent(first.accuracy)}% → {_percent(last.accuracy)}%"
    )
    return Text(text, style="bold")


def table(found: Sequence[Turn], definition: str, width: int) -> Table:
    """A row a phase, the first and the last among them; intervals only where there is room."""
    full = _table(found, definition, formatting.plus_minus)
    return full if table_width(full) <= width else _table(found, definition, _percent)


def _table(
    found: Sequence[Turn], definition: str, write: Callable[[Estimate | None], str]
) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("phase", justify="right")
    table.add_column("data", no_wrap=True)
    word = CALLED[definition][0]
    titles = ("start", "wakes", f"end {word} %", "test acc %", f"first data {word} %", "acc %")
    for title in titles:
        table.add_column(title, justify="right")
    for turn in shown(found):
        shares = (turn.start, turn.wakes, turn.end, turn.accuracy, turn.reference, turn.remembered)
        styles = (
            heat(_mean(turn.start)),
            "",
            heat(_mean(turn.end)),
            "",
            heat(_mean(turn.reference)),
        )
        cells = [Text(write(e), style=s) for e, s in zip(shares, (*styles, ""), strict=True)]
        table.add_row(str(turn.phase + 1), _data(turn), *cells)
    return table


def shown(found: Sequence[Turn]) -> list[Turn]:
    """At most ``MOST_ROWS`` of the phases, evenly spread, the first and the last among them."""
    places = np.linspace(0, len(found) - 1, min(MOST_ROWS, len(found))).round()
    return [found[int(i)] for i in dict.fromkeys(places)]


def _data(turn: Turn) -> str:
    return turn.dataset if turn.task == "same" else f"{turn.dataset} {turn.task.replace('_', ' ')}"


def _percent(found: Estimate | None) -> str:
    return formatting.percent(_mean(found))


def _mean(found: Estimate | None) -> float | None:
    return None if found is None else found.mean

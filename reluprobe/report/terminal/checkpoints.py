"""Looks at a training's checkpoints: a row each, and how units died meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.analysis import unit_lives
from reluprobe.config import labels
from reluprobe.foreign.result import Layer, Look
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.terminal import inspection
from reluprobe.report.terminal.layout import Fitted, fitted, plain_table, shown_layers
from reluprobe.report.terminal.tables import heat


def parts(looks: Mapping[int, Look], record: RunRecord, width: int) -> list[RenderableType]:
    """What there is to see, from the answer down to what was not counted."""
    step, last = list(looks.items())[-1]
    lines = [headline(step, last, record), inspection.legend(last), table(looks, width)]
    if (text := lives(record)) is not None:
        lines.append(text)
    return [
        *lines,
        *inspection.remarks(last, width),
        *inspection.coverage(last.coverage, len(last.layers), width),
    ]


def headline(step: int, last: Look, record: RunRecord) -> Text:
    """How many units are dead at the last checkpoint."""
    text = inspection.headline(last, str(record.settings["name"]))
    return text.append(f"; at step {step:,}") if last.share() is not None else text


def lives(record: RunRecord) -> Text | None:
    """How many units were dead at some checkpoint, and how many at the last."""
    whole = unit_lives.of_network(record)
    if whole is None or len(record.history) < 2:
        return None
    ever, end = formatting.percent(whole.ever), formatting.percent(whole.end)
    text = f"{ever}% of units were dead at some checkpoint, {end}% at the last"
    if whole.revives is not None:
        text += f"; a dead unit is alive at the next one in {formatting.percent(whole.revives)}%"
    return Text(text)


def table(looks: Mapping[int, Look], width: int) -> Fitted:
    """One row per checkpoint: dead units of as many layers as fit, first and last among them."""
    layers = next(iter(looks.values())).layers
    shown = (shown_layers(len(layers), room) for room in range(len(layers), 1, -1))
    layouts = (
        (
            _table(looks, layers, columns),
            labels.count(left, "layer") if (left := len(layers) - len(columns)) else "",
        )
        for columns in (*shown, [])
    )
    return fitted(layouts, width)


def _table(looks: Mapping[int, Look], layers: Sequence[Layer], columns: Sequence[int]) -> Table:
    made = plain_table()
    for title in ("step", *(layers[i].name for i in columns), "dead %"):
        made.add_column(title, justify="right", no_wrap=True)
    for step, look in looks.items():
        shares = [*(look.layers[i].share("dead") for i in columns), look.share()]
        cells = (Text(formatting.percent(share), style=heat(share)) for share in shares)
        made.add_row(f"{step:,}", *cells)
    return made

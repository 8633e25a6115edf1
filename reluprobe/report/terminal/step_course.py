"""Table of dead units at probes between epochs, step by step."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.analysis.step_course import StepPoint
from reluprobe.config import labels
from reluprobe.report import formatting
from reluprobe.report.terminal.layout import Settings, plain_table, shown_layers
from reluprobe.report.terminal.tables import CALLED, cell

MOST_LAYERS = 10
MOST_PROBES = 16


def title(definition: str) -> Text:
    """What the tables show."""
    return Text(f"{CALLED[definition][0]} % by step", style="italic")


def tables(configurations: Sequence[tuple[Settings, Sequence[StepPoint]]]) -> Group:
    """For each configuration one row per probe; of many probes, as many as fit a screen."""
    parts: list[RenderableType] = []
    for settings, points in configurations:
        heading = [Text(labels.settings(settings), style="bold")] if settings else []
        parts += [*heading, _table(points)]
    return Group(*parts)


def _table(points: Sequence[StepPoint]) -> Table:
    names = [*points[0].layers]
    layers = [names[i] for i in shown_layers(len(names), MOST_LAYERS)]
    table = plain_table()
    for title in ("step", *layers, "all"):
        table.add_column(title, justify="right", no_wrap=True, min_width=6)
    for n in shown_probes(len(points), MOST_PROBES):
        shares = [*(points[n].layers[name] for name in layers), points[n].mean]
        table.add_row(f"{points[n].step:,}", *(cell(e, formatting.mean) for e in shares))
    return table


def shown_probes(count: int, room: int) -> list[int]:
    """Indices of at most ``room`` probes, closer together at the start, where most happens."""
    return sorted({round(count ** (i / (room - 1))) - 1 for i in range(room)} | {0})

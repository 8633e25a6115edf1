"""Sparklines: dead units by hidden layer over the course of training."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from reluprobe.analysis import learning_curves
from reluprobe.analysis.aggregate import Summary
from reluprobe.analysis.learning_curves import Curve
from reluprobe.config import labels
from reluprobe.report import formatting
from reluprobe.report.terminal import blocks
from reluprobe.report.terminal.layout import (
    FEWEST_PROBES,
    Settings,
    plain_table,
    shown_courses,
    table_width,
)
from reluprobe.report.terminal.tables import CALLED, heat

#: Configurations and the course of each layer; of none where no run of them ended.
CoursesByConfiguration = Sequence[tuple[Settings, Sequence[Curve]]]

#: Of more configurations than this, only those who ask see courses.
MOST_ROWS = 10
LEGEND = f"mean over runs; {blocks.HEIGHTS_LEGEND}"


def by_summary(rows: Sequence[Summary], definition: str) -> CoursesByConfiguration:
    """Each configuration with its courses; without any where no run of it ended."""
    return [(row.settings, learning_curves.by_layer(row.members, definition)) for row in rows]


def moments(configurations: CoursesByConfiguration) -> tuple[float, ...]:
    """When the longest course was probed, in epochs."""
    return max(
        (curve.when for _, layers in configurations for curve in layers), key=len, default=()
    )


@dataclass(frozen=True)
class Room:
    """Which layers there is room for, and which moments of each."""

    layers: Sequence[int]
    when: Sequence[float]


def room(configurations: CoursesByConfiguration, width: int) -> Room:
    """Of many layers and probes as many as fit, first and last among them."""
    depth, when = max(len(layers) for _, layers in configurations), moments(configurations)
    names = table_width(table(configurations, Room([], [])))
    layers, probes = shown_courses(depth, len(when), width - names, fewest=FEWEST_PROBES)
    return Room(layers, [when[i] for i in probes])


def title(configurations: CoursesByConfiguration, definition: str, room: Room) -> Text:
    """What the sparklines show, from when to when, and how many probes are left out."""
    when = moments(configurations)
    between = "" if all(map(float.is_integer, when)) else ", probed in between too"
    some = f"; {len(room.when)} of {len(when)} probes" if len(room.when) < len(when) else ""
    words = f"{CALLED[definition][0]} % by hidden layer over epochs {when[0]:g}–{when[-1]:g}"
    return Text(f"{words}{between}{some}", style="italic")


def table(configurations: CoursesByConfiguration, room: Room) -> Table:
    """One row per configuration, one column per layer.

    The characters of a column are of the same moments in every row, the latest probe until then;
    a course that ends before others is shorter.
    """
    table = plain_table()
    keys = list(configurations[0][0])
    for key in keys:
        # What sets a configuration apart may be long, and is wrapped.
        table.add_column(labels.name(key), no_wrap=key != "change")
    for i in room.layers:
        table.add_column(f"L{i + 1}", no_wrap=True)
    for settings, layers in configurations:
        names = [labels.setting(settings[key]) for key in keys]
        cells = [
            _course(layers[i], room.when) if i < len(layers) else Text("") for i in room.layers
        ]
        absent = [Text(formatting.NOT_APPLICABLE, style="dim")] if room.layers else []
        table.add_row(*names, *(cells if layers else absent))
    return table


def _course(curve: Curve, when: Sequence[float]) -> Text:
    if not curve.values:
        return Text(formatting.NOT_APPLICABLE, style="dim")
    places = [bisect_right(curve.when, moment) - 1 for moment in when if moment <= curve.when[-1]]
    shares = [curve.values[i].mean if i >= 0 else None for i in places]
    return Text.assemble(*((blocks.height(share), heat(share)) for share in shares))

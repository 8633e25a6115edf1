"""Sparklines: dead units by hidden layer over the course of training."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.analysis import learning_curves
from reluprobe.analysis.aggregate import Summary
from reluprobe.analysis.learning_curves import Curve
from reluprobe.config import labels
from reluprobe.report import formatting
from reluprobe.report.terminal import blocks, named_layers
from reluprobe.report.terminal.layout import (
    FEWEST_PROBES,
    GAP,
    Settings,
    plain_table,
    shown_courses,
    shown_layers,
    table_width,
)
from reluprobe.report.terminal.tables import CALLED, heat
from reluprobe.report.terms import OURS, Terms

#: Configurations and the course of each layer by name; of none where no run of them ended.
CoursesByConfiguration = Sequence[tuple[Settings, Mapping[str, Curve]]]

#: Of more configurations than this, only those who ask see courses.
MOST_ROWS = 10
LEGEND = f"mean over runs; {blocks.HEIGHTS_LEGEND}"


def by_summary(rows: Sequence[Summary], definition: str) -> CoursesByConfiguration:
    """Each configuration with its courses; without any where no run of it ended."""
    return [(row.settings, learning_curves.by_layer(row.members, definition)) for row in rows]


def moments(configurations: CoursesByConfiguration) -> tuple[float, ...]:
    """When the longest course was probed, by the runs' clock."""
    curves = (curve for _, layers in configurations for curve in layers.values())
    return max((curve.when for curve in curves), key=len, default=())


@dataclass(frozen=True)
class Room:
    """Which layers there is room for, and which moments of each."""

    layers: Sequence[str]
    when: Sequence[float]


def room(configurations: CoursesByConfiguration, width: int) -> Room:
    """Of many layers and probes as many as fit, first and last among them."""
    names, when = _layers(configurations), moments(configurations)
    taken = table_width(table(configurations, Room([], [])))
    layers, probes = shown_courses(len(names), len(when), width - taken, fewest=FEWEST_PROBES)
    return Room([names[i] for i in layers], [when[i] for i in probes])


def _layers(configurations: CoursesByConfiguration) -> list[str]:
    return list(dict.fromkeys(name for _, layers in configurations for name in layers))


def named(
    rows: Sequence[Summary], configurations: CoursesByConfiguration, definition: str, width: int
) -> tuple[RenderableType, Room]:
    """A row a layer, which has a name, and a column per configuration; and what there is room for.

    Of many probes as many as fit beside the names.
    """
    when = moments(configurations)
    room = max(FEWEST_PROBES, width - named_layers.NAME - GAP)
    shown = [when[i] for i in shown_layers(len(when), room)]
    curves = [layers for _, layers in configurations]
    word = CALLED[definition][0]

    def draw(curve: Curve | None) -> Text:
        return Text("") if curve is None else _course(curve, shown)

    drawn = named_layers.courses(rows, curves, word, width, draw)
    return drawn, Room(_layers(configurations), shown)


def title(
    configurations: CoursesByConfiguration, definition: str, room: Room, terms: Terms = OURS
) -> Text:
    """What the sparklines show, from when to when, and how many probes are left out."""
    when = moments(configurations)
    between = "" if all(map(float.is_integer, when)) else ", probed in between too"
    some = f"; {len(room.when)} of {len(when)} probes" if len(room.when) < len(when) else ""
    span = terms.span(when[0], when[-1])
    words = f"{CALLED[definition][0]} % by {terms.layer} over {span}"
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
    for name in room.layers:
        table.add_column(name, no_wrap=True)
    for settings, layers in configurations:
        names = [labels.setting(settings[key]) for key in keys]
        cells = [_course(layers[n], room.when) if n in layers else Text("") for n in room.layers]
        absent = [Text(formatting.NOT_APPLICABLE, style="dim")] if room.layers else []
        table.add_row(*names, *(cells if layers else absent))
    return table


def _course(curve: Curve, when: Sequence[float]) -> Text:
    if not curve.values:
        return Text(formatting.NOT_APPLICABLE, style="dim")
    places = [bisect_right(curve.when, moment) - 1 for moment in when if moment <= curve.when[-1]]
    shares = [curve.values[i].mean if i >= 0 else None for i in places]
    return Text.assemble(*((blocks.height(share), heat(share)) for share in shares))

"""Dead units by hidden layer over the course of training, as sparklines. Nothing here prints."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from reluprobe.analysis import learning_curves
from reluprobe.analysis.aggregate import Summary
from reluprobe.analysis.learning_curves import Curve
from reluprobe.config import Value, labels
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.terminal import blocks
from reluprobe.report.terminal.tables import CALLED, heat, shown_layers, table_width

#: A configuration's settings and the course of each of its layers.
Found = Sequence[tuple[Mapping[str, Value | None], Sequence[Curve]]]

#: Of more configurations than this, only those who ask see courses.
MOST_ROWS = 10
#: A sparkline of fewer moments than this, of those there are, is not worth a column.
FEWEST = 8
LEGEND = f"mean over runs; {blocks.HEIGHTS_LEGEND}"


def courses(runs: Sequence[RunRecord], definition: str) -> list[Curve]:
    """The share of each hidden layer at each probe, seeds folded."""
    depth = max((len(run.final.layers) for run in learning_curves.ended(runs)), default=0)
    return [learning_curves.layer(runs, i, definition) for i in range(depth)]


def by_summary(rows: Sequence[Summary], definition: str) -> Found:
    """Each configuration with its courses; without any where no run of it ended."""
    return [(row.settings, courses(row.members, definition)) for row in rows]


def moments(found: Found) -> tuple[float, ...]:
    """When the longest course was probed, in epochs."""
    return max((curve.when for _, layers in found for curve in layers), key=len, default=())


@dataclass(frozen=True)
class Room:
    """Which layers there is room for, and which moments of each."""

    layers: Sequence[int]
    when: Sequence[float]


def room(found: Found, width: int) -> Room:
    """Of many layers and probes as many as fit, first and last among them."""
    depth, when = max(len(layers) for _, layers in found), moments(found)
    names, least = table_width(table(found, Room([], []))), min(len(when), FEWEST)
    for count in range(depth, 1, -1):
        shown = shown_layers(depth, count)
        each = (width - names) // len(shown) - 2  # between two columns lie two blanks
        if each >= least:
            return Room(shown, [when[i] for i in shown_layers(len(when), each)])
    return Room(shown_layers(depth, 2), [when[i] for i in shown_layers(len(when), least)])


def title(found: Found, definition: str, room: Room) -> Text:
    """What the sparklines show, from when to when, and how many probes are left out."""
    when = moments(found)
    between = "" if all(map(float.is_integer, when)) else ", probed in between too"
    some = f"; {len(room.when)} of {len(when)} probes" if len(room.when) < len(when) else ""
    words = f"{CALLED[definition][0]} % by hidden layer over epochs {when[0]:g}–{when[-1]:g}"
    return Text(f"{words}{between}{some}", style="italic")


def table(found: Found, room: Room) -> Table:
    """A row a configuration, a column a layer.

    The characters of a column are of the same moments in every row, the latest probe until then;
    a course that ends before others is shorter.
    """
    table = Table(box=None, pad_edge=False)
    keys = list(found[0][0])
    for key in keys:
        # What sets a configuration apart may be long, and is wrapped.
        table.add_column(labels.name(key), no_wrap=key != "change")
    for i in room.layers:
        table.add_column(f"L{i + 1}", no_wrap=True)
    for settings, layers in found:
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

"""Dead units by hidden layer over the course of training, as sparklines. Nothing here prints."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from reluprobe import blocks, curves, wording
from reluprobe.config import Value
from reluprobe.curves import Curve
from reluprobe.records import RunRecord
from reluprobe.summary import Configuration
from reluprobe.tables import CALLED, heat, shown_layers, table_width

#: A configuration's settings and the course of each of its layers.
Found = Sequence[tuple[Mapping[str, Value | None], Sequence[Curve]]]

#: Of more configurations than this, only those who ask see courses.
MOST_ROWS = 10
#: A sparkline of fewer moments than this, of those there are, is not worth a column.
FEWEST = 8
LEGEND = f"mean over runs; {blocks.HEIGHTS_LEGEND}"


def courses(runs: Sequence[RunRecord], definition: str) -> list[Curve]:
    """The share of each hidden layer at each probe, seeds folded."""
    depth = max((len(run.final.layers) for run in curves.ended(runs)), default=0)
    return [curves.layer(runs, i, definition) for i in range(depth)]


def found(rows: Sequence[Configuration], definition: str) -> Found:
    """Each configuration with its courses; without any where no run of it ended."""
    return [(row.settings, courses(row.members, definition)) for row in rows]


def moments(found: Found) -> tuple[float, ...]:
    """When the longest course was probed, in epochs."""
    return max((curve.when for _, layers in found for curve in layers), key=len, default=())


def title(found: Found, definition: str) -> Text:
    """What the sparklines show, and from when to when."""
    when = moments(found)
    between = "" if all(map(float.is_integer, when)) else ", probed in between too"
    words = f"{CALLED[definition][0]} % by hidden layer over epochs {when[0]:g}–{when[-1]:g}"
    return Text(words + between, style="italic")


def table(found: Found, width: int) -> Table:
    """A row a configuration, a column a layer; of many probes and layers as many as fit.

    The characters of a column are of the same moments in every row, the latest probe until then;
    a course that ends before others is shorter.
    """
    depth, when = max(len(layers) for _, layers in found), moments(found)
    names, least = table_width(_table(found, [], [])), min(len(when), FEWEST)
    for room in range(depth, 1, -1):
        shown = shown_layers(depth, room)
        each = (width - names) // len(shown) - 2  # between two columns lie two blanks
        if each >= least:
            return _table(found, shown, [when[i] for i in shown_layers(len(when), each)])
    return _table(found, shown_layers(depth, 2), [when[i] for i in shown_layers(len(when), least)])


def _table(found: Found, shown: Sequence[int], when: Sequence[float]) -> Table:
    table = Table(box=None, pad_edge=False)
    keys = list(found[0][0])
    for key in keys:
        # What sets a configuration apart may be long, and is wrapped.
        table.add_column(wording.name(key), no_wrap=key != "change")
    for i in shown:
        table.add_column(f"L{i + 1}", no_wrap=True)
    for settings, layers in found:
        names = [wording.setting(settings[key]) for key in keys]
        cells = [_course(layers[i], when) if i < len(layers) else Text("") for i in shown]
        absent = [Text(wording.NOT_APPLICABLE, style="dim")] if shown else []
        table.add_row(*names, *(cells if layers else absent))
    return table


def _course(curve: Curve, when: Sequence[float]) -> Text:
    if not curve.values:
        return Text(wording.NOT_APPLICABLE, style="dim")
    places = [bisect_right(curve.when, moment) - 1 for moment in when if moment <= curve.when[-1]]
    shares = [curve.values[i].mean if i >= 0 else None for i in places]
    return Text.assemble(*((blocks.height(share), heat(share)) for share in shares))

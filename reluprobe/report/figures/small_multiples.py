"""Small multiples: many panels with the same axes, each named, laid out by hand.

Matplotlib's layout engine and its shared axes take time that grows with the square of the number
of panels. Here every size is known beforehand; all are in inches.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reluprobe.report.figures import style
from reluprobe.report.figures.context import wrapped

#: Panels in a row, at most; up to so many on a page are large.
ACROSS, LARGE = 6, 3
#: Left of the panels: the axis's name and its numbers. Between panels, and right of them.
LEFT, GAP, RIGHT = 0.48, 0.13, 0.1
#: Above a panel, a line of its name; around the name. Below: numbers, and the axis's name.
LINE, PAD, NUMBERS, NAME = 0.105, 0.06, 0.17, 0.17
#: On top, where colours have to be explained.
LEGEND = 0.22
#: How wide a letter is, about.
LETTER = 0.054


@dataclass(frozen=True)
class Block:
    """Panels of one measure, one for each name.

    Attributes:
        name, across: of the vertical and the horizontal axis.
        prepare: gives a panel its limits and ticks; as they are alike, only the first panel of a
            row and the last of a column have numbers.
    """

    name: str
    across: str
    prepare: Callable[[Axes], object] = lambda axes: None


def page(
    labels: Sequence[str],
    blocks: Sequence[Block],
    height: float,
    across: int = ACROSS,
    beyond: float = 0.0,
    legend: bool = False,
    left: float = 0.0,
) -> tuple[Figure, list[list[Axes]]]:
    """A page of blocks below each other.

    Args:
        labels: the panels' names, the same in every block.
        blocks: the measures.
        height: of a panel.
        across: panels in a row, at most.
        beyond: room right of every panel, for what stands there.
        legend: whether there is room on top for one.
        left: more room left of every panel, for names in the place of numbers.

    Returns:
        the figure, and each block's panels.
    """
    rows = math.ceil(len(labels) / across)
    columns = math.ceil(len(labels) / rows)
    width = style.PAGE * min(1.0, 0.4 + 0.2 * len(labels))
    between = (columns - 1) * (GAP + beyond + left)
    panel_width = (width - LEFT - left - beyond - RIGHT - between) / columns
    names = [wrapped(label, int(panel_width / LETTER)) for label in labels]
    heads = [_head(names[r * columns : (r + 1) * columns]) for r in range(rows)]
    tall = sum(heads) + rows * (height + NUMBERS) + NAME
    total = legend * LEGEND + tall * len(blocks)
    figure = Figure(figsize=(width, total), dpi=style.DPI)
    panels = []
    for n, block in enumerate(blocks):
        top = total - legend * LEGEND - n * tall
        axes = []
        for i, name in enumerate(names):
            row, column = divmod(i, columns)
            start = LEFT + left + column * (panel_width + GAP + beyond + left)
            bottom = top - sum(heads[: row + 1]) - (row + 1) * height - row * NUMBERS
            place = start / width, bottom / total, panel_width / width, height / total
            axes.append(_panel(figure, place, name, block, column == 0, i + columns >= len(names)))
        middle = (LEFT + width - beyond) / 2 / width
        figure.text(middle, (top - tall + 0.04) / total, block.across, ha="center", va="bottom")
        centre = (top - (tall - NAME) / 2) / total
        figure.text(0.03 / width, centre, block.name, rotation=90, ha="left", va="center")
        panels.append(axes)
    return figure, panels


def _head(names: Sequence[str]) -> float:
    return PAD + LINE * max(1 + name.count("\n") for name in names)


def _panel(
    figure: Figure,
    place: tuple[float, float, float, float],
    name: str,
    block: Block,
    first: bool,
    last: bool,
) -> Axes:
    axes = figure.add_axes(place)
    block.prepare(axes)
    axes.set_autoscale_on(False)
    axes.set_title(name, fontsize=style.SMALL, pad=3)
    axes.tick_params(labelleft=first, labelbottom=last)
    return axes

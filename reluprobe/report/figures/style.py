"""Style of all figures: sizes, colours, and the theme that every chart is drawn with.

The six colours are those that, with a contrast of 3:1 or more on white and on near-black, differ
most from each other under simulated deuteranopia and protanopia (Machado, Oliveira, Fernandes
2009). No figure relies on them alone: what has a colour has a marker, a dash or a name as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: Widths in pixels, as a screen shows them: a paper's page, and one column of it.
PAGE, COLUMN = 720, 350
WIDTHS = {"page": PAGE, "column": COLUMN}
#: Points a pixel on paper: a page is 6.8 inches wide, a column 3.3, and text 7 points high.
POINTS = 0.68
#: Pixels; nothing in a figure is smaller than SMALL.
TEXT, SMALL = 11, 10
#: The font that comes with the library that draws: the same everywhere. Others are as wide.
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

#: Text, axes and paper. The dark scheme of an SVG exchanges these, and only these.
INK, PAPER = "#1a1a1a", "#ffffff"
#: Lines behind everything: a colour of its own, since what is seen through takes long to draw.
GRID = "#e6e6e4"
#: Beside what is in the foreground; reads on white and on black.
QUIET = "#8a8a8a"
#: Behind marks, where something is claimed to lie: seen on white and on black.
SHADE = "#c9c9c9"
#: On a coloured cell, whatever the scheme: not INK, not PAPER.
ON_LIGHT, ON_DARK = "#1b1b1b", "#fefefe"
#: Where "dead" itself has a colour, a unit that came back, and one that was drawn anew; one that
#: was so and is dead again.
DEAD, REVIVED, ALIVE = "#a3123a", "#6aa9d8", "#e9e7e2"
REDRAWN, DIED_AGAIN = "#2f7d5b", "#4a0f26"

#: Of the values of a setting, or of configurations, in their order.
COLOURS = ("#0077b2", "#d95700", "#32a670", "#cc0036", "#4c4cff", "#995479")
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")
DASHES = ((1, 0), (5, 3), (1.5, 2.5), (7, 2, 1.5, 2))
#: A cell without a value.
EMPTY = "#b9b9b9"
#: From the first hidden layer to the last.
LAYERS = ("#0077b2", "#7c5cc4", "#cc3d74", "#d95700")
#: From little to much that is bad, for cells: the darker, the worse.
SEQUENCE = ("#fdf6ec", "#f6cfa3", "#e58f6a", "#c14a50", "#7d1d45", "#3f0d2c")
#: From units that never fire to those that always do: both ends are dark, each of its own.
FIRING = (
    *(DEAD, "#d9662f", "#f0b070"),
    *("#e3e1da", "#b9c6cf", "#86a3b8"),
    *("#a194c9", "#7350a3", "#43206e"),
)
#: A rare unit and a linear one, as among firing rates; and shares of what units become.
RARE, LINEAR = FIRING[1], FIRING[-1]
FLOWS = ("#f3f6f8", "#a3c6dc", "#3a84b1", "#0b4568")


def layer_colours(depth: int) -> list[str]:
    """Of the layers from the first to the last: from cold to warm, no lighter and no darker."""
    ends = [tuple(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in LAYERS]
    colours = []
    for place in np.linspace(0, len(ends) - 1, depth):
        before = min(int(place), len(ends) - 2)
        mixed = (
            round(a + (b - a) * (place - before))
            for a, b in zip(ends[before], ends[before + 1], strict=True)
        )
        colours.append("#" + "".join(f"{c:02x}" for c in mixed))
    return colours


def layer_dashes(depth: int) -> list[list[float]]:
    """Dashes that differ from each layer to the next."""
    return [[*DASHES[n % len(DASHES)]] for n in range(depth)]


def theme(width: int = PAGE) -> dict[str, Any]:
    """The configuration of every chart; of a narrow one, whose legends stand below each other."""
    narrow = {"layout": {"top": {"direction": "vertical", "margin": 4}}}
    text = {"labelFontSize": SMALL, "titleFontSize": TEXT, "titleFontWeight": "normal"}
    quiet = {"labelColor": INK, "titleColor": INK}
    return {
        "font": FONT,
        "background": PAPER,
        "padding": 6,
        "view": {"stroke": None},
        "axis": {
            **text,
            **quiet,
            "domainColor": INK,
            "tickColor": INK,
            "tickSize": 3,
            "grid": True,
            "gridColor": GRID,
            "labelOverlap": "greedy",
            "labelSeparation": 5,
            "labelLimit": 300,
        },
        # As wide with short numbers as with long ones: panels below each other are in line.
        "axisY": {"titleAngle": -90, "minExtent": 26},
        "legend": {
            **text,
            **quiet,
            "orient": "top",
            "direction": "horizontal",
            "symbolStrokeWidth": 1.6,
            "symbolOpacity": 1,
            "labelLimit": 300,
            "columnPadding": 12,
            "titleLimit": 300,
            **(narrow if width < PAGE else {}),
        },
        "header": {**text, **quiet, "titlePadding": 2, "labelPadding": 3, "labelLimit": 300},
        "title": {"fontSize": TEXT, "fontWeight": "normal", "color": INK, "anchor": "middle"},
        "facet": {"spacing": 12},
        "concat": {"spacing": 14},
        "line": {"strokeWidth": 1.6},
        "point": {"size": 26, "filled": True, "opacity": 1},
        "rule": {"strokeWidth": 1.2, "color": QUIET},
        "text": {"fontSize": SMALL, "color": INK},
        "range": {"category": list(COLOURS), "symbol": list(SHAPES)},
    }

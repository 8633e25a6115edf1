"""Style of all figures: sizes for print, colours, and matplotlib's settings.

The six colours are those that, with a contrast of 3:1 or more on white and on near-black, differ
most from each other under simulated deuteranopia and protanopia (Machado, Oliveira, Fernandes
2009). No figure relies on them alone: every line has a marker and its name at its end.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

#: Widths in inches: one column of a paper, and its page.
COLUMN, PAGE = 3.3, 6.8
#: Points; nothing in a figure is smaller than SMALL.
TEXT, SMALL = 7.0, 6.0

#: Dots an inch of a PNG, and of what is rasterized within an SVG or a PDF.
DPI = 300

#: Text, axes and paper. The dark scheme of an SVG exchanges these two, and only these.
INK, PAPER = "#1a1a1a", "#ffffff"
#: Beside what is in the foreground; reads on white and on black.
QUIET = "#8a8a8a"
#: On a coloured cell, whatever the scheme: not INK, not PAPER.
ON_LIGHT, ON_DARK = "#1b1b1b", "#fefefe"
#: Where "dead" itself has a colour, a unit that came back, and one that was drawn anew; one that
#: was so and is dead again.
DEAD, REVIVED, ALIVE = "#a3123a", "#6aa9d8", "#e9e7e2"
REDRAWN, DIED_AGAIN = "#2f7d5b", "#4a0f26"


@dataclass(frozen=True)
class Look:
    """How one configuration is drawn, the same in every figure."""

    colour: str
    marker: str


LOOKS = tuple(
    Look(colour, marker)
    for colour, marker in zip(
        ("#0077b2", "#d95700", "#32a670", "#cc0036", "#4c4cff", "#995479"), "os^DvP", strict=True
    )
)
#: A cell without a value.
EMPTY = "#b9b9b9"
#: From the first hidden layer to the last: from cold to warm, no lighter and no darker.
LAYERS = LinearSegmentedColormap.from_list("layers", ["#0077b2", "#7c5cc4", "#cc3d74", "#d95700"])
#: From little to much, for cells; even in grey.
SEQUENCE = "YlGnBu"

#: Where a legend stands: on top of a figure, and of one that then makes room for it.
ON_TOP: dict[str, Any] = {"loc": "upper center", "ncols": 3, "frameon": False}
ABOVE: dict[str, Any] = {**ON_TOP, "loc": "outside upper center"}

_RC: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same everywhere
    "font.size": TEXT,
    "figure.labelsize": TEXT,
    "axes.titlesize": TEXT,
    "axes.labelsize": TEXT,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
    "savefig.facecolor": PAPER,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "lines.linewidth": 1.1,
    "lines.markersize": 2.8,
    "hatch.linewidth": 0.5,
    "figure.constrained_layout.w_pad": 0.03,
    "figure.constrained_layout.h_pad": 0.03,
    "svg.fonttype": "none",  # text stays text: found, read aloud, and small
    "pdf.fonttype": 42,
    "image.interpolation": "none",
    "text.parse_math": False,  # a setting of somebody else's run may hold a $
}
#: Signs that the font lacks are drawn as boxes; whoever chose them sees which.
_LACKING = "Glyph .* missing from"


@contextmanager
def applied(salt: str = "") -> Iterator[None]:
    """Matplotlib as the figures want it, whatever the user's own settings; then as it was.

    Args:
        salt: of the ids in an SVG, which would else differ from one time to the next.
    """
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_LACKING, category=UserWarning)
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        matplotlib.rcParams["svg.hashsalt"] = f"reluprobe {salt}"
        yield


def canvas(width: float, height: float) -> Figure:
    """An empty figure of so many inches that makes room for its own labels."""
    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")

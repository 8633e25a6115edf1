"""Share of networks born dead by depth and width, with the bounds that are proved."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from reluprobe.born.result import Cell, Result
from reluprobe.config import labels
from reluprobe.report.figures import panels, style
from reluprobe.report.figures.context import MOST_LINES, Drawing, alt_text
from reluprobe.report.figures.style import LOOKS, Look

MOST_TICKS = 8


def probability(result: Result) -> Drawing:
    """Share of networks born dead by depth, one line per width, with intervals and bounds."""
    widths = sorted({cell.width for cell in result.cells})
    shown = widths[:MOST_LINES]
    figure = style.canvas(style.COLUMN + 1.2, 2.6)
    axes = figure.subplots()
    axes.set_yscale("log")
    networks = result.config.networks
    axes.set_ylim(100 / networks / 3, 160)
    ends = []
    for width, look in zip(shown, LOOKS, strict=False):
        cells = sorted((c for c in result.cells if c.width == width), key=lambda c: c.depth)
        _line(axes, cells, look)
        if (last := cells[-1]).dead:
            ends.append((100 * last.probability, f"{width} units a layer", look))
    panels.logarithmic(axes.yaxis)
    depths = sorted({cell.depth for cell in result.cells})
    axes.set_xticks(depths[:: -(-len(depths) // MOST_TICKS)])
    panels.name_ends(axes, ends, 2.0)
    axes.set_xlabel("hidden layers")
    axes.set_ylabel("networks born dead %")
    facts = [
        f"{c.depth} layers of {c.width}: {100 * c.probability:.2f}%, 95% interval "
        f"{100 * c.low:.2f} to {100 * c.high:.2f}{_proved(c)}"
        for c in result.cells
    ]
    more = f" The {len(shown)} narrowest of {len(widths)} widths." if len(widths) > 6 else ""
    caption = (
        f"Share of {labels.count(networks, 'network')} ({result.config.init}) whose output does "
        "not depend on their input before any training, by depth and width, with 95% intervals. "
        f"{_bounds(result)}{more}"
    )
    return figure, caption, alt_text(facts, most=len(facts))


def _bounds(result: Result) -> str:
    if any(c.lower is not None for c in result.cells):
        return "Shaded: between the bounds that Lu et al. (2019) prove."
    if any(c.upper is not None for c in result.cells):
        return "Dashed: the upper bound that Lu et al. (2019) prove."
    return "Lu et al. (2019) prove nothing of these networks."


def _line(axes: Axes, cells: Sequence[Cell], look: Look) -> None:
    depths = [c.depth for c in cells]
    both = [(c.depth, c.lower, c.upper) for c in cells if c.lower is not None and c.upper]
    if both:
        at, low, high = zip(*both, strict=True)
        axes.fill_between(
            at, [100 * p for p in low], [100 * p for p in high], color=look.colour, alpha=0.2,
            linewidth=0,
        )  # fmt: skip
    upper = [(c.depth, 100 * c.upper) for c in cells if c.upper is not None and c.lower is None]
    if upper:
        axes.plot(*zip(*upper, strict=True), "--", color=look.colour, linewidth=0.7)
    seen = [c for c in cells if c.dead]
    axes.plot(
        [c.depth for c in seen], [100 * c.probability for c in seen], look.marker + "-",
        color=look.colour, linewidth=0.6,
    )  # fmt: skip
    axes.vlines(
        depths, [100 * c.low for c in cells], [100 * c.high for c in cells], color=look.colour,
        linewidth=0.9,
    )  # fmt: skip


def _proved(cell: Cell) -> str:
    if cell.exact is not None:
        return f", exactly {100 * cell.exact:.2f}"
    if cell.lower is not None and cell.upper is not None:
        return f", proved between {100 * cell.lower:.2f} and {100 * cell.upper:.2f}"
    return f", proved at most {100 * cell.upper:.2f}" if cell.upper is not None else ""

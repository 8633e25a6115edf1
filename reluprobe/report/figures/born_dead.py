"""Share of networks born dead by depth and width, with the bounds that are proved."""

from __future__ import annotations

from typing import Any

import altair as alt

from reluprobe.born.result import Cell, Result
from reluprobe.config import labels
from reluprobe.report.figures import charts, style
from reluprobe.report.figures.context import Drawing, Row, alt_text

#: Widths that are drawn, at most: the narrowest.
MOST = len(style.COLOURS)


def probability(result: Result) -> Drawing:
    """Share of networks born dead by depth, one line per width, with intervals and bounds."""
    widths = sorted({cell.width for cell in result.cells})
    networks = result.config.networks
    floor = 100 / networks / 3
    shown = [c for c in result.cells if c.width in widths[:MOST]]
    rows = [_row(cell, floor) for cell in shown]
    chart = _chart(rows, [str(width) for width in widths[:MOST]], floor)
    facts = [
        f"{c.depth} layers of {c.width}: {100 * c.probability:.2f}%, 95% interval "
        f"{100 * c.low:.2f} to {100 * c.high:.2f}{_proved(c)}"
        for c in result.cells
    ]
    more = f" The {MOST} narrowest of {len(widths)} widths." if len(widths) > MOST else ""
    caption = (
        f"Share of {labels.count(networks, 'network')} ({result.config.init}) whose output does "
        "not depend on their input before any training, by depth and width, with 95% intervals. "
        f"{_bounds(result)}{more}"
    )
    return chart, caption, alt_text(facts, most=len(facts))


def _row(cell: Cell, floor: float) -> Row:
    def percent(share: float | None) -> float | None:
        return None if share is None else charts.number(max(100 * share, floor))

    both = cell.lower is not None and cell.upper is not None
    return {
        "width": str(cell.width),
        "depth": cell.depth,
        "mean": charts.number(100 * cell.probability) if cell.dead else None,
        "low": percent(cell.low),
        "high": percent(cell.high),
        "lower": percent(cell.lower) if both else None,
        "upper": percent(cell.upper) if both else None,
        "bound": None if both else percent(cell.upper),
    }


def _chart(rows: list[Row], widths: list[str], floor: float) -> Any:
    scale = alt.Scale(type="log", domain=[floor, 150], nice=False)
    colour = alt.Color(
        "width:N", title="units a layer", scale=alt.Scale(domain=widths, range=list(style.COLOURS))
    )
    shape = alt.Shape(
        "width:N", title="units a layer", scale=alt.Scale(domain=widths, range=list(style.SHAPES))
    )
    title = "networks born dead %"
    x = alt.X("depth:Q", title="hidden layers", axis=alt.Axis(tickMinStep=1, grid=False))
    axis = alt.Axis(values=[10.0**k for k in range(-4, 3)], labelExpr=charts.POWER)
    base = alt.Chart(charts.data(rows)).encode(x=x, color=colour)

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title=title, scale=scale, axis=axis)

    tooltip = [
        *map(alt.Tooltip, ("width:N", "depth:Q")),
        *(alt.Tooltip(f"{n}:Q", format=".3~g") for n in ("mean", "low", "high", "upper")),
    ]
    return alt.layer(
        base.mark_area(fillOpacity=0.18).encode(y=y("lower"), y2=alt.Y2("upper:Q")),
        base.mark_line(strokeDash=[5, 3], strokeWidth=1).encode(y=y("bound")),
        base.mark_line(strokeWidth=1).encode(y=y("mean")),
        base.mark_rule().encode(y=y("low"), y2=alt.Y2("high:Q")),
        base.mark_point(size=30).encode(y=y("mean"), shape=shape, tooltip=tooltip),
    ).properties(width=430, height=250)


def _bounds(result: Result) -> str:
    if any(c.lower is not None for c in result.cells):
        return "Shaded: between the bounds that Lu et al. (2019) prove."
    if any(c.upper is not None for c in result.cells):
        return "Dashed: the upper bound that Lu et al. (2019) prove."
    return "Lu et al. (2019) prove nothing of these networks."


def _proved(cell: Cell) -> str:
    if cell.exact is not None:
        return f", exactly {100 * cell.exact:.2f}"
    if cell.lower is not None and cell.upper is not None:
        return f", proved between {100 * cell.lower:.2f} and {100 * cell.upper:.2f}"
    return f", proved at most {100 * cell.upper:.2f}" if cell.upper is not None else ""

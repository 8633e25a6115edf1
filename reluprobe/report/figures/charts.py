"""Parts of charts: the encodings of axes by their roles, scales, and marks with intervals."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Protocol

import altair as alt

from reluprobe.analysis.estimates import Limits
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report.figures import style
from reluprobe.report.figures.context import Context, Row
from reluprobe.report.figures.roles import Roles

#: Room beside a page's panels: the numbers and the name of the vertical axis.
LEFT, RIGHT, GAP = 62, 18, 12
#: Pixels of a letter of a legend, and of what stands before and after a name.
LETTER, SYMBOL = 5.6, 36
#: Ticks on an axis, about.
MOST_TICKS = 6
#: Pixels; in a panel no wider there is room for half of them.
NARROW = 130
#: See :func:`reached`.
REACH, NEAR = 2.0, 0.25


class Rows:
    """Rows of a chart, which Altair does not copy each time that a chart becomes part of another.

    To Altair it is one of its schemas, whose content is asked for when a chart is written.
    """

    _schema: ClassVar[dict[str, Any]] = {"type": "array"}

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = list(rows)

    def to_dict(self) -> list[Row]:
        """The rows themselves."""
        return self._rows


def data(rows: Sequence[Row]) -> alt.Data:
    """The data of a chart."""
    return alt.Data(values=Rows(rows))


def nominal(context: Context, setting: str, **more: Any) -> dict[str, Any]:
    """What every encoding of an axis has: its field, its values' order, its title."""
    return {
        "field": labels.field(setting),
        "type": "nominal",
        "sort": context.domain(setting),
        "title": context.title(setting),
        **more,
    }


def marks(context: Context, roles: Roles, shapes: bool = True) -> dict[str, Any]:
    """Encodings of lines and points: colour, and shape with it; dash."""
    encodings: dict[str, Any] = {}
    if roles.colour is not None:
        domain = context.domain(roles.colour)
        how = nominal(context, roles.colour)
        del how["sort"]
        scale = alt.Scale(domain=domain, range=list(style.COLOURS[: len(domain)]))
        # Of a line and its band the legend shows the line.
        symbols = {} if shapes else {"symbolType": "stroke", "symbolOpacity": 1}
        encodings["color"] = alt.Color(
            **how, scale=scale, legend=legend(context, domain, **symbols)
        )
        if shapes:
            encodings["shape"] = shape(context, roles.colour)
    else:
        encodings["color"] = alt.ColorValue(style.COLOURS[0])
    if roles.dash is not None:
        domain = context.domain(roles.dash)
        how = nominal(context, roles.dash)
        del how["sort"]
        dashes = [list(dash) for dash in style.DASHES[: len(domain)]]
        scale = alt.Scale(domain=domain, range=dashes)
        encodings["strokeDash"] = alt.StrokeDash(**how, scale=scale, legend=legend(context, domain))
    return encodings


def legend(context: Context, names: Sequence[str], **more: Any) -> alt.Legend:
    """A legend of these names, in as many columns as fit beside each other."""
    fit = (context.width - LEFT) // (LETTER * max(map(len, names)) + SYMBOL)
    return alt.Legend(columns=max(1, min(len(names), int(fit))), **more)


def run_fields(run: RunRecord) -> Row:
    """What tells a run: its id, its seed, and where its record lies in the sweep's folder."""
    return {"run": run.id, "seed": str(run.seed), "record": f"runs/{run.id}.json"}


def shape(context: Context, axis: str) -> alt.Shape:
    """An axis as the shapes of points."""
    domain = context.domain(axis)
    how = nominal(context, axis)
    del how["sort"]
    scale = alt.Scale(domain=domain, range=list(style.SHAPES[: len(domain)]))
    return alt.Shape(**how, scale=scale, legend=legend(context, domain))


def faceted(
    context: Context, roles: Roles, chart: Any, rows: Sequence[Row], headed: bool = True
) -> Any:
    """A chart of these rows, a panel for each value of the axes that are columns and rows.

    Args:
        context: the sweep.
        roles: which axes these are.
        chart: of one panel, without data.
        rows: the data.
        headed: whether the columns have their names: below a chart that names them they need none,
            unless some of its columns are missing here.
    """
    panels: dict[str, Any] = {}
    if roles.column is not None:
        present = {row[labels.field(roles.column)] for row in rows}
        named = headed or not present.issuperset(context.domain(roles.column))
        header = _header(context, roles.column) if named else alt.Header(title=None, labels=False)
        panels["column"] = alt.Column(**nominal(context, roles.column, header=header))
        panels["column"]["title"] = None
    if roles.row is not None:
        panels["row"] = alt.Row(**nominal(context, roles.row, header=_header(context, roles.row)))
        panels["row"]["title"] = None
    inline = data(rows)
    if not panels:
        return chart.properties(data=inline)
    return chart.properties(data=inline).facet(**panels)


def _header(context: Context, axis: str) -> alt.Header:
    return alt.Header(
        title=None, labelExpr=f"{json.dumps(context.title(axis) + ' ')} + datum.value"
    )


def panel_width(context: Context, columns: int, charts_beside: int = 1) -> float:
    """How wide a panel is: so many of them beside each other, in each of so many charts."""
    beside = columns * charts_beside
    room = context.width - charts_beside * LEFT - RIGHT - GAP * (beside - 1)
    return max(60.0, room / beside)


def columns_of(context: Context, roles: Roles) -> int:
    """How many panels stand beside each other."""
    return 1 if roles.column is None else len(context.domain(roles.column))


def rows_of(context: Context, roles: Roles) -> int:
    """How many panels stand below each other."""
    return 1 if roles.row is None else len(context.domain(roles.row))


class Spread(Protocol):
    """A mean, and between which ends it or something beside it lies; None without ends."""

    @property
    def mean(self) -> float:
        """In the middle."""
        ...

    @property
    def low(self) -> float | None:
        """The lower end."""
        ...

    @property
    def high(self) -> float | None:
        """The upper end."""
        ...


def span(value: Spread | None, scale: float = 1.0) -> dict[str, float | None]:
    """A mean and the ends beside it as fields of a row; where there are none they are the mean."""
    if value is None:
        return {"mean": None, "low": None, "high": None}
    low = value.mean if value.low is None else value.low
    high = value.mean if value.high is None else value.high
    return {
        "mean": number(scale * value.mean),
        "low": number(scale * low),
        "high": number(scale * high),
    }


def number(value: float) -> float:
    """A number with the digits that can be seen: a page holds thousands of them."""
    return float(f"{value:.5g}")


def percent(title: str, top: float = 100.0, channel: Any = alt.Y) -> Any:
    """A channel of shares in percent, from 0."""
    return channel(
        "mean:Q",
        title=title,
        scale=alt.Scale(domain=[0, top], nice=False),
        axis=alt.Axis(tickCount=4),
    )


def reached(means: Sequence[float], ends: Sequence[float], limits: Limits) -> list[float]:
    """The ends of intervals that an axis has room for: all, where they lie between limits.

    Where nothing limits them, as with R², those that are no further from all means than ``REACH``
    times what these are apart, or ``NEAR``: else one interval would take the whole axis.
    """
    if all(map(math.isfinite, limits)):
        return list(ends)
    low, high = min(means), max(means)
    room = max(REACH * (high - low), NEAR)
    return [min(max(end, low - room), high + room) for end in ends]


def around(values: Iterable[float], least: float = 0.0, most: float = 100.0) -> list[float]:
    """The ends of an axis of these values, and a little room beside them between these limits."""
    present = list(values)
    low, high = min(present), max(present)
    margin = 0.05 * (high - low) or 0.01 * most
    return [max(least, low - margin), min(most, high + margin)]


def roof(shares: Iterable[float]) -> float:
    """The percent at which an axis of these shares, in percent, ends: round, and above them."""
    most = max(shares, default=100.0)
    return next((top for top in (5, 10, 20, 40, 60, 80) if most <= top), 100)


def logarithmic(
    title: str,
    field: str,
    values: Iterable[float],
    channel: Any = alt.X,
    at: Sequence[float] | None = None,
    **axis: Any,
) -> Any:
    """A channel on a logarithmic scale: ticks at powers of ten, or of fewer decades 1, 2, 5.

    Args:
        title: of the axis.
        field: what is drawn.
        values: all of them.
        channel: of Altair.
        at: the ticks, where they are to be others.
        axis: more of the axis.
    """
    present = [value for value in values if value > 0]
    low, high = min(present), max(present)
    margin = (high / low) ** 0.04 if high > low else 2.0
    return channel(
        f"{field}:Q",
        title=title,
        scale=alt.Scale(type="log", domain=[low / margin, high * margin], nice=False),
        axis=alt.Axis(values=at or ticks(low, high), labelExpr=POWER, **axis),
    )


def rates(title: str, field: str, values: Iterable[float]) -> Any:
    """A horizontal channel of learning rates: a few are the ticks themselves, of many few are."""
    distinct = sorted(set(values))
    few = distinct if len(distinct) <= MOST_TICKS else None
    return logarithmic(title, field, distinct, at=few, grid=False)


def ticks(low: float, high: float) -> list[float]:
    """Round numbers between these, a few: 1, 10, 100, or of fewer decades 1, 2, 5."""
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    halves, tenths = [n / 2 for n in range(2, 20)], [n / 10 for n in range(10, 100)]
    for steps in ((1,), (1, 2, 5), range(1, 10), halves, tenths):
        inside = [n * 10.0**k for k in decades for n in steps if low <= n * 10.0**k <= high]
        if len(inside) >= 3:
            return inside[:: -(-len(inside) // MOST_TICKS)]
    return sorted({low, high})


def whole(first: float, last: float, most: int = MOST_TICKS) -> list[int]:
    """Whole numbers from the first to the last, about so many at most, evenly spread."""
    step = next(
        n * 10**k for k in range(12) for n in (1, 2, 5) if (last - first) / (n * 10**k) <= most
    )
    return list(range(math.ceil(first / step) * step, math.floor(last) + 1, step))


def moments(title: str, field: str, values: Iterable[float], width: float) -> alt.X:
    """The horizontal axis of a panel: whole epochs or steps, unless all is within a few of them."""
    present = list(values)
    first, last = min(present), max(present)
    most = MOST_TICKS if width > NARROW else MOST_TICKS // 2
    marks = whole(first, last, most)
    integral = all(when == int(when) for when in present)
    how: dict[str, Any] = {"values": marks} if len(marks) > 2 or integral else {"tickCount": most}
    scale = alt.Scale(domain=[first, last], nice=False)
    axis = alt.Axis(grid=False, format=",~r", **how)
    return alt.X(f"{field}:Q", title=title, axis=axis, scale=scale)


#: Numbers as people write learning rates: 5e-3, but 0.05.
POWER = (
    "datum.value < 0.01 || datum.value >= 10000"
    " ? format(datum.value, '~e') : format(datum.value, '~g')"
)

"""Curves over the course of training: a line for each configuration, by its axes' roles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt

from reluprobe.analysis.learning_curves import Curve
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report.figures import charts, quality, star, style
from reluprobe.report.figures.context import Context, Entry, Row
from reluprobe.report.figures.roles import Roles

Kind = Literal["share", "accuracy", "loss"]
#: A loss that changes by more than this factor is drawn on a logarithmic axis.
DECADE = 8
#: Heights of panels, in pixels: of one row of them, of two, of more.
HEIGHTS = (170, 120, 88)
#: Panels of a star beside each other, by the width of the figure.
STAR_COLUMNS = {style.PAGE: 4, style.COLUMN: 2}


@dataclass(frozen=True)
class Measure:
    """One measure over time: how it is called, what it is, and how runs are folded to a curve."""

    name: str
    kind: Kind
    fold: Callable[[Sequence[RunRecord]], Curve]


@dataclass(frozen=True)
class Drawn:
    """A chart of curves, what it is made of, and what its caption has to say of it."""

    chart: Any
    curves: list[tuple[Entry, Measure, Curve]]
    note: str


def over_time(context: Context, measures: Sequence[Measure], across: str) -> Drawn | None:
    """Measures beside or below each other, each with its curves; None where there is no curve.

    Args:
        context: the sweep.
        measures: what is drawn.
        across: what time is counted in.
    """
    roles = context.roles()
    rays = star.star(context, roles)
    entries = rays.every if rays else context.folds(roles.shown)
    curves = [
        (entry, measure, curve)
        for measure in measures
        for entry in entries
        if (curve := measure.fold(entry.runs))
    ]
    parts = [m for m in measures if any(m is measure for _, measure, _ in curves)]
    if not parts:
        return None
    by_part = [[(e, c) for e, m, c in curves if m is part] for part in parts]
    if rays:
        drawn = [_rays(context, rays, *part, across) for part in zip(by_part, parts, strict=True)]
        return Drawn(alt.vconcat(*drawn), curves, star.NOTE)
    single = charts.columns_of(context, roles) == 1
    wide = len(parts) > 1 and single and context.width == style.PAGE
    beside = len(parts) if wide else 1
    drawn = [
        _panels(context, roles, *part, across, beside) for part in zip(by_part, parts, strict=True)
    ]
    whole = drawn[0] if len(drawn) == 1 else (alt.hconcat if wide else alt.vconcat)(*drawn)
    return Drawn(whole, curves, context.fold_note(roles.folded))


def _panels(
    context: Context,
    roles: Roles,
    curves: Sequence[tuple[Entry, Curve]],
    measure: Measure,
    across: str,
    beside: int,
) -> Any:
    """One measure: a panel for each value of the axes that are columns and rows."""
    shown = _scaled(measure, [c for _, c in curves])
    rows = [row for entry, curve in curves for row in _rows(entry, curve, shown)]
    height = HEIGHTS[min(charts.rows_of(context, roles), len(HEIGHTS)) - 1]
    width = charts.panel_width(context, charts.columns_of(context, roles), beside)
    named = [
        alt.Tooltip(field=labels.field(a), type="nominal", title=context.title(a))
        for a in roles.shown
    ]
    chart = _lines(across, shown, rows, named, charts.marks(context, roles, shapes=False))
    return charts.faceted(context, roles, chart.properties(width=width, height=height), rows)


def _rays(
    context: Context,
    rays: star.Star,
    curves: Sequence[tuple[Entry, Curve]],
    measure: Measure,
    across: str,
) -> Any:
    """One measure of a star: a panel for each setting that is changed, and the centre in each."""
    shown = _scaled(measure, [c for _, c in curves])
    by_label = {entry.label: curve for entry, curve in curves}
    panels, columns = [], STAR_COLUMNS[context.width]
    for name, entries in rays.rays.items():
        drawn = [e for e in (rays.centre, *entries) if e.label in by_label]
        rows = [row for e in drawn for row in _rows(e, by_label[e.label], shown)]
        scale = alt.Scale(
            domain=[e.label for e in drawn], range=[style.QUIET, *style.COLOURS[: len(drawn) - 1]]
        )
        legend = alt.Legend(title=None, orient="bottom", direction="vertical", columns=1)
        colour = alt.Color(f"{star.CHANGE}:N", scale=scale, legend=legend)
        named = [alt.Tooltip(f"{star.CHANGE}:N")]
        chart = _lines(across, shown, rows, named, {"color": colour})
        width = charts.panel_width(context, columns)
        sizes = {"width": width, "height": HEIGHTS[1], "title": name}
        panels.append(chart.properties(data=charts.data(rows), **sizes))
    return alt.concat(*panels, columns=columns).resolve_scale(color="independent")


def _lines(across: str, shown: _Scaled, rows: Sequence[Row], named: list[Any], marks: Any) -> Any:
    """Lines through the means, and bands between the ends beside them where there are any."""
    time = _time(across, [float(str(row["when"])) for row in rows])
    dashes = {k: v for k, v in marks.items() if k == "strokeDash"}
    base = alt.Chart().encode(x=time, **{k: v for k, v in marks.items() if k not in dashes})
    line = base.mark_line().encode(y=shown.y, tooltip=_tooltip(named, shown, across), **dashes)
    if all(row["low"] == row["high"] for row in rows):
        return alt.layer(line)
    band = base.mark_area(fillOpacity=0.18, clip=True).encode(
        y=alt.Y("low:Q", title=shown.title),
        y2=alt.Y2("high:Q"),
        detail=[alt.Detail(field=dash["field"], type="nominal") for dash in dashes.values()],
    )
    return alt.layer(band, line)


def _time(across: str, moments: Sequence[float]) -> Any:
    """The horizontal axis: whole epochs or steps, unless all is within a few of them."""
    first, last = min(moments), max(moments)
    marks, whole = charts.whole(first, last), all(when == int(when) for when in moments)
    how: dict[str, Any] = {"values": marks} if len(marks) > 2 or whole else {"tickCount": 5}
    how["format"] = ",~g"
    scale = alt.Scale(domain=[first, last], nice=False)
    return alt.X("when:Q", title=across, axis=alt.Axis(grid=False, **how), scale=scale)


@dataclass(frozen=True)
class _Scaled:
    """How a measure is drawn: its axis, and what becomes of a mean on it."""

    title: str
    y: Any
    of: Callable[[float], float]


def _scaled(measure: Measure, curves: Sequence[Curve]) -> _Scaled:
    if measure.kind == "loss":
        return _loss(measure, curves)
    values = [value for curve in curves for value in curve.values]
    if measure.kind == "accuracy":
        shown = quality.quality(measure.name.removesuffix(" %"), values)
        if shown.by_error:
            return _Scaled(shown.title, shown.channel("mean"), shown.of)
    ends = [100 * (v.mean if v.high is None else v.high) for c in curves for v in c.values]
    return _Scaled(measure.name, charts.percent(measure.name, charts.roof(ends)), lambda x: 100 * x)


def _loss(measure: Measure, curves: Sequence[Curve]) -> _Scaled:
    means = [value.mean for curve in curves for value in curve.values]
    if 0 < DECADE * min(means) < max(means):
        return _Scaled(
            measure.name, charts.logarithmic(measure.name, "mean", means, alt.Y), lambda x: x
        )
    y = alt.Y("mean:Q", title=measure.name, scale=alt.Scale(zero=False))
    return _Scaled(measure.name, y, lambda x: x)


def _rows(entry: Entry, curve: Curve, shown: _Scaled) -> list[Row]:
    rows: list[Row] = []
    for when, value in zip(curve.when, curve.values, strict=True):
        ends = [shown.of(e) for e in (value.low, value.high) if e is not None]
        mean = charts.number(shown.of(value.mean))
        low, high = (charts.number(min(ends)), charts.number(max(ends))) if ends else (mean, mean)
        rows.append({**entry.fields, "when": when, "mean": mean, "low": low, "high": high})
    return rows


def _tooltip(fields: list[Any], shown: _Scaled, across: str) -> list[Any]:
    numbers = [("when", across), ("mean", shown.title), ("low", "from"), ("high", "to")]
    return [*fields, *(alt.Tooltip(f"{n}:Q", title=t, format=".4~g") for n, t in numbers)]

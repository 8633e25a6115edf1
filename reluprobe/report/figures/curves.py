"""Curves over the course of training: a line for each configuration, by its axes' roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt

from reluprobe.analysis.estimates import SHARE, Estimate
from reluprobe.analysis.learning_curves import Curve
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.figures import apart, charts, quality, style
from reluprobe.report.figures.context import Context, Entry, Row
from reluprobe.report.figures.roles import Roles
from reluprobe.report.quality_terms import QualityTerms

Kind = Literal["share", "quality", "loss"]
#: A loss that changes by more than this factor is drawn on a logarithmic axis.
DECADE = 8
#: Heights of panels, in pixels: of one row of them, of two, of more.
HEIGHTS = (170, 120, 88)
#: Of so many configurations with a panel each: how many are beside each other, and how high.
PANELS = {3: (3, 130), 8: (4, 88), 12: (4, 76), 30: (6, 58)}
#: Beside each other within one column of a paper.
COLUMNS_ALONE = 3
#: So many lines that lie on the axis are named; of more there is the number.
MOST_NAMED = 4
#: Fields of a row: whose panel it is in, which line of that, and what begins there.
PANEL, LINE, BEGINS = "panel", "line", "begins"
OWN, BEHIND = "this", "the grey one"


@dataclass(frozen=True)
class Measure:
    """One measure over time.

    Attributes:
        name, kind: how it is called, and what it is.
        fold: runs as a curve.
        terms: where it says how good networks are, how it is written.
    """

    name: str
    kind: Kind
    fold: Callable[[Sequence[RunRecord]], Curve]
    terms: QualityTerms | None = None

    def written(self, estimate: Estimate) -> str:
        """``40.8 ±1.2%``, ``0.981``, ``0.0523``."""
        if self.terms is not None:
            return self.terms.plus_minus(estimate)
        if self.kind == "loss":
            return formatting.plus_minus(estimate, formatting.number)
        return f"{formatting.plus_minus(estimate)}%"


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
    alone = apart.apart(context, roles)
    entries = alone.every if alone else context.folds(roles.shown)
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
    single = not alone and charts.columns_of(context, roles) == 1
    wide = len(parts) > 1 and single and context.width == style.PAGE
    drawn = [
        _alone(context, alone, curves, measure, across)
        if alone
        else _panels(context, roles, curves, measure, across, len(parts) if wide else 1)
        for curves, measure in zip(by_part, parts, strict=True)
    ]
    whole = drawn[0] if len(drawn) == 1 else (alt.hconcat if wide else alt.vconcat)(*drawn)
    note = alone.note if alone else context.fold_note(roles.folded)
    return Drawn(whole, curves, f"{_still(curves)}{note}{_turns(context, entries, across)}")


def _still(curves: Sequence[tuple[Entry, Measure, Curve]]) -> str:
    """Which lines lie on the axis, one over the other, in a sentence a measure."""
    sentences = ""
    for measure in dict.fromkeys(m for _, m, _ in curves if m.kind == "share"):
        lines = [(e, c) for e, m, c in curves if m is measure]
        flat = [e.label for e, c in lines if not any(value.mean for value in c.values)]
        if len(flat) > 1:
            named = ", ".join(flat) if len(flat) <= MOST_NAMED else f"{len(flat)} of {len(lines)}"
            name = measure.name.removesuffix(" %").capitalize()
            sentences += f" {name}: 0 throughout for {named}."
    return sentences


def _turns(context: Context, entries: Sequence[Entry], across: str) -> str:
    """What the dotted lines are, where there are any."""
    turns = across == context.terms.clock and any(_begin(entry) for entry in entries)
    return " Dotted: where other data begin." if turns else ""


def _begin(entry: Entry) -> set[float]:
    """The epochs after which the data of all of its runs change."""
    turns = [{float(p.first_epoch - 1) for p in run.phases[1:]} for run in entry.runs]
    return set[float]().union(*turns) if all(turn == turns[0] for turn in turns) else set()


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
    rows = [row for e, curve in curves for row in _rows(e, curve, shown, context, across)]
    height = HEIGHTS[min(charts.rows_of(context, roles), len(HEIGHTS)) - 1]
    width = charts.panel_width(context, charts.columns_of(context, roles), beside)
    named = [
        alt.Tooltip(field=labels.field(a), type="nominal", title=context.title(a))
        for a in roles.shown
    ]
    looks = charts.marks(context, roles, shapes=False)
    chart = _lines(across, width, shown, rows, named, looks)
    return charts.faceted(context, roles, chart.properties(width=width, height=height), rows)


def _alone(
    context: Context,
    alone: apart.Apart,
    curves: Sequence[tuple[Entry, Curve]],
    measure: Measure,
    across: str,
) -> Any:
    """One measure: a panel a configuration, and the same one behind each."""
    shown = _scaled(measure, [c for _, c in curves])
    by_label = {entry.label: (entry, curve) for entry, curve in curves}
    panels = [by_label[e.label] for e in alone.entries if e.label in by_label]
    # Of no change there may be a curve; the configuration itself then has the only panel.
    panels = panels or [by_label[alone.behind.label]]
    rows: list[Row] = []
    for entry, curve in panels:
        place = {**entry.fields, PANEL: entry.label}
        if alone.behind.label in by_label:
            behind = _rows(*by_label[alone.behind.label], shown, context, across)
            rows += [{**row, **place, LINE: BEHIND} for row in behind]
        own = _rows(entry, curve, shown, context, across)
        rows += [{**row, **place, LINE: OWN} for row in own]
    columns, height = _sizes(context, len(panels))
    kinds = alt.Scale(domain=[BEHIND, OWN], range=[style.QUIET, style.COLOURS[0]])
    dashes = alt.Scale(domain=[BEHIND, OWN], range=[[3, 2], [1, 0]])
    looks = {
        "color": alt.Color(f"{LINE}:N", scale=kinds, legend=None),
        "strokeDash": alt.StrokeDash(f"{LINE}:N", scale=dashes, legend=None),
    }
    named = [alt.Tooltip(f"{PANEL}:N", title="panel"), alt.Tooltip(f"{LINE}:N", title="line")]
    width = charts.panel_width(context, columns)
    header = alt.Header(
        labelExpr="split(datum.value, ' · ')", labelLimit=width + charts.GAP, labelPadding=2
    )
    order = [entry.label for entry, _ in panels]
    panel = alt.Facet(f"{PANEL}:N", title=None, sort=order, header=header)
    # One name of the vertical axis for all.
    title = alt.TitleParams(shown.title, orient="left", angle=-90, anchor="middle")
    return (
        _lines(across, width, shown, rows, named, looks, None)
        .properties(data=charts.data(rows), width=width, height=height)
        .facet(facet=panel, columns=columns, spacing=charts.GAP, title=title)
    )


def _sizes(context: Context, panels: int) -> tuple[int, int]:
    """Panels beside each other, and how high each is: the more, the smaller."""
    most = next(n for n in PANELS if panels <= n or n == max(PANELS))
    columns, height = PANELS[most]
    return min(panels, columns if context.width == style.PAGE else COLUMNS_ALONE), height


def _lines(
    across: str,
    width: float,
    shown: _Scaled,
    rows: Sequence[Row],
    named: list[Any],
    looks: Any,
    title: Any = alt.Undefined,
) -> Any:
    """Lines through the means, and bands between the ends beside them where there are any."""
    time = charts.moments(across, "when", [float(str(row["when"])) for row in rows], width)
    y, dashes = shown.y.copy(), {k: v for k, v in looks.items() if k == "strokeDash"}
    if title is None:
        y["title"] = None
    base = alt.Chart().encode(x=time, **{k: v for k, v in looks.items() if k not in dashes})
    layers = [base.mark_line().encode(y=y, tooltip=_tooltip(named, shown, across), **dashes)]
    if any(row["low"] != row["high"] for row in rows):
        band = base.mark_area(fillOpacity=0.18, clip=True).encode(
            y=alt.Y("low:Q", title=y.to_dict().get("title")),
            y2=alt.Y2("high:Q"),
            detail=[alt.Detail(f"{name}:N") for name in _fields(dashes)],
        )
        layers.insert(0, band)
    if any(BEGINS in row for row in rows):
        rule = alt.Chart().mark_rule(strokeDash=[1.5, 2], strokeWidth=0.8, color=style.EMPTY)
        turn = rule.transform_filter(f"isValid(datum.{BEGINS})").encode(
            x=time, tooltip=[alt.Tooltip(f"{BEGINS}:N")]
        )
        layers.insert(0, turn)
    return alt.layer(*layers)


def _fields(channels: Mapping[str, Any]) -> list[str]:
    return [channel.to_dict()["field"] for channel in channels.values()]


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
    if measure.terms is not None:
        shown = quality.quality(measure.terms, values)
        # An axis of shares begins at 0; R² may be below.
        if shown.by_error or measure.terms.quality.limits != SHARE:
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


def _rows(entry: Entry, curve: Curve, shown: _Scaled, context: Context, across: str) -> list[Row]:
    turns = _begin(entry) if across == context.terms.clock else set[float]()
    rows: list[Row] = []
    for when, value in zip(curve.when, curve.values, strict=True):
        ends = [shown.of(e) for e in (value.low, value.high) if e is not None]
        mean = charts.number(shown.of(value.mean))
        low, high = (charts.number(min(ends)), charts.number(max(ends))) if ends else (mean, mean)
        row: Row = {**entry.fields, "when": when, "mean": mean, "low": low, "high": high}
        rows.append(row | ({BEGINS: "other data"} if when in turns else {}))
    return rows


def _tooltip(fields: list[Any], shown: _Scaled, across: str) -> list[Any]:
    numbers = [("when", across), ("mean", shown.title), ("low", "from"), ("high", "to")]
    return [*fields, *(alt.Tooltip(f"{n}:Q", title=t, format=".4~g") for n, t in numbers)]

"""Dead units and how good networks are against learning rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from reluprobe.analysis import aggregate, lacking, splits
from reluprobe.analysis.aggregate import Estimate
from reluprobe.analysis.settings import names_in, value_of
from reluprobe.config import labels
from reluprobe.report.figures import charts, quality, style
from reluprobe.report.figures.context import (
    Context,
    Drawing,
    Entry,
    LackingError,
    Row,
    alt_text,
)
from reluprobe.report.figures.roles import Roles

Measure = Callable[[Entry], Estimate | None]
#: What CS231n says a learning rate too high can kill of a ReLU network, in percent; and its name.
HIGH, WHOSE = 40, "40%: CS231n"
#: What it is called, ours first.
RATES = ("learning_rate", "lr")
#: Pixels a panel: of one row of them, of more.
HEIGHTS = (130, 100)


@dataclass(frozen=True)
class _Part:
    """One measure against the rate.

    Attributes:
        title, rows, y: its name, what is drawn, and its vertical axis.
        top: the percent at which an axis of dead units ends; None for accuracy and R².
    """

    title: str
    rows: list[Row]
    y: Any
    top: float | None = None


def learning_rate(context: Context) -> Drawing:
    """Share of dead units, below it accuracy or R², against learning rate; a line for what else."""
    if (reason := lacking.shares(context.records, context.definition)) is not None:
        raise LackingError(reason)
    rate = _setting(context)
    if rate not in aggregate.axes(context.records):
        raise LackingError("all runs have the same learning rate")
    if any(_number(value_of(run, rate)) is None for run in context.records):
        raise LackingError("the learning rates of some runs are no numbers above 0")
    roles, entries = _entries(context, rate)
    if not entries:
        raise LackingError("nothing was run at two learning rates with all else the same")
    parts = _parts(context, roles, rate, entries)
    charted = [
        _chart(context, roles, rate, part, first=part is parts[0], last=part is parts[-1])
        for part in parts
    ]
    lost = " ×: a rate at which runs diverged." if any(e.row.diverged for e in entries) else ""
    beside = context.beside(
        value for e in entries for value in (e.row.mean, e.row.accuracy, e.row.r2)
    )
    bars = f", bars their {beside.replace('interval', 'intervals')}" if beside else ""
    known = " Dashed: the 40% that CS231n says a rate too high can kill."
    caption = (
        f"Share of {context.word} units of the finished networks{_also(parts)} against learning "
        f"rate. Points are means over runs{bars}."
        f"{known if _has_line(context, parts[0]) else ''}{lost}{context.fold_note(roles.folded)}"
    )
    return alt.vconcat(*charted, spacing=6), caption, alt_text(_facts(context, entries, rate))


def _also(parts: Sequence[_Part]) -> str:
    shown = [part.title for part in parts if part.top is None]
    return "".join(f", and {title.removesuffix(' %')}," for title in shown)


def _setting(context: Context) -> str:
    """What the learning rate is called among the settings: foreign runs have names of their own."""
    names = names_in(context.records)
    return next((name for name in RATES if name in names), RATES[0])


def _number(value: object) -> float | None:
    """A learning rate; None where it is no number that has a logarithm."""
    return float(value) if isinstance(value, int | float) and value > 0 else None


def _rate_of(entry: Entry, rate: str) -> float:
    number = _number(value_of(entry.row.members[0], rate))
    assert number is not None
    return number


def _entries(context: Context, rate: str) -> tuple[Roles, list[Entry]]:
    """What differs in the rate alone, with the roles of all else.

    Where each setting was changed alone there is one line, of the common configuration: folded
    with all others it would say nothing.
    """
    roles = context.roles(rate)
    if context.effects is not None and context.effects.design == "star" and roles.folded:
        return Roles(), _several(context.entries, rate)
    return roles, _several(context.folds([*roles.shown, rate]), rate)


def _several(entries: Sequence[Entry], rate: str) -> list[Entry]:
    """Those that have another beside them which differs in the rate alone."""
    field = labels.field(rate)
    lines: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        rest = tuple(value for name, value in entry.fields.items() if name != field)
        lines.setdefault(rest, []).append(entry)
    return [entry for line in lines.values() if len(line) > 1 for entry in line]


def _parts(context: Context, roles: Roles, rate: str, entries: Sequence[Entry]) -> list[_Part]:
    """Dead on the probe, where there is room on the training set, and accuracy or R²."""
    parts = [_dead(rate, entries, f"{context.word} %", lambda entry: entry.row.mean)]
    trained = [_trained(context, entry) for entry in entries] if roles.row is None else []
    if any(trained):
        by_label = {entry.label: value for entry, value in zip(entries, trained, strict=True)}
        title = f"{context.word} % of training set"
        parts.append(_dead(rate, entries, title, lambda entry: by_label[entry.label]))
    for terms in context.qualities:
        known = [(e, value) for e in entries if (value := terms.quality.among(e.row)) is not None]
        if not known:
            continue
        shown = quality.quality(terms, (value for _, value in known))
        rows = [_row(rate, entry, shown.span(value)) for entry, value in known]
        parts.append(_Part(shown.title, rows, shown.channel("mean")))
    return parts


def _trained(context: Context, entry: Entry) -> Estimate | None:
    by_split = splits.by_split(entry.row.members, context.definition)
    return by_split.shares.get("train") if by_split else None


def _dead(rate: str, entries: Sequence[Entry], title: str, measure: Measure) -> _Part:
    rows = [_row(rate, entry, {**charts.span(measure(entry), 100)}) for entry in entries]
    ends = [float(str(row["high"])) for row in rows if row["high"] is not None]
    top = charts.roof(ends)
    return _Part(title, rows, charts.percent(title, top), top)


def _row(rate: str, entry: Entry, numbers: Row) -> Row:
    lost = entry.row.diverged
    return {**entry.fields, "rate": _rate_of(entry, rate), "diverged": lost, **numbers}


def _chart(context: Context, roles: Roles, rate: str, part: _Part, first: bool, last: bool) -> Any:
    """One measure: a line over the rates for each of what else varies."""
    marks = charts.marks(context, roles)
    rates = [float(str(row["rate"])) for row in part.rows]
    x = charts.rates(labels.name(rate) if last else "", "rate", rates)
    named = [
        alt.Tooltip(field=labels.field(a), type="nominal", title=context.title(a))
        for a in (rate, *roles.shown)
    ]
    numbers = {"mean": part.title, "low": "from", "high": "to", "diverged": "diverged"}
    tooltip = [
        *named, *(alt.Tooltip(f"{n}:Q", title=t, format=".4~g") for n, t in numbers.items())
    ]  # fmt: skip
    lines = {name: how for name, how in marks.items() if name != "shape"}
    base = alt.Chart().encode(x=x)
    layers = [
        base.mark_line(strokeWidth=1.2).encode(y=part.y, **lines),
        base.mark_rule(strokeWidth=1, clip=True).encode(
            y=alt.Y("low:Q", title=part.title), y2="high:Q", color=marks["color"]
        ),
        base.mark_point(size=30).encode(y=part.y, tooltip=tooltip, **marks),
    ]
    if part.top is not None and any(row["diverged"] for row in part.rows):
        layers.append(
            base.transform_filter("datum.diverged > 0")
            .mark_text(text="×", fontSize=14, dy=4)
            .encode(y=alt.value(0), color=marks["color"], tooltip=tooltip)
        )
    if _has_line(context, part):
        layers = [*_high(), *layers]
    width = charts.panel_width(context, charts.columns_of(context, roles))
    height = HEIGHTS[charts.rows_of(context, roles) > 1]
    chart = alt.layer(*layers).properties(width=width, height=height)
    return charts.faceted(context, roles, chart, part.rows, headed=first)


def _has_line(context: Context, part: _Part) -> bool:
    """Whether the claim is of these networks, and within sight."""
    ours = any(run.ours and run.ours.activation == "relu" for run in context.records)
    return ours and part.top is not None and part.top > HIGH


def _high() -> list[Any]:
    """The line of what was claimed, with its name."""
    # Data of its own: else there were a line and a name for every point.
    base = alt.Chart(charts.data([{"share": HIGH}]))
    line = base.mark_rule(strokeDash=[4, 3], color=style.QUIET).encode(y="share:Q")
    text = base.mark_text(
        align="left", baseline="bottom", dx=3, dy=-1, color=style.QUIET, text=WHOSE
    ).encode(x=alt.value(0), y="share:Q")
    return [line, text]


def _facts(context: Context, entries: Sequence[Entry], rate: str) -> list[str]:
    return [context.outcome(e) for e in sorted(entries, key=lambda e: _rate_of(e, rate))]

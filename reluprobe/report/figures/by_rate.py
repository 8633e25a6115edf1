"""Dead units and accuracy against learning rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import altair as alt

from reluprobe.analysis import aggregate, lacking, splits
from reluprobe.analysis.aggregate import Estimate
from reluprobe.analysis.settings import names_in, value_of
from reluprobe.config import labels
from reluprobe.report import formatting
from reluprobe.report.figures import charts, style
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
#: What CS231n says a learning rate too high can kill, in percent; and its name.
HIGH, WHOSE = 40, "40%: CS231n"
#: What it is called, ours first.
RATES = ("learning_rate", "lr")
HEIGHT = 130


def learning_rate(context: Context) -> Drawing:
    """Share of dead units, and below it accuracy, against learning rate; a line for what else."""
    if (reason := lacking.shares(context.records, context.definition)) is not None:
        raise LackingError(reason)
    rate = _setting(context)
    if rate not in aggregate.axes(context.records):
        raise LackingError("all runs have the same learning rate")
    if any(_number(value_of(run, rate)) is None for run in context.records):
        raise LackingError("the learning rates of some runs are no numbers above 0")
    roles = context.roles(rate)
    entries = _several(context.folds([*roles.shown, rate]), rate)
    if not entries:
        raise LackingError("nothing was run at two learning rates with all else the same")
    parts: list[tuple[str, Measure]] = [(f"{context.word} %", _probe)]
    if roles.row is None and any(_trained(context)(entry) for entry in entries):
        parts.append((f"{context.word} % of training set", _trained(context)))
    if any(entry.row.accuracy for entry in entries):
        parts.append((f"{context.terms.accuracy} %", _accuracy))
    drawn = [_part(context, roles, rate, entries, *part, last=part is parts[-1]) for part in parts]
    lost = " ×: a rate at which runs diverged." if any(e.row.diverged for e in entries) else ""
    beside = context.beside(value for e in entries for value in (e.row.mean, e.row.accuracy))
    bars = f", bars their {beside.replace('interval', 'intervals')}" if beside else ""
    caption = (
        f"Share of {context.word} units of the finished networks, and their accuracy, against "
        f"learning rate. Points are means over runs{bars}.{_line(context)}{lost}"
        f"{context.fold_note(roles.folded)}"
    )
    return alt.vconcat(*drawn, spacing=6), caption, alt_text(_facts(context, entries, rate))


def _setting(context: Context) -> str:
    """What the learning rate is called among the settings: foreign runs have names of their own."""
    names = names_in(context.records)
    return next((name for name in RATES if name in names), RATES[0])


def _number(value: object) -> float | None:
    """A learning rate; None where it is no number that has a logarithm."""
    return float(value) if isinstance(value, int | float) and value > 0 else None


def _several(entries: Sequence[Entry], rate: str) -> list[Entry]:
    """Those that have another beside them which differs in the rate alone."""
    field = labels.field(rate)
    lines: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        rest = tuple(value for name, value in entry.fields.items() if name != field)
        lines.setdefault(rest, []).append(entry)
    return [entry for line in lines.values() if len(line) > 1 for entry in line]


def _probe(entry: Entry) -> Estimate | None:
    return entry.row.mean


def _accuracy(entry: Entry) -> Estimate | None:
    return entry.row.accuracy


def _trained(context: Context) -> Measure:
    def measure(entry: Entry) -> Estimate | None:
        by_split = splits.by_split(entry.row.members, context.definition)
        return by_split.shares.get("train") if by_split else None

    return measure


def _line(context: Context) -> str:
    """What the dashed line is; foreign runs have none: nobody claimed anything of them."""
    if context.terms.foreign:
        return ""
    return f" Dashed: the {HIGH}% that CS231n says a rate too high can kill."


def _rate_of(entry: Entry, rate: str) -> float:
    number = _number(value_of(entry.row.members[0], rate))
    assert number is not None
    return number


def _part(
    context: Context,
    roles: Roles,
    rate: str,
    entries: Sequence[Entry],
    title: str,
    measure: Measure,
    last: bool,
) -> Any:
    """One measure: a line over the rates for each of what else varies."""
    dead = measure is not _accuracy
    rows: list[Row] = [
        {**entry.fields, "rate": _rate_of(entry, rate), **charts.span(value, 100)}
        for entry in entries
        if (value := measure(entry)) is not None
    ]
    marks = charts.marks(context, roles)
    rates = [_rate_of(entry, rate) for entry in entries]
    x = charts.logarithmic(labels.name(rate) if last else "", "rate", rates, grid=False)
    top = charts.roof([float(str(row["high"])) for row in rows])
    scale = alt.Scale(domain=[0, top], nice=False) if dead else alt.Scale(zero=False)
    y = alt.Y("mean:Q", title=title, scale=scale, axis=alt.Axis(tickCount=4))
    named = [
        alt.Tooltip(field=labels.field(a), type="nominal", title=context.title(a))
        for a in (rate, *roles.shown)
    ]
    numbers = [("mean", title), ("low", "from"), ("high", "to")]
    tooltip = [*named, *(alt.Tooltip(f"{n}:Q", title=t, format=".4~g") for n, t in numbers)]
    lines = {name: how for name, how in marks.items() if name != "shape"}
    layers = [
        alt.Chart().mark_line(strokeWidth=1.2).encode(x=x, y=y, **lines),
        alt.Chart()
        .mark_rule(strokeWidth=1)
        .encode(x=x, y=alt.Y("low:Q", title=title), y2=alt.Y2("high:Q"), color=marks["color"]),
        alt.Chart().mark_point(size=30).encode(x=x, y=y, tooltip=tooltip, **marks),
    ]
    if dead and top > HIGH and not context.terms.foreign:
        layers = [*_high(), *layers]
    width = charts.panel_width(context, charts.columns_of(context, roles))
    chart = alt.layer(*layers).properties(width=width, height=HEIGHT)
    return charts.faceted(context, roles, chart, rows)


def _high() -> list[Any]:
    """The line of what was claimed, with its name."""
    # Data of its own: else there were a line and a name for every point.
    base = alt.Chart(charts.data([{"share": HIGH}]))
    line = base.mark_rule(strokeDash=[4, 3], color=style.QUIET).encode(y=alt.Y("share:Q"))
    text = base.mark_text(
        align="left", baseline="bottom", dx=3, dy=-1, color=style.QUIET, text=WHOSE
    ).encode(x=alt.XValue(0), y=alt.Y("share:Q"))
    return [line, text]


def _facts(context: Context, entries: Sequence[Entry], rate: str) -> list[str]:
    return [
        f"{e.label}: {formatting.plus_minus(e.row.mean)}% {context.word}, "
        f"{context.terms.accuracy} {formatting.plus_minus(e.row.accuracy)}"
        for e in sorted(entries, key=lambda e: _rate_of(e, rate))
    ]

"""Configurations below each other: ranked by their dead units; dead units by what they saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from reluprobe.analysis import lacking, splits
from reluprobe.analysis.aggregate import share
from reluprobe.analysis.sorting import place
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.figures import charts, quality, style
from reluprobe.report.figures.context import (
    Context,
    Drawing,
    Entry,
    LackingError,
    Row,
    alt_text,
)
from reluprobe.report.quality_terms import QualityTerms
from reluprobe.report.terminal.splits import ALONE

#: Pixels of a row; of the rows' names at most, and of a letter of theirs.
ROW, NAMES, LETTER = 15, 230, 5.6
#: From none to all, and a little beside them: points at the ends are seen whole.
WHOLE = alt.Scale(domain=[-1.5, 101.5], nice=False)
#: So many rows without a dead unit are one.
MANY = 3


@dataclass(frozen=True)
class _Panel:
    """One measure: its axis, and how a run, and an entry's mean with its ends, stand on it."""

    title: str
    x: Any
    of_run: Callable[[RunRecord], float | None]
    of_entry: Callable[[Entry], Row | None]


def outcome(context: Context) -> Drawing:
    """Share of dead units, and how good networks are at the end, a row a configuration, ranked."""
    if (reason := lacking.shares(context.records, context.definition)) is not None:
        raise LackingError(reason)
    ended = [entry for entry in context.entries if entry.row.mean is not None]
    some, none = _with_dead(ended)
    shown, note = context.some(some)
    shown = sorted(shown, key=lambda entry: place("dead", entry.row))
    folded = _none(none, context) if none else None
    panels = _panels(context, [*none, *shown])
    order = [*([folded] if folded else []), *(entry.label for entry in shown)]
    left = _left(order)
    beside = len(panels) if context.width == style.PAGE else 1
    width = (context.width - left - charts.RIGHT - charts.GAP * (beside - 1)) / beside
    charted = [
        _ranked(shown, none, order, panel, width, named=n % beside == 0)
        for n, panel in enumerate(panels)
    ]
    join = alt.vconcat if beside == 1 else alt.hconcat
    single = " Small points: single runs." if any(len(e.runs) > 1 for e in shown) else ""
    zero = f" Small points of the first row: its {len(none)} configurations." if none else ""
    also = "".join(f", and {panel.title.removesuffix(' %')}," for panel in panels[1:])
    seeds = context.seeds(what="Points are means", band="lines")
    caption = (
        f"Share of {context.word} units on {context.examples}{also} of the finished networks, "
        f"from the fewest {context.word} to the most. {seeds}{single}{zero}{note}"
    )
    facts = [folded] if folded is not None else []
    facts += map(context.outcome, shown)
    return join(*charted, spacing=charts.GAP), caption, alt_text(facts)


def _with_dead(entries: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Those with a dead unit, and those without; few without stand among the others."""
    none = [e for e in entries if e.row.mean is not None and e.row.mean.mean == 0]
    if len(none) < MANY or len(none) == len(entries):
        return list(entries), []
    return [e for e in entries if e not in none], none


def _none(entries: Sequence[Entry], context: Context) -> str:
    return f"{len(entries)} without a {context.word} unit"


def _left(names: Sequence[str]) -> float:
    """Room for the names of rows."""
    return min(NAMES, LETTER * max(map(len, names)) + charts.GAP)


def _panels(context: Context, entries: Sequence[Entry]) -> list[_Panel]:
    title = f"{context.word} %"

    def dead(run: RunRecord) -> float | None:
        value = share(run.final.layers, context.definition)
        return None if value is None else charts.number(100 * value)

    def dead_mean(entry: Entry) -> Row:
        return {**charts.span(entry.row.mean, 100)}

    x = alt.X("mean:Q", title=title, scale=WHOLE, axis=alt.Axis(tickCount=5))
    panels = [_Panel(title, x, dead, dead_mean)]
    return panels + [
        panel for terms in context.qualities if (panel := _of_quality(terms, entries)) is not None
    ]


def _of_quality(terms: QualityTerms, entries: Sequence[Entry]) -> _Panel | None:
    """How good networks are; None where no entry has the measure."""
    every = (terms.quality.among(entry.row) for entry in entries)
    known = [value for value in every if value is not None]
    if not known:
        return None
    shown = quality.quality(terms, known)

    def of_run(run: RunRecord) -> float | None:
        value = terms.quality.of(run)
        return None if value is None else charts.number(shown.of(value))

    def mean(entry: Entry) -> Row | None:
        value = terms.quality.among(entry.row)
        return None if value is None else {**shown.span(value)}

    return _Panel(shown.title, shown.channel("mean", alt.X), of_run, mean)


def _ranked(
    shown: Sequence[Entry],
    none: Sequence[Entry],
    order: Sequence[str],
    panel: _Panel,
    width: float,
    named: bool,
) -> Any:
    rows: list[Row] = [
        {**e.fields, "label": e.label, "runs": len(e.runs), **numbers}
        for e in shown
        if (numbers := panel.of_entry(e)) is not None
    ]
    singles = [*_folded(none, order[0], panel), *_singles(shown, panel)]
    names = alt.Axis(title=None, labelLimit=NAMES, grid=True) if named else None
    y = alt.Y("label:N", sort=order, axis=names, scale=alt.Scale(domain=order))
    numbers = {"mean": panel.title, "low": "from", "high": "to", "runs": "runs"}
    tooltip = [
        alt.Tooltip("label:N", title="configuration"),
        *(alt.Tooltip(f"{n}:Q", title=t, format=".4~g") for n, t in numbers.items()),
    ]
    base = alt.Chart(charts.data(rows)).encode(y=y)
    low = alt.X("low:Q", title=panel.title)
    layers = [
        base.mark_rule(color=style.COLOURS[0], strokeWidth=1.4, clip=True).encode(
            x=low, x2="high:Q"
        ),
        base.mark_point(color=style.COLOURS[0], size=30).encode(x=panel.x, tooltip=tooltip),
    ]
    if singles:
        where = [
            alt.Tooltip("which:N", title="run"),
            alt.Tooltip("value:Q", title=panel.title),
            alt.Tooltip("record:N"),
        ]
        points = alt.Chart(charts.data(singles)).mark_point(color=style.QUIET, size=11, clip=True)
        x = alt.X("value:Q", title=panel.title)
        layers.append(points.encode(y=y, x=x, tooltip=where))
    return alt.layer(*layers).properties(width=width, height=alt.Step(ROW))


def _singles(shown: Sequence[Entry], panel: _Panel) -> list[Row]:
    """Runs of configurations that have several."""
    return [
        {
            **e.fields, "label": e.label, "which": f"seed {run.seed}", **charts.run_fields(run),
            "value": value,
        }
        for e in shown
        if len(e.runs) > 1
        for run in e.runs
        if (value := panel.of_run(run)) is not None
    ]  # fmt: skip


def _folded(none: Sequence[Entry], label: str, panel: _Panel) -> list[Row]:
    """Configurations that share a row."""
    return [
        {**e.fields, "label": label, "which": e.label, "value": numbers["mean"]}
        for e in none
        if (numbers := panel.of_entry(e)) is not None
    ]


def samples(context: Context) -> Drawing:
    """Share of dead units of the finished networks on the probe, the test and the training set."""
    if (reason := lacking.shares(context.records, context.definition)) is not None:
        raise LackingError(reason)
    looked = [(e, s) for e in context.entries if (s := splits.by_split(e.runs, context.definition))]
    if not looked:
        three = "no run was looked at on the probe, the test and the training set"
        raise LackingError(ALONE if context.terms.foreign else three)
    with_dead, none = _with_dead([entry for entry, _ in looked])
    shown, note = context.some(with_dead)
    by_entry = [(e, s) for e, s in looked if e in shown]
    by_entry.sort(key=lambda pair: place("dead", pair[0].row))
    names = list(dict.fromkeys(name for _, s in by_entry for name in s.examples))
    sizes = {name: [s.examples.get(name) for _, s in by_entry] for name in names}
    called = {name: f"{name} ({_sizes(sizes[name])})" for name in names[: len(style.COLOURS)]}
    rows: list[Row] = [
        {**e.fields, "label": e.label, "sample": said, **charts.span(value, 100)}
        for e, s in by_entry
        for name, said in called.items()
        if (value := s.shares.get(name)) is not None
    ]
    facts = [
        f"{e.label}: "
        + ", ".join(f"{formatting.plus_minus(mean)}% on {name}" for name, mean in s.shares.items())
        for e, s in by_entry
    ]
    zero = f" {_none(none, context)} are left out." if none else ""
    caption = (
        f"Share of {context.word} units of the finished networks by the examples that they are "
        f"counted on: the more examples, the fewer are {context.word} on all of them. "
        f"{context.seeds(what='Points are means', band='lines')}{zero}{note}"
    )
    order = [e.label for e, _ in by_entry]
    return _by_sample(context, rows, order, [*called.values()]), caption, alt_text(facts)


def _by_sample(
    context: Context, rows: Sequence[Row], order: Sequence[str], domain: Sequence[str]
) -> Any:
    title = "counted on (examples)"
    legend = charts.legend(context, domain)
    colours = alt.Scale(domain=domain, range=list(style.COLOURS[: len(domain)]))
    shapes = alt.Scale(domain=domain, range=list(style.SHAPES[: len(domain)]))
    colour = alt.Color("sample:N", scale=colours, title=title, legend=legend)
    shape = alt.Shape("sample:N", scale=shapes, title=title, legend=legend)
    names = alt.Axis(title=None, labelLimit=NAMES)
    tooltip = [
        alt.Tooltip("label:N", title="configuration"),
        alt.Tooltip("sample:N"),
        alt.Tooltip("mean:Q", title=f"{context.word} %", format=".4~g"),
    ]
    base = alt.Chart(charts.data(rows)).encode(
        y=alt.Y("label:N", sort=order, axis=names, scale=alt.Scale(domain=order)),
        # A little above and below each other: where they agree all are seen.
        yOffset=alt.YOffset("sample:N", scale=alt.Scale(domain=domain, paddingOuter=0.4)),
        color=colour,
        tooltip=tooltip,
    )
    axis = alt.Axis(tickCount=5)
    x = alt.X("mean:Q", title=f"{context.word} %", scale=WHOLE, axis=axis)
    ends = alt.X("low:Q", title=f"{context.word} %")
    return alt.layer(
        base.mark_rule(strokeWidth=1.2).encode(x=ends, x2="high:Q"),
        base.mark_point(size=26).encode(x=x, shape=shape),
    ).properties(
        width=context.width - _left(order) - charts.RIGHT,
        height=alt.Step(ROW + 8, **{"for": "position"}),
    )


def _sizes(examples: Sequence[int | None]) -> str:
    """``60,000``, or where datasets differ in size ``1,000 to 60,000``."""
    known = [n for n in examples if n is not None]
    low, high = f"{min(known):,}", f"{max(known):,}"
    return low if low == high else f"{low} to {high}"

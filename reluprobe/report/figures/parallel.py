"""Parallel coordinates: every run as a line over its settings, to its dead units and quality."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from reluprobe.analysis import lacking
from reluprobe.analysis.aggregate import share
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report.figures import charts, style
from reluprobe.report.figures.context import Context, Drawing, LackingError, Row, alt_text
from reluprobe.report.quality_terms import QualityTerms

#: Settings that have an axis, at most: those that matter most.
MOST_AXES = {style.PAGE: 7, style.COLUMN: 3}
#: Pixels; the part of a value's room that its lines spread over; room beside the axes.
HEIGHT, BAND, SIDES = 250, 0.72, (30, 60)
#: More values than this are not all named.
MOST_NAMED = 8
#: Lines of many runs are thinner.
MANY = 200


@dataclass(frozen=True)
class _Run:
    """A run, and what came out of it."""

    run: RunRecord
    dead: float
    qualities: tuple[float | None, ...]


def parallel(context: Context) -> Drawing:
    """One line a run, from setting to setting, to its dead units and its accuracy or R²."""
    if (reason := lacking.shares(context.records, context.definition)) is not None:
        raise LackingError(reason)
    if not context.axes:
        raise LackingError("nothing varies but the seed")
    axes = context.axes[: MOST_AXES[context.width]]
    runs = _runs(context)
    places = {axis: _places(context, axis, runs) for axis in axes}
    names = [*map(context.title, axes), f"{context.word} %"]
    known = [
        terms
        for n, terms in enumerate(context.qualities)
        if any(run.qualities[n] is not None for run in runs)
    ]
    names += [terms.title if context.width == style.PAGE else terms.heading for terms in known]
    rows = [_row(context, run, places, known) for run in runs]
    chart = _chart(context, axes, names, rows, known)
    left = len(context.axes) - len(axes)
    more = f" The {len(axes)} that matter most of {len(context.axes)} settings." if left else ""
    caption = (
        f"Every run as a line over its settings, to the share of {context.word} units and the "
        f"{context.qualities_named} of its finished network; the darker, the more {context.word}. "
        "Settings in the order in which they matter; at each value runs are spread, those with "
        f"more {context.word} above.{more}"
    )
    least, most = (100 * end(run.dead for run in runs) for end in (min, max))
    return chart, caption, alt_text([f"{len(runs):,} runs, {least:.1f} to {most:.1f}% dead"])


def _runs(context: Context) -> list[_Run]:
    """Those that ended with a share, the fewest dead first: the most are drawn over them."""
    ended = [
        _Run(run, dead, tuple(terms.quality.of(run) for terms in context.qualities))
        for run in context.records
        if run.ended and (dead := share(run.final.layers, context.definition)) is not None
    ]
    return sorted(ended, key=lambda run: (run.dead, [-(value or 0.0) for value in run.qualities]))


def _places(context: Context, axis: str, runs: Sequence[_Run]) -> dict[str, float]:
    """Where each run meets an axis: at its value, spread in the order of dead units."""
    domain = context.domain(axis)
    middle = {value: (n + 0.5) / len(domain) for n, value in enumerate(domain)}
    room = BAND / len(domain)
    by_value: dict[str, list[str]] = {}
    for run in runs:
        by_value.setdefault(labels.setting(context.value(run.run, axis)), []).append(run.run.id)
    return {
        name: middle[value] + room * ((n + 0.5) / len(members) - 0.5)
        for value, members in by_value.items()
        for n, name in enumerate(members)
    }


def _row(
    context: Context,
    run: _Run,
    places: dict[str, dict[str, float]],
    known: Sequence[QualityTerms],
) -> Row:
    """A run: its settings, what came out, and where it meets each axis, from 0 to 1."""
    met: list[float | None] = [places[axis][run.run.id] for axis in places]
    values = {t: v for t, v in zip(context.qualities, run.qualities, strict=True) if t in known}
    # A network worse than the mean of its targets, below 0, meets the axis at its lower end.
    met += [run.dead, *(None if v is None else max(v, 0.0) for v in values.values())]
    return {
        **context.fields_of(run.run),
        **charts.run_fields(run.run),
        "dead": charts.number(100 * run.dead),
        **{
            terms.quality.name: None if value is None else charts.number(terms.scale * value)
            for terms, value in values.items()
        },
        **{f"at{n}": None if place is None else round(place, 3) for n, place in enumerate(met)},
    }


def _chart(
    context: Context,
    axes: Sequence[str],
    names: Sequence[str],
    rows: Sequence[Row],
    known: Sequence[QualityTerms],
) -> Any:
    keys = [f"at{n}" for n in range(len(names))]
    # A setting may be called anything: its axis has a number, and its name as a label.
    x = alt.X(
        "axis:N",
        sort=keys,
        title=None,
        scale=alt.Scale(domain=keys, padding=0),
        axis=alt.Axis(
            labelAngle=0,
            labelOverlap=False,
            domain=False,
            ticks=False,
            grid=False,
            labelExpr=_called(keys, names),
        ),
    )
    y = alt.Y("place:Q", axis=None, scale=alt.Scale(domain=[-0.02, 1.02], nice=False))
    colours = alt.Scale(domain=[0, 100], range=list(style.SEQUENCE[1:]))
    legend = alt.Legend(gradientLength=120)
    numbers = {"dead": f"{context.word} %", **{t.quality.name: t.title for t in known}}
    tooltip = [
        *(alt.Tooltip(f"{labels.field(a)}:N", title=context.title(a)) for a in context.axes),
        alt.Tooltip("seed:N"),
        *(alt.Tooltip(f"{n}:Q", title=t, format=".4~g") for n, t in numbers.items()),
        alt.Tooltip("record:N"),
    ]
    lines = (
        alt.Chart(charts.data(rows))
        .transform_fold([*keys], as_=["axis", "place"])
        .transform_filter("isValid(datum.place)")
        .mark_line(strokeWidth=1 if len(rows) < MANY else 0.5)
        .encode(
            x=x,
            y=y,
            detail="run:N",
            color=alt.Color("dead:Q", scale=colours, title=f"{context.word} %", legend=legend),
            tooltip=tooltip,
        )
    )
    marks = alt.Chart(charts.data(_values(context, axes, known)))
    rules = marks.mark_rule(color=style.QUIET, strokeWidth=2).encode(
        x=x, y=alt.Y("low:Q", axis=None), y2="high:Q"
    )
    gap = (context.width - sum(SIDES)) / (len(names) - 1)
    said = {"align": "left", "dx": 5, "limit": gap - 8}
    text = marks.encode(x=x, y=y, text="written:N")
    # What is written over lines has a rim of paper.
    rim = text.mark_text(**said, stroke=style.PAPER, strokeWidth=3, strokeJoin="round")
    return alt.layer(lines, rules, rim, text.mark_text(**said)).properties(
        width=context.width - sum(SIDES), height=HEIGHT
    )


def _called(keys: Sequence[str], names: Sequence[str]) -> str:
    """An expression of Vega for the names of axes."""
    pairs = zip(keys, names, strict=True)
    cases = (f"datum.value == '{key}' ? {json.dumps(name)} : " for key, name in pairs)
    return "".join(cases) + "''"


def _values(context: Context, axes: Sequence[str], known: Sequence[QualityTerms]) -> list[Row]:
    """The values beside their axes, and the room of each."""
    rows: list[Row] = []
    for n, axis in enumerate(axes):
        domain = context.domain(axis)
        half = BAND / len(domain) / 2
        step = -(-len(domain) // MOST_NAMED)
        for k, value in enumerate(domain):
            at = (k + 0.5) / len(domain)
            written = "" if k % step else value
            ends = {"low": charts.number(at - half), "high": charts.number(at + half)}
            rows.append({"axis": f"at{n}", "place": charts.number(at), "written": written, **ends})
    scales = [100.0, *(terms.scale for terms in known)]
    return rows + [
        {"axis": f"at{n}", "place": at, "written": f"{scale * at:g}", "low": 0, "high": 1}
        for n, scale in enumerate(scales, start=len(axes))
        for at in (0, 0.25, 0.5, 0.75, 1)
    ]

"""What each setting does: its values with intervals over blocks, beside the mean of all runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from reluprobe.analysis import aggregate, lacking
from reluprobe.analysis.design import grid_of
from reluprobe.analysis.effects import Effect, Effects
from reluprobe.analysis.estimates import SHARE, Estimate, Limits
from reluprobe.config import labels
from reluprobe.report import formatting
from reluprobe.report.figures import charts, style
from reluprobe.report.figures.context import Context, Drawing, LackingError, Row, alt_text

#: Axes that have a place in the figure, at most.
MOST_AXES = 12
#: Pixels a value; of the values' names at most, and of a letter of theirs.
ROW, NAMES, LETTER = 17, 130, 6
NOTHING_VARIES = "nothing varies but the seed"


@dataclass(frozen=True)
class _Measure:
    """What is drawn of each value: dead units in percent, and how good networks are.

    Attributes:
        name, title: the field of an effect, and its heading.
        scale: what its values are multiplied by; ``limits``, between what they then can lie.
        explained: the share of its variance that each axis explains alone.
        centre: where the rule stands.
    """

    name: str
    title: str
    scale: float
    limits: Limits
    explained: dict[str, float]
    centre: float | None


def effects(context: Context) -> Drawing:
    """Each value of each axis: dead units and how good networks are, means over all else."""
    computed = _effects(context)
    axes = computed.axes[:MOST_AXES]
    listed = [effect for axis in axes for effect in _in_order(context, computed, axis)]
    measures = _measures(context, computed, listed)
    letters = max(len(labels.setting(effect.value)) for effect in listed)
    left = min(NAMES, LETTER * letters + charts.GAP)
    room = context.width - left - charts.RIGHT - charts.GAP * (len(measures) - 1)
    panels = [
        _panel(context, listed, measure, room / len(measures), first=place == 0)
        for place, measure in enumerate(measures)
    ]
    chart = alt.hconcat(*panels, spacing=charts.GAP)
    return chart, _caption(context, computed, len(axes)), _facts(context, computed)


def _effects(context: Context) -> Effects:
    if (reason := lacking.end(context.records)) is not None:
        raise LackingError(reason)
    if context.effects is None or not context.effects.effects:
        raise LackingError(NOTHING_VARIES)
    names = ("dead", *(terms.quality.name for terms in context.qualities))
    if not any(getattr(e, name) for e in context.effects.effects for name in names):
        raise LackingError("no run ended with finite numbers")
    return context.effects


def _in_order(context: Context, computed: Effects, axis: str) -> list[Effect]:
    order = context.domain(axis)
    values = [effect for effect in computed.effects if effect.axis == axis]
    return sorted(values, key=lambda effect: order.index(labels.setting(effect.value)))


def _measures(context: Context, computed: Effects, listed: Sequence[Effect]) -> list[_Measure]:
    runs = context.records
    if computed.design == "star" and (grid := grid_of(runs)) and grid.centre is not None:
        runs = tuple(grid.runs[grid.centre])
    (middle,) = aggregate.summarize(runs, context.definition, by=())
    named = [
        ("dead", f"{context.word} %", 100.0, SHARE, computed.dead, middle.mean),
        *(
            (q.name, t.title, t.scale, q.limits, q.among(computed), q.among(middle))
            for t in context.qualities
            for q in (t.quality,)
        ),
    ]
    return [
        _Measure(
            name,
            title,
            scale,
            (scale * limits[0], scale * limits[1]),
            {part.axes[0]: part.share for part in shares or () if len(part.axes) == 1},
            None if mean is None else charts.number(scale * mean.mean),
        )
        for name, title, scale, limits, shares, mean in named
        if any(getattr(effect, name) for effect in listed)
    ]


def _panel(
    context: Context, listed: Sequence[Effect], measure: _Measure, width: float, first: bool
) -> Any:
    """One measure: a panel for each axis, its values below each other."""
    heads = _heads(context, listed, measure, first)
    rows: list[Row] = [
        {
            labels.field(e.axis): labels.setting(e.value),
            "setting": heads[e.axis],
            "value": labels.setting(e.value),
            "place": place,
            "runs": e.runs,
            "blocks": e.blocks,
            **charts.span(estimate, measure.scale),
        }
        for place, e in enumerate(listed)
        if (estimate := getattr(e, measure.name)) is not None
    ]
    names = alt.Axis(title=None, labelPadding=4, grid=False, labelLimit=NAMES) if first else None
    y = alt.Y("value:N", sort=alt.EncodingSortField("place", op="min"), axis=names)
    numbers = {
        "mean": measure.title, "low": "from", "high": "to", "runs": "runs", "blocks": "blocks",
    }  # fmt: skip
    tooltip = [
        *map(alt.Tooltip, ("setting:N", "value:N")),
        *(alt.Tooltip(f"{n}:Q", title=t, format=".4~g") for n, t in numbers.items()),
    ]
    means = [*_numbers(rows, "mean"), *([] if measure.centre is None else [measure.centre])]
    shown = charts.reached(means, [*_numbers(rows, "low"), *_numbers(rows, "high")], measure.limits)
    ends = charts.around([*means, *shown], *measure.limits)
    scale = alt.Scale(domain=ends, nice=False)
    base = alt.Chart().encode(y=y, tooltip=tooltip)
    layers = []
    if measure.centre is not None:
        middle = alt.XDatum(measure.centre, scale=scale, title=measure.title)
        layers.append(alt.Chart().mark_rule(strokeDash=[2, 2], strokeWidth=1).encode(x=middle))
    layers += [
        base.mark_rule(color=style.COLOURS[0], strokeWidth=1.6, clip=True).encode(
            x=alt.X("low:Q", scale=scale, title=measure.title), x2="high:Q"
        ),
        base.mark_point(color=style.COLOURS[0], size=36, filled=False).encode(
            x=alt.X("mean:Q", scale=scale, title=measure.title, axis=alt.Axis(tickCount=5)),
            fill=alt.condition(
                "datum.blocks > 0", alt.value(style.COLOURS[0]), alt.value(style.PAPER)
            ),
        ),
    ]
    header = alt.Header(title=None, labelOrient="top", labelAnchor="start")
    order = list(dict.fromkeys(heads[e.axis] for e in listed))
    return (
        alt.layer(*layers, data=charts.data(rows))
        .properties(width=width, height=alt.Step(ROW))
        .facet(row=alt.Row("setting:N", sort=order, header=header), spacing=6)
        .resolve_scale(y="independent")
    )


def _numbers(rows: Sequence[Row], field: str) -> list[float]:
    return [float(str(row[field])) for row in rows if row[field] is not None]


def _heads(
    context: Context, listed: Sequence[Effect], measure: _Measure, named: bool
) -> dict[str, str]:
    """Of each axis its name, in the first panel, and the share of the variance it explains."""
    heads: dict[str, str] = {}
    for axis in dict.fromkeys(effect.axis for effect in listed):
        share = measure.explained.get(axis)
        told = "" if share is None else f"{100 * share:.0f}% of the variance"
        name = context.title(axis)
        # A panel's head is what tells it apart: in the second they are padded with what has no ink.
        heads[axis] = f"{name}: {told}" if named and told else name if named else told
        while heads[axis] in [head for other, head in heads.items() if other != axis]:
            heads[axis] += " "
    return heads


def _caption(context: Context, computed: Effects, shown: int) -> str:
    estimates: list[Estimate | None] = [effect.dead for effect in computed.effects]
    if any(e is not None and e.half_width is not None for e in estimates):
        lines = (
            " Lines: 95% intervals over blocks, runs that differ in this setting alone; of two "
            "values those differ that do not meet."
        )
    else:
        lines = " Of one block there is no interval."
    if any(not effect.blocks for effect in computed.effects):
        lines += " Hollow: no block has all the values, which may differ in more than this setting."
    star = computed.design == "star"
    lines += f" Dashed: {'the common configuration' if star else 'the mean of all'}."
    more = (
        f" The first {shown} of {len(computed.axes)} settings."
        if shown < len(computed.axes)
        else ""
    )
    shares = f" Shares of the variance: {computed.method}." if computed.dead else ""
    return (
        f"What each setting does to {context.word} units and {context.qualities_named} of the "
        f"finished networks: means over all else, the setting that matters most on top."
        f"{lines}{shares}{more}"
    )


def _facts(context: Context, computed: Effects) -> str:
    facts = []
    for axis in computed.axes:
        values = [
            f"{labels.setting(e.value)} {formatting.plus_minus(e.dead)}%"
            for e in computed.effects
            if e.axis == axis
        ]
        facts.append(f"{labels.name(axis)}: {context.word} {', '.join(values)}")
    return alt_text(facts)

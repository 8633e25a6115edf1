"""Published values and claims beside our means and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from reluprobe.analysis import claims, replication
from reluprobe.analysis.claim_measures import limits
from reluprobe.analysis.claims import Judged, Verdict
from reluprobe.analysis.estimates import SHARE
from reluprobe.analysis.replication import PublishedValue, Replication
from reluprobe.config import published
from reluprobe.config.claim_form import OrderingClaim
from reluprobe.report import formatting
from reluprobe.report.figures import charts, style
from reluprobe.report.figures.context import Context, Drawing, LackingError, Row, alt_text
from reluprobe.report.terminal.claims import RANGES, of_row, range_of, words

#: What a verdict looks like; it stands in words beside it.
VERDICTS = {
    Verdict.HOLDS: style.COLOURS[2],
    Verdict.FAILS: style.COLOURS[3],
    Verdict.OPEN: style.COLOURS[5],
}
OURS, THEIRS = "ours: mean, 95% of new seeds", "published"
#: Pixels: a row, a claim's, the names left of claims, the verdicts right of them; a range's bar.
ROW, CLAIM, NAMES, WORDS, BAR = 16, 20, 380, 96, 13
#: Panels side by side, at most.
ACROSS = 4
#: How far below its middle a row is drawn that has its words above.
BELOW = 7
#: The narrowest range that is seen, in percent of the axis.
LEAST = 0.6


def _compared(context: Context) -> Replication:
    reference = context.archive.reference
    if reference is None:
        raise LackingError("the sweep names no published record")
    return replication.compare(context.records, reference)


def values(context: Context) -> Drawing:
    """Published values beside the interval in which a new seed of ours would lie."""
    replicated = _compared(context)
    if not replicated.reference.runs:
        raise LackingError("the reference has claims, and no numbers")
    if not replicated.rows:
        raise LackingError("; ".join(replicated.skipped))
    chosen = [*replicated.chosen.values()]
    order = list(dict.fromkeys(of_row(row) for row in replicated.rows))
    panels = {runs.name: f"{runs.name}, epoch {runs.epoch}" for runs in chosen}
    rows = [_value(row, panels[row.name]) for row in replicated.rows]
    definition = replicated.reference.definition.replace("_", " ")
    scale = alt.Scale(domain=[0, 100])
    whose = alt.Scale(domain=[OURS, THEIRS], range=list(style.COLOURS[:2]))
    shapes = alt.Scale(domain=[OURS, THEIRS], range=["circle", "diamond"])
    ranges = any(isinstance(row.published, tuple) for row in replicated.rows)
    ends = ["published", *(["published_to"] if ranges else [])]
    tooltip = [
        *map(alt.Tooltip, ("panel:N", "measure:N")),
        *(alt.Tooltip(f"{n}:Q", format=".4~g") for n in ("ours", "low", "high", *ends)),
    ]
    y = alt.Y("measure:N", sort=order, title=None)
    base = alt.Chart().encode(y=y, tooltip=tooltip)
    folded = base.transform_fold(["ours", *ends], as_=["key", "value"]).transform_calculate(
        whose=f"datum.key == 'ours' ? '{OURS}' : '{THEIRS}'"
    )
    points = folded.transform_filter("isValid(datum.value)").mark_point(size=34).encode(
        x=alt.X("value:Q", title="%", scale=scale),
        color=alt.Color("whose:N", scale=whose, title=None),
        shape=alt.Shape("whose:N", scale=shapes, title=None),
    )  # fmt: skip
    intervals = base.mark_rule(color=style.COLOURS[0], strokeWidth=1.5).encode(
        x=alt.X("low:Q", title="%", scale=scale), x2=alt.X2("high:Q")
    )
    layers = [intervals, points]
    if ranges:
        # Wide and pale: below ours, which may lie on it.
        layers.insert(
            0,
            base.transform_filter("isValid(datum.published_to)")
            .mark_rule(color=style.COLOURS[1], strokeWidth=5, opacity=0.35)
            .encode(x=alt.X("published:Q", title="%", scale=scale), x2=alt.X2("published_to:Q")),
        )
    across = min(len(chosen), ACROSS) if context.width == style.PAGE else 1
    width = (context.width - 110 - charts.GAP * (across - 1)) / across
    chart = (
        alt.layer(*layers)
        .properties(width=width, height=alt.Step(ROW), data=charts.data(rows))
        .facet(facet=alt.Facet("panel:N", sort=[*panels.values()], title=None), columns=across)
    )
    judged = [row for row in replicated.rows if row.inside is not None]
    inside = sum(row.inside is True for row in judged)
    facts = [
        f"{row.name} {of_row(row)}: published {formatting.published(row.published)}, ours "
        f"{_interval(row)}"
        for row in replicated.rows
        if row.inside is False
    ]
    caption = (
        f"What was published ({replicated.reference.name}) beside our mean and the interval in "
        f"which 95% of new seeds of ours would lie: {inside} of {len(judged)} published values lie "
        f"in it. Layers and their mean: {definition}."
    )
    if ranges:
        caption += f" Pale: {RANGES}."
    outside = f"Outside: {alt_text(facts)}" if facts else "None lies outside."
    return chart, caption, f"{inside} of {len(judged)} values inside. {outside}"


def _value(row: PublishedValue, panel: str) -> Row:
    ours = charts.span(row.ours, 100)
    theirs: Row = {"published": None}
    if row.published is not None:
        low, high = published.ends(row.published)
        theirs = {"published": charts.number(100 * low)}
        if low < high:
            theirs["published_to"] = charts.number(100 * high)
    numbers = {"ours": ours["mean"], "low": ours["low"], "high": ours["high"]}
    return {"panel": panel, "measure": of_row(row), **theirs, **numbers}


def _interval(row: PublishedValue) -> str:
    if row.ours is None or row.ours.low is None:
        return formatting.NOT_APPLICABLE
    return f"{formatting.percent(row.ours.low)} to {formatting.percent(row.ours.high)}"


def verdicts(context: Context) -> Drawing:
    """Every claim: the range in which it is true, our mean with its interval, and the verdict."""
    replicated = _compared(context)
    every = claims.judge_all(replicated)
    judged = [j for j in every if j.estimate is not None]
    if not judged:
        measured = "no run was measured by what the claims are of"
        absent = "; ".join(replicated.skipped) or "nothing is claimed of what was run"
        raise LackingError(measured if every else absent)
    chart = _claims(context, judged)
    facts = [
        f"{words(j)}: {j.verdict.value}, {formatting.plus_minus(j.estimate)} where the claim is "
        f"true in {range_of(j)}"
        for j in judged
    ]
    caption = (
        "What was claimed: the shaded range is where a claim is true, the point our mean with its "
        f"{context.beside([j.estimate for j in judged]) or '95% interval'}. A claim holds where "
        "a 95% interval over seeds lies in the range, does not hold where it lies wholly outside, "
        "and otherwise cannot be told."
    )
    return chart, caption, alt_text(facts, most=len(facts))


def _claims(context: Context, judged: Sequence[Judged]) -> Any:
    """A row a claim: first those of shares, then those of differences, an axis of their own each.

    A difference of one point would lie on 0 of an axis of shares.
    """
    shares = [
        j for j in judged if limits(j.claim) == SHARE and not isinstance(j.claim, OrderingClaim)
    ]
    others = [j for j in judged if j not in shares]
    drawn = []
    if shares:
        drawn.append(_of_one_axis(context, shares, (0.0, 100.0), "%"))
    if others:
        drawn.append(_of_one_axis(context, others, (0.0, 0.0), "points"))
    return drawn[0] if len(drawn) == 1 else alt.vconcat(*drawn)


def _of_one_axis(
    context: Context, judged: Sequence[Judged], least: tuple[float, float], title: str
) -> Any:
    """Claims on one axis; in a column of a paper their words stand above them, not beside."""
    ends = [charts.span(j.estimate, 100) for j in judged]
    known = [float(value) for end in ends for value in end.values() if value is not None]
    low, high = min(least[0], *known), max(least[1], *known)
    # Where a claim is true is to be seen, also where nothing lies in it.
    if least[0] == least[1]:
        room = 0.1 * (high - low or 1.0)
        low, high = low - room, high + room
    rows: list[Row] = [
        {"claim": words(j), "verdict": j.verdict.value, **end, **_range(j, low, high)}
        for j, end in zip(judged, ends, strict=True)
    ]
    order = [str(row["claim"]) for row in rows]
    above = context.width < style.PAGE
    names = None if above else alt.Axis(title=None, labelLimit=NAMES, grid=False)
    base = alt.Chart(charts.data(rows)).encode(y=alt.Y("claim:N", sort=order, axis=names))
    down = BELOW if above else 0
    layers = _judged(base, alt.Scale(domain=[low, high], nice=False), down, title)
    if above:
        place = {"align": "left", "dy": -BELOW, "limit": context.width - charts.GAP}
        layers.append(base.mark_text(**place).encode(x=alt.value(0), text="claim:N"))
    width = context.width - WORDS - (0 if above else NAMES)
    height = alt.Step(CLAIM + 2 * down)
    return alt.layer(*layers).properties(width=width, height=height)


def _judged(base: Any, scale: alt.Scale, down: float, title: str) -> list[Any]:
    """Where claims are true, our means with their intervals, and the verdicts in words."""
    said = alt.Scale(domain=[v.value for v in VERDICTS], range=[*VERDICTS.values()])
    colour = alt.Color("verdict:N", scale=said, legend=None)
    tooltip = [
        *map(alt.Tooltip, ("claim:N", "verdict:N")),
        *(alt.Tooltip(f"{n}:Q", format=".4~g") for n in ("mean", "low", "high")),
    ]
    start, low, mean = (alt.X(f"{n}:Q", title=title, scale=scale) for n in ("start", "low", "mean"))
    return [
        base.mark_bar(color=style.SHADE, height=BAR, yOffset=down).encode(x=start, x2="stop:Q"),
        base.mark_rule(strokeWidth=1.4, yOffset=down).encode(x=low, x2="high:Q", color=colour),
        base.mark_point(size=34, yOffset=down).encode(x=mean, color=colour, tooltip=tooltip),
        base.mark_text(align="left", dx=6, dy=down).encode(
            x=alt.value("width"), text="verdict:N", color=colour
        ),
    ]


def _range(judged: Judged, low: float, high: float) -> Row:
    """Where a claim is true, wide enough to be seen."""
    start, stop = max(100 * judged.low, low), min(100 * judged.high, high)
    least = LEAST * (high - low) / 100
    return {"start": charts.number(start), "stop": charts.number(max(stop, start + least))}

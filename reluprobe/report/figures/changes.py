"""The figure of a comparison: what each change does to dead units and to how good networks are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import altair as alt

from reluprobe.analysis.bootstrap import Change
from reluprobe.analysis.compare import Comparison, sort_contrasts
from reluprobe.analysis.contrast import Contrast, verdict
from reluprobe.analysis.sorting import SHARES
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report.export import changes
from reluprobe.report.figures import charts, style
from reluprobe.report.figures.context import Row, alt_text
from reluprobe.report.figures.drawn_figure import DrawnFigure
from reluprobe.report.formatting import points
from reluprobe.report.quality_terms import terms_of_quality
from reluprobe.report.terminal.compare_text import quality_changes
from reluprobe.report.terminal.tables import CALLED
from reluprobe.report.terms import terms_of

#: Pixels a change; of the names to the left at most, and of a letter of theirs.
ROW, NAMES, LETTER = 17, 200, 6
TITLE = "What each change of settings does"
FILLED = "Filled: the interval is on one side of 0. A point without a line has none."


class Shown(NamedTuple):
    """A change, what it is called, and the group that it is in."""

    name: str
    group: str
    contrast: Contrast


def figure(
    compared: Comparison,
    runs: Sequence[RunRecord],
    sort: str = "dead",
    width: int = style.PAGE,
) -> DrawnFigure:
    """Every change with its intervals, the best on top; a panel a measure, a row a group.

    Args:
        compared: what is shown.
        runs: of what it was made.
        sort: order changes by one of ``sorting.SORT_KEYS``.
        width: in pixels.
    """
    rows = [(group, row) for group in compared.groups for row in sort_contrasts(group.rows, sort)]
    names = changes.named([contrast for _, contrast in rows])
    every = [
        Shown(name, labels.settings(group.within), contrast)
        for name, (group, contrast) in zip(names, rows, strict=True)
    ]
    measures = _measures(compared, every, runs)
    # In a column of a paper panels stand below each other, each with its names.
    beside = 1 if width < style.PAGE else len(measures)
    longest = max((len(shown.name) for shown in every), default=0)
    left = min(NAMES, LETTER * longest + charts.GAP)
    room = (width - left - charts.RIGHT - charts.GAP * (beside - 1)) / beside
    panels = [
        _panel(compared, every, measure, title, room, named=n % beside == 0)
        for n, (measure, title) in enumerate(measures.items())
    ]
    join = alt.vconcat if beside == 1 else alt.hconcat
    chart = join(*panels, spacing=charts.GAP)
    caption = f"{changes.caption(compared, runs, 'line')} {FILLED}"
    return DrawnFigure("changes", TITLE, caption, _facts(compared, every), chart, width=width)


def _measures(
    compared: Comparison, every: Sequence[Shown], runs: Sequence[RunRecord]
) -> dict[str, str]:
    """Dead units, and beside them accuracy or R²; of records that have neither the loss."""
    word = CALLED[compared.question.definition][0]
    titles = {"dead": f"change in {word}, points"}
    beside = {
        terms.quality.name: f"change in {terms.name}{', points' if terms.points else ''}"
        for terms in terms_of_quality(runs)
        if any(shown.contrast.changes[terms.quality.name] for shown in every)
    }
    return titles | (beside or {"loss": f"change in {terms_of(runs).loss}"})


def _panel(
    compared: Comparison,
    every: Sequence[Shown],
    measure: str,
    title: str,
    width: float,
    named: bool,
) -> Any:
    rows: list[Row] = [
        _row(place, shown, change, measure, compared)
        for place, shown in enumerate(every)
        if (change := shown.contrast.changes[measure]) is not None
    ]
    if not rows:
        return alt.Chart(charts.data([{"text": "n/a"}])).mark_text().encode(text=alt.Text("text:N"))
    spans = [_span(change, measure) for one in every if (change := one.contrast.changes[measure])]
    ends = [0.0, *(end for span in spans for end in span.values())]
    margin = 0.04 * (max(ends) - min(ends)) or 1.0
    scale = alt.Scale(domain=[min(ends) - margin, max(ends) + margin], nice=False)
    names = alt.Axis(title=None, labelPadding=4, grid=False, labelLimit=NAMES)
    y = alt.Y(
        "change:N", sort=alt.EncodingSortField("place", op="min"), axis=names if named else None
    )
    x = alt.X("mean:Q", scale=scale, title=title, axis=alt.Axis(tickCount=5))
    base = alt.Chart().encode(y=y, tooltip=_tooltip(title))
    zero = alt.Chart().mark_rule(strokeWidth=1).encode(x=alt.datum(0))
    whisker = base.mark_rule(color=style.COLOURS[0], strokeWidth=1.6).encode(
        x=alt.X("low:Q", scale=scale, title=title), x2=alt.X2("high:Q")
    )
    point = base.mark_point(color=style.COLOURS[0], size=36, filled=False).encode(
        x=x,
        fill=alt.condition("datum.clear", alt.value(style.COLOURS[0]), alt.value(style.PAPER)),
    )
    layers = alt.layer(zero, whisker, point, data=charts.data(rows)).properties(
        width=width, height=alt.Step(ROW)
    )
    if not compared.question.within:
        return layers
    order = list(dict.fromkeys(shown.group for shown in every))
    # The panel to the left has the names of groups; the room for them is kept beside it.
    colour = style.INK if named else style.PAPER
    header = alt.Header(title=None, labelOrient="top", labelAnchor="start", labelColor=colour)
    facets = alt.Row("group:N", sort=order, header=header)
    return layers.facet(row=facets, spacing=8).resolve_scale(y="independent")


def _row(place: int, shown: Shown, change: Change, measure: str, compared: Comparison) -> Row:
    return {
        "change": shown.name,
        "group": shown.group,
        "place": place,
        "clear": change.rises or change.falls,
        "n": change.n,
        "verdict": verdict(shown.contrast, compared.question.definition),
        **_span(change, measure),
    }


def _span(change: Change, measure: str) -> dict[str, float]:
    """A change and the ends of its interval, of shares in points; without one they are itself."""
    unit = 100 if measure in SHARES else 1
    low, high = (change.mean if end is None else end for end in (change.low, change.high))
    ends = {"mean": change.mean, "low": low, "high": high}
    return {name: charts.number(unit * value) for name, value in ends.items()}


def _tooltip(title: str) -> list[alt.Tooltip]:
    numbers = {
        "mean": title,
        "low": "from",
        "high": "to",
        "n": "pairs or blocks",
    }
    return [
        alt.Tooltip("change:N"),
        *(alt.Tooltip(f"{n}:Q", title=said, format=".4~g") for n, said in numbers.items()),
        alt.Tooltip("verdict:N"),
    ]


def _facts(compared: Comparison, every: Sequence[Shown]) -> str:
    word = CALLED[compared.question.definition][0]
    facts = []
    for shown in every:
        name = shown.name + (f" at {shown.group}" if shown.group else "")
        dead = shown.contrast.changes["dead"]
        parts = [f"{points(dead and dead.mean)} points {word}"]
        beside = quality_changes(shown.contrast)
        parts += [f"{name} {write(change.mean)}" for name, write, change in beside]
        facts.append(f"{name}: {', '.join(parts)}")
    return alt_text(facts)

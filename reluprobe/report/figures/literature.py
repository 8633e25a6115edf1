"""Published values and claims beside our means and intervals."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from reluprobe.analysis import claims, replication
from reluprobe.analysis.claims import Judged, Verdict
from reluprobe.analysis.replication import PublishedValue, Replication
from reluprobe.report import formatting
from reluprobe.report.figures import panels, style
from reluprobe.report.figures.context import Context, Drawing, LackingError, alt_text, wrapped
from reluprobe.report.figures.style import LOOKS, Look
from reluprobe.report.terminal.claims import of_row, range_of

OURS, THEIRS = LOOKS[0], Look(LOOKS[1].colour, "D")
#: What a verdict looks like; it stands in words beside it.
VERDICTS = {Verdict.HOLDS: LOOKS[2], Verdict.FAILS: LOOKS[3], Verdict.OPEN: LOOKS[5]}


def _compared(context: Context) -> Replication:
    reference = context.archive.reference
    if reference is None:
        raise LackingError("the sweep names no published record")
    replicated = replication.compare(context.records, reference)
    if not replicated.rows:
        raise LackingError("; ".join(replicated.skipped))
    return replicated


def values(context: Context) -> Drawing:
    """Published values beside the interval in which a new seed of ours would lie."""
    replicated = _compared(context)
    names = list(replicated.chosen)
    most = max(sum(r.activation == name for r in replicated.rows) for name in names)
    figure = style.canvas(style.PAGE, 0.19 * most + 0.85)
    axes = figure.subplots(1, len(names), sharex=True, sharey=True, squeeze=False)[0]
    for ax, name in zip(axes, names, strict=True):
        rows = [row for row in replicated.rows if row.activation == name]
        for place, row in enumerate(rows):
            _beside(ax, place, row)
        ax.set_title(f"{name}, epoch {replicated.chosen[name].epoch}")
        ax.set_yticks(range(len(rows)), [of_row(row) for row in rows])
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="y", color=style.QUIET, alpha=0.25, linewidth=0.4)
    axes[0].invert_yaxis()
    axes[0].set_xlim(-3, 103)
    keys = [
        Line2D([], [], marker=OURS.marker, color=OURS.colour, label="ours: mean, 95% of new seeds"),
        Line2D([], [], linestyle="", marker="D", color=THEIRS.colour, label="published"),
    ]
    figure.legend(handles=keys, **style.ABOVE)
    figure.supxlabel(f"{replicated.reference.definition.replace('_', ' ')} %, and test accuracy %")
    judged = [row for row in replicated.rows if row.inside is not None]
    facts = [
        f"{row.activation} {of_row(row)}: published {formatting.percent(row.published)}, ours "
        f"{_interval(row)}"
        for row in replicated.rows
        if row.inside is False
    ]
    inside = sum(row.inside is True for row in judged)
    caption = (
        f"What was published ({replicated.reference.name}) beside our mean and the interval in "
        f"which 95% of new seeds of ours would lie: {inside} of {len(judged)} published values lie "
        "in it."
    )
    outside = f"Outside: {alt_text(facts)}" if facts else "None lies outside."
    return figure, caption, f"{inside} of {len(judged)} values inside. {outside}"


def _beside(axes: Axes, place: int, row: PublishedValue) -> None:
    ours = row.ours
    if ours is not None:
        low, high = (ours.mean if end is None else end for end in (ours.low, ours.high))
        axes.plot([100 * low, 100 * high], [place] * 2, "-", color=OURS.colour)
        axes.plot([100 * ours.mean], [place], OURS.marker, color=OURS.colour)
    if row.published is not None:
        axes.plot(
            [100 * row.published],
            [place],
            THEIRS.marker,
            color=THEIRS.colour,
            zorder=3,
            markersize=3.6,
        )


def _interval(row: PublishedValue) -> str:
    if row.ours is None or row.ours.low is None:
        return formatting.NOT_APPLICABLE
    return f"{formatting.percent(row.ours.low)} to {formatting.percent(row.ours.high)}"


def verdicts(context: Context) -> Drawing:
    """Every claim: the range in which it is true, our mean with its interval, and the verdict."""
    every = claims.judge_all(_compared(context))
    judged = [j for j in every if j.estimate is not None]
    if not judged:
        measured = "no run was measured by what the claims are of"
        raise LackingError(measured if every else "nothing is claimed of what was run")
    figure = style.canvas(style.PAGE, 0.25 * len(judged) + 0.5)
    axes = figure.subplots()
    ends = [100 * panels.ends(j.estimate)[0] for j in judged if j.estimate]
    axes.set_xlim(min(-3.0, *ends) - 2, 103)
    for place, claim in enumerate(judged):
        _claim(axes, place, claim)
    axes.set_yticks(range(len(judged)), [wrapped(_words(j), 52) for j in judged])
    axes.set_ylim(len(judged) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("%")
    facts = [
        f"{_words(j)}: {j.verdict.value}, {formatting.plus_minus(j.estimate)} where the claim is "
        f"true in {range_of(j.claim)}"
        for j in judged
    ]
    caption = (
        "What was claimed: the shaded range is where a claim is true, the point our mean with its "
        f"{context.beside([j.estimate for j in judged]) or '95% interval'}. A claim holds where "
        "a 95% interval over seeds lies in the range, does not hold where it lies wholly outside, "
        "and otherwise cannot be told."
    )
    return figure, caption, alt_text(facts, most=len(facts))


def _claim(axes: Axes, place: int, judged: Judged) -> None:
    low, high = axes.get_xlim()
    start, end = max(100 * judged.claim.low, low), min(100 * judged.claim.high, high)
    width = max(end - start, 0.6)  # a range of one number would not be seen
    axes.barh(place, width, 0.66, start, color=style.QUIET, alpha=0.3, linewidth=0)
    look = VERDICTS[judged.verdict]
    if judged.estimate is not None:
        panels.whisker(axes, place, judged.estimate, look)
    axes.annotate(
        judged.verdict.value, (1.02, place), xycoords=("axes fraction", "data"), va="center",
        color=look.colour, fontsize=style.SMALL,
    )  # fmt: skip


def _words(judged: Judged) -> str:
    claim = judged.claim
    source = "" if claim.source == claims.STUDY else f"{claim.source}: "
    return f"{source}{claim.activation}: {claim.text} ({claim.counted})"

"""What a report's sections say, a line each, with the flag that shows the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from reluprobe.analysis import (
    claims,
    death_causes,
    learning_curves,
    rates,
    replication,
    splits,
    thresholds,
    unit_fates,
)
from reluprobe.analysis.aggregate import Summary
from reluprobe.analysis.claims import Verdict
from reluprobe.analysis.death_causes import Blame
from reluprobe.analysis.sorting import extremes
from reluprobe.analysis.splits import SplitShares
from reluprobe.config import labels
from reluprobe.records.folder import Archive
from reluprobe.report import formatting
from reluprobe.report.terminal import blocks
from reluprobe.report.terminal.layout import plain_table, shown_layers
from reluprobe.report.terminal.tables import CALLED
from reluprobe.report.terms import terms_of

#: Layers that are named; probes of a course.
MOST_LAYERS, MOST_PROBES = 5, 16
#: Of more configurations than this only the one with the most dead is looked at on other data.
MOST_LOOKED_AT = 40
#: Shares of a fall beyond these say that causes worked against each other.
FAR, HALF = 2.0, 0.5
#: Of fewer rare units than this nothing is said.
WORTH_A_LINE = 0.01
Rows = Sequence[Summary]
#: What it is about, what it comes to, and the flag that shows more.
Line = tuple[str, str, str]


def parts(
    sweep: Archive, rows: Rows, definition: str, base: Summary | None = None
) -> list[RenderableType]:
    """A title and a line a section: of the configuration with the most dead, or of ``base``."""
    best, most = extremes(rows, 1)
    worst = base or next(iter([*most, *best]), None)
    if worst is None:
        return []
    lines = [
        *_layers(worst, definition),
        *_course(worst, definition),
        *_splits(rows if base is None else [], worst, definition),
        *_lives(worst, definition),
        *_rates(worst),
        *_causes(worst),
        *_claims(sweep),
    ]
    if not lines:
        return []
    table = plain_table()
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True, style="dim")
    table.show_header = False
    for line in lines:
        table.add_row(*line)
    name = f": {labels.settings(worst.settings)}" if len(rows) > 1 else ""
    which = (
        f"where most are {CALLED[definition][0]}" if base is None else "where nothing is changed"
    )
    title = f"{which}{name}" if name else "more"
    return [Text(title, style="italic"), table]


def _layers(row: Summary, definition: str) -> Iterator[Line]:
    shares = {name: e for name, e in row.layers.items() if e is not None}
    if len(shares) < 2:
        return
    names = [*shares]
    shown = [names[i] for i in shown_layers(len(names), MOST_LAYERS)]
    listed = [f"{name} {formatting.mean(shares[name])}" for name in shown]
    some = f" ({len(shown)} of {len(names)})" if len(shown) < len(names) else ""
    yield "by layer", f"{', '.join(listed)}%{some}", "--full"
    yield from _called(row, shown)


def _called(row: Summary, shown: Sequence[str]) -> Iterator[Line]:
    """Which of somebody's own network's layers these are."""
    run = row.members[0]
    called = dict(zip(run.layer_names, run.layers, strict=False))
    listed = [f"{name} {called[name].name}" for name in shown if name in called]
    if run.ours is not None and listed:
        yield "layers", ", ".join(listed), "--json"


def _course(row: Summary, definition: str) -> Iterator[Line]:
    """The whole network's share at every probe, as a sparkline."""
    curve = learning_curves.network(row.members, definition)
    if not curve:
        return
    places = shown_layers(len(curve.values), MOST_PROBES)
    shares = [value.mean for value in curve.values]
    terms = terms_of(row.members)
    drawn = blocks.heights([shares[i] for i in places])
    ends = f"{formatting.percent(shares[0])} → {formatting.percent(shares[-1])}%"
    yield (
        f"by {terms.clock}",
        f"{drawn} {ends}, {terms.span(curve.when[0], curve.when[-1])}",
        "--lives",
    )


def _splits(rows: Rows, worst: Summary, definition: str) -> Iterator[Line]:
    """On the largest other sample, the training set; of few configurations who is next there."""
    at = splits.by_split(worst.members, definition)
    names = [name for name in at.shares if name != "probe"] if at else []
    if at is None or not names:
        return
    name = max(names, key=lambda name: at.examples[name])
    text = f"{formatting.mean(at.shares[name])}% of {at.examples[name]:,}"
    if at.awakened is not None and name == "train":
        text += f", where {formatting.mean(at.awakened)}% of the probe's dead fire"
    yield f"on {name}", text, "--full"
    if not 1 < len(rows) <= MOST_LOOKED_AT:
        return
    others = ((row, splits.by_split(row.members, definition)) for row in rows if row is not worst)
    means = [(_mean(shares, name), row) for row, shares in others if shares]
    # Where all others failed there is none.
    mean, next_ = max(means, key=_first, default=(0.0, worst))
    if mean > 0:
        text = f"next there {formatting.percent(mean)}%: {labels.settings(next_.settings)}"
        yield "", text, ""


def _first(pair: tuple[float, Summary]) -> float:
    return pair[0]


def _mean(shares: SplitShares, name: str) -> float:
    estimate = shares.shares.get(name)
    return -1.0 if estimate is None else estimate.mean


def _lives(row: Summary, definition: str) -> Iterator[Line]:
    fates = unit_fates.fates(row.members, definition)
    if fates is None or fates.network.revives is None:
        return
    fate = fates.network
    are = "live" if definition == "dead" else "are so no longer"
    text = f"{formatting.mean(fate.revives)}% of the {definition} {are} at the next probe"
    if fate.permanent is not None:
        text += f", {formatting.mean(fate.permanent)}% for good"
    yield "lives", text, "--lives"


def _rates(row: Summary) -> Iterator[Line]:
    rare = rates.at_end(row.members)["rare"]
    if rare is not None and rare.mean >= WORTH_A_LINE:
        largest = max(thresholds.counted(run).rare or 0 for run in row.members)
        yield (
            "rare",
            f"{formatting.mean(rare)}% fire on at most {100 * largest:g}% of the probe",
            "--rates",
        )


def _causes(row: Summary) -> Iterator[Line]:
    blamed = death_causes.blame(row.members)
    if blamed and blamed[-1].weights is not None:
        yield "causes", _blame(blamed[-1]), "--causes"


def _blame(whole: Blame) -> str:
    """Shares of the fall; what is below 0 held units up while the others pushed them down."""
    named = {"weights": whole.weights, "bias": whole.bias, "layers before": whole.upstream}
    shares = {name: e.mean for name, e in named.items() if e is not None}
    if max(map(abs, shares.values())) > FAR:
        down = " and ".join(n for n, share in shares.items() if share > HALF)
        up = " and ".join(n for n, share in shares.items() if share < -HALF)
        return f"{down} pushed them down{f', {up} held them up' if up else ''}"
    listed = ", ".join(f"{name} {100 * share:.0f}%" for name, share in shares.items())
    return listed.replace("-", "−")


def _claims(sweep: Archive) -> Iterator[Line]:
    """How the claims came out that go with the published record; without any, its numbers."""
    if sweep.reference is None:
        return
    compared = replication.compare(sweep.records, sweep.reference)
    judged = claims.judge_all(compared)
    inside = [row.inside for row in compared.rows if row.inside is not None]
    if judged:
        counts = {v: sum(j.verdict is v for j in judged) for v in Verdict}
        words = {
            Verdict.HOLDS: ("holds", "hold"),
            Verdict.FAILS: ("does not", "do not"),
            Verdict.OPEN: ("cannot be told", "cannot be told"),
        }
        listed = ", ".join(f"{n} {words[v][n > 1]}" for v, n in counts.items() if n)
        yield "claims", f"of {len(judged)} published with {sweep.reference.name} {listed}", "--full"
    elif inside:
        which = f"{sum(inside)} of {len(inside)} values ({sweep.reference.name})"
        yield "published", f"{which} lie in a new seed's interval", "--full"

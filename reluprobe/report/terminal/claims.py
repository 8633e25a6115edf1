"""Tables of published values beside ours, and of the claims that go with them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from reluprobe.analysis.claim_intervals import ALIKE
from reluprobe.analysis.claims import Judged, Verdict
from reluprobe.analysis.replication import Chosen, Prediction, PublishedValue, Replication
from reluprobe.config import labels
from reluprobe.config.claim_form import OrderingClaim, TrendClaim
from reluprobe.report import formatting
from reluprobe.report.terminal.layout import plain_table

COLOURS = {Verdict.HOLDS: "green", Verdict.FAILS: "red", Verdict.OPEN: "yellow"}
RULE = (
    "holds: the 95% interval of our mean lies in the claimed range; does not hold: wholly outside "
    "it; otherwise, or with one seed or several configurations, cannot be told"
)
RANGES = (
    "a range, of several publications, is inside where the interval and it have a part in common"
)


def heading(replication: Replication) -> list[Text]:
    """What is compared, how much of it agrees, and in what the runs are another experiment."""
    inside = [row.inside for row in replication.rows if row.inside is not None]
    name = replication.reference.name
    text = "nothing to compare" if replication.reference.runs else "claims, and no numbers"
    if replication.rows:
        kind = "each activation" if replication.by_activation else "each"
        text = f"no interval of a new seed: one run of {kind}, all alike, or several configurations"
    if inside:
        text = (
            f"{sum(inside)} of {len(inside)} values lie in the 95% interval of a new seed of ours"
        )
    lines = [Text(f"published ({name}): {text}", style="bold")]
    lines.append(Text(f"{replication.reference.source}", style="dim"))
    unchecked = ", ".join(replication.reference.unchecked())
    if unchecked:
        lines.append(Text(f"of its protocol, no setting stands for {unchecked}", style="dim"))
    if any(isinstance(row.published, tuple) for row in replication.rows):
        lines.append(Text(RANGES, style="dim"))
    return lines + [Text(line, style="yellow") for line in _warnings(replication)]


def _warnings(replication: Replication) -> list[str]:
    lines = list(replication.skipped)
    by_difference: dict[tuple[str, ...], list[str]] = {}
    for chosen in replication.picked.values():
        name = chosen.name or "all"
        by_difference.setdefault(chosen.differences, []).append(name)
        if chosen.configurations > 1:
            mixed = labels.count(chosen.configurations, "configuration")
            lines.append(f"{name}: {mixed} that the protocol does not tell apart; no interval")
        if chosen.left_out:
            left = labels.count(chosen.left_out, "run")
            lines.append(f"{name}: {left} farther from the protocol left out")
        if isinstance(chosen, Chosen) and chosen.epoch != chosen.entry.epoch:
            epochs = f"epoch {chosen.entry.epoch} as published beside epoch {chosen.epoch} of ours"
            lines.append(f"{name}: no epoch in common; {epochs}")
    for differences, names in by_difference.items():
        if differences:
            whose = "" if len(names) == len(replication.picked) else f" of {', '.join(names)}"
            what = ", ".join(differences)
            lines.append(f"runs{whose} differ from the reference's protocol in: {what}")
    return lines


def title(replication: Replication) -> Text:
    """What the table beside it shows."""
    epochs = sorted({chosen.epoch for chosen in replication.chosen.values()})
    when = f"epoch {' or '.join(map(str, epochs))}"
    return Text(
        f"published beside ours, {replication.reference.definition} % at {when}", style="italic"
    )


def table(replication: Replication) -> Table:
    """One row per published number: ours, a new seed's interval, and whether it lies inside."""
    table = plain_table()
    for name in ("activation" if replication.by_activation else "runs", "of"):
        table.add_column(name, no_wrap=True)
    for name in ("published", "our mean", "new seed", "published is", "dead %"):
        table.add_column(name, justify="right", no_wrap=True)
    before = None
    for row in replication.rows:
        name = "" if row.name == before else row.name
        before = row.name
        ours = formatting.percent(row.ours.mean if row.ours else None)
        cells = (formatting.published(row.published), ours, _interval(row.ours))
        dead = "" if row.layer is None else formatting.percent(row.dead.mean if row.dead else None)
        table.add_row(name, of_row(row), *cells, _inside(row), dead)
    return table


def of_row(row: PublishedValue) -> str:
    """What a published number is of: a layer, the mean of all, or the test accuracy."""
    if row.layer is None:
        return "test acc"
    return f"layer {row.layer}" if row.layer else "mean"


def _interval(prediction: Prediction | None) -> str:
    if prediction is None or prediction.low is None:
        return formatting.NOT_APPLICABLE
    return f"{formatting.percent(prediction.low)}–{formatting.percent(prediction.high)}"


def _inside(row: PublishedValue) -> Text:
    if row.inside is None:
        return Text(formatting.NOT_APPLICABLE, style="dim")
    return Text("inside", style="green") if row.inside else Text("outside", style="bold red")


def claims_title(judgements: Sequence[Judged]) -> Text:
    """How many claims came out how."""
    counts = {v: sum(j.verdict is v for j in judgements) for v in Verdict}
    text = (
        f"of {labels.count(len(judgements), 'claim')}, {counts[Verdict.HOLDS]} can be said to hold "
        f"and {counts[Verdict.FAILS]} not to; {counts[Verdict.OPEN]} cannot be told"
    )
    return Text(text, style="bold")


def claims(judgements: Sequence[Judged]) -> Table:
    """One row per claim: the verdict, what was measured, and what is claimed, by whom.

    The claim's words come last, so that they may take as many lines as they need.
    """
    table = plain_table()
    for name in ("verdict", "ours %", "true in %"):
        table.add_column(name, justify="left" if name == "verdict" else "right", no_wrap=True)
    table.add_column("claim (counted by)")
    for judged in judgements:
        table.add_row(
            Text(judged.verdict.value, style=COLOURS[judged.verdict]),
            formatting.plus_minus(judged.estimate),
            range_of(judged),
            Text(words(judged)),  # their words: a bracket in them is no markup
        )
    return table


def words(judged: Judged) -> str:
    """A claim in words: who says it unless the file's source does, of which runs, how counted."""
    claim, mean = judged.claim, judged.estimate
    source = "" if judged.own else f"{judged.source}: "
    counted = claim.counted
    if isinstance(claim, OrderingClaim):
        said, counted = f"{source}{claim.text}", f"{counted}, {judged.name}"
    else:
        said = f"{source}{judged.name}: {claim.text}"
    if judged.also:
        counted += f"; they differ in {', '.join(map(_plain, judged.also))} too"
    if mean is not None and mean.low is None and mean.n > 1:
        counted += f"; {mean.n} all alike, of {ALIKE} there is an interval"
    return f"{said} ({counted})"


def _plain(name: str) -> str:
    return name.replace("_", " ")


def range_of(judged: Judged) -> str:
    """Where a claim is true, in percent: ``25–28``, ``≥ 65``, ``> 0``, ``±0.5``."""
    claim = judged.claim
    if isinstance(claim, OrderingClaim):
        return _from(claim.by)
    if isinstance(claim, TrendClaim):
        written = {"up": _from(claim.by), "down": _to(-claim.by), "flat": f"±{claim.by:g}"}
        return written[claim.goes]
    ends = {"≥": claim.least, ">": claim.more_than, "≤": claim.most, "<": claim.less_than}
    if claim.least is not None and claim.most is not None:
        low, high = claim.least, claim.most
        return f"{low:g}" if low == high else f"{low:g}–{high:g}"
    return ", ".join(f"{sign} {end:g}" for sign, end in ends.items() if end is not None)


def _from(by: float) -> str:
    return f"≥ {by:g}" if by else "> 0"


def _to(by: float) -> str:
    return f"≤ {by:g}" if by else "< 0"

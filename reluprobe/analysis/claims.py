"""Claims about dead units, each with the measure that decides it: they stand in a reference file.

A claim is a range for the mean of a measure over seeds. With that mean's 95% interval it **holds**
where the interval lies in the range, **does not hold** where it lies wholly outside, and otherwise,
or with a single seed or runs of several configurations, **cannot be told**. An ordering is a range
of the difference between two sides, a trend one of a slope.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from reluprobe.analysis import claim_intervals
from reluprobe.analysis.blocks import Block
from reluprobe.analysis.claim_measures import is_count, limits, measured
from reluprobe.analysis.claim_sides import Sides, sides
from reluprobe.analysis.estimates import Estimate, Fold
from reluprobe.analysis.replication import Picked, Replication
from reluprobe.config import Reference, labels
from reluprobe.config.claim_form import Claim, OrderingClaim, RangeClaim, TrendClaim
from reluprobe.records import RunRecord


class Verdict(enum.Enum):
    """What the runs say of a claim."""

    HOLDS = "holds"
    FAILS = "does not hold"
    OPEN = "cannot be told"


@dataclass(frozen=True)
class Judged:
    """A claim and what decides it.

    Attributes:
        claim: as it is written.
        source: who says so; ``own`` whether it is the file's own source.
        name: what tells its runs from the others; of an ordering both sides, ``adam > sgd``.
        activation: theirs, where the claim is of the runs of an activation.
        estimate: None where no run has the measure.
        over: of an ordering, what its interval is over.
        also: settings in which the two sides of an ordering differ too.
    """

    claim: Claim
    source: str
    own: bool
    name: str
    estimate: Estimate | None
    verdict: Verdict
    activation: str | None = None
    over: claim_intervals.Over | None = None
    also: tuple[str, ...] = ()

    @property
    def low(self) -> float:
        """The least of the closed range in which the claim is true."""
        return self.claim.true_in[0]

    @property
    def high(self) -> float:
        """The most of it."""
        return self.claim.true_in[1]


def judge_all(replication: Replication) -> list[Judged]:
    """Every claim of this reference whose runs are there, in order."""
    judged = (judge(claim, replication) for claim in replication.reference.claims)
    return [one for one in judged if one is not None]


def judge(claim: Claim, replication: Replication) -> Judged | None:
    """Decide a claim from the runs that it is of; None where there are none."""
    if isinstance(claim, OrderingClaim):
        opposed = sides(claim, replication)
        return None if opposed is None else ordering(claim, opposed, replication)
    picked = replication.picked.get(claim.of)
    return None if picked is None else of_runs(claim, picked, replication.reference)


def of_runs(claim: RangeClaim | TrendClaim, picked: Picked, reference: Reference) -> Judged:
    """Decide a range or a trend from these runs."""
    mean = _mean(claim, picked)
    activation = picked.settings.get("activation")
    return Judged(
        claim,
        *_source(claim, reference),
        picked.name or "all",
        mean,
        verdict(mean, *claim.true_in),
        activation if isinstance(activation, str) else None,
    )


def _mean(claim: RangeClaim | TrendClaim, picked: Picked) -> Estimate | None:
    """The measure's mean over runs, and its interval where they are of one configuration."""
    values = {run.id: measured(run, claim, picked.epoch) for run in picked.runs}
    if picked.configurations > 1:
        return Fold(picked.runs)(lambda run: values[run.id], limits(claim))
    if is_count(claim):
        return claim_intervals.counted([*values.values()])
    if isinstance(claim, TrendClaim):
        known = [value for value in values.values() if value is not None]
        return claim_intervals.of_mean(known, limits(claim))
    return Fold(picked.runs)(lambda run: values[run.id], limits(claim))


def ordering(claim: OrderingClaim, opposed: Sides, replication: Replication) -> Judged:
    """Decide an ordering from the difference of its two sides."""
    ends = [
        replication.chosen[key].epoch if key in replication.chosen else None for key in claim.keys
    ]
    blocks = [_values(claim, block, *ends) for block in opposed.blocks]
    made = claim_intervals.difference(blocks, limits(claim), is_count(claim))
    less, more = (labels.settings(replication.reference.choice(key)) for key in claim.keys)
    return Judged(
        claim,
        *_source(claim, replication.reference),
        f"{more} − {less}",
        made.estimate,
        verdict(made.estimate, *claim.true_in),
        over=made.over,
        also=opposed.also,
    )


def _values(
    claim: OrderingClaim, block: Block, less_end: int | None, more_end: int | None
) -> claim_intervals.Sides:
    def side(runs: Mapping[int, RunRecord], end: int | None) -> dict[int, float]:
        each = {
            seed: measured(run, claim, run.final.epoch if end is None else end)
            for seed, run in runs.items()
        }
        return {seed: value for seed, value in each.items() if value is not None}

    return side(block.baseline.done, less_end), side(block.other.done, more_end)


def _source(claim: Claim, reference: Reference) -> tuple[str, bool]:
    """Who says so, and whether it is who the whole file is from."""
    return claim.source or reference.cite or reference.source, not claim.source


def verdict(measured: Estimate | None, low: float, high: float) -> Verdict:
    """Where the mean's 95% interval lies against the closed range [low, high]."""
    if measured is None or measured.mixed or measured.low is None or measured.high is None:
        return Verdict.OPEN
    if low <= measured.low and measured.high <= high:
        return Verdict.HOLDS
    return Verdict.FAILS if measured.high < low or measured.low > high else Verdict.OPEN

"""Claims about dead units from the literature, each with the measure that decides it.

A claim is a range for a measure of single runs. With the 95% interval of the measure's mean over
seeds, it **holds** where the interval lies in the range, **does not hold** where it lies wholly
outside, and otherwise, or with a single seed or runs of several configurations, **cannot be
told**.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

from reluprobe.analysis.claim_measures import (
    Measure,
    accuracy,
    gain,
    layer_share,
    network_share,
    on_training_set,
    revives,
    smallest_step,
)
from reluprobe.analysis.estimates import SHARE, Estimate, Fold, Limits
from reluprobe.analysis.replication import Chosen, Replication

#: "Near 40%": within so much of it.
NEAR = 0.05
#: "A significant share": at least so much.
SIGNIFICANT = 0.10
#: "Stays low": at most so much.
LOW = 0.05
#: Between what two shares can differ at most.
DIFFERENCE: Limits = (-1.0, 1.0)
#: The least number above zero: ranges are closed, and "more" is not "as many".
MORE = math.ulp(0.0)


class Verdict(enum.Enum):
    """What the runs say of a claim."""

    HOLDS = "holds"
    FAILS = "does not hold"
    OPEN = "cannot be told"


@dataclass(frozen=True)
class Claim:
    """One claim about the runs of one activation.

    Attributes:
        text: what is claimed, of this activation.
        source: who says so.
        counted: which definition or measure decides.
        low, high: the closed range of the measure in which the claim is true.
        limits: between what the measure can lie at all.
    """

    text: str
    source: str
    activation: str
    counted: str
    measure: Measure
    low: float = -math.inf
    high: float = math.inf
    limits: Limits = SHARE


@dataclass(frozen=True)
class Judged:
    """A claim and what decides it; ``estimate`` is None where no run has the measure."""

    claim: Claim
    estimate: Estimate | None
    verdict: Verdict


def judge(claim: Claim, chosen: Chosen) -> Judged:
    """Decide a claim from the runs of its activation."""
    measured = Fold(chosen.runs)(lambda run: claim.measure(run, chosen.epoch), claim.limits)
    return Judged(claim, measured, verdict(measured, claim.low, claim.high))


def verdict(measured: Estimate | None, low: float, high: float) -> Verdict:
    """Where the mean's 95% interval lies against the closed range [low, high]."""
    if measured is None or measured.mixed or measured.low is None or measured.high is None:
        return Verdict.OPEN
    if low <= measured.low and measured.high <= high:
        return Verdict.HOLDS
    return Verdict.FAILS if measured.high < low or measured.low > high else Verdict.OPEN


def judge_all(replication: Replication) -> list[Judged]:
    """Every claim that goes with this reference and whose activation was run."""
    claims, chosen = CLAIMS.get(replication.reference.name, ()), replication.chosen
    return [judge(c, chosen[c.activation]) for c in claims if c.activation in chosen]


STUDY = "MNIST study"
NOTES = "CS231n"


def _accuracy(activation: str) -> Claim:
    text = "test accuracy 96–98%"
    return Claim(text, STUDY, activation, "test accuracy", accuracy, 0.96, 0.98)


def _low(activation: str, definition: str) -> Claim:
    text = f"stays low (at most {LOW:.0%})"
    return Claim(text, STUDY, activation, definition, network_share(definition), high=LOW)


#: The claims that go with a shipped reference, by its name. Where the source gives a word and no
#: number, the threshold stands above and in the text.
CLAIMS: dict[str, tuple[Claim, ...]] = {
    "mnist_study": (
        Claim("layer 1: 25–28% dead", STUDY, "relu", "dead", layer_share(1, "dead"), 0.25, 0.28),
        Claim("layer 5: over 65% dead", STUDY, "relu", "dead", layer_share(5, "dead"), 0.65),
        Claim(
            f"mean near 40% dead (±{100 * NEAR:.0f} points)", STUDY, "relu", "dead",
            network_share("dead"), 0.40 - NEAR, 0.40 + NEAR,
        ),
        _accuracy("relu"),
        _accuracy("leaky_relu"),
        _accuracy("elu"),
        Claim(
            f"a significant share (at least {SIGNIFICANT:.0%}) dead by epoch 1", STUDY, "relu",
            "dead", network_share("dead", epoch=1), SIGNIFICANT,
        ),
        Claim(
            "no recovery: a dead unit never comes back", STUDY, "relu",
            "revives by next probe", revives, 0.0, 0.0,
        ),
        _low("leaky_relu", "never_positive"),
        _low("leaky_relu", "dead"),
        _low("elu", "never_positive"),
        _low("elu", "dead"),
        Claim(
            "deeper is worse: each layer has more dead than the last", STUDY, "relu",
            "smallest step of dead", smallest_step, MORE, limits=DIFFERENCE,
        ),
        Claim(
            "deeper is worse: layer 5 has more dead than layer 1", STUDY, "relu",
            "dead, L5 − L1", gain(5, 1), MORE, limits=DIFFERENCE,
        ),
        Claim(
            "a high learning rate can kill 40%, counted on the training set",
            NOTES, "relu", "dead", on_training_set, 0.40,
        ),
        Claim(
            "the same, counted on the probe", NOTES, "relu", "dead", network_share("dead"), 0.40,
        ),
    ),
}  # fmt: skip

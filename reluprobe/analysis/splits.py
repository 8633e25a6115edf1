"""On which data, for certain, and why: what records say beyond the share of dead units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from reluprobe.analysis.aggregate import Estimate, estimate, share
from reluprobe.analysis.unit_lives import bits
from reluprobe.config.choices import SPLITS
from reluprobe.records import RunRecord, SampleRecord

#: Which units of a network are dead.
Dead = Bool[np.ndarray, " unit"]


def firing_bound(examples: int, confidence: float = 0.95) -> float:
    """How often a unit that fired on none of n examples may still fire: 1 − (1 − c)^(1/n).

    The upper end of the one-sided binomial interval at 0 of n; about 3/n at 95%, the rule of
    three (Hanley & Lippman-Hand 1983).
    """
    return float(-np.expm1(np.log1p(-confidence) / examples))


@dataclass(frozen=True)
class SplitShares:
    """The finished networks of one configuration on three by_split.

    Attributes:
        examples: sizes of the by_split, by name (the probe's, where runs differ, is the largest).
        shares: share of units by the chosen definition, by name.
        units: number of ``dead`` units of a network, by name.
        awake: how many of those dead on the probe are alive on the training set.
        awakened: of the units dead on the probe, the share that is alive on the training set.
        asleep: of the units dead on the training set, the share that is alive on the test set.
        certified: share of units dead for every input in the box of the training data.
        accuracy: by name.
    """

    examples: dict[str, int]
    shares: dict[str, Estimate | None]
    units: dict[str, Estimate | None]
    awake: Estimate | None
    awakened: Estimate | None
    asleep: Estimate | None
    certified: Estimate | None
    accuracy: dict[str, Estimate | None]


def by_split(runs: Sequence[RunRecord], definition: str) -> SplitShares | None:
    """What the finished runs show on each sample; None where none was looked at so."""
    ended = [run for run in runs if run.status == "ok" and run.samples]
    if not ended:
        return None
    looked = [{s.sample: s for s in run.samples} for run in ended]
    ends = [run.final.layers for run in ended]
    dead = [{n: _dead(run[n]) for n in SPLITS} for run in looked]
    return SplitShares(
        {n: max(run[n].examples for run in looked) for n in SPLITS},
        {n: estimate(share(run[n].layers, definition) for run in looked) for n in SPLITS},
        {n: estimate(float(units[n].sum()) for units in dead) for n in SPLITS},
        estimate(float((units["probe"] & ~units["train"]).sum()) for units in dead),
        estimate(_of_the_dead(units["probe"], units["train"]) for units in dead),
        estimate(_of_the_dead(units["train"], units["test"]) for units in dead),
        estimate(share(layers, "certified") for layers in ends),
        {n: estimate(run[n].accuracy for run in looked) for n in SPLITS},
    )


def _of_the_dead(here: Dead, there: Dead) -> float | None:
    """Of the units dead here, the share that is alive there; None where none is dead here."""
    return float((here & ~there).sum() / here.sum()) if here.any() else None


def _dead(sample: SampleRecord) -> Dead:
    """``(unit,)`` of the whole network, layer after layer: which are dead on this sample."""
    return np.concatenate([bits(layer) for layer in sample.layers])

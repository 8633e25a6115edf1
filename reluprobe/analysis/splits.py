"""Dead units by split: on the probe, on the test set, on the whole training set.

A foreign run has the samples that its owner looks at, called as its owner calls them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from reluprobe.analysis.dead_masks import count, network, woken, woken_share
from reluprobe.analysis.estimates import (
    POSITIVE,
    SHARE,
    Estimate,
    Limits,
    estimate,
    numbered,
    share,
)
from reluprobe.analysis.quality import R2
from reluprobe.config.choices import SPLITS
from reluprobe.records import RunRecord, SampleRecord


def firing_bound(examples: int, confidence: float = 0.95) -> float:
    """How often a unit that fired on none of n examples may still fire: 1 − (1 − c)^(1/n).

    The upper end of the one-sided binomial interval at 0 of n; about 3/n at 95%, the rule of
    three (Hanley & Lippman-Hand 1983).
    """
    return float(-np.expm1(np.log1p(-confidence) / examples))


@dataclass(frozen=True)
class SplitShares:
    """The finished networks of one configuration on the probe, the test and the training set.

    Attributes:
        examples: size of each split, by name (the largest, where runs differ).
        shares: share of units by the chosen definition, by split.
        units: number of ``dead`` units of a network, by split.
        awake: how many of those dead on the probe are alive on the training set.
        awakened: of the units dead on the probe, the share that is alive on the training set.
        asleep: of the units dead on the training set, the share that is alive on the test set.
        certified: share of units dead for every input in the box of the training data.
        accuracy, r2, rmse: by split.
    """

    examples: dict[str, int]
    shares: dict[str, Estimate | None]
    units: dict[str, Estimate | None]
    awake: Estimate | None
    awakened: Estimate | None
    asleep: Estimate | None
    certified: Estimate | None
    accuracy: dict[str, Estimate | None]
    r2: dict[str, Estimate | None]
    rmse: dict[str, Estimate | None]


def by_split(runs: Sequence[RunRecord], definition: str) -> SplitShares | None:
    """What the finished runs show on each split; None where none was probed on all of them.

    Of foreign runs on each sample that all of those have which have any besides their probe.
    """
    ended = [run for run in runs if run.ended and _looked_at(run)]
    if not ended:
        return None
    samples = [_samples(run) for run in ended]
    names = [name for name in samples[0] if all(name in run for run in samples)]
    names = [*SPLITS] if {*names} == {*SPLITS} else names
    dead = [{n: network(run[n].layers) for n in names} for run in samples]
    groups = numbered(ended)

    def mean(values: Iterable[float | None], limits: Limits = SHARE) -> Estimate | None:
        return estimate(values, limits, groups)

    return SplitShares(
        {n: max(run[n].examples for run in samples) for n in names},
        {n: mean(share(run[n].layers, definition) for run in samples) for n in names},
        {n: mean((count(masks[n]) for masks in dead), POSITIVE) for n in names},
        mean((woken(masks.get("probe"), masks.get("train")) for masks in dead), POSITIVE),
        mean(woken_share(masks.get("probe"), masks.get("train")) for masks in dead),
        mean(woken_share(masks.get("train"), masks.get("test")) for masks in dead),
        mean(share(run.final.layers, "certified") for run in ended),
        {n: mean(run[n].accuracy for run in samples) for n in names},
        {n: mean((run[n].r2 for run in samples), R2.limits) for n in names},
        {n: mean((run[n].rmse for run in samples), POSITIVE) for n in names},
    )


def _looked_at(run: RunRecord) -> bool:
    """Whether the finished network was looked at on the splits; a foreign one on any sample."""
    names = {sample.sample for sample in run.samples}
    return bool(names) if run.ours is None else names >= {*SPLITS}


def _samples(run: RunRecord) -> dict[str, SampleRecord]:
    """By name; the probe, which a foreign run need not have among them, comes first there."""
    samples = {sample.sample: sample for sample in run.samples}
    if run.ours is not None:
        return samples
    probe = SampleRecord(run.probe.split, run.probe.examples, None, None, run.final.layers)
    return {run.probe.split: probe} | samples

"""Quality of a network: which measure stands beside its dead units, decided here for all.

Accuracy on the test set where a network tells classes apart, R² where it fits numbers. A sweep of
both kinds has both: each run has its own, and no mean is over the two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from reluprobe.analysis.estimates import SHARE, Limits
from reluprobe.records import EpochRecord, RunRecord, SampleRecord

Value = TypeVar("Value", covariant=True)


@dataclass(frozen=True)
class Quality:
    """A measure of how good a network is: more is better.

    Attributes:
        name: of it as a field of summaries, effects, changes, and of a record's samples.
        field: of an epoch's record.
        limits: between what it can lie.
    """

    name: str
    field: str
    limits: Limits

    def at(self, epoch: EpochRecord) -> float | None:
        """On the test set at an epoch."""
        return getattr(epoch, self.field)

    def of(self, run: RunRecord) -> float | None:
        """Of a finished network."""
        return self.at(run.final) if run.ended else None

    def on(self, sample: SampleRecord) -> float | None:
        """On a sample."""
        return getattr(sample, self.name)

    def among(self, measures: HasQualities[Value]) -> Value | None:
        """This measure of what has one of each, such as a summary or an effect."""
        return getattr(measures, self.name)


class HasQualities(Protocol[Value]):
    """What has a value of each measure of quality."""

    @property
    def accuracy(self) -> Value | None:
        """Of classifications."""
        ...

    @property
    def r2(self) -> Value | None:
        """Of regressions."""
        ...


ACCURACY = Quality("accuracy", "test_accuracy", SHARE)
R2 = Quality("r2", "r2", (-math.inf, 1.0))
QUALITIES = (ACCURACY, R2)
#: A network that puts out the mean of its targets whatever it sees has this R².
NO_BETTER_THAN_THE_MEAN = 0.0


def is_regression(run: RunRecord) -> bool:
    """Whether a run that ended fits numbers; its R² is null where its targets are all the same."""
    return run.ended and run.final.rmse is not None


def quality_of(run: RunRecord) -> Quality:
    """The measure of one run; accuracy where it has none."""
    return R2 if is_regression(run) else ACCURACY


def qualities(runs: Iterable[RunRecord]) -> tuple[Quality, ...]:
    """The measures of those of these runs that ended: one, or both where they are of both kinds."""
    present = {quality_of(run) for run in runs if run.ended}
    return tuple(one for one in QUALITIES if one in present) or (ACCURACY,)


def one_loss(runs: Sequence[RunRecord]) -> bool:
    """Whether the losses of these runs are of one kind: cross-entropies, or squared errors."""
    return len({run.final.test_accuracy is None for run in runs if run.ended}) < 2

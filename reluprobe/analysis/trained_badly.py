"""Runs that trained badly: finite to the end, and yet they learnt next to nothing, or came apart.

Few dead units in such a network are no merit. Its signs:

- **near chance**: the accuracy on the test set is at most 1/c + 0.1 (1 − 1/c) of c classes (19% of
  ten), where the number of classes is known;
- **R² of 0 or below**: on the test set, of a regression: the network is no better than the mean of
  its targets;
- **loss above its start**: the mean training loss of the last epoch is more than ``TIMES`` the
  untrained network's loss on the test set; of a foreign run, or where that was not measured, the
  first training loss on record.

A network that has made no step has not trained badly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reluprobe.analysis.chance import classes_of, near_chance
from reluprobe.analysis.quality import NO_BETTER_THAN_THE_MEAN, R2
from reluprobe.records import RunRecord

#: A loss is far above its start from so many times it on: twice ln c is no longer a fluctuation
#: around even odds.
TIMES = 2.0


@dataclass(frozen=True)
class BadTraining:
    """How badly a run trained, with what says so.

    Attributes:
        accuracy: on the test set; ``chance`` is 1 / classes. Both None unless it is near chance.
        train_loss: the mean over the last epoch; ``start`` is what it is held against. Both None
            unless it is far above.
        r2: of a regression on the test set; None unless it is 0 or below.
        reason: in words.
    """

    accuracy: float | None
    chance: float | None
    train_loss: float | None
    start: float | None
    r2: float | None = None

    @property
    def reason(self) -> str:
        """``accuracy 11.3% (chance 10.0%), training loss 1.15e3 (2.32 at first)``."""
        words = []
        if self.accuracy is not None and self.chance is not None:
            words.append(f"accuracy {100 * self.accuracy:.1f}% (chance {100 * self.chance:.1f}%)")
        if self.r2 is not None:
            words.append(f"R² {_signed(self.r2)} (0: no better than the mean of its targets)")
        if self.train_loss is not None and self.start is not None:
            words.append(f"training loss {_loss(self.train_loss)} ({_loss(self.start)} at first)")
        return ", ".join(words)


def trained_badly(run: RunRecord) -> BadTraining | None:
    """How this run trained badly; None where it did not, made no step, or came to no end."""
    if not run.ended or not run.when(run.final):
        return None
    last, classes, start = run.final, classes_of(run), _start(run)
    low = (None, None)
    if classes and last.test_accuracy is not None and near_chance(last.test_accuracy, classes):
        low = (last.test_accuracy, 1 / classes)
    high = (None, None)
    if start is not None and last.train_loss is not None and last.train_loss > TIMES * start:
        high = (last.train_loss, start)
    fit = R2.of(run)
    poor = fit if fit is not None and fit <= NO_BETTER_THAN_THE_MEAN else None
    how = BadTraining(*low, *high, poor)
    return how if how.reason else None


def bad_runs(runs: Iterable[RunRecord]) -> list[tuple[RunRecord, BadTraining]]:
    """Those of these runs that trained badly, and how."""
    return [(run, how) for run in runs if (how := trained_badly(run)) is not None]


def _start(run: RunRecord) -> float | None:
    """The loss that training started from: positive; None where it is not known."""
    first = run.history[0]
    untrained = first.test_loss if run.ours is not None and not run.when(first) else None
    losses = (untrained, *(entry.train_loss for entry in run.history[:-1]))
    return next((loss for loss in losses if loss is not None and loss > 0), None)


def _signed(value: float) -> str:
    """``−0.12``; ``0`` where it rounds to nothing."""
    text = _loss(value) if abs(value) >= 1 else f"{value:.2f}"
    return text.replace("-", "−") if text.strip("-0.") else "0"


def _loss(value: float) -> str:
    """Three digits: ``2.32``, ``1.15e3``."""
    mantissa, _, exponent = f"{value:.3g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa

"""Chance: what a network that has learnt nothing comes to on a classification."""

from __future__ import annotations

import math

from reluprobe.records import RunRecord

#: How many classes there are in sets whose chance loss is known here, without loading them: classes
#: that exist, of about one size. ``emnist/letters`` declares 37.
CLASSES = {
    **dict.fromkeys(("mnist", "fashion_mnist", "kmnist", "blobs"), 10),
    **{"emnist/mnist": 10, "emnist/digits": 10, "emnist/letters": 26, "emnist/balanced": 47},
}
#: An accuracy is near chance that is above it by at most this part of what there is above it.
NEAR = 0.1


def classes_of(run: RunRecord) -> int | None:
    """How many classes a run's dataset has; None where that is not known, or it is foreign."""
    return None if run.ours is None else CLASSES.get(run.ours.dataset)


def near_chance(accuracy: float, classes: int) -> bool:
    """Whether an accuracy is at most 1/c + 0.1 (1 − 1/c): 19% of ten classes, 55% of two."""
    chance = 1 / classes
    return accuracy <= chance + NEAR * (1 - chance)


def chance_loss(classes: int) -> float:
    """The cross-entropy of even odds, ln c in nats."""
    return math.log(classes)

"""Collapsed networks: finite, but the output no longer depends on the input."""

from __future__ import annotations

from dataclasses import dataclass

from reluprobe.analysis.chance import chance_loss, classes_of, near_chance
from reluprobe.records import RunRecord

#: A collapsed network's loss is ln(classes) but for its last bias and the classes' unequal sizes.
CHANCE_LOSS = 0.1


@dataclass(frozen=True)
class Collapse:
    """A network whose output does not depend on its input, with the evidence.

    Attributes:
        layer: the first hidden layer of which every unit is ``constant`` on the probe; from 1.
        loss, accuracy: on the test set.
        chance: loss within ``CHANCE_LOSS`` of ln(classes) or above, and accuracy near chance
            (``analysis.chance``): it is the share of the one class that the network names. None
            where the number of classes is not known, or there are none. False means that the probe
            is constant and the test set is not: look closer.
    """

    layer: int
    loss: float | None
    accuracy: float | None
    chance: bool | None


def collapsed(record: RunRecord) -> Collapse | None:
    """How this run's network collapsed by its last probe; None where it did not.

    One constant layer is enough: everything after it sees the same input whatever the image. So
    it is in networks of ours; in a foreign one, which may have branches and skips, it is not.
    """
    if not record.ended or record.ours is None:
        return None
    last = record.final
    layer = next((n for n, units in enumerate(last.layers, 1) if units.constant == 1), None)
    if layer is None:
        return None
    classes, loss, accuracy = classes_of(record), last.test_loss, last.test_accuracy
    if classes is None or loss is None or accuracy is None:
        return Collapse(layer, loss, accuracy, None)
    chance = loss >= chance_loss(classes) - CHANCE_LOSS and near_chance(accuracy, classes)
    return Collapse(layer, loss, accuracy, chance)

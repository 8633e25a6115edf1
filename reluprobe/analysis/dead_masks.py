"""Dead masks: which units were dead at a probe, from the bits in a record.

A layer's mask says of each unit whether it was ``dead`` (no gradient, see
:mod:`reluprobe.measures.definitions`). Masks of one run are of the same units in the same order,
so that two of them tell which units came back.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from reluprobe.records import LayerRecord, RunRecord

#: Which units of a layer, or of a network layer after layer, are dead.
Dead = Bool[np.ndarray, " unit"]
#: The same at every probe of a run.
Mask = Bool[np.ndarray, "probe unit"]


def bits(layer: LayerRecord) -> Dead:
    """Which units of a layer are dead; none where the record has no mask."""
    packed = np.frombuffer(bytes.fromhex(layer.dead_units or ""), np.uint8)
    return np.unpackbits(packed, count=layer.units).astype(bool)


def network(layers: Sequence[LayerRecord]) -> Dead | None:
    """Which units of a whole network are dead; None where a layer has no mask."""
    if not layers or any(layer.dead_units is None for layer in layers):
        return None
    return np.concatenate([bits(layer) for layer in layers])


def count(dead: Dead | None) -> float | None:
    """How many units are dead."""
    return None if dead is None else float(dead.sum())


def woken(before: Dead | None, after: Dead | None) -> float | None:
    """How many units are dead before and alive after; None where one of the two is not known."""
    if before is None or after is None or before.shape != after.shape:
        return None
    return float((before & ~after).sum())


def woken_share(before: Dead | None, after: Dead | None) -> float | None:
    """The same as a share of the units dead before; None too where none was."""
    number, total = woken(before, after), count(before)
    return None if number is None or not total else number / total


def timeline(record: RunRecord) -> list[tuple[float, tuple[LayerRecord, ...]]]:
    """The run's probes in order, those between epochs too: ``(epochs passed, hidden layers)``.

    A run that diverged has no masks from then on, and none at all here: its units had no end.
    """
    return record.timeline() if record.ended else []


def masks(record: RunRecord) -> list[Mask]:
    """A mask for each hidden layer, first to last; none where the run has no timeline."""
    probes = [layers for _, layers in timeline(record)]
    return [np.stack([bits(layer) for layer in column]) for column in zip(*probes, strict=True)]

"""Sets of units: which of them a definition is true of, from a record's masks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from reluprobe.records import LayerRecord
from reluprobe.records.masks import unpack

#: Which units of a layer, or of a network layer after layer, are in the set.
Members = Bool[np.ndarray, " unit"]


def of_layer(layer: LayerRecord, definition: str) -> Members | None:
    """The units of a layer that are so; None where the record does not say which."""
    mask = getattr(layer, f"{definition}_units", None)
    return None if mask is None else unpack(mask, layer.units)


def of_network(layers: Sequence[LayerRecord], definition: str) -> Members | None:
    """The units of all layers that are so; None where a layer's are not known."""
    sets = [of_layer(layer, definition) for layer in layers]
    known = [members for members in sets if members is not None]
    return np.concatenate(known) if known and len(known) == len(sets) else None


def overlap(one: Members | None, other: Members | None) -> float | None:
    """|X ∩ Y| / min(|X|, |Y|) (Sokar et al. 2023); None where one is empty or not known."""
    if one is None or other is None or one.shape != other.shape:
        return None
    smaller = min(int(one.sum()), int(other.sum()))
    return int((one & other).sum()) / smaller if smaller else None

"""Dead masks: which units were dead at a probe, and which drawn anew, from a record's bits.

A layer's mask says of each unit whether it was ``dead`` (no gradient, see
:mod:`reluprobe.measures.definitions`), or by another definition that has masks, ``saturated`` say,
whether it was that: what is called dead here is then saturated. Masks of one run are of the same
units in the same order, so that two of them tell which units came back. A unit that is drawn anew
is another one in the same place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from reluprobe.records import LayerRecord, RunRecord
from reluprobe.records.masks import unpack

#: Definitions of which records say which units they meant; of the others, how many alone.
WITH_MASKS = ("dead", "dormant", "saturated", "rare", "linear")
#: Which units of a layer, or of a network layer after layer, are dead.
Dead = Bool[np.ndarray, " unit"]
#: The same at every probe of a run.
Mask = Bool[np.ndarray, "probe unit"]


class Watched(NamedTuple):
    """What the probes saw of the units of a layer, or of a network.

    Attributes:
        dead: at which probes each was dead, or what else the definition says.
        redrawn: at which it had been drawn anew right after the probe before; None where the run
            draws no unit anew.
    """

    dead: Mask
    redrawn: Mask | None


def mask_of(layer: LayerRecord, definition: str = "dead") -> str | None:
    """A layer's mask by a definition that has them; None where the record has none."""
    return getattr(layer, f"{definition}_units")


def bits(layer: LayerRecord, definition: str = "dead") -> Dead:
    """Which units of a layer are dead; none where the record has no mask."""
    return unpack(mask_of(layer, definition), layer.units)


def redrawn_bits(layer: LayerRecord) -> Dead | None:
    """Which units of a layer were drawn anew since the last probe; None where it is not known."""
    return None if layer.revived_units is None else unpack(layer.revived_units, layer.units)


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
    """The run's probes in order, those between epochs too: when, and its hidden layers then.

    A run that diverged has no masks from then on, and none at all here: its units had no end.
    """
    return record.timeline() if record.ended else []


def unknown(record: RunRecord, definition: str = "dead") -> str | None:
    """What a record that ended leaves open of the lives of its units; None where nothing."""
    layers = [layer for _, seen in timeline(record) for layer in seen if layer.dead is not None]
    if any(mask_of(x, definition) is None and getattr(x, definition) for x in layers):
        return f"how many units were {definition} at a probe, not which"
    if any(layer.revived_units is None and layer.revived for layer in layers):
        return "how many units were drawn anew, not which"
    return None


def watched(record: RunRecord, definition: str = "dead") -> dict[str, Watched]:
    """What was seen of each layer, first to last, by its name; none where lives cannot be told.

    Nor of a layer that at some probe no example reached, a branch that was not taken; nor of one
    to which the definition does not apply.
    """
    probes = [layers for _, layers in timeline(record)]
    if definition not in WITH_MASKS or unknown(record, definition) is not None:
        return {}
    columns = zip(record.layer_names, zip(*probes, strict=True), strict=False)
    return {name: _watched(c, definition) for name, c in columns if known(c, definition)}


def known(probes: Iterable[LayerRecord], definition: str = "dead") -> bool:
    """Whether a layer has a share of its units by this definition at every one of these probes."""
    return all(getattr(layer, definition) is not None for layer in probes)


def _watched(probes: Sequence[LayerRecord], definition: str) -> Watched:
    dead = np.stack([bits(layer, definition) for layer in probes])
    if all(layer.revived is None for layer in probes):
        return Watched(dead, None)
    return Watched(dead, np.stack([unpack(x.revived_units, x.units) for x in probes]))


def side_by_side(layers: Iterable[Watched]) -> Watched:
    """The units of several layers, one at least, as those of one."""
    layers = list(layers)
    redrawn = [
        np.zeros_like(layer.dead) if layer.redrawn is None else layer.redrawn for layer in layers
    ]
    anew = any(layer.redrawn is not None for layer in layers)
    dead = np.concatenate([layer.dead for layer in layers], axis=1)
    return Watched(dead, np.concatenate(redrawn, axis=1) if anew else None)

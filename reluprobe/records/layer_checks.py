"""Checks of the layers of a record's probes: how many, how wide, and what their masks say."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from reluprobe.config.choices import DEFINITIONS
from reluprobe.records import unit_numbers
from reluprobe.records.looks import FIRING_BINS, LayerRecord, MovementRecord

#: Tables hold integers of 64 bits.
MOST = 2**63
#: A mean of float32 may come out so much above the most of what it is of.
ROUNDING = 1e-3
#: Definitions that are known at every probe: ``saturated`` and ``linear`` do not apply to every
#: activation, and records before ``run/7`` have neither ``rare`` nor ``linear``.
ALWAYS = tuple(name for name in DEFINITIONS if name not in ("saturated", "rare", "linear"))

#: Masks of definitions, empty where no unit is meant.
MASKS = ("dormant_units", "saturated_units", "rare_units", "linear_units")


def in_order(numbers: Sequence[int]) -> bool:
    """Whether each of these is more than the one before."""
    return all(before < after for before, after in itertools.pairwise(numbers))


def listed(numbers: Sequence[object]) -> str:
    """The first few of these, for a message."""
    return ", ".join(map(str, numbers[:5])) + (", …" if len(numbers) > 5 else "")


class LayerChecks:
    """Checks the layers of a run's probes, of which a record may have thousands.

    Args:
        widths: of the layers, first to last.
        outline: whether they are an outline's (``records.outline``), which has less to check.
    """

    def __init__(self, widths: Sequence[int], outline: bool = False) -> None:
        self.sizes = tuple((width, 2 * -(-width // 8)) for width in widths)
        self.outline = outline

    def fault(self, layers: Sequence[LayerRecord], lost: bool | None) -> str | None:
        """Of one probe; ``lost``: the run has diverged, None: each layer says so itself."""
        if len(layers) != len(self.sizes):
            return f"layers: are {len(layers)}, and depth is {len(self.sizes)}"
        for number, (layer, (width, digits)) in enumerate(zip(layers, self.sizes, strict=True)):
            null = layer.dead is None if lost is None else lost
            # Spelled out, since this is most of the time that checking takes.
            if (
                layer.units != width
                or (layer.dead is None) is not null
                or (layer.silent is None) is not null
                or (layer.never_positive is None) is not null
                or (layer.constant is None) is not null
                or (layer.dormant is None) is not null
                or ((mask := layer.dead_units) is not None and len(mask) != digits)
                or ((mask := layer.revived_units) is not None and len(mask) != digits)
                or ((mask := layer.rare_units) and len(mask) != digits)
                or ((mask := layer.linear_units) and len(mask) != digits)
                or ((count := layer.deaths) is not None and not 0 <= count <= width)
                or ((count := layer.revived) is not None and not 0 <= count <= width)
                or ((count := layer.not_finite) is not None and not 0 <= count <= width)
            ):
                return f"layers.{number}.{_described(layer, width, null, lost is None)}"
            if not self.outline and (fault := _of_rest(layer, digits)):
                return f"layers.{number}.{fault}"
        return None


def _described(layer: LayerRecord, width: int, null: bool, alone: bool) -> str:
    if layer.units != width:
        return f"units: is {layer.units}, and width is {width}"
    for name in ALWAYS:
        if ((share := getattr(layer, name)) is None) is not null:
            when = "from the run's divergence on" if null else "before any divergence"
            return f"{name}: is {share} {f'beside dead = {layer.dead}' if alone else when}"
    digits = 2 * -(-width // 8)
    for name in ("dead_units", "revived_units"):
        mask: str | None = getattr(layer, name)
        if mask is not None and len(mask) != digits:
            return f"{name}: has {len(mask)} digits, and {width} units have {digits}"
    if fault := _of_masks(layer, ("rare_units", "linear_units"), digits):
        return fault
    if (count := layer.not_finite) is not None and count > width:
        return f"not_finite: is {count}, and width is {width}"
    return f"deaths, revived: are {layer.deaths}, {layer.revived}, and width is {width}"


def _of_rest(layer: LayerRecord, digits: int) -> str | None:
    """What is wrong with the histogram of a layer's outputs, and with its firing rates."""
    outputs = layer.activations
    if outputs is not None and min(outputs.counts, default=0) < 0:
        return "activations: its counts are those of no histogram"
    return None if layer.firing is None else _of_firing(layer, layer.firing, digits)


def _of_firing(layer: LayerRecord, counted: Sequence[int], digits: int) -> str | None:
    """What is wrong with the firing rates of a layer, and with what came with them."""
    if len(counted) != FIRING_BINS or sum(counted) + (layer.not_finite or 0) != layer.units:
        return f"firing: {list(counted)} are no {FIRING_BINS} counts of {layer.units} units"
    if fault := _of_masks(layer, ("dormant_units", "saturated_units"), digits):
        return fault
    if layer.movement is not None and (fault := _of_movement(layer.movement, layer.units)):
        return fault
    return None if layer.rates is None else unit_numbers.fault(layer.rates, layer.units)


def _of_masks(layer: LayerRecord, names: Sequence[str], digits: int) -> str | None:
    """What is wrong with masks that are empty where no unit is meant."""
    for name in names:
        mask: str | None = getattr(layer, name)
        if mask and len(mask) != digits:
            return f"{name}: has {len(mask)} digits, and {layer.units} units have {digits}"
    return None


def _of_movement(moved: MovementRecord, units: int) -> str | None:
    """What is wrong with the paces of a layer's units: each is in one state at most."""
    counted = 0
    for pace in (moved.dead, moved.rare, moved.linear, moved.healthy):
        if pace is not None:
            counted += pace.units
            if pace.mean > pace.most * (1 + ROUNDING):
                return f"movement: mean {pace.mean:g} is above the most, {pace.most:g}"
    if counted > units:
        return f"movement: is of {counted} units, and the layer has {units}"
    return None

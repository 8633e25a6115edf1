"""What a look into a network gives: a layer's units by each definition of dead, as masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from reluprobe.records.network import Coverage, LayerInfo

Mask = Bool[np.ndarray, " unit"]


@dataclass(frozen=True, slots=True, eq=False)
class Layer(LayerInfo):
    """One layer's units over all examples looked at: a mask per definition, flat over its units.

    Attributes:
        dead, silent, never_positive, constant, dormant: as ``reluprobe.DEFINITIONS`` has them; of
            a unit with a z or an output that is not finite none holds.
        saturated: None for an activation that is not bounded on both sides.
        not_finite: units with a z or an output that was NaN or infinite: neither dead nor alive.
        certified: units with f′ = 0 for every input of the box; None without a box, or where the
            bounds cannot be followed to this layer, or the activation has no flat stretch.
        rare: z > 0 for at most 1% of the values seen, and for one at least.
        linear: z in the straight stretch of f for all values seen, as a ReLU's z > 0 or a relu6's
            between its ends; None for an activation that bends everywhere, or is not known.
        values: of z that each unit was seen with: a channel has one at each position.
        fired: of how many z > 0, ``(unit,)``.
        sloped: of how many f′(z) ≠ 0; None where it was not counted: it is of a ReLU, which takes
            no more than z, and of what hooks collected.
        magnitude: mean abs(a).
    """

    dead: Mask
    silent: Mask
    never_positive: Mask
    constant: Mask
    dormant: Mask
    saturated: Mask | None
    not_finite: Mask
    certified: Mask | None = None
    rare: Mask | None = None
    linear: Mask | None = None
    values: int = 0
    fired: Int[np.ndarray, " unit"] | None = None
    sloped: Int[np.ndarray, " unit"] | None = None
    magnitude: Float[np.ndarray, " unit"] | None = None

    @property
    def firing_rate(self) -> Float[np.ndarray, " unit"] | None:
        """Share of the values with z > 0; NaN of a unit with one that is not finite.

        Of n values a rate of 0 says only that it is below about 3/n (with 95% confidence), and
        of a channel's n, which are alike, less than that. None where no example went through.
        """
        return self._rate(self.fired)

    @property
    def gradient_rate(self) -> Float[np.ndarray, " unit"] | None:
        """Share of the values with f′(z) ≠ 0: 0 exactly where the unit is dead.

        NaN of a unit that is not finite; None where it was not counted.
        """
        return self._rate(self.sloped)

    def _rate(self, counts: Int[np.ndarray, " unit"] | None) -> Float[np.ndarray, " unit"] | None:
        if counts is None or not self.values:
            return None
        return np.where(self.not_finite, np.nan, counts / self.values)

    def share(self, definition: str) -> float | None:
        """Fraction of the units; None where the definition does not apply or nothing was seen."""
        mask = getattr(self, definition)
        return float(mask.mean()) if mask is not None and mask.size and self.examples else None


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """All layers of a network over the same examples, and what of it was not counted."""

    layers: tuple[Layer, ...]
    coverage: Coverage
    examples: int

    @property
    def units(self) -> int:
        """Units in all layers that examples went through."""
        return sum(layer.units for layer in self.layers if layer.examples)

    def share(self, definition: str = "dead") -> float | None:
        """Fraction of all units; None where the definition applies to no layer."""
        masks = [getattr(layer, definition) for layer in self.layers if layer.examples]
        sizes = [mask for mask in masks if mask is not None and mask.size]
        return float(np.concatenate(sizes).mean()) if sizes else None

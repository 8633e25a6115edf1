"""What a look into a network gives: a layer's units by each definition of dead, as masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from reluprobe.records.network import LayerInfo

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
        linear: z > 0 for all values seen: a ReLU that never bends.
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

"""Effects: what each setting of a grid does to dead units and accuracy, and how much it explains.

The share of the variance that axes explain is the functional ANOVA decomposition (Hutter, Hoos and
Leyton-Brown 2014); on a full factorial it is exact and adds to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reluprobe.analysis.estimates import Estimate
from reluprobe.records import Setting

#: How the grid lies: every combination once or more; one axis alone; each configuration one change
#: away from a common one; anything else.
Design = Literal["factorial", "one axis", "star", "holes"]


@dataclass(frozen=True)
class Effect:
    """One value of one axis: what the runs that have it come to, over all else.

    Attributes:
        axis, value: the setting and its value; None where it has no effect.
        dead, accuracy: means over the configurations that have it, each once. The interval is over
            blocks: runs that differ in this axis alone are paired.
        runs: how many runs have it; ``blocks``: how many blocks the interval is over.
    """

    axis: str
    value: Setting
    dead: Estimate | None
    accuracy: Estimate | None
    runs: int
    blocks: int


@dataclass(frozen=True)
class VarianceShare:
    """The share of the variance that one axis, a pair, more axes together, or the seeds explain.

    Attributes:
        axes: the settings; ``("seed",)`` for what differs between seeds of one configuration;
            empty for what is left, where the decomposition is not exact.
        share: in [0, 1].
    """

    axes: tuple[str, ...]
    share: float


@dataclass(frozen=True)
class Effects:
    """What a grid's axes do.

    Attributes:
        axes: those that vary, that which explains most of the dead shares' variance first; ties in
            the sweep's order. What figures and tables follow.
        design: how the grid lies.
        effects: of every axis, in that order, and of every value, in the sweep's order.
        dead, accuracy: shares of the variance, largest first.
        method: how they were computed, in a sentence; says what is estimated where it is.
        interactions: sentences on pairs of axes that matter together, above noise.
    """

    axes: tuple[str, ...]
    design: Design
    effects: tuple[Effect, ...]
    dead: tuple[VarianceShare, ...]
    accuracy: tuple[VarianceShare, ...]
    method: str
    interactions: tuple[str, ...] = ()

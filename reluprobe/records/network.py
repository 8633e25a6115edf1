"""Schema of somebody else's network: whose run it is, its layers, and what was not counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

#: What a setting of somebody else's run may be.
Setting = str | int | float | bool | None
Whole = Annotated[int, Field(ge=0, lt=2**63)]


@dataclass(frozen=True)
class Foreign:
    """A run that reluprobe did not train: its name, its seed, and its settings as they were given.

    Runs of one name whose settings are alike and whose seeds differ are folded.
    """

    name: str
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] = 0
    settings: dict[str, Setting] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """A layer of units that were counted: what does not change while it trains.

    Attributes:
        name: the path of the parameter that feeds it, ``blocks.0.up``; ``up[3]`` for the fourth
            iteration of a scanned layer.
        activation: the activation's name, for display; ``f(z)`` where it is none of those known.
        units: columns of a dense layer, channels of a convolution, features of a transformer's MLP.
        examples: examples behind each fraction; of weighted ones, those with a weight above 0.
        positions: values of z that a unit has in one example: 1 for a dense layer, height × width
            for a convolution, tokens for a transformer.
        dtype: the pre-activation's, in which its slope is taken: ``float32``, ``bfloat16``.
        bypassed: z also goes round the activation: a unit is dead only if all its ways are flat.
        where: ``net.py:12``, the line of code that applies the activation; empty where unknown.
    """

    name: str
    activation: str
    units: Whole
    examples: Whole
    positions: Whole
    dtype: str
    bypassed: bool
    where: str


@dataclass(frozen=True, slots=True)
class Place:
    """Something in a network that was not counted: what it is, and the line of code it is on."""

    what: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What of a network was not counted, and why; nothing is left out in silence.

    Attributes:
        outputs: activations behind which no further linear layer comes: an output's sigmoid.
        bare: linear layers with no activation behind them.
        opaque: calls that cannot be looked into, and what is behind them.
        never_taken: branches that no example took: their layers have no counts.
        notes: what else a reader must know: whether batch norm used its averages or its batch's.
    """

    outputs: tuple[Place, ...] = ()
    bare: tuple[Place, ...] = ()
    opaque: tuple[Place, ...] = ()
    never_taken: tuple[Place, ...] = ()
    notes: tuple[str, ...] = ()

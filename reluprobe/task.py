"""What a phase does to the data, as permutations."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # what runs ask of data is known without JAX
    from jaxtyping import Array, Int


class Task(NamedTuple):
    """What a phase does to the data, as permutations; None for nothing.

    ``pixels[i]``: which feature is the network's i-th input. ``targets[k]``: whose target example
    k has.
    """

    pixels: Int[Array, " feature"] | None
    targets: Int[Array, " example"] | None

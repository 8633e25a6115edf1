"""From what was seen of a site's units to a layer: which of them are dead, by each definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from reluprobe.foreign import activation_names, sampling
from reluprobe.foreign.network import Measured, Range
from reluprobe.foreign.result import Layer
from reluprobe.foreign.tally import Seen
from reluprobe.measures import definitions

#: By iteration of the loops that have units of their own: what is certified, None where nothing is.
Masks = Mapping[tuple[int, ...], Bool[np.ndarray, " unit"] | None]


def layers(
    here: Measured, seen: Seen, name: str, positions: int, certified: Masks
) -> Iterator[Layer]:
    """The layers of a site: one, or one an iteration of the loops that have units of their own."""
    lead = seen.values.shape
    for index in np.ndindex(lead):
        turn = Seen(*[array[index] for array in seen])
        place = "".join(f"[{number}]" for number in index)
        yield replace(_layer(here, turn, name + place, positions), certified=certified.get(index))


def _layer(here: Measured, seen: Seen, name: str, positions: int) -> Layer:
    any_seen = bool(seen.values)
    finite = seen.finite & any_seen
    activation = here.activation or _activation(here, seen)
    flags = _definitions(seen, finite)
    ends = seen.extreme & finite if here.bounds else None
    straight = linear(activation, here.bounds, seen)
    # What else a ReLU's z goes through has a slope of its own.
    relu = activation == "relu" and not here.site.bypassed
    return Layer(
        name=name,
        activation=activation,
        units=len(finite),
        examples=int(seen.examples),
        positions=positions,
        dtype=str(here.site.z.aval.dtype),
        bypassed=here.site.bypassed,
        where=here.site.where,
        saturated=ends,
        not_finite=~seen.finite & any_seen,
        linear=None if straight is None else straight & finite,
        values=int(seen.values),
        fired=seen.positive,
        sloped=seen.sloped if relu else None,
        magnitude=_means(seen, finite),
        **{definition: mask & finite for definition, mask in flags.items()},
    )


def _definitions(seen: Seen, finite: Bool[np.ndarray, " unit"]) -> dict[str, Any]:
    """By name, of units whose values are finite."""
    mean = jnp.asarray(_means(seen, finite), jnp.float32)
    counts = [jnp.asarray(count, jnp.float32) for count in (seen.positive, seen.values)]
    same = np.asarray(definitions.constant(seen.highest, seen.lowest))
    return {
        "dead": seen.flat,
        "silent": np.all((seen.highest == 0) & (seen.lowest == 0), axis=0),
        "never_positive": seen.positive == 0,
        "constant": same.all(axis=0),
        "dormant": np.asarray(definitions.dormant(mean)),
        "rare": np.asarray(definitions.rare(counts[0], counts[1])),
    }


def _means(seen: Seen, finite: Bool[np.ndarray, " unit"]) -> Float[np.ndarray, " unit"]:
    """Mean |a|, NaN where it is not finite."""
    return np.where(finite, seen.total / max(int(seen.values), 1), np.nan)


def linear(name: str, bounds: Range, seen: Seen) -> Bool[Array, "*turn unit"] | None:
    """Whether z was in the straight stretch of f throughout, of NumPy's or of JAX's arrays.

    Above 0 it is counted; what lies between the ends of a clipped f is told by its outputs, which
    touch no end. None where f has no straight stretch, or is not known to have one.

    Args:
        name: of the activation.
        bounds: of its range.
        seen: of a site's units, or with an axis an iteration.
    """
    if not activation_names.is_straight(name, bounds):
        return None
    if bounds is None:
        return seen.positive == seen.values[..., None]
    low, high = bounds
    # Where z goes on by several ways, the first speaks for the range of the outputs.
    return (seen.lowest[..., 0, :] > low) & (seen.highest[..., 0, :] < high)


def _activation(here: Measured, seen: Seen) -> str:
    """The name of an f that takes more than z, by what it took."""
    if not seen.values:
        return "f(z)"
    site = here.site
    sides = dict(zip(site.sides, seen.sides, strict=True))
    (curve,) = sampling.curves(site.z, site.outputs[:1], sides)
    return activation_names.named(curve, site.z.aval.dtype)

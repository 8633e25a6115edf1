"""From what was seen of a site's units to a layer: which of them are dead, by each definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool

from reluprobe.foreign import activation_names, sampling
from reluprobe.foreign.network import Measured
from reluprobe.foreign.result import Layer
from reluprobe.foreign.tally import Seen
from reluprobe.measures import definitions

#: By iteration of the loops that have units of their own: what is certified, None where nothing is.
Masks = Mapping[tuple[int, ...], Bool[np.ndarray, " unit"] | None]
#: A unit is ``rare`` that is active on no larger share of the values seen.
RARE = 0.01


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
    flags = _definitions(seen, finite)
    ends = seen.extreme & finite if here.bounds else None
    return Layer(
        name=name,
        activation=here.activation or _activation(here, seen),
        units=len(finite),
        examples=int(seen.examples),
        positions=positions,
        dtype=str(here.site.z.aval.dtype),
        bypassed=here.site.bypassed,
        where=here.site.where,
        saturated=ends,
        not_finite=~seen.finite & any_seen,
        **{definition: mask & finite for definition, mask in flags.items()},
    )


def _definitions(seen: Seen, finite: Bool[np.ndarray, " unit"]) -> dict[str, Any]:
    """By name, of units whose values are finite."""
    mean = np.where(finite, seen.total / max(int(seen.values), 1), np.nan)
    same = np.asarray(definitions.constant(seen.highest, seen.lowest))
    return {
        "dead": seen.flat,
        "silent": np.all((seen.highest == 0) & (seen.lowest == 0), axis=0),
        "never_positive": seen.positive == 0,
        "constant": same.all(axis=0),
        "dormant": np.asarray(definitions.dormant(jnp.asarray(mean, jnp.float32))),
        "rare": (seen.positive > 0) & (seen.positive <= RARE * seen.values),
        "linear": seen.positive == seen.values,
    }


def _activation(here: Measured, seen: Seen) -> str:
    """The name of an f that takes more than z, by what it took."""
    if not seen.values:
        return "f(z)"
    site = here.site
    sides = dict(zip(site.sides, seen.sides, strict=True))
    (curve,) = sampling.curves(site.z, site.outputs[:1], sides)
    return activation_names.named(curve, site.z.aval.dtype)

"""Definitions of "dead": statistics of pre-activations, per unit, each definition here alone.

For unit j of a layer with pre-activation z, activation f and output a = f(z), over the probe's
examples k. All functions are pure, of extremes and counts over the examples
(:mod:`reluprobe.measures.tallies`).

A unit with a z that is NaN or infinite is neither dead nor alive: no definition counts it. Alone,
the formulas would: autodiff has ReLU'(NaN) = 0, and an infinite output makes a whole layer dormant.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt

from reluprobe.nn import activations

#: τ of ``dormant``: Sokar et al. 2023, for the ReDo of their value-based agents.
DORMANT_THRESHOLD = 0.025
#: Largest share of the values of z for which a ``rare`` unit fires.
RARE_THRESHOLD = 0.01
#: A share that is a count over a count is compared with so much to spare: 0.01 in float32 is less.
ROUNDING = 1e-6
#: Distance to an extreme within which an output counts as saturated.
SATURATION_MARGIN = 1e-3


class UnitStatistics(NamedTuple):
    """One answer per definition and unit, ``(layer, unit)``."""

    dead: Bool[Array, "layer unit"]
    silent: Bool[Array, "layer unit"]
    never_positive: Bool[Array, "layer unit"]
    constant: Bool[Array, "layer unit"]
    dormant: Bool[Array, "layer unit"]
    saturated: Bool[Array, "layer unit"]
    rare: Bool[Array, "layer unit"]
    linear: Bool[Array, "layer unit"]


def dead(steepest: Float[Array, "*unit"]) -> Bool[Array, "*unit"]:
    """f′(z_jk) = 0 for all k: by the chain rule no gradient reaches the unit's weights.

    As the backward pass has it, in float32: an ELU's slope is expm1(z) + 1 there, and 0 below
    z = −17.3; that of tanh is 0 beyond ±9, of sigmoid from 16.6 up. The converse does not hold: a
    unit that is not dead gets no gradient either where a whole later layer is dead.

    Args:
        steepest: max_k |f′(z_jk)|.
    """
    return steepest == 0


def silent(highest: Float[Array, "*unit"], lowest: Float[Array, "*unit"]) -> Bool[Array, "*unit"]:
    """a_jk = 0 for all k, from max_k a_jk and min_k a_jk. Source: the MNIST study's text, §4.4."""
    return (highest == 0) & (lowest == 0)


def never_positive(highest: Float[Array, "*unit"]) -> Bool[Array, "*unit"]:
    """z_jk ≤ 0 for all k. Source: the MNIST study's code, which counts outputs ≤ 0.

    It calls a leaky unit dead that still learns.

    Args:
        highest: max_k z_jk.
    """
    return highest <= 0


def constant(highest: Float[Array, "*unit"], lowest: Float[Array, "*unit"]) -> Bool[Array, "*unit"]:
    """max_k a_jk = min_k a_jk: the unit always outputs the same value, zero or not."""
    return highest == lowest


def saturated(
    outputs: Float[Array, "*layer example unit"], low: activations.Scalar, high: activations.Scalar
) -> Bool[Array, "*layer unit"]:
    """|a_jk − extreme| ≤ 1e-3 for all k, the extreme being the nearer end of f's range.

    Never true of an unbounded f, for which it means nothing: records hold null there.
    Source: Rakitianskaia & Engelbrecht 2015.
    """
    distance = jnp.minimum(jnp.abs(outputs - low), jnp.abs(outputs - high))
    return jnp.max(distance, axis=-2) <= SATURATION_MARGIN


def dormant(
    mean_absolute: Float[Array, "*layer unit"], threshold: activations.Scalar = DORMANT_THRESHOLD
) -> Bool[Array, "*layer unit"]:
    """s_j = mean_k|a_jk| / mean over the layer of the same ≤ τ = 0.025. A layer's s average 1.

    Written without the division, so that a layer whose outputs are all 0 is all dormant and not
    NaN. A unit whose own mean is not finite is not dormant, and does not count in its layer's.
    Source: Sokar et al. 2023, definition 3.1.
    """
    finite = jnp.isfinite(mean_absolute)
    of_layer = jnp.mean(jnp.where(finite, mean_absolute, 0.0), axis=-1, keepdims=True)
    # A factor of exactly 1 where all are finite, which rounds nothing.
    of_finite = of_layer / jnp.mean(finite, axis=-1, keepdims=True)
    return finite & (mean_absolute <= threshold * of_finite)


def rare(
    fired: UInt[Array, "*layer unit"],
    values: UInt[Array, "*#layer one"],
    threshold: activations.Scalar = RARE_THRESHOLD,
) -> Bool[Array, "*layer unit"]:
    """z_jk > 0 on at most 1% of all k, and on one at least: slow is not dead.

    Dohare et al. 2024 count units that are active on less than 1% of their examples as dead.

    Args:
        fired: of how many z > 0.
        values: of how many at all.
        threshold: the share.
    """
    most = threshold * (1 + ROUNDING) * values.astype(jnp.float32)
    return (fired > 0) & (fired.astype(jnp.float32) <= most)


def linear(
    lowest: Float[Array, "*unit"],
    highest: Float[Array, "*unit"],
    low: activations.Scalar,
    high: activations.Scalar,
) -> Bool[Array, "*unit"]:
    """``low < z_jk < high`` for all k, where f has one slope: a ReLU, with z_jk > 0, never bends.

    The mirror image of dead: the unit passes all on, and a layer of such units adds nothing to the
    one before it. Never true of an f that bends everywhere: records hold null there.
    """
    return (lowest > low) & (highest < high)

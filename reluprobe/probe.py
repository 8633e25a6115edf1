"""What "dead" means: statistics of pre-activations, per unit, each definition here alone.

For unit j of a layer with pre-activation z, activation f and output a = f(z), over the probe's
examples k. All functions are pure; they are reduced over examples inside ``jit``, so the
activations themselves never leave the device.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from reluprobe import zoo

#: τ of ``dormant``: Sokar et al. 2023, for the ReDo of their value-based agents.
DORMANT_THRESHOLD = 0.025
#: Distance to an extreme within which an output counts as saturated.
SATURATION_MARGIN = 1e-3


class UnitStatistics(NamedTuple):
    """One answer per unit and definition, ``(layer, unit)``, or ``(unit,)`` of one layer."""

    dead: Bool[Array, "*layer unit"]
    silent: Bool[Array, "*layer unit"]
    never_positive: Bool[Array, "*layer unit"]
    constant: Bool[Array, "*layer unit"]
    dormant: Bool[Array, "*layer unit"]
    saturated: Bool[Array, "*layer unit"]


def dead(derivatives: Float[Array, " example"]) -> Bool[Array, ""]:
    """f′(z_jk) = 0 for all k: by the chain rule no gradient reaches the unit's weights.

    As the backward pass has it, in float32: an ELU's slope is expm1(z) + 1 there, and 0 below
    z = −17.3; that of tanh is 0 beyond ±9, of sigmoid from 16.6 up. The converse does not hold: a
    unit that is not dead gets no gradient either where a whole later layer is dead.
    """
    return jnp.all(derivatives == 0)


def silent(outputs: Float[Array, " example"]) -> Bool[Array, ""]:
    """a_jk = 0 for all k. Source: the MNIST study's text, §4.4."""
    return jnp.all(outputs == 0)


def never_positive(z: Float[Array, " example"]) -> Bool[Array, ""]:
    """z_jk ≤ 0 for all k. Source: the MNIST study's code, which counts outputs ≤ 0.

    It calls a leaky unit dead that still learns.
    """
    return jnp.all(z <= 0)


def constant(outputs: Float[Array, " example"]) -> Bool[Array, ""]:
    """max_k a_jk = min_k a_jk: the unit always outputs the same value, zero or not."""
    return jnp.max(outputs) == jnp.min(outputs)


def saturated(
    outputs: Float[Array, " example"], low: zoo.Scalar, high: zoo.Scalar
) -> Bool[Array, ""]:
    """|a_jk − extreme| ≤ 1e-3 for all k, the extreme being the nearer end of f's range.

    Never true of an unbounded f, for which it means nothing: records hold null there.
    Source: Rakitianskaia & Engelbrecht 2015.
    """
    distance = jnp.minimum(jnp.abs(outputs - low), jnp.abs(outputs - high))
    return jnp.all(distance <= SATURATION_MARGIN)


def dormant(mean_absolute: Float[Array, " unit"]) -> Bool[Array, " unit"]:
    """s_j = mean_k|a_jk| / mean over the layer of the same ≤ τ = 0.025.

    Written without the division, so that a layer whose outputs are all 0 is all dormant and not
    NaN. Source: Sokar et al. 2023, definition 3.1.
    """
    return mean_absolute <= DORMANT_THRESHOLD * jnp.mean(mean_absolute)


def probe_layer(
    z: Float[Array, "example unit"], activation: zoo.Index, parameter: zoo.Scalar
) -> UnitStatistics:
    """All six answers for each unit of one layer.

    Args:
        z: the layer's pre-activations over the probe.
        activation: index into ``zoo.ACTIVATIONS``.
        parameter: the activation's parameter.
    """
    low, high = _range(activation)

    def unit(z: Array, a: Array, d: Array) -> tuple[Array, ...]:
        found = dead(d), silent(a), never_positive(z), constant(a), saturated(a, low, high)
        return (*found, jnp.mean(jnp.abs(a)))

    outputs = zoo.activate(activation, z, parameter)
    slopes = zoo.derivative(activation, z, parameter)
    found = jax.vmap(unit, in_axes=1)(z, outputs, slopes)
    none, zero, negative, same, extreme, mean_absolute = found
    return UnitStatistics(none, zero, negative, same, dormant(mean_absolute), extreme)


def probe(
    z: Float[Array, "layer example unit"], activation: zoo.Index, parameter: zoo.Scalar
) -> UnitStatistics:
    """:func:`probe_layer`, mapped over the layers."""
    return jax.vmap(probe_layer, in_axes=(0, None, None))(z, activation, parameter)


def _range(activation: zoo.Index) -> tuple[Array, Array]:
    """Infimum and supremum of f, infinite on both sides where it is not bounded on both."""
    acts = zoo.ACTIVATIONS.values()
    low = jnp.array([a.low if a.bounded else -jnp.inf for a in acts])
    high = jnp.array([a.high if a.bounded else jnp.inf for a in acts])
    return low[activation], high[activation]

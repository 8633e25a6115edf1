"""Definitions of "dead": statistics of pre-activations, per unit, each definition here alone.

For unit j of a layer with pre-activation z, activation f and output a = f(z), over the probe's
examples k. All functions are pure; they are reduced over examples inside ``jit``, so the
activations themselves never leave the device.

A unit with a z that is NaN or infinite is neither dead nor alive: no definition counts it. Alone,
the formulas would: autodiff has ReLU'(NaN) = 0, and an infinite output makes a whole layer dormant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from reluprobe.nn import activations
from reluprobe.nn.activations import Scalar
from reluprobe.nn.hidden_layers import together
from reluprobe.nn.mlp import Preactivations

#: τ of ``dormant``: Sokar et al. 2023, for the ReDo of their value-based agents.
DORMANT_THRESHOLD = 0.025
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


def constant(highest: Float[Array, "*unit"], lowest: Float[Array, "*unit"]) -> Bool[Array, "*unit"]:
    """max_k a_jk = min_k a_jk: the unit always outputs the same value, zero or not."""
    return highest == lowest


def saturated(
    outputs: Float[Array, " example"], low: activations.Scalar, high: activations.Scalar
) -> Bool[Array, ""]:
    """|a_jk − extreme| ≤ 1e-3 for all k, the extreme being the nearer end of f's range.

    Never true of an unbounded f, for which it means nothing: records hold null there.
    Source: Rakitianskaia & Engelbrecht 2015.
    """
    distance = jnp.minimum(jnp.abs(outputs - low), jnp.abs(outputs - high))
    return jnp.all(distance <= SATURATION_MARGIN)


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


class Tally(NamedTuple):
    """What is known of each unit, ``(layer, unit)``, after some of a probe's examples.

    A probe of any size streams through it in bounded memory. ``finite``: no z or output was NaN
    or infinite.
    """

    finite: Bool[Array, "layer unit"]
    dead: Bool[Array, "layer unit"]
    silent: Bool[Array, "layer unit"]
    never_positive: Bool[Array, "layer unit"]
    saturated: Bool[Array, "layer unit"]
    highest: Float[Array, "layer unit"]
    lowest: Float[Array, "layer unit"]
    total: Float[Array, "layer unit"]
    examples: Float[Array, ""]


def empty(sizes: Sequence[int]) -> Tally:
    """A tally of no example: every "for all" holds.

    Args:
        sizes: units of each layer. A row is as long as the widest layer's; what stands in it for
            units that a layer has not is not finite, and so counts nowhere.
    """
    shape = (len(sizes), max(sizes))
    yes, zero = jnp.ones(shape, bool), jnp.zeros(shape)
    here = yes if len({*sizes}) == 1 else jnp.asarray(present(sizes))
    return Tally(here, yes, yes, yes, yes, zero - jnp.inf, zero + jnp.inf, zero, jnp.float32(0))


def present(sizes: Sequence[int]) -> Bool[np.ndarray, "layer unit"]:
    """Which places of rows as long as the widest layer are units of their layer."""
    return np.arange(max(sizes))[None] < np.asarray(sizes)[:, None]


def add(
    tally: Tally,
    z: Preactivations,
    counts: Float[Array, " example"],
    activation: activations.Index,
    parameter: activations.Scalar,
) -> Tally:
    """The tally with these examples in it.

    Args:
        tally: what is known so far.
        z: pre-activations; of layers of unequal shapes one after the other, each
            ``(example, *position, unit)``: a channel is flat if it is so at all its positions.
        counts: 1 for an example, 0 for a repetition that fills up the batch.
        activation: index into ``activations.ACTIVATIONS``.
        parameter: the activation's parameter, or one of each layer, ``(layer, 1, 1)``.
    """
    seen = by_layers(partial(_seen, activation), z, counts, parameter)
    return combined(tally, seen, counts)


def combined(tally: Tally, seen: Sequence[Array], counts: Float[Array, " example"]) -> Tally:
    """The tally with what was seen of each unit on some examples, arrays ``(layer, unit)``.

    In this order: whether all was finite, f′ = 0, a = 0, z ≤ 0 and a at an extreme throughout; the
    largest a and the smallest, and the sum of the magnitudes of a.
    """
    finite, none, zero, negative, extreme, highest, lowest, total = seen
    return Tally(
        tally.finite & finite,
        tally.dead & none,
        tally.silent & zero,
        tally.never_positive & negative,
        tally.saturated & extreme,
        jnp.maximum(tally.highest, highest),
        jnp.minimum(tally.lowest, lowest),
        tally.total + total,
        tally.examples + jnp.sum(counts),
    )


def by_layers(
    measure: Callable[[Array, Array, Scalar], Any],
    z: Preactivations,
    counts: Float[Array, " example"],
    parameter: Scalar,
) -> Any:
    """What is measured of all layers, along a first axis ``layer``.

    Args:
        measure: (z ``(layer, example, unit)``, counts ``(example,)``, parameter) → arrays
            ``(layer, …)``. Of layers of unequal shapes it is asked one by one, a position being as
            good as an example. So a layer's sums are over its positions too: they are for
            comparisons within the layer.
        z: pre-activations.
        counts: of the examples.
        parameter: of all layers, or one of each.
    """
    if not isinstance(z, tuple):
        return measure(z, counts, parameter)
    rows, of_each = [], jnp.asarray(parameter)
    for n, layer in enumerate(z):
        flat = layer.reshape(1, -1, layer.shape[-1])
        own = of_each[n : n + 1] if of_each.ndim else parameter
        row = measure(flat, jnp.repeat(counts, math.prod(layer.shape[1:-1])), own)
        rows.append(jax.tree.map(lambda x: x[0], row))
    return together(rows)


def _seen(
    activation: activations.Index, z: Array, counts: Array, parameter: Scalar
) -> tuple[Array, ...]:
    """What these examples show of each unit, ``(layer, unit)``."""
    low, high = _range(activation)

    def unit(z: Array, a: Array, d: Array) -> tuple[Array, ...]:
        finite = jnp.all(jnp.isfinite(z) & jnp.isfinite(a))
        flags = finite, dead(d), silent(a), never_positive(z), saturated(a, low, high)
        return (*flags, jnp.max(a), jnp.min(a), jnp.sum(jnp.abs(a) * counts))

    outputs = activations.activate(activation, z, parameter)
    slopes = activations.derivative(activation, z, parameter)
    return jax.vmap(jax.vmap(unit, in_axes=1))(z, outputs, slopes)


def answer(
    tally: Tally, dormant_threshold: activations.Scalar = DORMANT_THRESHOLD
) -> UnitStatistics:
    """The six answers for each unit, from a tally of the whole probe."""
    t = tally
    same = constant(t.highest, t.lowest)
    # A mean over the layer of means that are finite.
    resting = dormant(jnp.where(t.finite, t.total / t.examples, jnp.nan), dormant_threshold)
    answers = UnitStatistics(t.dead, t.silent, t.never_positive, same, resting, t.saturated)
    return jax.tree.map(lambda counted: counted & t.finite, answers)


def probe(
    z: Float[Array, "layer example unit"],
    activation: activations.Index,
    parameter: activations.Scalar,
) -> UnitStatistics:
    """The six answers for each unit, from a probe's pre-activations at once."""
    layers, examples, units = z.shape
    counts = jnp.ones(examples)
    return answer(add(empty([units] * layers), z, counts, activation, parameter))


def _range(activation: activations.Index) -> tuple[Array, Array]:
    """Infimum and supremum of f, infinite on both sides where it is not bounded on both."""
    acts = activations.ACTIVATIONS.values()
    low = activations.pick([a.low if a.bounded else -jnp.inf for a in acts], activation)
    return low, activations.pick([a.high if a.bounded else jnp.inf for a in acts], activation)

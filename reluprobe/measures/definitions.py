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
from functools import partial, reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, UInt

from reluprobe.nn import activations
from reluprobe.nn.activations import Scalar
from reluprobe.nn.hidden_layers import together
from reluprobe.nn.mlp import Preactivations

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


class Tally(NamedTuple):
    """What is known of each unit, ``(layer, unit)``, after some of a probe's examples.

    A probe of any size streams through it in bounded memory. ``finite``: no z or output was NaN
    or infinite. ``fired`` and ``sloped``: of how many z > 0 and f′(z) ≠ 0; ``values``: of how many
    at all. ``quiet``: on how many examples a layer's outputs are all 0.
    """

    finite: Bool[Array, "layer unit"]
    dead: Bool[Array, "layer unit"]
    silent: Bool[Array, "layer unit"]
    never_positive: Bool[Array, "layer unit"]
    saturated: Bool[Array, "layer unit"]
    linear: Bool[Array, "layer unit"]
    highest: Float[Array, "layer unit"]
    lowest: Float[Array, "layer unit"]
    total: Float[Array, "layer unit"]
    fired: UInt[Array, "layer unit"]
    sloped: UInt[Array, "layer unit"]
    values: UInt[Array, " layer"]
    quiet: UInt[Array, " layer"]
    examples: Float[Array, ""]


class Seen(NamedTuple):
    """What some examples show of each unit, ``(layer, unit)``; ``values`` and ``quiet`` of a layer.

    Counts in float32, which XLA sums faster than integers: of a batch, they are exact.
    """

    finite: Bool[Array, "layer unit"]
    dead: Bool[Array, "layer unit"]
    silent: Bool[Array, "layer unit"]
    never_positive: Bool[Array, "layer unit"]
    saturated: Bool[Array, "layer unit"]
    linear: Bool[Array, "layer unit"]
    highest: Float[Array, "layer unit"]
    lowest: Float[Array, "layer unit"]
    total: Float[Array, "layer unit"]
    fired: Float[Array, "layer unit"]
    sloped: Float[Array, "layer unit"]
    values: Float[Array, " layer"]
    quiet: Float[Array, " layer"]


class UnitRates(NamedTuple):
    """How often units fire: counts, ``(layer, unit)``; ``values`` and ``dead_data`` of a layer.

    ``magnitude`` is mean_k|a_jk|, ``dead_data`` the share of examples on which a whole layer is
    silent (Rister & Rubin 2020 call the others living).
    """

    fired: UInt[Array, "layer unit"]
    sloped: UInt[Array, "layer unit"]
    magnitude: Float[Array, "layer unit"]
    values: UInt[Array, " layer"]
    dead_data: Float[Array, " layer"]


def empty(sizes: Sequence[int]) -> Tally:
    """A tally of no example: every "for all" holds.

    Args:
        sizes: units of each layer. A row is as long as the widest layer's; what stands in it for
            units that a layer has not is not finite, and so counts nowhere.
    """
    shape = (len(sizes), max(sizes))
    yes, zero = jnp.ones(shape, bool), jnp.zeros(shape)
    here = yes if len({*sizes}) == 1 else jnp.asarray(present(sizes))
    none, of_layer = jnp.zeros(shape, jnp.uint32), jnp.zeros(len(sizes), jnp.uint32)
    return Tally(
        finite=here,
        dead=yes,
        silent=yes,
        never_positive=yes,
        saturated=yes,
        linear=yes,
        highest=zero - jnp.inf,
        lowest=zero + jnp.inf,
        total=zero,
        fired=none,
        sloped=none,
        values=of_layer,
        quiet=of_layer,
        examples=jnp.float32(0),
    )


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
    quiet = _quiet(activation, z, counts, parameter)
    return combined(tally, Seen(*seen, quiet=quiet), counts)


def combined(tally: Tally, seen: Seen, counts: Float[Array, " example"]) -> Tally:
    """The tally with what was seen of each unit on some examples."""
    return Tally(
        finite=tally.finite & seen.finite,
        dead=tally.dead & seen.dead,
        silent=tally.silent & seen.silent,
        never_positive=tally.never_positive & seen.never_positive,
        saturated=tally.saturated & seen.saturated,
        linear=tally.linear & seen.linear,
        highest=jnp.maximum(tally.highest, seen.highest),
        lowest=jnp.minimum(tally.lowest, seen.lowest),
        total=tally.total + seen.total,
        fired=tally.fired + seen.fired.astype(jnp.uint32),
        sloped=tally.sloped + seen.sloped.astype(jnp.uint32),
        values=tally.values + seen.values.astype(jnp.uint32),
        quiet=tally.quiet + seen.quiet.astype(jnp.uint32),
        examples=tally.examples + jnp.sum(counts),
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
    """What these examples show of each unit, the fields of :class:`Seen` up to ``values``."""
    low, high = _range(activation)
    outputs = activations.activate(activation, z, parameter)
    slopes = activations.derivative(activation, z, parameter)
    # Extremes and sums of float32 alone: XLA reduces Booleans on a CPU several times as slowly.
    top, bottom, highest, lowest = (
        reduced(x, axis=1) for x in (z, outputs) for reduced in (jnp.max, jnp.min)
    )
    ends = (jnp.isfinite(end) for end in (top, bottom, highest, lowest))
    count = counts[None, :, None]
    return (
        reduce(jnp.logical_and, ends),
        dead(jnp.max(jnp.abs(slopes), axis=1)),
        silent(highest, lowest),
        never_positive(top),
        saturated(outputs, low, high),
        linear(bottom, top, *_straight(activation)),
        highest,
        lowest,
        jnp.sum(jnp.abs(outputs) * count, axis=1),
        jnp.sum((z > 0) * count, axis=1),
        jnp.sum((slopes != 0) * count, axis=1),
        jnp.full(len(z), jnp.sum(counts)),
    )


def _quiet(
    activation: activations.Index, z: Preactivations, counts: Array, parameter: Scalar
) -> Float[Array, " layer"]:
    """On how many examples all outputs of a layer are 0, at all its positions."""
    if not isinstance(z, tuple):
        outputs = activations.activate(activation, z, parameter)
        return jnp.sum((jnp.max(jnp.abs(outputs), axis=-1) == 0) * counts[None], axis=-1)
    of_each, rows = jnp.asarray(parameter), []
    for n, layer in enumerate(z):
        own = of_each[n, 0, 0] if of_each.ndim else parameter
        outputs = activations.activate(activation, layer.reshape(len(layer), -1), own)
        rows.append(jnp.sum((jnp.max(jnp.abs(outputs), axis=1) == 0) * counts))
    return jnp.stack(rows)


def answer(
    tally: Tally,
    dormant_threshold: activations.Scalar = DORMANT_THRESHOLD,
    rare_threshold: activations.Scalar = RARE_THRESHOLD,
) -> UnitStatistics:
    """The answers for each unit, from a tally of the whole probe."""
    t = tally
    same = constant(t.highest, t.lowest)
    # A mean over the layer of means that are finite.
    resting = dormant(jnp.where(t.finite, t.total / t.examples, jnp.nan), dormant_threshold)
    seldom = rare(t.fired, t.values[:, None], rare_threshold)
    answers = UnitStatistics(
        t.dead, t.silent, t.never_positive, same, resting, t.saturated, seldom, t.linear
    )
    return jax.tree.map(lambda counted: counted & t.finite, answers)


def rates(tally: Tally) -> UnitRates:
    """How often each unit fires, from a tally of the whole probe."""
    means = tally.total / jnp.maximum(tally.values, 1)[:, None].astype(jnp.float32)
    silent_share = tally.quiet.astype(jnp.float32) / jnp.maximum(tally.examples, 1)
    return UnitRates(tally.fired, tally.sloped, means, tally.values, silent_share)


def probe(
    z: Float[Array, "layer example unit"],
    activation: activations.Index,
    parameter: activations.Scalar,
) -> UnitStatistics:
    """The answers for each unit, from a probe's pre-activations at once."""
    return answer(tallied(z, activation, parameter))


def tallied(
    z: Float[Array, "layer example unit"],
    activation: activations.Index,
    parameter: activations.Scalar,
) -> Tally:
    """The tally of a probe's pre-activations at once."""
    layers, examples, units = z.shape
    return add(empty([units] * layers), z, jnp.ones(examples), activation, parameter)


def _range(activation: activations.Index) -> tuple[Array, Array]:
    """Infimum and supremum of f, infinite on both sides where it is not bounded on both."""
    acts = activations.ACTIVATIONS.values()
    low = activations.pick([a.low if a.bounded else -jnp.inf for a in acts], activation)
    return low, activations.pick([a.high if a.bounded else jnp.inf for a in acts], activation)


def _straight(activation: activations.Index) -> tuple[Array, Array]:
    """Where f has one slope; between ends the wrong way round where it has none throughout."""
    ends = [a.straight or (jnp.inf, -jnp.inf) for a in activations.ACTIVATIONS.values()]
    low, high = zip(*ends, strict=True)
    return activations.pick(low, activation), activations.pick(high, activation)

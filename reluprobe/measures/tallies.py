"""Tallies: what a probe shows of each unit, added up batch by batch inside ``jit``.

A unit's pre-activations never leave the device: extremes, sums and counts of them do, and
:mod:`reluprobe.measures.definitions` says by these which units are dead.
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

from reluprobe.measures import definitions
from reluprobe.measures.definitions import DORMANT_THRESHOLD, RARE_THRESHOLD, UnitStatistics
from reluprobe.nn import activations
from reluprobe.nn.activations import Scalar
from reluprobe.nn.hidden_layers import together
from reluprobe.nn.mlp import Preactivations


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
    return combined(tally, Tally(*seen, quiet=quiet, examples=jnp.sum(counts)))


def combined(one: Tally, other: Tally) -> Tally:
    """The tally of the examples of both."""
    return Tally(
        finite=one.finite & other.finite,
        dead=one.dead & other.dead,
        silent=one.silent & other.silent,
        never_positive=one.never_positive & other.never_positive,
        saturated=one.saturated & other.saturated,
        linear=one.linear & other.linear,
        highest=jnp.maximum(one.highest, other.highest),
        lowest=jnp.minimum(one.lowest, other.lowest),
        total=one.total + other.total,
        fired=one.fired + other.fired,
        sloped=one.sloped + other.sloped,
        values=one.values + other.values,
        quiet=one.quiet + other.quiet,
        examples=one.examples + other.examples,
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
    """What these examples show of each unit, the fields of :class:`Tally` up to ``values``."""
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
        definitions.dead(jnp.max(jnp.abs(slopes), axis=1)),
        definitions.silent(highest, lowest),
        definitions.never_positive(top),
        definitions.saturated(outputs, low, high),
        definitions.linear(bottom, top, *_straight(activation)),
        highest,
        lowest,
        jnp.sum(jnp.abs(outputs) * count, axis=1),
        # Of a batch a sum in float32 counts exactly, and faster than one of integers.
        jnp.sum(jnp.where(z > 0, count, 0.0), axis=1).astype(jnp.uint32),
        jnp.sum(jnp.where(slopes != 0, count, 0.0), axis=1).astype(jnp.uint32),
        jnp.full(len(z), jnp.sum(counts)).astype(jnp.uint32),
    )


def _quiet(
    activation: activations.Index, z: Preactivations, counts: Array, parameter: Scalar
) -> UInt[Array, " layer"]:
    """On how many examples all outputs of a layer are 0, at all its positions."""
    if not isinstance(z, tuple):
        outputs = activations.activate(activation, z, parameter)
        loudest = jnp.max(jnp.abs(outputs), axis=-1)
        silenced = jnp.sum(jnp.where(loudest == 0, counts[None], 0.0), axis=-1)
        return silenced.astype(jnp.uint32)
    of_each, rows = jnp.asarray(parameter), []
    for n, layer in enumerate(z):
        own = of_each[n, 0, 0] if of_each.ndim else parameter
        outputs = activations.activate(activation, layer.reshape(len(layer), -1), own)
        loudest = jnp.max(jnp.abs(outputs), axis=1)
        rows.append(jnp.sum(jnp.where(loudest == 0, counts, 0.0)))
    return jnp.stack(rows).astype(jnp.uint32)


def answer(
    tally: Tally,
    dormant_threshold: activations.Scalar = DORMANT_THRESHOLD,
    rare_threshold: activations.Scalar = RARE_THRESHOLD,
) -> UnitStatistics:
    """The answers for each unit, from a tally of the whole probe."""
    t = tally
    same = definitions.constant(t.highest, t.lowest)
    # A mean over the layer of means that are finite.
    resting = definitions.dormant(
        jnp.where(t.finite, t.total / t.examples, jnp.nan), dormant_threshold
    )
    seldom = definitions.rare(t.fired, t.values[:, None], rare_threshold)
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

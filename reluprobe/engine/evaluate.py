"""Passes over a sample that look and change nothing: losses, tallies, moments, causes."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float

from reluprobe.engine.program_spec import Blueprint
from reluprobe.engine.state import Arrays, Numbers, Section, losses
from reluprobe.measures import activation_stats, attribution, definitions
from reluprobe.nn import activations

#: Examples a step: bounds the memory that activations take.
BATCH = 1000


def _batch(plan: Blueprint) -> int:
    return min(BATCH, plan.train_examples)


def _span(
    plan: Blueprint,
    data: Arrays,
    numbers: Numbers,
    i: Array | int,
    start: Array | int,
    stop: Array,
) -> tuple[Array, Array, Array]:
    """Batch i of the examples from start to stop: inputs, targets, and 1 where one counts."""
    at = start + i * _batch(plan) + jnp.arange(_batch(plan))
    # The last batch is filled up with its last example, which changes no maximum and no "all".
    chosen = jnp.minimum(at, stop - 1)
    inputs, targets = plan.inputs(data, numbers, chosen), plan.targets(data, numbers, chosen)
    return inputs, targets, (at < stop).astype(jnp.float32)


class Seen(NamedTuple):
    """What a pass over a sample gathers: sums of loss and right predictions, and the units."""

    loss: Float[Array, ""]
    right: Float[Array, ""]
    finite: Bool[Array, ""]
    tally: definitions.Tally
    moments: activation_stats.ActivationStats


def look(
    plan: Blueprint,
    data: Arrays,
    weights: nnx.State,
    numbers: Numbers,
    start: Array,
    stop: Array,
    tallied: Array,
    drawn: Array,
) -> Seen:
    """A pass over some examples; units are tallied, and moments drawn, only where wanted."""
    f = plan.f_of_layers(weights, numbers)

    def batch(i: Array, seen: Seen) -> Seen:
        inputs, targets, counts = _span(plan, data, numbers, i, start, stop)
        outputs, z = plan.run(inputs, weights, numbers)
        lost, hit = losses(outputs, targets, plan.regression)
        return Seen(
            seen.loss + jnp.sum(lost * counts),
            seen.right + jnp.sum(hit * counts),
            seen.finite & jnp.isfinite(z).all(),
            jax.lax.cond(
                tallied, lambda: definitions.add(seen.tally, z, counts, *f), lambda: seen.tally
            ),
            jax.lax.cond(
                drawn & (i == 0),
                lambda: activation_stats.moments(z, counts, *f),
                lambda: seen.moments,
            ),
        )

    layers, units = plan.config.depth, plan.config.width
    zero, yes = jnp.float32(0), jnp.bool_(True)
    nothing = Seen(
        zero, zero, yes, definitions.empty(layers, units), activation_stats.nothing(layers)
    )
    many = -((start - stop) // _batch(plan))
    return jax.lax.fori_loop(0, many, batch, nothing)


@partial(jax.jit, static_argnums=(0, 4))
def outputs(
    plan: Blueprint, data: Arrays, weights: nnx.State, numbers: Numbers, count: int
) -> Float[Array, "layer unit example"]:
    """What every hidden unit gives out, f(z), on the first so many examples.

    Of a CReLU, whose units give out max(0, z) and max(0, −z), it is |z|, their sum.
    """
    _, z = plan.run(plan.inputs(data, numbers, jnp.arange(count)), weights, numbers)
    index, parameter = plan.f_of_layers(weights, numbers)
    return jnp.swapaxes(activations.activate(index, z, parameter), 1, 2)


def explain(
    plan: Blueprint,
    data: Arrays,
    now: Section,
    numbers: Numbers,
    before: nnx.State,
    after: nnx.State,
) -> attribution.Causes:
    """What moved each unit's largest pre-activation over the probe in this section.

    Of networks that are not plain (``Blueprint.plain``) it says nothing: zeros.
    """
    layers, units = plan.config.depth, plan.config.width
    if not plan.plain:
        nothing = jnp.zeros((layers, units))
        return attribution.Causes(nothing, nothing, nothing)
    old, new = nnx.merge(plan.graph, before), nnx.merge(plan.graph, after)

    def batch(i: Array, peaks: attribution.Peaks) -> attribution.Peaks:
        inputs, _, _ = _span(plan, data, numbers, i, 0, now.explained)
        return attribution.add(peaks, old, new, inputs)

    start = attribution.empty(layers, units)
    many = -(-now.explained // _batch(plan))
    return attribution.shares(jax.lax.fori_loop(0, many, batch, start), old, new)

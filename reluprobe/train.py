"""Train one lane for a section and look at it. Pure: a lane in, a lane and its report out."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float

from reluprobe import causes, certificate, moments, probe, survey, zoo
from reluprobe.state import Arrays, Blueprint, Lane, Numbers, Section, batches, losses


class Report(NamedTuple):
    """What one section of one lane shows. ``finite`` is false once anything is NaN or infinite.

    What the section did not look at (see :class:`Section`) is meaningless here.
    """

    train_loss: Float[Array, ""]
    train_accuracy: Float[Array, ""]
    loss: Float[Array, " sample"]
    accuracy: Float[Array, " sample"]
    finite: Bool[Array, ""]
    units: probe.UnitStatistics
    certain: Bool[Array, "layer unit"]
    causes: causes.Causes
    moments: moments.Moments


def section(
    plan: Blueprint, data: Arrays, now: Section, lane: Lane, numbers: Numbers
) -> tuple[Lane, Report]:
    """Train for some steps, then look: at the probe, and where an epoch or the run ends, beyond."""
    before = lane.weights
    lane = _train(plan, data, now, lane, numbers)
    count, total = plan.train_examples, data.targets.size
    # A sample that is not looked at is empty. One compiled body serves all three.
    starts = jnp.array([0, count, 0])
    tested, trained = jnp.where(now.closes, total, count), jnp.where(now.ends, count, 0)
    stops = jnp.stack([now.probed, tested, trained])
    tallied = jnp.stack([jnp.bool_(True), now.ends, now.ends])
    weights = lane.weights

    # Before training and where the run ends, the probe's first batch shows its moments too.
    drawn = jnp.stack([(now.epoch == 0) | now.ends, jnp.bool_(False), jnp.bool_(False)])

    def sample(span: tuple[Array, Array, Array, Array]) -> survey.Seen:
        return survey.look(plan, data, weights, numbers, *span)

    seen = jax.lax.map(sample, (starts, stops, tallied, drawn))
    sizes = jnp.maximum(stops - starts, 1).astype(jnp.float32)
    train_loss, train_right = lane.sums / count
    network = nnx.merge(plan.graph, weights)
    report = Report(
        train_loss,
        train_right,
        seen.loss / sizes,
        seen.right / sizes,
        seen.finite.all() & jnp.isfinite(seen.loss).all() & jnp.isfinite(train_loss),
        jax.vmap(probe.answer)(seen.tally),
        certificate.certify(network, data.low, data.high, plan.f(numbers)[0]),
        survey.explain(plan, data, now, before, weights),
        jax.tree.map(lambda x: x[0], seen.moments),
    )
    return lane, report


def _train(plan: Blueprint, data: Arrays, now: Section, lane: Lane, numbers: Numbers) -> Lane:
    """Some steps of an epoch. Its first section draws a fresh order of the training set."""

    def fresh() -> Array:
        key = jax.random.fold_in(jax.random.wrap_key_data(numbers.order), now.epoch)
        order = jax.random.permutation(key, plan.train_examples)
        return batches(order, plan.batch_size)[0]

    starting = now.first == 0
    order = jax.lax.cond(starting, fresh, lambda: lane.order)
    counts = batches(jnp.arange(plan.train_examples), plan.batch_size)[1]
    lane = lane._replace(order=order, sums=jnp.where(starting, 0.0, lane.sums))

    def step(i: Array, lane: Lane) -> Lane:
        return _step(plan, data, numbers, lane, lane.order[i], counts[i])

    return jax.lax.fori_loop(now.first, now.last, step, lane)


def _step(
    plan: Blueprint, data: Arrays, numbers: Numbers, lane: Lane, chosen: Array, counts: Array
) -> Lane:
    """One update; the batch's losses and right predictions, before it, join the sums."""
    inputs, targets = data.inputs[chosen], data.targets[chosen]

    def mean_loss(state: nnx.State) -> tuple[Array, Array]:
        outputs, _ = plan.run(inputs, state, numbers)
        loss, right = losses(outputs, targets, plan.regression)
        total = jnp.sum(loss * counts)
        return total / jnp.sum(counts), jnp.stack([total, jnp.sum(right * counts)])

    gradient, sums = jax.grad(mean_loss, has_aux=True)(lane.weights)
    optimizer = zoo.optimizer(plan.optimizer, numbers.learning_rate)
    updates, state = optimizer.update(gradient, lane.optimizer, lane.weights)
    weights: Any = optax.apply_updates(lane.weights, updates)
    return Lane(weights, state, lane.order, lane.sums + sums)


def idle(
    plan: Blueprint, data: Arrays, now: Section, lane: Lane, numbers: Numbers
) -> tuple[Lane, Report]:
    """What a lane that is padding or has diverged does: nothing. Its report says not finite."""
    shape = jax.eval_shape(lambda: section(plan, data, now, lane, numbers)[1])
    report: Any = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shape)
    return lane, report

"""Train one lane for a section and look at it. Pure: a lane in, a lane and its report out."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float, Int

from reluprobe.engine import evaluate, revive
from reluprobe.engine.program_spec import Blueprint
from reluprobe.engine.state import (
    LABEL_DICE,
    STEP_DICE,
    Arrays,
    Lane,
    Numbers,
    Section,
    batches,
    losses,
    trained,
)
from reluprobe.measures import activation_stats, attribution, certificate, definitions
from reluprobe.nn import mlp, optimizers


class Report(NamedTuple):
    """What one section of one lane shows. ``finite`` is false once anything is NaN or infinite.

    What the section did not look at (see :class:`Section`) is meaningless here.
    """

    train_loss: Float[Array, ""]
    train_accuracy: Float[Array, ""]
    loss: Float[Array, " sample"]
    accuracy: Float[Array, " sample"]
    finite: Bool[Array, ""]
    units: definitions.UnitStatistics
    certain: Bool[Array, "layer unit"]
    causes: attribution.Causes
    moments: activation_stats.ActivationStats
    revived: Int[Array, " layer"]


def section(
    plan: Blueprint, data: Arrays, now: Section, lane: Lane, numbers: Numbers
) -> tuple[Lane, Report]:
    """Revive units if it is time, train for some steps, then look.

    At the probe, and where an epoch or the run ends, beyond.
    """
    lane, revived = revive.at_start(plan, now, lane, numbers)
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

    def sample(span: tuple[Array, Array, Array, Array]) -> evaluate.Seen:
        return evaluate.look(plan, data, weights, numbers, *span)

    seen = jax.lax.map(sample, (starts, stops, tallied, drawn))
    sizes = jnp.maximum(stops - starts, 1).astype(jnp.float32)
    train_loss, train_right = lane.sums / count
    report = Report(
        train_loss,
        train_right,
        seen.loss / sizes,
        seen.right / sizes,
        seen.finite.all() & jnp.isfinite(seen.loss).all() & jnp.isfinite(train_loss),
        jax.vmap(definitions.answer)(seen.tally),
        _certain(plan, data, weights, numbers),
        evaluate.explain(plan, data, now, numbers, before, weights),
        jax.tree.map(lambda x: x[0], seen.moments),
        revived,
    )
    tally = jax.tree.map(lambda x: x[0], seen.tally)
    return lane._replace(marks=revive.marks(plan, numbers, tally)), report


def _certain(plan: Blueprint, data: Arrays, weights: nnx.State, numbers: Numbers) -> Array:
    """Which units are dead in the whole box; no where the proof does not know the network."""
    if not plan.plain:
        return jnp.zeros((plan.config.depth, plan.config.width), bool)
    low, high = (plan.seen(data, numbers, end[None])[0] for end in (data.low, data.high))
    return certificate.certify(nnx.merge(plan.graph, weights), low, high, plan.f(numbers)[0])


def _train(plan: Blueprint, data: Arrays, now: Section, lane: Lane, numbers: Numbers) -> Lane:
    """Some steps of an epoch. Its first section draws a fresh order of the training set."""

    def fresh() -> Array:
        key = jax.random.fold_in(jax.random.wrap_key_data(numbers.order), now.epoch)
        order = jax.random.permutation(key, plan.train_examples)
        return batches(order, plan.config.batch_size)[0]

    starting = now.first == 0
    order = jax.lax.cond(starting, fresh, lambda: lane.order)
    counts = batches(jnp.arange(plan.train_examples), plan.config.batch_size)[1]
    lane = lane._replace(order=order, sums=jnp.where(starting, 0.0, lane.sums))

    def step(i: Array, lane: Lane) -> Lane:
        return _step(plan, data, now.epoch, i, numbers, lane, counts[i])

    return jax.lax.fori_loop(now.first, now.last, step, lane)


def _step(
    plan: Blueprint,
    data: Arrays,
    epoch: Array,
    i: Array,
    numbers: Numbers,
    lane: Lane,
    counts: Array,
) -> Lane:
    """One update; the batch's losses and right predictions, before it, join the sums."""
    chosen = lane.order[i]
    inputs = plan.inputs(data, numbers, chosen)
    targets = _noisy(plan, numbers, chosen, plan.targets(data, numbers, chosen))
    params, rest = trained(lane.weights)
    training = _training(plan, numbers, epoch, i, counts)

    def mean_loss(params: nnx.State) -> tuple[Array, tuple[Array, nnx.State]]:
        # A copy, as batch norm writes its running averages into the network it is of.
        network = nnx.merge(plan.graph, params, rest, copy=True)
        outputs, _ = network(inputs, *plan.f(numbers), training)
        loss, right = losses(outputs, targets, plan.regression)
        total = jnp.sum(loss * counts)
        sums = jnp.stack([total, jnp.sum(right * counts)])
        return total / jnp.sum(counts), (sums, trained(nnx.state(network))[1])

    gradient, (sums, rest) = jax.grad(mean_loss, has_aux=True)(params)
    moves, state = plan.optimizer(numbers).update(gradient, lane.optimizer, params)
    if plan.config.freeze_layers:
        moves = optimizers.frozen(moves, plan.config, epoch)
    params = optax.apply_updates(params, moves)
    weights = nnx.merge_state(params, rest)  # type: ignore[arg-type]
    return lane._replace(weights=weights, optimizer=state, sums=lane.sums + sums)


def _training(
    plan: Blueprint, numbers: Numbers, epoch: Array, i: Array, counts: Array
) -> mlp.Training | None:
    """What this step's pass has that a look has not; None where that is nothing."""
    dropout, config = numbers.dials.get("dropout"), plan.config
    if dropout is None and config.norm != "batch" and config.activation != "rrelu":
        return None
    key = jax.random.wrap_key_data(numbers.order)
    for number in (STEP_DICE, epoch, i):
        key = jax.random.fold_in(key, number)
    return mlp.Training(key, counts, dropout)


def _noisy(plan: Blueprint, numbers: Numbers, chosen: Array, targets: Array) -> Array:
    """Targets of which a share, the same examples every time, are another class.

    Each with probability ``label_noise``, uniformly one of the other classes.
    """
    share = numbers.dials.get("label_noise")
    if share is None:
        return targets
    dice = jax.random.fold_in(jax.random.wrap_key_data(numbers.order), LABEL_DICE)

    def one(example: Array, target: Array) -> Array:
        which, how_far = jax.random.split(jax.random.fold_in(dice, example))
        other = (target + jax.random.randint(how_far, (), 1, plan.outputs)) % plan.outputs
        return jnp.where(jax.random.uniform(which) < share, other, target).astype(target.dtype)

    return jax.vmap(one)(chosen, targets)


def idle(
    plan: Blueprint, data: Arrays, now: Section, lane: Lane, numbers: Numbers
) -> tuple[Lane, Report]:
    """What a lane that is padding or has diverged does: nothing. Its report says not finite."""
    shape = jax.eval_shape(lambda: section(plan, data, now, lane, numbers)[1])
    report: Any = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shape)
    return lane, report

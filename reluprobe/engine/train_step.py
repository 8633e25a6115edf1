"""Train step: train a lane for a segment, then probe it. Pure: lane in, lane and report out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float

from reluprobe.engine import evaluate, revive
from reluprobe.engine.program_spec import ProgramSpec
from reluprobe.engine.state import (
    LABEL_RNG,
    STEP_RNG,
    Arrays,
    Hyperparameters,
    Lane,
    Segment,
    batches,
    losses,
    trained,
)
from reluprobe.measures import activation_stats, attribution, definitions, tallies
from reluprobe.nn import mlp, optimizers, precision


class Report(NamedTuple):
    """What one segment of one lane shows. ``finite`` is false once anything is NaN or infinite.

    ``loss``, ``accuracy``, ``units`` and ``rates`` are of the probe, the test set and the training
    set. What the segment did not measure (see :class:`Segment`) is meaningless here. ``moved``: how
    far each unit went in the segment (``measures.movement``).
    """

    train_loss: Float[Array, ""]
    train_accuracy: Float[Array, ""]
    loss: Float[Array, " split"]
    accuracy: Float[Array, " split"]
    finite: Bool[Array, ""]
    units: definitions.UnitStatistics
    rates: tallies.UnitRates
    moved: Float[Array, "layer unit"]
    certified: Bool[Array, "layer unit"]
    causes: attribution.Causes
    stats: activation_stats.ActivationStats
    revived: Bool[Array, "layer unit"]


def run_segment(
    spec: ProgramSpec, data: Arrays, segment: Segment, lane: Lane, hyper: Hyperparameters
) -> tuple[Lane, Report]:
    """Revive units if it is time, train for some steps, then measure.

    On the probe; where an epoch ends on the test set too, where the run ends on all data.
    """
    with precision.full():
        lane, revived = revive.at_start(spec, segment, lane, hyper)
        before = lane.weights
        with precision.in_training(spec.config):
            lane = _train(spec, data, segment, lane, hyper)
        report, tally = _look(spec, data, segment, lane, hyper, before, revived)
    return lane._replace(dead_mask=revive.dead_mask(spec, hyper, tally)), report


def _look(
    spec: ProgramSpec,
    data: Arrays,
    segment: Segment,
    lane: Lane,
    hyper: Hyperparameters,
    before: nnx.State,
    revived: Array,
) -> tuple[Report, tallies.Tally]:
    """What the lane shows after a segment that began with other weights; the probe's tally."""
    count, total = spec.train_examples, data.targets.size
    # A split that is not measured is empty. One compiled body serves all three.
    starts = jnp.array([0, count, 0])
    tested, trained = jnp.where(segment.closes, total, count), jnp.where(segment.ends, count, 0)
    stops = jnp.stack([segment.probed, tested, trained])
    tallied = jnp.stack([jnp.bool_(True), segment.ends, segment.ends])
    weights = evaluate.with_statistics(spec, data, lane.weights, hyper)

    # Before training and where the run ends, the probe's first batch has its activations described.
    described = jnp.stack([(segment.epoch == 0) | segment.ends, jnp.bool_(False), jnp.bool_(False)])

    def evaluate_split(span: tuple[Array, Array, Array, Array]) -> evaluate.SplitSums:
        return evaluate.sum_over_split(spec, data, weights, hyper, *span)

    sums = jax.lax.map(evaluate_split, (starts, stops, tallied, described))
    sizes = jnp.maximum(stops - starts, 1).astype(jnp.float32)
    train_loss, train_right = lane.sums / count
    report = Report(
        train_loss,
        train_right,
        sums.loss / sizes,
        sums.right / sizes,
        sums.finite.all() & jnp.isfinite(sums.loss).all() & jnp.isfinite(train_loss),
        jax.vmap(partial(tallies.answer, **_thresholds(hyper)))(sums.tally),
        jax.vmap(tallies.rates)(sums.tally),
        evaluate.moved(spec, before, lane.weights),
        _certified(spec, data, weights, hyper),
        evaluate.explain(spec, data, segment, hyper, before, weights),
        jax.tree.map(lambda x: x[0], sums.stats),
        revived,
    )
    return report, jax.tree.map(lambda x: x[0], sums.tally)


def _thresholds(hyper: Hyperparameters) -> dict[str, Any]:
    """Of definitions, those that are not at their defaults."""
    names = ("dormant_threshold", "rare_threshold")
    return {name: hyper.dials[name] for name in names if name in hyper.dials}


def _certified(
    spec: ProgramSpec, data: Arrays, weights: nnx.State, hyper: Hyperparameters
) -> Array:
    """Which units are proven dead in the whole box; none of a network that the proof is not for."""
    if not spec.plain:
        return jnp.zeros((len(spec.sizes), max(spec.sizes)), bool)
    return evaluate.certified(spec, data, weights, hyper)


def _train(
    spec: ProgramSpec, data: Arrays, segment: Segment, lane: Lane, hyper: Hyperparameters
) -> Lane:
    """Some steps of an epoch. Its first segment draws a fresh order of the training set."""

    def fresh() -> Array:
        key = jax.random.fold_in(jax.random.wrap_key_data(hyper.order), segment.epoch)
        order = jax.random.permutation(key, spec.train_examples)
        return batches(order, spec.config.batch_size)[0]

    starting = segment.first == 0
    order = jax.lax.cond(starting, fresh, lambda: lane.order)
    counts = batches(jnp.arange(spec.train_examples), spec.config.batch_size)[1]
    lane = lane._replace(order=order, sums=jnp.where(starting, 0.0, lane.sums))

    def step(i: Array, lane: Lane) -> Lane:
        return _step(spec, data, segment.epoch, i, hyper, lane, counts[i])

    return jax.lax.fori_loop(segment.first, segment.last, step, lane)


def _step(
    spec: ProgramSpec,
    data: Arrays,
    epoch: Array,
    i: Array,
    hyper: Hyperparameters,
    lane: Lane,
    counts: Array,
) -> Lane:
    """One update; the batch's losses and right predictions, before it, join the sums."""
    chosen = lane.order[i]
    inputs = spec.inputs(data, hyper, chosen)
    targets = _noisy(data, hyper, chosen, spec.targets(data, hyper, chosen))
    params, rest = trained(lane.weights)
    training = _training(spec, hyper, epoch, i, counts)

    def mean_loss(params: nnx.State) -> tuple[Array, tuple[Array, nnx.State]]:
        outputs, after = spec.train_outputs(params, rest, inputs, hyper, training)
        loss, right = losses(outputs, targets, spec.regression)
        total = jnp.sum(loss * counts)
        return total / jnp.sum(counts), (jnp.stack([total, jnp.sum(right * counts)]), after)

    gradient_of = precision.rounding(spec.config, jax.grad(mean_loss, has_aux=True))
    gradient, (sums, rest) = gradient_of(params)
    hyper = hyper._replace(learning_rate=_known_after(gradient, hyper.learning_rate))
    moves, state = spec.optimizer(hyper).update(gradient, lane.optimizer, params)
    if spec.config.freeze_layers:
        moves = optimizers.frozen(moves, spec.config, epoch)
    params = optax.apply_updates(params, moves)
    weights = nnx.merge_state(params, rest)  # type: ignore[arg-type]
    return lane._replace(weights=weights, optimizer=state, sums=lane.sums + sums)


def _known_after(gradient: nnx.State, number: Array) -> Array:
    """The number, to the bit, but computed after the whole gradient.

    A layer's weights are needed until the gradient has gone back through them. XLA does not see
    that the update, which writes into their place, comes later where nothing of it waits for that,
    and copies every hidden layer's weights in every step: 2.5% of a step of the study's network. A
    barrier does not last until it decides. No number is above infinity, and no NaN.
    """
    leaves = [jnp.ravel(jnp.real(leaf)) for leaf in jax.tree.leaves(gradient) if leaf.size]
    firsts = jnp.stack([leaf[0].astype(jnp.float32) for leaf in leaves])
    return number + jnp.where(jnp.any(firsts > jnp.inf), 1.0, 0.0)


def _training(
    spec: ProgramSpec, hyper: Hyperparameters, epoch: Array, i: Array, counts: Array
) -> mlp.Training | None:
    """What this step's pass has that an evaluation has not; None where that is nothing."""
    dropout, config = hyper.dials.get("dropout"), spec.config
    if spec.own is not None:  # it knows itself what it does in training
        return None
    if dropout is None and config.norm != "batch" and config.activation != "rrelu":
        return None
    key = jax.random.wrap_key_data(hyper.order)
    for number in (STEP_RNG, epoch, i):
        key = jax.random.fold_in(key, number)
    return mlp.Training(key, counts, dropout)


def _noisy(data: Arrays, hyper: Hyperparameters, chosen: Array, targets: Array) -> Array:
    """Targets of which a share, the same examples every time, are another class.

    Each with probability ``label_noise``, uniformly one of the other classes that training
    examples have.
    """
    share = hyper.dials.get("label_noise")
    if share is None:
        return targets
    rng = jax.random.fold_in(jax.random.wrap_key_data(hyper.order), LABEL_RNG)

    def noisy(example: Array, target: Array) -> Array:
        which, how_far = jax.random.split(jax.random.fold_in(rng, example))
        place = jnp.searchsorted(data.classes, target)
        place = (place + jax.random.randint(how_far, (), 1, data.existing)) % data.existing
        other = data.classes[place]
        return jnp.where(jax.random.uniform(which) < share, other, target).astype(target.dtype)

    return jax.vmap(noisy)(chosen, targets)


def idle(
    run: Callable[..., tuple[Lane, Report]],
    data: Arrays,
    segment: Segment,
    lane: Lane,
    hyper: Hyperparameters,
) -> tuple[Lane, Report]:
    """What a lane does that is padding or has diverged: nothing. Its report says not finite.

    ``run`` is :func:`run_segment` of the other lanes' program, for the report's shapes.
    """
    shape = jax.eval_shape(run, data, segment, lane, hyper)[1]
    report: Any = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shape)
    return lane, report

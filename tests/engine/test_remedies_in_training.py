"""Remedies within training steps: batch norm's statistics, dropout, wrong labels."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy import special

from reluprobe.config import make_run
from reluprobe.engine import evaluate, state
from small_networks import close, relu
from training_segments import BATCH, CLASSES, COUNT, FEATURES, run_segment, segment_of, start_of

STILL = 1e-30  # a learning rate that moves no weight


def start(**given: Any) -> Any:
    small = dict(width=6, depth=2, optimizer="sgd", batch_size=BATCH, seed=3)
    config = make_run({**small, "learning_rate": STILL, **given})
    lane, hyper, spec = start_of(config, FEATURES, CLASSES, COUNT)
    return lane, hyper, spec


def dialled(
    hyper: state.Hyperparameters, dropout: float, label_noise: float
) -> state.Hyperparameters:
    """At 0 the same program drops nothing, or changes no label."""
    dials = {"dropout": jnp.float32(dropout), "label_noise": jnp.float32(label_noise)}
    assert hyper.dials.keys() == dials.keys()
    return hyper._replace(dials=dials)


NORMED = dict(norm="batch", dropout=0.5, label_noise=0.5)


@pytest.fixture(scope="module")
def normed(arrays: Any) -> Any:
    """A network with batch norm, dropout and wrong labels, after an epoch that moves nothing."""
    lane, hyper, spec = start(**NORMED)
    hyper = dialled(hyper, 0.5, 1.0)
    return hyper, spec, *run_segment(spec, arrays, segment_of(1, 0, 4, True), lane, hyper)


def as_one_batch(layers: Any, seen: np.ndarray, inputs: np.ndarray) -> tuple[Any, Any]:
    """Logits and z of inputs, each layer's z of the examples ``seen`` having mean 0, variance 1."""
    h_seen, h, every_z = np.float64(seen), np.float64(inputs), []
    *hidden, (w, b) = layers
    for kernel, bias in hidden:
        raw = h_seen @ kernel + bias
        mean, deviation = raw.mean(axis=0), np.sqrt(raw.var(axis=0) + 1e-5)
        z = (h @ kernel + bias - mean) / deviation
        h_seen, h = relu((raw - mean) / deviation), relu(z)
        every_z.append(z)
    return h @ w + b, np.stack(every_z)


def test_a_look_takes_batch_norms_statistics_of_the_training_set_and_the_right_labels(
    arrays: Any, normed: Any, layers_of: Any
):
    hyper, spec, after, report = normed
    layers = layers_of(nnx.merge(spec.graph, after.weights))
    inputs, targets = np.asarray(arrays.inputs), np.asarray(arrays.targets)
    for sample, where in ((1, slice(COUNT, None)), (2, slice(0, COUNT)), (0, slice(0, 20))):
        logits, z = as_one_batch(layers, inputs[:COUNT], inputs[where])
        picked = logits[np.arange(len(logits)), targets[where]]
        close(report.loss[sample], np.mean(special.logsumexp(logits, axis=1) - picked))
        close(report.accuracy[sample], np.mean(logits.argmax(axis=1) == targets[where]), 1e-6)
        np.testing.assert_array_equal(report.units.dead[sample], (z <= 0).all(axis=1))
    saved = evaluate.outputs(spec, arrays, after.weights, hyper, 20)
    close(np.swapaxes(saved, 1, 2), relu(as_one_batch(layers, inputs[:COUNT], inputs[:20])[1]))


def test_the_statistics_are_of_examples_spread_evenly_over_the_training_set(
    arrays: Any, normed: Any, layers_of: Any, monkeypatch: pytest.MonkeyPatch
):
    hyper, spec, after, _ = normed
    monkeypatch.setattr(evaluate, "STATISTICS", 20)
    chosen = [COUNT * i // 20 for i in range(20)]
    assert chosen[0] == 0 and chosen[-1] == 49
    weights = evaluate.with_statistics(spec, arrays, after.weights, hyper)
    inputs = np.asarray(arrays.inputs)
    logits, z = spec.run(jnp.asarray(inputs[COUNT:]), weights, hyper)
    expected = as_one_batch(
        layers_of(nnx.merge(spec.graph, weights)), inputs[chosen], inputs[COUNT:]
    )
    close(logits, expected[0])
    close(z, expected[1])


def test_training_leaves_no_running_averages(normed: Any):
    _, spec, after, _ = normed
    for norm in nnx.merge(spec.graph, after.weights).norms:
        assert not norm.mean[...].any() and (norm.var[...] == 1).all()


def test_a_bias_that_batch_norm_takes_off_leaves_no_unit_dead_before_the_first_step(
    arrays: Any, normed: Any
):
    hyper, spec, *_ = normed
    lane = start(**NORMED, bias_init=-100.0)[0]
    _, report = run_segment(spec, arrays, segment_of(0, 0, 0), lane, hyper)
    assert not report.units.dead[0].any() and not report.units.constant[0].any()


@pytest.fixture(scope="module")
def steps(arrays: Any) -> Any:
    """Losses of single steps on examples that are all the same, and the last step's report.

    The norm takes off all that they have; its shifts are what the layers above see.
    """
    same = arrays._replace(
        inputs=jnp.tile(arrays.inputs[:1], (COUNT + 30, 1)), targets=jnp.zeros_like(arrays.targets)
    )
    begin, hyper, spec = start(**NORMED)
    network = nnx.merge(spec.graph, begin.weights, copy=True)
    for norm in network.norms:
        norm.bias[...] = jnp.linspace(0.5, 1.5, 6)
    begin = begin._replace(weights=nnx.state(network))

    def losses_of(dropout: float, label_noise: float) -> tuple[list[float], Any]:
        losses, lane = [], begin
        for epoch, i in ((1, 0), (1, 1), (1, 2), (2, 0)):
            before = lane.sums[0] if i else 0.0
            own = dialled(hyper, dropout, label_noise)
            lane, report = run_segment(spec, same, segment_of(epoch, i, i + 1), lane, own)
            losses.append(float(lane.sums[0] - before))
        return losses, report

    return losses_of


def test_each_step_drops_anew_and_a_run_always_the_same_and_a_look_nothing(steps: Any):
    (first, report), (again, _) = steps(0.5, 0.0), steps(0.5, 0.0)
    assert first == again and len(set(first)) == 4
    none, look = steps(0.0, 0.0)
    np.testing.assert_allclose(none, none[0], rtol=1e-5)
    assert min(abs(a - none[0]) for a in first) > 1e-3
    np.testing.assert_allclose(report.loss[:2], look.loss[:2], rtol=0.1)


def test_only_training_steps_see_wrong_labels(steps: Any):
    (right, look), (wrong, same) = steps(0.0, 0.0), steps(0.0, 1.0)
    assert min(abs(a - b) for a, b in zip(right, wrong, strict=True)) > 1e-3
    np.testing.assert_array_equal(look.loss, same.loss)

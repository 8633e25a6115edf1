"""Remedies within training steps: batch norm's averages, dropout, wrong labels."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy import special

from reluprobe.config import make_run
from reluprobe.engine import state
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
    """A network with batch norm and wrong labels, before and after an epoch that moves nothing."""
    lane, hyper, spec = start(**NORMED)
    hyper = dialled(hyper, 0.0, 1.0)
    return lane, hyper, *run_segment(spec, arrays, segment_of(1, 0, 4, True), lane, hyper)


def test_running_averages_follow_the_real_examples_of_each_batch(
    arrays: Any, normed: Any, layers_of: Any
):
    lane, hyper, after, report = normed
    spec = start(**NORMED)[2]
    network = nnx.merge(spec.graph, after.weights)
    kernel, bias = layers_of(network)[0]
    np.testing.assert_array_equal(kernel, layers_of(nnx.merge(spec.graph, lane.weights))[0][0])
    key = jax.random.fold_in(jax.random.wrap_key_data(hyper.order), 1)
    order = np.asarray(jax.random.permutation(key, COUNT))
    mean, variance = np.zeros(6), np.ones(6)
    for first in range(0, COUNT, BATCH):
        z = np.asarray(arrays.inputs)[order[first : first + BATCH]] @ kernel + bias
        mean = 0.99 * mean + 0.01 * z.mean(axis=0)
        variance = 0.99 * variance + 0.01 * z.var(axis=0)
    close(network.norms[0].mean[...], mean, 1e-5)
    close(network.norms[0].var[...], variance, 1e-5)
    assert report.finite


def test_a_look_uses_the_running_averages_and_the_right_labels(
    arrays: Any, normed: Any, layers_of: Any
):
    _, _, after, report = normed
    network = nnx.merge(start(**NORMED)[2].graph, after.weights)
    *hidden, (w, b) = layers_of(network)
    for sample, where in ((1, slice(COUNT, None)), (2, slice(0, COUNT)), (0, slice(0, 20))):
        h, labels = np.asarray(arrays.inputs[where], np.float64), np.asarray(arrays.targets[where])
        for (kernel, bias), norm in zip(hidden, network.norms, strict=True):
            mean, variance = np.asarray(norm.mean[...]), np.asarray(norm.var[...])
            h = relu((h @ kernel + bias - mean) / np.sqrt(variance + 1e-5))
        logits = h @ w + b
        picked = logits[np.arange(len(labels)), labels]
        close(report.loss[sample], np.mean(special.logsumexp(logits, axis=1) - picked))
        close(report.accuracy[sample], np.mean(logits.argmax(axis=1) == labels), 1e-6)


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

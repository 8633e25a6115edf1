"""Deep networks, whose layers are stacked and scanned, beside NumPy and the same ones unrolled."""

from __future__ import annotations

import re
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from reluprobe.config import choices, make_run
from reluprobe.engine import state
from reluprobe.engine.train_step import Report
from reluprobe.nn import activations, hidden_layers, mlp
from training_segments import (
    BATCH,
    CLASSES,
    COUNT,
    FEATURES,
    run_segment,
    segment_of,
    start_of,
)  # fmt: skip

DEEP = hidden_layers.DEEPEST_UNROLLED + 3


def stacked() -> Any:
    """Within, every network of two hidden layers and more is stacked."""
    return mock.patch.object(hidden_layers, "DEEPEST_UNROLLED", 1)


def by_layer(tree: Any, is_stacked: bool) -> dict[str, np.ndarray]:
    """Leaves of a network's state, or of what holds trees like it, by path; stacks cut apart."""
    named = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        name = jax.tree_util.keystr(path)
        before, part, after = re.split(r"(\['hidden'\]|\['norms'\]|$)", name, maxsplit=1)
        if is_stacked and after.startswith("[1]"):
            rest = after.removeprefix("[1]")
            named |= {f"{before}{part}[{i}]{rest}": row for i, row in enumerate(leaf, 1)}
        else:
            named[name] = leaf
    return {name: np.asarray(x) for name, x in named.items()}


# --- beside NumPy ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deep() -> tuple[mlp.MLP, np.ndarray]:
    config = make_run({"depth": DEEP, "width": 6, "init": "he_normal", "bias_init": 0.1})
    network = mlp.make(config, FEATURES, CLASSES, nnx.Rngs(0))
    assert network.stacked and len(network.hidden) == 2
    return network, np.random.default_rng(0).standard_normal((9, FEATURES)).astype(np.float32)


def test_outputs_and_preactivations_of_a_deep_network_are_numpys(
    deep: Any, layers_of: Any, forward: Any
):
    network, inputs = deep
    outputs, z = network(jnp.asarray(inputs), activations.INDEX["relu"], 0.0)
    expected = forward(layers_of(network), inputs, lambda z: np.maximum(z, 0))
    assert z.shape == (DEEP, 9, 6)
    np.testing.assert_allclose(outputs, expected[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(z, expected[1], rtol=1e-4, atol=1e-5)


def test_gradients_of_a_deep_network_are_numpys(deep: Any, layers_of: Any, forward: Any):
    network, inputs = deep
    graph, weights = nnx.split(network)

    def loss(weights: Any) -> Any:
        outputs, _ = nnx.merge(graph, weights)(jnp.asarray(inputs), activations.INDEX["relu"], 0.0)
        return jnp.sum(outputs**2) / 2

    got = layers_of(nnx.merge(graph, jax.grad(loss)(weights)))
    layers = layers_of(network)
    outputs, z = forward(layers, inputs, lambda z: np.maximum(z, 0))
    given = [np.float64(inputs), *np.maximum(z, 0)]
    assert len(got) == DEEP + 1
    error = outputs
    for i in reversed(range(DEEP + 1)):
        np.testing.assert_allclose(got[i][0], given[i].T @ error, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(got[i][1], error.sum(axis=0), rtol=1e-3, atol=1e-4)
        if i:
            error = (error @ layers[i][0].T) * (z[i - 1] > 0)


# --- beside the same network unrolled ----------------------------------------------------------


@pytest.mark.parametrize("init", choices.INITS)
def test_a_seeds_weights_are_the_same_to_the_bit(init: str):
    scale = {"init_scale": 0.3} if init in ("normal", "uniform") else {}
    config = make_run({"depth": 5, "width": 7, "init": init, "weight_gain": 1.7, **scale})
    apart = nnx.state(mlp.make(config, 4, 3, nnx.Rngs(3)))
    with stacked():
        together = nnx.state(mlp.make(config, 4, 3, nnx.Rngs(3)))
        shapes = nnx.eval_shape(lambda: nnx.state(mlp.make(config, 4, 3, nnx.Rngs(3))))
    assert jax.tree.map(jnp.shape, together) == jax.tree.map(lambda x: x.shape, shapes)
    one, other = by_layer(apart, False), by_layer(together, True)
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], name)


#: All that goes through layers: causes and certificates, what draws anew, what holds layers still.
EVERYTHING: dict[str, dict[str, Any]] = {
    "plain": dict(
        init="orthogonal", bias_init=-1.0, optimizer="adam", revive="redo", freeze_layers=2
    ),
    "norm": dict(
        norm="batch", activation="prelu", residual=True, dropout=0.2, optimizer="momentum",
        clip_norm=1.0, revive="shrink_perturb", freeze_layers=2,
    ),
    "two outputs a unit": dict(
        norm="layer", activation="crelu", init="rai", optimizer="adamw", revive="random", l2=0.01,
    ),
    "recipe": dict(
        activation="rrelu", use_bias=False, optimizer="rmsprop", revive="redraw", freeze_layers=2
    ),
}  # fmt: skip
SMALL = dict(depth=3, width=6, batch_size=BATCH, probe_examples=20, learning_rate=0.01, seed=3)


def trained_twice(settings: dict[str, Any], arrays: Any) -> tuple[state.Lane, list[Report]]:
    """A lane after two epochs, units revived between them; what both epochs show."""
    lane, hyper, spec = start_of(make_run(SMALL | settings), FEATURES, CLASSES, COUNT)
    reports = []
    for epoch in (1, 2):
        segment = segment_of(epoch, ends=epoch == 2, explained=20)
        segment = segment._replace(revives=jnp.bool_(epoch == 2))
        lane, report = run_segment(spec, arrays, segment, lane, hyper)
        reports.append(report)
    return lane, reports


@pytest.mark.parametrize("name", EVERYTHING)
def test_training_stacked_layers_is_training_single_ones_but_for_rounding(name: str, arrays: Any):
    lane, reports = trained_twice(EVERYTHING[name], arrays)
    with stacked():
        other_lane, other_reports = trained_twice(EVERYTHING[name], arrays)
    assert all(report.finite for report in reports)
    if name == "plain":
        assert reports[1].revived.any() and any(report.certified.any() for report in reports)
    one, other = by_layer(lane, False), by_layer(other_lane, True)
    assert one.keys() == other.keys() and len(one) > len(jax.tree.leaves(other_lane))
    for place, values in one.items():
        np.testing.assert_allclose(values, other[place], 2e-3, 1e-5, err_msg=place)
    for report, other_report in zip(reports, other_reports, strict=True):
        of_one, of_other = map(jax.tree_util.tree_leaves_with_path, (report, other_report))
        for (path, values), (_, others) in zip(of_one, of_other, strict=True):
            if "counts" not in jax.tree_util.keystr(path):  # rounding moves a value to the next bin
                np.testing.assert_allclose(values, others, 2e-3, 1e-5, err_msg=str(path))

"""Prune: which units go, what becomes of their constants, and what is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reluprobe as rp
from reluprobe import data
from reluprobe.config import make_run
from reluprobe.data import Dataset, DatasetKey
from reluprobe.engine import prune as engine
from reluprobe.engine import runner, saved_network, weight_names
from reluprobe.engine.events import RunDone
from reluprobe.engine.saved_network import SavedNetwork
from reluprobe.errors import InputError
from reluprobe.nn import activations
from reluprobe.records import saved_weights
from reluprobe.records.saved_weights import Notes, Pruned, SavedWeights
from small_networks import relu

FEATURES, OUTPUTS = 5, 3


def examples() -> Dataset:
    """Inputs in [−1, 1], of training and of test examples alike."""
    rng = np.random.default_rng(3)
    inputs = rng.uniform(-1, 1, (300, FEATURES)).astype(np.float32)
    targets = rng.integers(OUTPUTS, size=300).astype(np.int32)
    return Dataset("blobs", inputs[:200], targets[:200], inputs[200:], targets[200:], OUTPUTS)


DATA: dict[DatasetKey, Dataset] = {"blobs": examples()}


def network_of(dead: Mapping[int, Mapping[int, float]], **settings: Any) -> SavedNetwork:
    """A random network of two layers of six units; dead units by layer with their biases.

    All others have pre-activations around 0 and so are alive; a dead one's weights are small, so
    that its pre-activation is near its bias on all inputs.
    """
    config = make_run({"dataset": "blobs", "depth": 2, "width": 6, **settings})
    rng, shapes = np.random.default_rng(1), weight_names.shapes(config, (FEATURES,), OUTPUTS)
    weights = {n: rng.normal(0, 0.7, shape).astype(np.float32) for n, shape in shapes.items()}
    inputs = DATA["blobs"].train_inputs
    for layer in (0, 1):
        kernel, own = weights[f"hidden.{layer}.kernel"], dict(dead.get(layer, {}))
        kernel[:, [*own]] *= np.float32(1e-3)
        y = inputs @ kernel
        if config.norm == "batch":
            bias, norm = np.zeros(6), f"norms.{layer}"
            weights |= {f"{norm}.mean": y.mean(axis=0), f"{norm}.var": y.var(axis=0)}
            weights |= {f"hidden.{layer}.bias": np.zeros(6, np.float32)}
            z = (y - y.mean(axis=0)) / np.sqrt(y.var(axis=0) + 1e-5) * weights[f"{norm}.scale"]
        else:
            bias, norm, z = -y.mean(axis=0), f"hidden.{layer}", y
        bias[[*own]] = [*own.values()]
        if config.use_bias:
            weights[f"{norm}.bias"] = np.float32(bias)
            z = z + bias
        index, parameter = activations.INDEX[config.activation], config.elu_alpha
        inputs = np.asarray(activations.activate(index, np.float32(z), parameter))
        if config.activation == "crelu":
            inputs = np.concatenate([relu(z), relu(-z)], axis=1)
    notes = Notes("r0", 1, config, (FEATURES,), "float32", OUTPUTS)
    return saved_network.network_of(SavedWeights(notes, weights, {}))


def differ(one: SavedNetwork, other: SavedNetwork) -> float:
    """The largest difference of outputs on the training examples, over the largest output."""
    both = [network(DATA["blobs"].train_inputs) for network in (one, other)]
    return float(np.abs(both[0] - both[1]).max() / np.abs(both[0]).max())


CASES: dict[str, tuple[dict[int, dict[int, float]], dict[str, Any]]] = {
    "ReLUs at 0": ({0: {1: -9.0, 4: -9.0}, 1: {0: -99.0}}, {}),
    "ReLU6s at 0, at 6": ({0: {1: -9, 4: 16}, 1: {0: 99, 5: -99}}, {"activation": "relu6"}),
    "hard tanhs at −1 and at 1": ({0: {2: -9.0}, 1: {3: 99.0}}, {"activation": "hard_tanh"}),
    "tanhs at 1 and at −1": ({0: {2: 99.0}, 1: {3: -99.0}}, {"activation": "tanh"}),
    "sigmoids at 1": ({0: {0: 19.0}}, {"activation": "sigmoid"}),
    "ELUs at −α": ({0: {2: -30.0}, 1: {3: -90.0}}, {"activation": "elu", "elu_alpha": 0.5}),
    "behind batch norm": ({0: {1: -99, 4: -99}, 1: {2: -99}}, {"norm": "batch"}),
    "at a constant, behind batch norm": ({0: {1: 99}}, {"norm": "batch", "activation": "relu6"}),
}


@pytest.mark.parametrize("case", CASES)
def test_dead_units_go_and_the_outputs_stay(case: str):
    dead, settings = CASES[case]
    network = network_of(dead, **settings)
    engine.check(network, "train")
    after, layers = engine.take_out(network, DATA, "train")
    assert [layer.removed for layer in layers] == [len(dead.get(n, {})) for n in (0, 1)]
    assert after.config.sizes == tuple(6 - len(dead.get(n, {})) for n in (0, 1))
    assert differ(network, after) < 1e-6
    assert after.saved.parameters < network.saved.parameters
    for n in (0, 1):
        stays = [unit for unit in range(6) if unit not in dead.get(n, {})]
        kept = network.hidden[n]["kernel"][:, stays]
        rows = [u for u in range(6) if u not in dead.get(0, {})] if n else range(FEATURES)
        assert np.array_equal(after.hidden[n]["kernel"], kept[list(rows)])


def test_a_constant_goes_into_the_next_biases_as_by_hand():
    network = network_of({0: {1: 16.0}}, activation="relu6")
    after, _ = engine.take_out(network, DATA, "train")
    row, bias = network.hidden[1]["kernel"][1], network.hidden[1]["bias"]
    np.testing.assert_allclose(after.hidden[1]["bias"], bias + 6 * row, rtol=1e-6)
    assert np.array_equal(after.hidden[0]["bias"], np.delete(network.hidden[0]["bias"], 1))


def test_nothing_else_is_touched_where_nothing_is_dead():
    network = network_of({})
    after, layers = engine.take_out(network, DATA, "train")
    assert not any(layer.dead for layer in layers) and after.config == network.config
    assert {n: a.tobytes() for n, a in after.weights.items()} == {
        n: a.tobytes() for n, a in network.weights.items()
    }


def test_units_that_are_dead_by_other_definitions_alone_stay():
    # Unit 1 stays below 0 on all examples, and learns there; unit 4 gives out next to nothing.
    network = network_of({0: {1: -9.0, 4: 1e-9}}, activation="leaky_relu")
    _, layers = engine.take_out(network, DATA, "train")
    assert [layer.dead for layer in layers] == [0, 0]


def test_a_unit_that_is_flat_at_both_ends_stays():
    network = network_of({}, activation="hard_tanh")
    weights = {name: array.copy() for name, array in network.weights.items()}
    weights["hidden.0.kernel"][:, 2] = [1e6, 0, 0, 0, 0]
    weights["hidden.0.bias"][2] = 0
    saved = dataclasses.replace(network.saved, weights=weights)
    network = saved_network.network_of(saved)
    after, layers = engine.take_out(network, DATA, "train")
    assert (layers[0].dead, layers[0].varying, layers[0].removed) == (1, 1, 0)
    assert differ(network, after) == 0


def test_a_constant_that_no_bias_can_take_up_stays():
    network = network_of({}, activation="relu6", use_bias=False)
    weights = {name: array.copy() for name, array in network.weights.items()}
    inputs = np.abs(DATA["blobs"].train_inputs) + np.float32(0.5)
    positive = {"blobs": dataclasses.replace(DATA["blobs"], train_inputs=inputs)}
    # On these inputs two are at 6 and one at 0; then one at 6, all others between.
    weights["hidden.0.kernel"][:] = 0.3
    weights["hidden.0.kernel"][:, :3] = [99.0, 99.0, -99.0]
    weights["hidden.1.kernel"][:] = 0.1
    weights["hidden.1.kernel"][:, 4] = 99.0
    network = saved_network.network_of(dataclasses.replace(network.saved, weights=weights))
    after, layers = engine.take_out(network, positive, "train")
    assert (layers[0].dead, layers[0].unfolded, layers[0].removed) == (3, 2, 1)
    assert (layers[1].dead, layers[1].unfolded, layers[1].removed) == (1, 0, 1)
    both = [net(inputs) for net in (network, after)]
    np.testing.assert_allclose(both[0], both[1], rtol=1e-5, atol=1e-5)


def test_the_two_rows_of_a_crelu_unit_go_together():
    network = network_of({}, activation="crelu")
    weights = {name: array.copy() for name, array in network.weights.items()}
    weights["hidden.0.kernel"][:, 2], weights["hidden.0.bias"][2] = 0, 0
    network = saved_network.network_of(dataclasses.replace(network.saved, weights=weights))
    after, layers = engine.take_out(network, DATA, "train")
    assert [layer.removed for layer in layers] == [1, 0]
    kernel = network.hidden[1]["kernel"]
    assert np.array_equal(after.hidden[1]["kernel"], np.delete(kernel, [2, 8], axis=0))
    assert differ(network, after) < 1e-6


def test_channels_go_from_convolutions_and_all_their_positions_from_the_dense_layer_behind():
    settings = {"network": "cnn", "channels": "3,4", "width": 5, "depth": 1, "activation": "relu6"}
    config = make_run({"dataset": "mnist", **settings})
    rng, shape = np.random.default_rng(0), (8, 8, 1)
    sizes = weight_names.shapes(config, shape, OUTPUTS)
    weights = {n: rng.normal(0, 0.3, size).astype(np.float32) for n, size in sizes.items()}
    # At 0 before a convolution, which can go; at 6 before one, which pads with 0; at 6 before the
    # dense layer, whose bias takes it up.
    weights["hidden.0.bias"][:] = -99, 99, 0
    weights["hidden.1.bias"][:] = 0, 99, 0, 0
    inputs = rng.integers(0, 256, (50, 64)).astype(np.uint8)
    targets = rng.integers(OUTPUTS, size=50).astype(np.int32)
    images = {"mnist": Dataset("mnist", inputs, targets, inputs, targets, OUTPUTS, shape)}
    notes = Notes("r0", 1, config, shape, "uint8", OUTPUTS)
    network = saved_network.network_of(SavedWeights(notes, weights, {}))
    after, layers = engine.take_out(network, images, "train")
    assert [(x.removed, x.unfolded) for x in layers] == [(1, 1), (1, 0), (layers[2].removed, 0)]
    assert after.config.sizes == (2, 3, 5 - layers[2].removed)
    assert after.hidden[1]["kernel"].shape == (3, 3, 2, 3)
    assert after.hidden[2]["kernel"].shape[0] == 2 * 2 * 3
    before = network(inputs)
    assert np.abs(before - after(inputs)).max() < 2e-6 * np.abs(before).max()


def test_of_a_layer_that_is_dead_whole_one_unit_stays():
    network = network_of({0: dict.fromkeys(range(6), -9.0), 1: dict.fromkeys(range(6), 1.0)})
    after, layers = engine.take_out(network, DATA, "train")
    assert layers[0].emptied and not layers[1].emptied
    # Behind it all are constant, and not dead: their own weights have a gradient still.
    assert after.config.sizes == (1, 6)
    assert differ(network, after) < 1e-6


def test_certified_are_those_of_the_box_alone():
    network = network_of({0: {1: -9.0}, 1: {0: -99.0}})
    weights = {name: array.copy() for name, array in network.weights.items()}
    # A unit that only a corner reaches, which no example is near to.
    weights["hidden.0.kernel"][:, 4], weights["hidden.0.bias"][4] = 1.0, -4.9
    network = saved_network.network_of(dataclasses.replace(network.saved, weights=weights))
    by_look = engine.take_out(network, DATA, "train")[1]
    by_proof = engine.take_out(network, DATA, "certified")[1]
    assert [layer.removed for layer in by_look] == [2, 1]
    assert [layer.removed for layer in by_proof] == [1, 1]


def test_against_a_forward_pass_in_numpy_with_float64():
    network = network_of({0: {1: 16.0, 3: -9.0}, 1: {5: 99.0}}, activation="relu6")
    after, _ = engine.take_out(network, DATA, "train")

    def outputs(net: SavedNetwork) -> Any:
        *hidden, last = ((np.float64(x["kernel"]), x["bias"]) for x in net.layers.values())
        a = np.float64(DATA["blobs"].train_inputs)
        for kernel, bias in hidden:
            a = np.clip(a @ kernel + bias, 0, 6)
        return a @ last[0] + last[1]

    np.testing.assert_allclose(outputs(after), outputs(network), rtol=1e-6, atol=1e-6)
    assert after.layers["output"]["kernel"].shape == (5, OUTPUTS)


REFUSED = {
    "layer norm": ({"norm": "layer"}, "train", "norm = layer takes a mean over all units"),
    "residual": ({"residual": True}, "train", "residual adds each layer's units to the next"),
    "certified, normed": ({"norm": "batch"}, "certified", "units are certified only in MLPs"),
    "certified, tanh": ({"activation": "tanh"}, "certified", "tanh has no flat stretch"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_pruned_is_refused_with_the_reason(case: str):
    settings, on, why = REFUSED[case]
    with pytest.raises(InputError) as refused:
        engine.check(network_of({}, **settings), on)  # type: ignore[arg-type]
    assert refused.value.message == "cannot prune run r0"
    assert refused.value.faults[0].startswith(why)
    assert refused.value.hint == ("--on train" if on == "certified" else None)


# --- a trained network, from its file to a smaller one ------------------------------------------


@pytest.fixture(scope="module")
def trained(run_of: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of a trained network some of whose units are dead."""
    run = run_of(width=24, bias_init=-2.0, seed=3)
    *_, event = runner.execute([run], data.load, save_weights="end")
    assert isinstance(event, RunDone) and event.weights is not None
    folder = tmp_path_factory.mktemp("results")
    return saved_weights.write(event.weights, saved_weights.file_of(folder, run.id))


def test_a_report_holds_both_networks_against_each_other(trained: Path, tmp_path: Path):
    out = tmp_path / "small.safetensors"
    report = rp.prune(trained, out=out)
    blobs = data.load("blobs")
    assert report.removed > 0 and report.path == out
    whole, small = rp.load_network(trained), rp.load_network(out)
    assert small.config == report.after.config and small.notes.pruned == Pruned(
        "train", tuple(layer.removed for layer in report.layers)
    )
    for split, inputs, targets in zip(
        report.splits,
        (blobs.train_inputs, blobs.test_inputs),
        (blobs.train_targets, blobs.test_targets),
        strict=True,
    ):
        before, after = whole(inputs), small(inputs)
        assert split.difference == np.abs(before - after).max()
        assert split.largest == np.abs(before).max()
        assert split.accuracy == tuple((o.argmax(1) == targets).mean() for o in (before, after))
        assert split.changed == (before.argmax(1) != after.argmax(1)).sum()
    train, _ = report.splits
    assert train.difference <= 1e-5 * train.largest and train.changed == 0
    # Pruned again, there is nothing to take out, and nothing is written.
    again = rp.prune(out, out=tmp_path / "again.safetensors")
    assert again.removed == 0 and again.path is None
    assert [*tmp_path.iterdir()] == [out]


def test_a_report_is_a_table_and_a_dict(trained: Path):
    report = rp.prune(trained)
    units = sum(layer.units for layer in report.layers)
    before, after = report.parameters
    assert repr(report).startswith(f"took out {report.removed} of {units} hidden units (")
    assert f"{before - after:,} of {before:,} parameters" in repr(report)
    written = report.to_dict()
    assert written["units"] == [units, report.removed] and written["path"] is None
    assert [split["name"] for split in written["splits"]] == ["train", "test"]


def test_targets_that_cannot_be_are_refused(trained: Path, tmp_path: Path):
    before = trained.read_bytes()
    for out, fault in (
        (tmp_path / "small.json", "allowed is a name that ends in .safetensors"),
        (trained, "these are the weights to be pruned"),
    ):
        with pytest.raises(InputError, match=fault):
            rp.prune(trained, out=out)
    with pytest.raises(InputError, match="on = 'test': allowed is one of train, certified"):
        rp.prune(trained, on="test")  # type: ignore[arg-type]
    assert trained.read_bytes() == before and not [*tmp_path.iterdir()]


def test_a_dataset_of_another_shape_is_noticed(trained: Path, monkeypatch: pytest.MonkeyPatch):
    blobs = data.load("blobs")
    fewer = dataclasses.replace(blobs, train_inputs=blobs.train_inputs[:, :9], shape=())
    monkeypatch.setattr(data, "load", lambda name, **_: fewer)
    with pytest.raises(InputError, match="blobs has changed: it is float32 \\(9,\\)"):
        rp.prune(trained)

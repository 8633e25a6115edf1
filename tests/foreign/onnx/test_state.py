"""A state_dict as the parameters of the network behind a file: exactly, or an error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onnx_models import mlp, mlp_nodes, node, saved
from reluprobe.errors import InputError
from reluprobe.foreign.onnx import OnnxNetwork, read, with_state

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(3, 5)).astype(np.float32)


def _reference(state: dict[str, np.ndarray]) -> np.ndarray:
    hidden = np.maximum(ROWS @ state["fc1.weight"].T + state["fc1.bias"], 0)
    return hidden @ state["fc2.weight"].T + state["fc2.bias"]


def _check(network: OnnxNetwork, state: dict[str, np.ndarray]) -> None:
    outputs = network.function(with_state(network, state), {"x": ROWS})
    np.testing.assert_allclose(outputs["y"], _reference(state), rtol=1e-5, atol=1e-6)


def _network(folder: Path) -> OnnxNetwork:
    return read(saved(folder, mlp_nodes(), {"x": ["n", 5]}, arrays=mlp(RNG)))


def _transposed(folder: Path) -> OnnxNetwork:
    """As PyTorch exports layers on inputs of three axes: weights transposed and renamed."""
    arrays = mlp(RNG)
    nodes = [
        node("MatMul", "x onnx::MatMul_1", "z", name="/fc1/MatMul"),
        node("Add", "fc1.bias z", "z1", name="/fc1/Add"),
        node("Relu", "z1", "a", name="/Relu"),
        node("MatMul", "a onnx::MatMul_2", "y1", name="/fc2/MatMul"),
        node("Add", "fc2.bias y1", "y", name="/fc2/Add"),
    ]
    arrays["onnx::MatMul_1"] = np.ascontiguousarray(arrays.pop("fc1.weight").T)
    arrays["onnx::MatMul_2"] = np.ascontiguousarray(arrays.pop("fc2.weight").T)
    return read(saved(folder, nodes, {"x": ["n", 5]}, arrays=arrays))


def test_arrays_are_taken_by_name(tmp_path: Path) -> None:
    _check(_network(tmp_path), mlp(np.random.default_rng(1)))


def test_a_renamed_weight_is_that_of_its_module_transposed(tmp_path: Path) -> None:
    network = _transposed(tmp_path)
    assert network.names["onnx::MatMul_1"] == "fc1" and network.names["fc1.bias"] == "fc1"
    _check(network, mlp(np.random.default_rng(1)))


@pytest.mark.parametrize("wrapper", ["module.", "_orig_mod."])
def test_the_name_of_a_wrapper_is_left_out(wrapper: str, tmp_path: Path) -> None:
    state = mlp(np.random.default_rng(1))
    wrapped = {wrapper + name: array for name, array in state.items()}
    params = with_state(_network(tmp_path), wrapped)
    np.testing.assert_array_equal(params["fc1.weight"], state["fc1.weight"])


def test_values_are_in_the_files_type(tmp_path: Path) -> None:
    state = {name: array.astype(np.float64) for name, array in mlp(RNG).items()}
    assert {a.dtype.name for a in with_state(_network(tmp_path), state).values()} == {"float32"}


def test_a_number_that_is_learned_becomes_a_parameter(tmp_path: Path) -> None:
    nodes = [*mlp_nodes()[:2], node("Mul", "a scale", "y", name="/Mul")]
    arrays = {**mlp(RNG), "scale": np.float32(2)}
    del arrays["fc2.weight"], arrays["fc2.bias"]
    network = read(saved(tmp_path, nodes, {"x": ["n", 5]}, arrays=arrays))
    assert "scale" not in network.params
    params = with_state(network, {**arrays, "scale": np.float32(3)})
    before, after = (network.function(p, {"x": ROWS})["y"] for p in (network.params, params))
    changed = with_state(network, arrays)
    np.testing.assert_allclose(network.function(changed, {"x": ROWS})["y"], before)
    np.testing.assert_allclose(after, np.asarray(before) * 1.5, rtol=1e-6)


FAULTY = {
    "one is missing": ({"fc2.bias": None}, "fc2.bias: the state lacks it"),
    "one has another name": (
        {"fc2.bias": None, "fc2.bais": np.zeros(3, np.float32)},
        "did you mean 'fc2.bais'?",
    ),
    "one has another shape": (
        {"fc1.weight": np.zeros((5, 4), np.float32)},
        "fc1.weight: shape (5, 4), in the file (4, 5)",
    ),
    "one is not in the file": (
        {"fc1.extra": np.zeros(2, np.float32)},
        "fc1.extra: the file lacks it",
    ),
    "one is no array": ({"fc1.weight": np.asarray([object()])}, "'fc1.weight' in the state"),
}


@pytest.mark.parametrize("name", FAULTY)
def test_a_state_of_another_network_is_an_error(name: str, tmp_path: Path) -> None:
    changes, message = FAULTY[name]
    state = {k: v for k, v in {**mlp(RNG), **changes}.items() if v is not None}
    with pytest.raises(InputError) as error:
        with_state(_network(tmp_path), state)
    assert message in str(error.value)


def test_what_the_network_does_not_run_may_be_in_the_state(tmp_path: Path) -> None:
    state = mlp(np.random.default_rng(1))
    extra = {"head.weight": np.ones((2, 2), np.float32), "steps": np.int64(3)}
    params = with_state(_network(tmp_path), {**state, **extra})
    assert params.keys() == state.keys()


def test_a_batch_norm_that_was_folded_into_a_convolution_is_an_error(tmp_path: Path) -> None:
    """The convolution's weights keep their name in the file, with other values."""
    arrays = {"conv.weight": RNG.normal(size=(2, 3, 1, 1)).astype(np.float32)}
    nodes = [node("Conv", "x conv.weight", "y", name="node_Conv_1")]
    network = read(saved(tmp_path, nodes, {"x": ["n", 3, 2, 2]}, arrays=arrays))
    averages = {
        f"bn.{name}": np.ones(2, np.float32)
        for name in ("weight", "bias", "running_mean", "running_var")
    }
    with pytest.raises(InputError) as error:
        with_state(network, {**arrays, **averages})
    assert "bn.running_mean: the file lacks it" in str(error.value)
    assert "optimize=False" in str(error.value)


def test_layers_that_were_alike_when_exported_must_be_alike(tmp_path: Path) -> None:
    """Exporters write equal arrays once: later checkpoints have two."""
    shared = {"a.bias": np.zeros(5, np.float32)}
    nodes = [
        node("Add", "x a.bias", "h", name="/a/Add"),
        node("Add", "h a.bias", "y", name="/b/Add"),
    ]
    network = read(saved(tmp_path, nodes, {"x": ["n", 5]}, arrays=shared))
    ones = np.ones(5, np.float32)
    np.testing.assert_array_equal(
        with_state(network, {"a.bias": ones, "b.bias": ones})["a.bias"], ones
    )
    with pytest.raises(InputError, match=r"b\.bias: the file lacks it"):
        with_state(network, {"a.bias": ones, "b.bias": 2 * ones})


def test_renamed_weights_that_were_alike_must_be_alike(tmp_path: Path) -> None:
    weight = RNG.normal(size=(5, 5)).astype(np.float32)
    name = "onnx::MatMul_9"
    nodes = [
        node("MatMul", f"x {name}", "h", name="/a/MatMul"),
        node("Identity", name, "copy", name="Identity_1"),
        node("MatMul", "h copy", "y", name="/b/MatMul"),
    ]
    network = read(saved(tmp_path, nodes, {"x": ["n", 5]}, arrays={name: weight}))
    params = with_state(network, {"a.weight": weight.T * 2, "b.weight": weight.T * 2})
    np.testing.assert_array_equal(params[name], weight * 2)
    with pytest.raises(InputError, match=r"b\.weight: in the file, it is one array with"):
        with_state(network, {"a.weight": weight, "b.weight": weight * 2})


def test_a_convolutions_weight_under_another_name_is_not_guessed(tmp_path: Path) -> None:
    arrays = {"onnx::Conv_1": RNG.normal(size=(2, 3, 1, 1)).astype(np.float32)}
    nodes = [node("Conv", "x onnx::Conv_1", "y", name="/conv/Conv")]
    network = read(saved(tmp_path, nodes, {"x": ["n", 3, 2, 2]}, arrays=arrays))
    with pytest.raises(InputError, match="onnx::Conv_1, in conv: which arrays"):
        with_state(network, {"conv.weight": arrays["onnx::Conv_1"]})

"""PyTorch's exports are what PyTorch computes, and random ones what onnxruntime does."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from onnx_models import node, saved
from reluprobe.errors import InputError
from reluprobe.foreign.onnx import OnnxNetwork, read, with_state

#: A few that together have most operators; ``slow`` has them all, by all exporters.
QUICK = [
    ("cnn", "script"),
    ("cnn", "dynamo_raw"),
    ("encoder_gelu", "script"),
    ("gpt", "dynamo"),
    ("lstm_both_ways", "script"),
    ("upsample_bilinear", "script"),
]


@pytest.fixture
def exported() -> Iterator[Any]:
    """The module that knows modules; PyTorch says much while it exports."""
    pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    import exported_modules

    logging.disable(logging.CRITICAL)
    yield exported_modules
    logging.disable(logging.NOTSET)


def _outputs(network: OnnxNetwork, params: dict[str, Any], x: Any) -> np.ndarray:
    with jax.enable_x64(network.x64):
        outputs = jax.jit(network.function)(params, {"x": x.numpy()})
    return np.asarray(next(iter(outputs.values())))


def _expected(module: Any, x: Any) -> np.ndarray:
    import torch

    with torch.no_grad():
        outputs = module(x)
    return (outputs[0] if isinstance(outputs, tuple) else outputs).numpy()


def _is_close(got: np.ndarray, wanted: np.ndarray) -> None:
    assert got.shape == wanted.shape and got.dtype == wanted.dtype
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5 * max(1, np.abs(wanted).max()))


def _check(exported: Any, name: str, exporter: str, folder: Path) -> OnnxNetwork:
    module, x = exported.module_and_input(name)
    network = read(exported.export(module, x, folder / f"{name}.onnx", exporter))
    # Another number of examples than it was exported with.
    larger = np.concatenate([x.numpy(), x.numpy()[:1]])
    if network.inputs[0].shape is not None and network.inputs[0].shape[0] is None:
        x = type(x)(larger) if x.is_floating_point() else x
    _is_close(_outputs(network, network.params, x), _expected(module, x))
    return network


@pytest.mark.parametrize(("name", "exporter"), QUICK)
def test_an_export_is_what_pytorch_computes(
    name: str, exporter: str, exported: Any, tmp_path: Path
) -> None:
    _check(exported, name, exporter, tmp_path)


@pytest.mark.parametrize(("name", "exporter"), [("cnn", "dynamo_raw"), ("encoder_gelu", "script")])
def test_later_weights_from_a_state_dict_are_what_pytorch_computes(
    name: str, exporter: str, exported: Any, tmp_path: Path
) -> None:
    network = _check(exported, name, exporter, tmp_path)
    module, x = exported.module_and_input(name)
    with_other_weights(module)
    state = {key: value.numpy() for key, value in module.state_dict().items()}
    _is_close(_outputs(network, with_state(network, state), x), _expected(module, x))


def with_other_weights(module: Any) -> None:
    import torch

    with torch.no_grad():
        for array in module.state_dict().values():
            if array.is_floating_point():
                array.mul_(1.5)


def test_a_fresh_transformer_whose_layers_were_merged_refuses_a_trained_state(
    exported: Any, tmp_path: Path
) -> None:
    import torch

    module = exported.encoder("relu").eval()  # both layers are copies of one
    x = torch.randn(2, 5, 8)
    network = read(exported.export(module, x, tmp_path / "net.onnx", "script"))
    state = {key: value.numpy().copy() for key, value in module.state_dict().items()}
    _is_close(_outputs(network, with_state(network, state), x), _expected(module, x))
    state["layers.1.linear1.weight"] += 1
    with pytest.raises(InputError, match=r"layers\.1\.linear1\.weight: in the file, it is one"):
        with_state(network, state)


@pytest.mark.slow
@pytest.mark.parametrize("exporter", ["script", "dynamo", "dynamo_raw"])
def test_every_export_is_what_pytorch_computes(
    exporter: str, exported: Any, tmp_path: Path
) -> None:
    import torch

    states = {"right": 0, "refused": 0}
    for name in exported.MODULES:
        try:
            network = _check(exported, name, exporter, tmp_path)
        except torch.onnx.errors.OnnxExporterError:
            continue  # PyTorch cannot write it
        module, x = exported.module_and_input(name)
        with_other_weights(module)
        state = {key: value.numpy() for key, value in module.state_dict().items()}
        try:
            params = with_state(network, state)
        except InputError:
            states["refused"] += 1
            continue
        _is_close(_outputs(network, params, x), _expected(module, x))
        states["right"] += 1
    assert states["right"] >= 60 and (exporter != "dynamo_raw" or not states["refused"])


def _random_nodes(rng: np.random.Generator) -> tuple[list[Any], dict[str, np.ndarray]]:
    """A chain of layers on (example, 4, 6, 6), each drawn with its attributes."""
    nodes, arrays, last = [], {}, "x"
    for step in range(int(rng.integers(2, 6))):
        out, options = f"t{step}", {}
        kind = rng.choice(["Conv", "Pool", "Norm", "Activation", "Pad"])
        if kind == "Conv":
            arrays[f"w{step}"] = rng.normal(size=(4, 2, 3, 3)).astype(np.float32)
            mode = str(rng.choice(["SAME_UPPER", "SAME_LOWER", "NOTSET"]))
            options = {"auto_pad": mode, "group": 2, "strides": [1, int(rng.integers(1, 3))]}
            if mode == "NOTSET":
                options |= {"pads": [1, 2, 2, 1], "dilations": [1, 2]}
            nodes.append(node("Conv", f"{last} w{step}", out, **options))
        elif kind == "Pool":
            operator = str(rng.choice(["MaxPool", "AveragePool", "LpPool"]))
            options = {"kernel_shape": [2, 3], "strides": [1, 2], "pads": [1, 1, 0, 1]}
            if operator != "LpPool":
                options["ceil_mode"] = int(rng.integers(2))
            if operator == "AveragePool":
                options["count_include_pad"] = int(rng.integers(2))
            nodes.append(node(operator, last, out, **options))
        elif kind == "Norm":
            arrays[f"s{step}"] = rng.normal(size=4).astype(np.float32)
            nodes.append(node("InstanceNormalization", f"{last} s{step} s{step}", out))
        elif kind == "Activation":
            operator = str(
                rng.choice(["Relu", "Elu", "Selu", "Mish", "HardSwish", "Softsign", "Gelu"])
            )
            nodes.append(node(operator, last, out))
        else:
            arrays[f"p{step}"] = np.int64([0, 0, 1, 1, 0, 0, 0, 2])
            mode = str(rng.choice(["constant", "reflect", "edge"]))
            nodes.append(node("Pad", f"{last} p{step}", out, mode=mode))
        last = out
    return [*nodes, node("Identity", last, "y")], arrays


def test_random_networks_are_what_onnxruntime_computes(tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    rng = np.random.default_rng(0)
    for _ in range(12):
        nodes, arrays = _random_nodes(rng)
        path = saved(tmp_path, nodes, {"x": ["n", 4, 6, 6]}, arrays=arrays)
        network = read(path)
        x = rng.normal(size=(2, 4, 6, 6)).astype(np.float32)
        (wanted,) = runtime.InferenceSession(str(path)).run(None, {"x": x})
        got = jax.jit(network.function)(network.params, {"x": x})["y"]
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4)


def test_a_keras_model_through_its_exporter_is_what_keras_computes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With PyTorch behind it; its JAX backend needs jax2onnx, TensorFlow's needs tf2onnx."""
    pytest.importorskip("torch")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "torch":
        pytest.skip("Keras was imported with another backend")
    layers = keras.layers
    model = keras.Sequential([layers.Dense(4, activation="relu"), layers.Dense(3)])
    x = np.random.default_rng(0).normal(size=(2, 5)).astype(np.float32)
    wanted = keras.ops.convert_to_numpy(model(x))
    try:
        model.export(str(tmp_path / "net.onnx"), format="onnx", verbose=False)
    except ImportError as error:
        pytest.skip(str(error))
    network = read(tmp_path / "net.onnx")
    got = network.function(network.params, {network.inputs[0].name: x})
    np.testing.assert_allclose(next(iter(got.values())), wanted, rtol=1e-5, atol=1e-6)

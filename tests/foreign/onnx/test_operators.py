"""The standard's own cases: each is equal, or refused by name; and what they do not show."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import pytest

import onnx_cases
from onnx_models import node, saved
from reluprobe.errors import InputError
from reluprobe.foreign.onnx import read
from reluprobe.foreign.onnx.operators.registry import OPERATORS

STEP = 60


def _outcomes(kind: str, folder: Path, step: int = 1) -> dict[str, str]:
    return {case.name: onnx_cases.outcome(case, folder) for case in onnx_cases.cases(kind)[::step]}


@pytest.mark.parametrize("kind", ["pytorch-converted", "pytorch-operator"])
def test_all_of_what_pytorch_exported_for_the_standard_is_equal(kind: str, tmp_path: Path) -> None:
    outcomes = _outcomes(kind, tmp_path, step=2)
    assert set(outcomes.values()) == {"equal"}, outcomes


@pytest.mark.parametrize("first", [0, 7])
def test_a_sample_of_the_standards_cases_is_equal_or_refused(first: int, tmp_path: Path) -> None:
    cases = onnx_cases.cases("node")[first::STEP]
    outcomes = {case.name: onnx_cases.outcome(case, tmp_path) for case in cases}
    assert sum(outcome == "equal" for outcome in outcomes.values()) > len(outcomes) / 2


@pytest.mark.slow
def test_every_case_of_the_standard_is_equal_or_refused_by_name(tmp_path: Path) -> None:
    outcomes = {
        name: outcome
        for kind in onnx_cases.KINDS
        for name, outcome in _outcomes(kind, tmp_path).items()
    }
    refused = {name: why for name, why in outcomes.items() if why != "equal"}
    assert len(outcomes) - len(refused) >= 1500
    assert all(len(why) < 2000 for why in refused.values())


def test_every_operator_known_is_the_standards_and_takes_its_attributes() -> None:
    """A version or an attribute that the standard does not have is a typing error of ours."""
    from onnx import defs

    schemas = {
        (s.name, s.since_version): s for s in defs.get_all_schemas_with_history() if s.domain == ""
    }
    for name, entries in OPERATORS.items():
        for entry in entries:
            for version in entry.versions:
                if version > defs.onnx_opset_version():
                    continue
                schema = schemas[name, version]
                assert entry.attributes <= set(schema.attributes), (name, version)
        versions = [version for entry in entries for version in entry.versions]
        assert len(versions) == len(set(versions)), name


SLOPES = {
    "Relu": (node("Relu", "x", "y"), {}, [0.0, 0.0, 1.0]),
    "Clip from 0": (node("Clip", "x low", "y"), {"low": 0.0}, [0.0, 0.0, 1.0]),
    "Clip to 6": (node("Clip", "x low high", "y"), {"low": 0.0, "high": 6.0}, [0.0, 0.0, 1.0]),
    "LeakyRelu": (node("LeakyRelu", "x", "y", alpha=0.25), {}, [0.25, 0.25, 1.0]),
    "PRelu": (node("PRelu", "x slope", "y"), {"slope": 0.25}, [0.25, 0.25, 1.0]),
    "HardSigmoid": (node("HardSigmoid", "x", "y", alpha=1.0, beta=0.0), {}, [0.0, 0.0, 1.0]),
    "ThresholdedRelu": (node("ThresholdedRelu", "x", "y", alpha=0.0), {}, [0.0, 0.0, 1.0]),
}


@pytest.mark.parametrize("name", SLOPES)
def test_the_slope_where_an_activation_bends_is_that_of_pytorch(name: str, tmp_path: Path) -> None:
    entry, numbers, slopes = SLOPES[name]
    arrays = {key: np.asarray(value, np.float32) for key, value in numbers.items()}
    network = read(saved(tmp_path, [entry], {"x": ["n"]}, arrays=arrays))
    x = np.float32([-0.5, 0, 0.5])
    slope = jax.grad(lambda x: network.function({}, {"x": x})["y"].sum())(x)
    np.testing.assert_array_equal(slope, np.float32(slopes))


@pytest.mark.parametrize("operator", ["Clip", "Relu", "HardSwish", "Max"])
def test_nan_stays_nan(operator: str, tmp_path: Path) -> None:
    inputs = {"Clip": "x low", "Max": "x low"}.get(operator, "x")
    arrays = {"low": np.float32(0)} if "low" in inputs else {}
    network = read(saved(tmp_path, [node(operator, inputs, "y")], {"x": [1]}, arrays=arrays))
    assert np.isnan(network.function({}, {"x": np.float32([np.nan])})["y"]).all()


def test_a_token_outside_of_the_vocabulary_is_nan_and_no_other_word(tmp_path: Path) -> None:
    table = np.arange(6, dtype=np.float32).reshape(3, 2)
    nodes = [node("Cast", "x", "i", to=7), node("Gather", "table i", "y")]
    network = read(saved(tmp_path, nodes, {"x": ["n"]}, arrays={"table": table}))
    with jax.enable_x64(network.x64):
        rows = network.function(network.params, {"x": np.float32([-1, 0, 3])})["y"]
    np.testing.assert_array_equal(rows, [[4, 5], [0, 1], [np.nan, np.nan]])


@pytest.mark.parametrize(
    ("sizes", "widths"), [(np.int64(2), [2, 2, 1]), (np.int64([1, 4]), [1, 4])]
)
def test_a_split_into_a_list_is_taken_by_position(
    sizes: np.ndarray, widths: list[int], tmp_path: Path
) -> None:
    """As PyTorch's newer exporter writes ``chunk`` where nothing is optimized."""
    nodes = [
        node("SplitToSequence", "x sizes", "s", axis=1),
        node("SequenceAt", "s last", "a"),
        node("SequenceAt", "s first", "b"),
        node("Concat", "a b", "y", axis=1),
    ]
    arrays = {"sizes": np.asarray(sizes), "last": np.int64(-1), "first": np.int64(0)}
    network = read(saved(tmp_path, nodes, {"x": ["n", 5]}, arrays=arrays))
    x = np.arange(10, dtype=np.float32).reshape(2, 5)
    wanted = np.concatenate([x[:, -widths[-1] :], x[:, : widths[0]]], 1)
    np.testing.assert_array_equal(network.function({}, {"x": x})["y"], wanted)


def test_dropout_in_training_mode_is_refused(tmp_path: Path) -> None:
    arrays = {"ratio": np.float32(0.5), "on": np.asarray(True)}
    nodes = [node("Dropout", "x ratio on", "y")]
    network = read(saved(tmp_path, nodes, {"x": [2]}, arrays=arrays))
    with pytest.raises(InputError, match="training mode and draws at random"):
        network.function(network.params, {"x": np.zeros(2, np.float32)})


def test_batch_norm_in_training_mode_uses_the_batchs_statistics_and_says_so(tmp_path: Path) -> None:
    arrays = {name: np.ones(2, np.float32) for name in ("scale", "shift", "mean", "variance")}
    nodes = [
        node(
            "BatchNormalization", "x scale shift mean variance", "y m v", training_mode=1, name="bn"
        )
    ]
    network = read(saved(tmp_path, nodes, {"x": ["n", 2]}, arrays=arrays))
    assert any("training mode" in note and "'bn'" in note for note in network.notes)
    x = np.random.default_rng(0).normal(3, 2, (50, 2)).astype(np.float32)
    y = network.function(network.params, {"x": x})["y"]
    np.testing.assert_allclose(y, (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5) + 1, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_a_network_is_computed_in_its_own_type(dtype: str, tmp_path: Path) -> None:
    kind = jax.numpy.dtype(dtype)
    weight = np.asarray([[1 / 3], [1 / 7]]).astype(kind)
    nodes = [node("MatMul", "x w", "z"), node("Relu", "z", "y")]
    network = read(saved(tmp_path, nodes, {"x": ["n", 2]}, arrays={"w": weight}, dtype=kind))
    assert network.x64 == (dtype == "float64")
    with jax.enable_x64(network.x64):
        y = network.function(network.params, {"x": np.ones((1, 2), kind)})["y"]
    assert y.dtype == kind
    np.testing.assert_allclose(np.float64(y), 10 / 21, rtol=float(jax.numpy.finfo(kind).eps) * 2)

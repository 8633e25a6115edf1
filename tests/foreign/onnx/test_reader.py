"""ONNX files read as functions; what is not known, or no ONNX, is one short error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import jax
import numpy as np
import onnx
import pytest
from onnx import AttributeProto, TensorProto, helper

from onnx_models import mlp, mlp_nodes, model, node, saved
from reluprobe.errors import InputError
from reluprobe.foreign.onnx import read
from reluprobe.foreign.onnx.operators.registry import OPERATORS

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(3, 5)).astype(np.float32)


def _mlp(folder: Path, batch: int | str = "batch") -> Path:
    return saved(folder, mlp_nodes(), {"x": [batch, 5]}, arrays=mlp(RNG))


def test_an_mlp_is_what_numpy_makes_of_its_weights(tmp_path: Path) -> None:
    network = read(_mlp(tmp_path))
    p = network.params
    hidden = np.maximum(ROWS @ p["fc1.weight"].T + p["fc1.bias"], 0)
    outputs = jax.jit(network.function)(p, {"x": ROWS})
    np.testing.assert_allclose(outputs["y"], hidden @ p["fc2.weight"].T + p["fc2.bias"], rtol=1e-5)
    assert [str(one) for one in network.inputs] == ["x: float32 [batch, 5]"]
    assert not network.x64


def test_layers_names_are_in_the_traced_program(tmp_path: Path) -> None:
    network = read(_mlp(tmp_path))
    program = jax.make_jaxpr(network.function)(network.params, {"x": ROWS})
    stacks = {str(equation.source_info.name_stack) for equation in program.eqns}
    assert {"fc1", "fc2", "Relu"} <= stacks


def test_a_parameter_that_is_given_is_used(tmp_path: Path) -> None:
    network = read(_mlp(tmp_path))
    zero = {name: np.zeros_like(array) for name, array in network.params.items()}
    assert not np.asarray(network.function(zero, {"x": ROWS})["y"]).any()


def test_shapes_are_computed_beforehand_for_any_number_of_examples(tmp_path: Path) -> None:
    nodes = [
        node("Shape", "x", "s", start=0, end=1),
        node("Concat", "s rest", "t", axis=0),
        node("Reshape", "x t", "y"),
    ]
    network = read(saved(tmp_path, nodes, {"x": ["n", 2, 3]}, arrays={"rest": np.int64([-1])}))
    for examples in (1, 4):
        outputs = jax.jit(network.function)({}, {"x": np.zeros((examples, 2, 3), np.float32)})
        assert outputs["y"].shape == (examples, 6)


def _branch(name: str, number: float) -> onnx.GraphProto:
    value = helper.make_tensor("n", TensorProto.FLOAT, [], [number])
    body = [
        helper.make_node("Constant", [], [name + "c"], value=value),
        node("Mul", f"x {name}c", name),
    ]
    output = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"])
    return helper.make_graph(body, name, [], [output])


@pytest.mark.parametrize("fixed", [True, False])
def test_a_branch_sees_what_is_outside_of_it(fixed: bool, tmp_path: Path) -> None:
    test = [node("ReduceSum", "x", "s", keepdims=0), node("Greater", "s zero", "c")]
    choice = helper.make_node(
        "If", ["c"], ["y"], then_branch=_branch("a", 2), else_branch=_branch("b", 3)
    )
    arrays = {"c": np.asarray(True)} if fixed else {"zero": np.float32(0)}
    nodes = [choice] if fixed else [*test, choice]
    network = read(saved(tmp_path, nodes, {"x": ["n"]}, arrays=arrays))
    function = jax.jit(network.function)
    np.testing.assert_array_equal(function({}, {"x": np.float32([1, 2])})["y"], [2, 4])
    if not fixed:
        np.testing.assert_array_equal(function({}, {"x": np.float32([-1])})["y"], [-3])


def test_a_functions_default_is_used_where_its_caller_leaves_it_out(tmp_path: Path) -> None:
    """Inlined by ``onnx`` alone, the default would be the inner operator's: 0.01."""
    inner = node("LeakyRelu", "x", "y")
    slope = AttributeProto(name="alpha", ref_attr_name="slope", type=AttributeProto.FLOAT)
    inner.attribute.append(slope)
    leak = helper.make_function(
        "mine", "Leak", ["x"], ["y"], [inner], [helper.make_opsetid("", 20)],
        attribute_protos=[helper.make_attribute("slope", 0.5)],
    )  # fmt: skip
    path = saved(tmp_path, [node("Leak", "x", "y", domain="mine")], {"x": [1]}, functions=[leak])
    assert read(path).function({}, {"x": np.float32([-1])})["y"] == -0.5


def test_an_operator_that_the_standard_defines_by_others_is_read(tmp_path: Path) -> None:
    """With the default that the standard gives its attribute: alpha is 1."""
    if onnx.defs.onnx_opset_version() < 28:
        pytest.skip("the installed onnx has no SwiGLU")
    assert "SwiGLU" not in OPERATORS
    path = saved(tmp_path, [node("SwiGLU", "a b", "y")], {"a": [4], "b": [4]}, opset=28)
    gate, value = RNG.normal(size=(2, 4)).astype(np.float32)
    outputs = read(path).function({}, {"a": gate, "b": value})
    np.testing.assert_allclose(outputs["y"], gate / (1 + np.exp(-gate)) * value, rtol=1e-5)


UNKNOWN = {
    "an operator": (node("GridSample", "x g", "y"), 20, "'GridSample' is not known (node 'y')"),
    "a typing error": (node("Relux", "x", "y"), 20, "did you mean 'Relu'?"),
    "a domain": (node("Relu", "x", "y", domain="com.microsoft"), 20, "of domain 'com.microsoft'"),
    "an attribute": (node("Relu", "x", "y", slope=1), 20, "Relu: attribute 'slope' is not known"),
    "a version": (node("Relu", "x", "y"), 1, "Relu, version 1, is not known exactly; known: 6"),
    "quantization": (node("QuantizeLinear", "x s", "y"), 20, "'QuantizeLinear' is not known"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_known_is_refused_by_name(name: str, tmp_path: Path) -> None:
    entry, opset, message = UNKNOWN[name]
    path = saved(tmp_path, [entry], {"x": [2]}, opset=opset)
    with pytest.raises(InputError) as error:
        read(path)
    assert message in str(error.value)


def test_all_that_is_not_known_is_named_at_once(tmp_path: Path) -> None:
    nodes = [node("Det", "x", "a"), node("Unique", "a", "b"), node("Det", "b", "y", name="last")]
    with pytest.raises(InputError) as error:
        read(saved(tmp_path, nodes, {"x": [2, 2]}))
    assert len(error.value.faults) == 2


def test_a_newer_standard_than_onnx_knows_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, [node("Relu", "x", "y")], {"x": [2]}, opset=99)
    with pytest.raises(InputError, match="opset 99 is not known; the installed onnx"):
        read(path)


def _external(folder: Path, location: str) -> bytes:
    net = model(mlp_nodes(), {"x": ["n", 5]}, arrays=mlp(RNG))
    tensor = net.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return net.SerializeToString()


def _changed(change: Callable[[onnx.GraphProto], object]) -> Callable[[Path], bytes]:
    def content(folder: Path) -> bytes:
        net = model(mlp_nodes(), {"x": ["n", 5]}, arrays=mlp(RNG))
        change(net.graph)
        return net.SerializeToString()

    return content


def _circle(graph: onnx.GraphProto) -> None:
    graph.node[0].input[0] = "a"


def _huge(graph: onnx.GraphProto) -> None:
    graph.initializer[0].dims[0] = 10**12


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(64)
HOSTILE: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "empty": (lambda folder: b"", "the file is empty"),
    "a picture": (lambda folder: PNG, "no ONNX file"),
    "a pickle": (lambda folder: b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x02os\x94.", "no ONNX file"),
    "text": (lambda folder: b"hello, world\n", "no ONNX file"),
    "cut off": (lambda folder: _changed(lambda graph: None)(folder)[:-40], "damaged"),
    "a circle": (_changed(_circle), "not a valid ONNX model"),
    "a missing array": (_changed(lambda graph: graph.initializer.pop()), "not a valid ONNX model"),
    "no such output": (_changed(lambda graph: graph.node.pop()), "not a valid ONNX model"),
    "a huge array": (_changed(_huge), "fc1.weight) raw_data size (80 bytes) is too small"),
    "an array outside": (lambda folder: _external(folder, "../../secret"), "another file"),
    "an array elsewhere": (lambda folder: _external(folder, "/etc/passwd"), "another file"),
    "an array that is gone": (lambda folder: _external(folder, "weights.bin"), "another file"),
    "an input that is a list": (
        _changed(
            lambda graph: graph.input[0].type.sequence_type.elem_type.tensor_type.SetInParent()
        ),
        "input 'x' is no tensor",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_no_network_is_one_short_error(name: str, tmp_path: Path) -> None:
    content, message = HOSTILE[name]
    path = tmp_path / "net.onnx"
    path.write_bytes(content(tmp_path))
    with pytest.raises(InputError) as error:
        read(path)
    assert message in str(error.value)
    assert str(error.value).startswith(str(path))
    assert len(str(error.value)) < 600


@pytest.mark.parametrize("name", ["missing.onnx", "."])
def test_a_path_that_is_no_file_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / name)


def test_random_damage_is_an_error_or_harmless(tmp_path: Path) -> None:
    content, path = _mlp(tmp_path).read_bytes(), tmp_path / "damaged.onnx"
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        for place in rng.integers(len(content), size=rng.integers(1, 4)):
            damaged[place] = rng.integers(256)
        path.write_bytes(bytes(damaged))
        try:
            network = read(path)
            sizes = [(2 if n is None else n) for n in network.inputs[0].shape or ()]
            given = {network.inputs[0].name: jax.ShapeDtypeStruct(sizes, network.inputs[0].dtype)}
            jax.eval_shape(network.function, network.params, given)
        except InputError:
            refused += 1
    assert 0 < refused < 300


def test_arrays_in_a_file_beside_it_are_read(tmp_path: Path) -> None:
    arrays = mlp(RNG)
    (tmp_path / "weights.bin").write_bytes(arrays["fc1.weight"].tobytes())
    path = tmp_path / "net.onnx"
    path.write_bytes(_external(tmp_path, "weights.bin"))
    np.testing.assert_array_equal(read(path).params["fc1.weight"], arrays["fc1.weight"])


def test_without_the_package_the_error_says_what_to_install(tmp_path: Path) -> None:
    hint = r'pip install "reluprobe\[onnx\]"'
    with mock.patch.dict(sys.modules, onnx=None), pytest.raises(InputError, match=hint):
        read(tmp_path / "net.onnx")


INPUTS = {
    "another name": ({"z": ROWS}, "z: there is no such input"),
    "none": ({}, "x: missing"),
    "another type": ({"x": ROWS.astype(np.int32)}, "int32 given for float32"),
    "another rank": ({"x": ROWS[0]}, "has 1 axes and not 2"),
    "another size": ({"x": ROWS[:, :4]}, "axis 1 is 4, the file was exported for 5"),
}


@pytest.mark.parametrize("name", INPUTS)
def test_inputs_that_the_network_does_not_take_are_named(name: str, tmp_path: Path) -> None:
    given, message = INPUTS[name]
    network = read(_mlp(tmp_path))
    with pytest.raises(InputError) as error:
        network.function(network.params, given)
    assert message in str(error.value) and "x: float32 [batch, 5]" in str(error.value)


def test_a_file_exported_for_one_example_says_so(tmp_path: Path) -> None:
    network = read(_mlp(tmp_path, batch=1))
    with pytest.raises(InputError, match="exported for 1; export it with a free axis"):
        network.function(network.params, {"x": ROWS})


def test_axes_of_one_name_are_of_one_size(tmp_path: Path) -> None:
    nodes = [node("Concat", "a b", "y", axis=1)]
    network = read(saved(tmp_path, nodes, {"a": ["n", 2], "b": ["n", 1]}))
    given = {"a": np.zeros((3, 2), np.float32), "b": np.zeros((4, 1), np.float32)}
    with pytest.raises(InputError, match="axis 0 is 4, 'n' is elsewhere 3"):
        network.function({}, given)


def test_a_node_that_does_not_fit_its_inputs_is_named(tmp_path: Path) -> None:
    nodes = [node("Reshape", "x shape", "y", name="flat")]
    path = saved(tmp_path, nodes, {"x": ["n", 2]}, arrays={"shape": np.int64([7, 2])})
    with pytest.raises(InputError) as error:
        read(path).function({}, {"x": np.zeros((3, 2), np.float32)})
    assert "Reshape (node 'flat') does not fit its inputs: float32[3, 2]" in str(error.value)


def test_a_network_of_64_bits_wants_them_on(tmp_path: Path) -> None:
    network = read(saved(tmp_path, [node("Relu", "x", "y")], {"x": [1]}, dtype="float64"))
    with pytest.raises(InputError, match="64 bits"):
        network.function({}, {"x": np.zeros(1)})


def test_no_constant_is_made_that_no_memory_holds(tmp_path: Path) -> None:
    nodes = [node("Expand", "x shape", "y")]
    arrays = {"shape": np.int64([10**6, 10**6, 1])}
    with pytest.raises(InputError, match="no memory holds it"):
        read(saved(tmp_path, nodes, {"x": [1]}, arrays=arrays)).function(
            {}, {"x": np.zeros(1, np.float32)}
        )

"""The test cases that the ONNX standard ships: models, inputs and the right outputs."""

from __future__ import annotations

import functools
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test import loader, runner

from reluprobe.errors import InputError
from reluprobe.foreign.onnx import read

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")


class Case(NamedTuple):
    """A model with pairs of inputs and outputs, by name."""

    name: str
    model: onnx.ModelProto
    data: list[tuple[dict[str, Any], dict[str, Any]]]
    rtol: float
    atol: float


@functools.cache
def cases(kind: str) -> tuple[Case, ...]:
    """All cases of a kind, by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some are made of overflows and divisions by 0
        loaded = loader.load_model_tests(kind=kind)
    return tuple(map(_case, sorted(loaded, key=lambda case: case.name)))


def _case(case: Any) -> Case:
    if case.data_sets is not None:
        model, sets = case.model, case.data_sets
    else:
        folder = Path(case.model_dir)
        model = onnx.load(folder / "model.onnx")
        sets = [
            (_tensors(part, "input"), _tensors(part, "output"))
            for part in sorted(folder.glob("test_data_set_*"))
        ]
    names = [
        [value.name for value in values if value.name]
        for values in (model.graph.input, model.graph.output)
    ]
    data = [
        tuple(
            dict(zip(n, map(_array, part), strict=False))
            for n, part in zip(names, pair, strict=True)
        )
        for pair in sets
    ]
    return Case(case.name, model, data, case.rtol, case.atol)  # pyright: ignore[reportArgumentType]


def _tensors(folder: Path, kind: str) -> list[onnx.TensorProto]:
    count = len(list(folder.glob(f"{kind}_*.pb")))
    paths = [folder / f"{kind}_{i}.pb" for i in range(count)]
    return [onnx.TensorProto.FromString(path.read_bytes()) for path in paths]


def _array(value: Any) -> Any:
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def outcome(case: Case, folder: Path) -> str:
    """``equal``, or why it is refused; raises AssertionError where values are wrong.

    The cases give shapes, axes and the like as inputs; those are tried as constants next.
    """
    try:
        _check(case, case.model, folder)
    except InputError as error:
        if "depend" not in str(error) and "not fixed" not in str(error):
            return str(error)
        try:
            _check(case, _with_constants(case), folder)
        except InputError as second:
            return str(second)
    return "equal"


def _with_constants(case: Case) -> onnx.ModelProto:
    model, values = onnx.ModelProto(), case.data[0][0]
    model.CopyFrom(case.model)
    for value in list(model.graph.input)[1:]:
        model.graph.initializer.append(numpy_helper.from_array(values[value.name], value.name))
        model.graph.input.remove(value)
    return model


def _check(case: Case, model: onnx.ModelProto, folder: Path) -> None:
    path = folder / "case.onnx"
    path.write_bytes(model.SerializeToString())
    network = read(path)
    for inputs, outputs in case.data:
        given = {one.name: inputs[one.name] for one in network.inputs}
        params = {name: inputs.get(name, value) for name, value in network.params.items()}
        with jax.enable_x64(True):
            values = jax.jit(network.function)(params, given)
        runner.Runner.assert_similar_outputs(
            list(outputs.values()),
            [np.asarray(values[name]) for name in outputs],
            case.rtol,
            case.atol,
        )

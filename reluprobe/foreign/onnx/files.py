"""Opens an ONNX file: whatever it turns out to be, one short message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError
from onnx import checker, defs, external_data_helper, inliner, shape_inference

from reluprobe.errors import InputError, shown
from reluprobe.foreign.onnx import build
from reluprobe.foreign.onnx.operators.registry import OPERATORS

_CHECKER_ERRORS = (checker.ValidationError, shape_inference.InferenceError)
_INLINER_ERRORS = (*_CHECKER_ERRORS, ValueError, RuntimeError, DecodeError)
#: How often what a definition is made of may itself be put in place of its definition.
_NESTED = 4


def load(path: Path) -> tuple[Any, int]:
    """A checked model whose every node is known, its arrays in it, and its standard's version.

    Raises:
        InputError: there is no such file, it is no ONNX, damaged, or not known exactly.
    """
    model = _parsed(path)
    opset = _opset(path, model)
    written = model
    model = _with_functions_inlined(path, model, opset)
    expanded = model is not written
    build.refuse_unknown(path, build.all_nodes(model.graph), opset)
    if len(model.graph.sparse_initializer):
        raise InputError(f"{path}: sparse tensors are not known")
    _load_arrays(path, model)
    try:
        checker.check_model(str(path))
        if expanded:
            checker.check_model(model)
    except (*_CHECKER_ERRORS, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: not a valid ONNX model", [_first_line(error)]) from None
    return model, opset


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]


def _parsed(path: Path) -> Any:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if not content:
        raise InputError(f"{path}: the file is empty")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError:
        raise InputError(f"{path}: no ONNX file, or a damaged one") from None
    if not model.opset_import or not model.graph.output:
        raise InputError(f"{path}: no ONNX file: it has no graph with outputs")
    return model


def _opset(path: Path, model: Any) -> int:
    """The version of the standard that the file is written in."""
    versions = [entry.version for entry in model.opset_import if entry.domain in build.STANDARD]
    if not versions:
        domains = ", ".join(shown(entry.domain) for entry in model.opset_import)
        raise InputError(f"{path}: uses none of the standard's operators, but those of {domains}")
    if versions[0] > (newest := defs.onnx_opset_version()):
        raise InputError(
            f"{path}: opset {versions[0]} is not known; the installed onnx {onnx.__version__}"
            f" knows those up to {newest}",
            hint="pip install --upgrade onnx",
        )
    return versions[0]


def _with_functions_inlined(path: Path, model: Any, opset: int) -> Any:
    """Functions of the file, and operators that only the standard's own definition says."""
    try:
        if model.functions:
            _write_function_defaults(model)
            model = inliner.inline_local_functions(model)
    except _INLINER_ERRORS as error:
        raise InputError(
            f"{path}: its functions cannot be expanded", [_first_line(error)]
        ) from None
    for _ in range(_NESTED):
        defined = _defined_by_others(model.graph, opset)
        if not defined:
            break
        _write_defaults(model.graph, opset, defined)
        try:
            typed = shape_inference.infer_shapes(model)  # some definitions depend on types
            model = inliner.inline_selected_functions(
                typed, [("", name) for name in defined], inline_schema_functions=True
            )
        except _INLINER_ERRORS:
            break  # they stay what they are, and are refused by their names
    return model


def _defined_by_others(graph: Any, opset: int) -> list[str]:
    """Operators that are not known here, and which the standard defines by simpler ones."""
    schemas = (
        (node.op_type, build.schema_of(node, opset))
        for node in build.all_nodes(graph)
        if node.op_type not in OPERATORS
    )
    return sorted(
        {
            name
            for name, schema in schemas
            if schema and (schema.has_function or schema.has_context_dependent_function)
        }
    )


def _write_defaults(graph: Any, opset: int, defined: list[str]) -> None:
    """Write out attributes that nodes leave to the standard: its definitions do not know them."""
    for node in build.all_nodes(graph):
        if node.op_type not in defined:
            continue
        given = {attribute.name for attribute in node.attribute}
        for name, attribute in build.schema_of(node, opset).attributes.items():
            if name not in given and attribute.default_value.type:
                node.attribute.append(attribute.default_value)


def _write_function_defaults(model: Any) -> None:
    """The same for the file's own functions."""
    defaults = {
        (function.domain, function.name): function.attribute_proto for function in model.functions
    }
    bodies = (node for function in model.functions for node in function.node)
    for node in [*build.all_nodes(model.graph), *bodies]:
        given = {attribute.name for attribute in node.attribute}
        for attribute in defaults.get((node.domain, node.op_type), ()):
            if attribute.name not in given:
                node.attribute.append(attribute)


def _load_arrays(path: Path, model: Any) -> None:
    """Read tensors that lie in files beside the model; none outside of its folder."""
    try:
        external_data_helper.load_external_data_for_model(model, str(path.parent))
    except (checker.ValidationError, OSError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{path}: its arrays lie in another file, which cannot be read", [_first_line(error)]
        ) from None

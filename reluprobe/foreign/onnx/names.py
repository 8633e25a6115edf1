"""What the exporters call layers: module paths from the names of nodes, weights and scopes.

PyTorch's older exporter names nodes ``/encoder/layers.0/linear1/MatMul``; its newer one writes the
path among a node's metadata, as ``pkg.torch.onnx.name_scopes``; Keras writes
``functional_1/dense_1/MatMul``. Weights are often renamed (``onnx::MatMul_123``, ``val_2``).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from reluprobe.foreign.onnx.network import Origin

#: Operators that pass a weight on as it is, or only move its values about.
PASSING = frozenset(("Identity", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Cast", "Expand"))
#: Operators that multiply by weights, with the position of the weight.
WEIGHTED = {"Conv": 1, "ConvTranspose": 1, "Gemm": 1, "MatMul": 1, "LSTM": 1, "GRU": 1, "RNN": 1}
#: Operators that scale and shift by parameters.
NORMS = frozenset(
    ("BatchNormalization", "InstanceNormalization", "LayerNormalization", "GroupNormalization")
)
#: Floating-point inputs that say how many or where: they must be known before any input is.
FIXED = {"Resize": (1, 2), "Upsample": (1,), "Range": (0, 1, 2), "Dropout": (1,)}
_SCOPES = "pkg.torch.onnx.name_scopes"
_RENAMED = re.compile(r"::|^val_\d+|^/|^_?\d+$|^const|_output_\d+$", re.IGNORECASE)


def is_path(name: str) -> bool:
    """Whether a weight still has its name in the module, ``layers.0.linear1.weight``."""
    return not _RENAMED.search(name)


def parent(path: str) -> str:
    """The module that a path lies in; the empty string is the network itself."""
    return path.rpartition(".")[0]


def module_of(node: Any) -> str | None:
    """The path of the module that a node is of, empty for the network itself, None if not said."""
    scopes = {entry.key: entry.value for entry in node.metadata_props}.get(_SCOPES)
    if scopes is not None:
        try:
            path = ast.literal_eval(scopes)
        except (ValueError, SyntaxError):
            return None
        if not isinstance(path, list) or len(path) < 2 or not isinstance(path[-2], str):
            return None
        return "" if path[-2].startswith("_empty_nn_module") else path[-2]
    if "/" not in node.name:
        return None
    modules: list[str] = []
    for part in node.name.strip("/").split("/")[:-1]:
        # A child of a torch.nn.Sequential repeats its parent's name: /net/net.0/Gemm.
        if modules and part.startswith(modules[-1] + "."):
            modules.pop()
        modules.append(part)
    return ".".join(modules)


def own_name(node: Any) -> str:
    """A name for a node that is in no module."""
    name = node.name.strip("/").rpartition("/")[2].removeprefix("node_")
    return name or node.op_type


def scopes(nodes: Sequence[Any], weights: Mapping[str, Any]) -> list[str]:
    """What each node's layer is called: its module; outside of all modules, the node's own name.

    The newer exporter of PyTorch gives a convolution that it folded a batch norm into to the
    batch norm; the name of the weight, where only one node uses it, is nearer to the truth.
    """
    users: dict[str, int] = {}
    for node in nodes:
        for name in node.input:
            users[name] = users.get(name, 0) + 1
    return [_scope(node, weights, users) for node in nodes]


def _scope(node: Any, weights: Mapping[str, Any], users: Mapping[str, int]) -> str:
    if not node.name.startswith("/"):
        position = WEIGHTED.get(node.op_type, len(node.input))
        weight = node.input[position] if position < len(node.input) else ""
        if weight in weights and users[weight] == 1 and is_path(weight) and parent(weight):
            return parent(weight)
    return module_of(node) or own_name(node)


def layers(
    nodes: Sequence[Any], node_scopes: Sequence[str], weights: Mapping[str, Any]
) -> dict[str, str]:
    """Weight -> the layer that it is of: by its own name, or by that of the node that uses it."""
    passed_on = {name: name for name in weights}
    users: dict[str, str] = {}
    for node, scope in zip(nodes, node_scopes, strict=True):
        for name in node.input:
            if (weight := passed_on.get(name)) is None:
                continue
            if node.op_type in PASSING and name == node.input[0]:
                passed_on.update((output, weight) for output in node.output)
            else:
                users.setdefault(weight, scope)
    return {
        name: (parent(name) or name) if is_path(name) else users.get(name, name) for name in weights
    }


def origins(nodes: Sequence[Any], weights: Mapping[str, Any]) -> dict[str, Origin]:
    """Weight -> which nodes use it for more than passing it on."""
    passed_on = {name: name for name in weights}
    users: dict[str, Origin] = {}
    for node in nodes:
        for position, name in enumerate(node.input):
            if (weight := passed_on.get(name)) is None:
                continue
            if node.op_type == "Identity":
                passed_on.update((output, weight) for output in node.output)
                continue
            origin = users.get(weight, Origin(node.op_type, position, ()))
            module = module_of(node) or ""
            if module not in origin.modules:
                origin = replace(origin, modules=(*origin.modules, module))
            users[weight] = origin
    return users


def constants(nodes: Sequence[Any], weights: Mapping[str, Any]) -> set[str]:
    """Floating-point arrays of the file that are no parameters: numbers, and factors of sizes.

    The newer exporter of PyTorch writes the numbers of a formula as arrays of one value, under
    names of its own; one that multiplies like a weight is a weight all the same.
    """
    users = origins(nodes, weights)
    fixed = {
        node.input[position]
        for node in nodes
        for position in FIXED.get(node.op_type, ())
        if position < len(node.input)
    }
    numbers = {
        name
        for name, array in weights.items()
        if array.ndim == 0
        or (array.size == 1 and not is_path(name) and not _multiplies(users.get(name)))
    }
    return numbers | fixed.intersection(weights)


def _multiplies(origin: Origin | None) -> bool:
    return origin is not None and origin.operator in {*WEIGHTED, "PRelu"}


def modules(nodes: Sequence[Any]) -> frozenset[str]:
    """Paths of the modules that nodes are of, and of those around them."""
    paths = set()
    for node in nodes:
        path = module_of(node) or ""
        while path:
            paths.add(path)
            path = parent(path)
    return frozenset(paths)

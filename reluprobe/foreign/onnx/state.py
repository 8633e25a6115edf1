"""A checkpoint's arrays as the parameters of the network behind an ONNX file.

Exporters rename weights, transpose those of dense layers, share one array among layers that are
alike, and fold batch norm into convolutions. What they did is undone where it can be told exactly;
anything else is an error, for a parameter that stays as it was exported makes every count wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np

from reluprobe.errors import InputError, nearest, shown
from reluprobe.foreign.onnx.names import NORMS, WEIGHTED, is_path, parent
from reluprobe.foreign.onnx.network import OnnxNetwork, Origin

#: What wrappers of PyTorch put before every name.
_WRAPPERS = ("module.", "_orig_mod.")
_SHOWN = 10
_HINT = (
    "export a network that has been trained a step, with"
    " torch.onnx.export(..., dynamo=True, optimize=False)"
)


@dataclass
class _Matching:
    """What of the state is used, and what does not fit."""

    network: OnnxNetwork
    state: dict[str, np.ndarray]
    params: dict[str, np.ndarray] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def take(self, param: str, key: str, value: np.ndarray) -> None:
        self.used.add(key)
        dtype = {**self.network.params, **self.network.constants}[param].dtype
        self.params[param] = value.astype(dtype)


def with_state(network: OnnxNetwork, state: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The network's parameters with values from a PyTorch ``state_dict`` as NumPy arrays.

    By name first; a weight that the exporter renamed and transposed, by the module that it is of
    and its shape. Numbers that the file has as constants become parameters where the state has
    them.

    Raises:
        InputError: with a line for each parameter that the state lacks or has in another shape,
            and each array of the state that the exporter folded into others or merged.
    """
    matching = _Matching(network, _floats(state))
    _match_names(matching)
    for param in network.params:
        if param not in matching.params:
            _match_renamed(matching, param)
    _check_unused(matching)
    if matching.faults:
        more = len(matching.faults) - _SHOWN
        lines = [*matching.faults[:_SHOWN], *([f"and {more} more"] if more > 0 else [])]
        raise InputError("the state is not that of the network in the file", lines, hint=_HINT)
    return matching.params


def _floats(state: Mapping[str, Any]) -> dict[str, np.ndarray]:
    arrays = {str(name): np.asarray(value) for name, value in state.items()}
    for name, array in arrays.items():
        if array.dtype == object:
            raise InputError(f"{shown(name)} in the state is no array of numbers")
    floats = {n: a for n, a in arrays.items() if jnp.issubdtype(a.dtype, jnp.floating)}
    for wrapper in _WRAPPERS:
        if floats and all(name.startswith(wrapper) for name in floats):
            floats = {name.removeprefix(wrapper): array for name, array in floats.items()}
    return floats


def _match_names(matching: _Matching) -> None:
    network = matching.network
    for param, array in {**network.params, **network.constants}.items():
        if (value := matching.state.get(param)) is None:
            continue
        if value.shape != array.shape:
            matching.faults.append(f"{param}: shape {value.shape}, in the file {array.shape}")
        matching.take(param, param, value)


def _match_renamed(matching: _Matching, param: str) -> None:
    """A parameter whose name is not in the state."""
    network = matching.network
    origin = network.origins.get(param)
    if is_path(param):
        close = nearest(param, matching.state)
        matching.faults.append(f"{param}: the state lacks it{close}")
        return
    if origin is None or origin.operator not in {*WEIGHTED, *NORMS, "PRelu"} or not origin.position:
        matching.params[param] = network.params[param]  # a constant of a formula, as exported
        return
    first: tuple[str, np.ndarray] | None = None
    for module in origin.modules:
        key = _source(matching, param, origin, module)
        value = None if key is None else _as_used(origin, matching.state[key])
        if key is None or value is None:
            matching.faults.append(
                f"{param}, in {module or 'the network'}: which arrays of the state it was made of"
                " cannot be told"
            )
            return
        first = first or (key, value)
        if not np.array_equal(value, first[1]):
            matching.faults.append(f"{key}: in the file, it is one array with that of {first[0]}")
            return
        matching.take(param, key, value.reshape(network.params[param].shape))


def _source(matching: _Matching, param: str, origin: Origin, module: str) -> str | None:
    """The one array of a module, or else of the modules in it, that gives this parameter."""
    shape = matching.network.params[param].shape
    inside = [key for key in matching.state if not module or key.startswith(module + ".")]
    for keys in ([key for key in inside if parent(key) == module], inside):
        fitting = [
            key
            for key in keys
            if (value := _as_used(origin, matching.state[key])) is not None
            and _fits(origin, value.shape, shape)
        ]
        if fitting:
            return fitting[0] if len(fitting) == 1 else None
    return None


def _as_used(origin: Origin, value: np.ndarray) -> np.ndarray | None:
    """As the exporter writes it: a dense layer's weight transposed, a PReLU's slopes reshaped."""
    if origin.operator == "MatMul" and origin.position == 1 and value.ndim == 2:
        return value.T
    return value if origin.operator == "PRelu" and value.ndim == 1 else None


def _fits(origin: Origin, shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    if origin.operator == "PRelu":
        return np.prod(shape) == np.prod(wanted)
    return shape == wanted


def _check_unused(matching: _Matching) -> None:
    """Arrays that no parameter takes must be those of modules that the network does not run."""
    network = matching.network
    for key, value in matching.state.items():
        if key in matching.used:
            continue
        module = parent(key)
        averaged = f"{module}.running_mean" if module else "running_mean"
        folded = averaged in matching.state and _runs(network, parent(module))
        if (folded or _runs(network, module)) and not any(
            np.array_equal(value, other) for other in _in_module(matching, module, value)
        ):
            matching.faults.append(
                f"{key}: the file lacks it; the exporter folded it into others, or merged it with"
                " one that was equal"
            )


def _runs(network: OnnxNetwork, module: str) -> bool:
    return not module or module in network.modules


def _in_module(matching: _Matching, module: str, value: np.ndarray) -> Iterator[np.ndarray]:
    """Parameters that are used in a module, as they are and transposed."""
    for param, other in matching.params.items():
        origin = matching.network.origins.get(param)
        if origin is not None and module in origin.modules:
            yield other
            if value.ndim == 2:
                yield other.T

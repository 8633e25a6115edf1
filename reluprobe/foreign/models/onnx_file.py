"""An ONNX file as a network: inputs by name, parameters of the file or of a ``state_dict``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from reluprobe.errors import InputError
from reluprobe.foreign import onnx
from reluprobe.foreign.models.network import Network


def load(path: Path) -> Network:
    """The network of an ONNX file.

    Raises:
        InputError: it is none, or something in it is not known exactly.
    """
    read = onnx.read(path)
    paths = _paths(read)

    names: dict[str, str] = {path: name for name, path in paths.items()}

    def function(params: Any, batch: Any) -> Any:
        own: dict[str, Any] = {names.get(path) or path: array for path, array in params.items()}
        return read.function(own, batch)

    def of_state(given: Any) -> Any:
        if isinstance(given, Mapping) and set(names) <= set(given):
            return dict(given)
        if not isinstance(given, Mapping):
            allowed = "allowed are arrays by name, as a state_dict or a .npz has them"
            raise InputError("cannot read parameters", [f"got {type(given).__name__}; {allowed}"])
        return _renamed(onnx.with_state(read, given), paths)

    return Network(
        function,
        _renamed(read.params, paths),
        of_state,
        path.stem,
        of_checkpoint=of_state,
        adapt=lambda batch: _adapted(read.inputs, batch),
        notes=read.notes,
        batch_size=_batch_size(read.inputs),
        x64=read.x64,
    )


def _paths(read: onnx.OnnxNetwork) -> dict[str, str]:
    """Each parameter's path, as its author has it: exporters call some ``onnx::MatMul_7``."""
    paths: dict[str, str] = {}
    uses: Counter[str] = Counter()
    for name in read.params:
        layer = read.names.get(name, name)
        path = name if name.startswith(layer) else f"{layer}.weight"
        uses[path] += 1
        paths[name] = path if uses[path] == 1 else f"{path}_{uses[path] - 1}"
    return paths


def _renamed(params: Mapping[str, Any], paths: Mapping[str, str]) -> dict[str, Any]:
    # A state may hold numbers that the file has as constants: these have no path but their name.
    return {paths.get(name, name): array for name, array in params.items()}


def _adapted(wanted: tuple[onnx.Input, ...], batch: Any) -> Any:
    """The inputs by name; one alone needs none. Floats and integers go in the file's own width."""
    if not isinstance(batch, Mapping):
        if len(wanted) != 1:
            listed = ", ".join(map(str, wanted)) or "none"
            hint = f"NAME=PATH for each, or a dict: {listed}"
            raise InputError(
                "the network has several inputs", ["got one without a name"], hint=hint
            )
        batch = {wanted[0].name: batch}
    types = {one.name: one.dtype for one in wanted}
    return {name: _in_type(array, types.get(name)) for name, array in batch.items()}


def _in_type(array: Any, dtype: str | None) -> Any:
    kind = np.result_type(array).kind
    if dtype is None or kind != jnp.dtype(dtype).kind or kind not in "fiu":
        return array  # for the file's own check to refuse, or to take
    return np.asarray(array).astype(dtype) if not isinstance(array, jax.Array) else array


def _batch_size(wanted: tuple[onnx.Input, ...]) -> int | None:
    """How many examples an export takes at once, where it was made for one number alone."""
    sizes = {one.shape[0] for one in wanted if one.shape}
    return sizes.pop() if len(sizes) == 1 else None

"""Names and shapes of a network's arrays, as files of weights have them.

A deep network stacks its hidden layers after the first into one array: :func:`unstacked` gives each
layer its own name, :func:`stacked` goes back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from flax import nnx

from reluprobe.config import RunConfig
from reluprobe.engine import evaluate, program_spec
from reluprobe.engine.program_spec import ProgramSpec
from reluprobe.nn import hidden_layers, jax_settings

#: Modules of a network that have one element a hidden layer.
BY_LAYER = ("hidden", "norms")


def by_name(weights: nnx.State) -> dict[str, Any]:
    """A network's arrays by the names that their files have."""
    return {name_of(path): variable[...] for path, variable in nnx.to_flat_state(weights)}


def name_of(path: tuple[Any, ...]) -> str:
    """Of an array's path in the state: ``hidden.0.kernel``."""
    return ".".join(map(str, path))


def file_bytes(config: RunConfig, shape: tuple[int, ...], outputs: int) -> int:
    """About how large a file of a network's weights is. No array is computed for it."""
    # A header has some text for each tensor, and the settings.
    arrays = shapes(config, shape, outputs).values()
    return sum(4 * math.prod(array) + 90 for array in arrays) + 2000


def shapes(config: RunConfig, shape: tuple[int, ...], outputs: int) -> dict[str, tuple[int, ...]]:
    """The shapes of a network's arrays, by their names. No array is computed for it.

    Args:
        config: the run.
        shape: of one example.
        outputs: of the network.
    """
    with jax_settings.ours():
        spec = program_spec.spec_of(config, shape, outputs, evaluate.STATISTICS)
        return shapes_of(config, spec)


def shapes_of(config: RunConfig, spec: ProgramSpec) -> dict[str, tuple[int, ...]]:
    """The same of a program that is there."""
    flat = nnx.to_flat_state(program_spec.undrawn(config, spec))
    return {name_of(path): tuple(variable.shape) for path, variable in flat}


def unstacked(weights: Mapping[str, np.ndarray], config: RunConfig) -> dict[str, np.ndarray]:
    """The arrays with a name for each hidden layer, also of a deep network, which stacks them."""
    if not hidden_layers.is_stacked(config):
        return dict(weights)
    apart: dict[str, np.ndarray] = {}
    for name, array in weights.items():
        part, _, rest = name.partition(".")
        if part in BY_LAYER and rest.startswith("1."):
            leaf = rest.removeprefix("1.")
            apart |= {f"{part}.{n}.{leaf}": row for n, row in enumerate(array, 1)}
        else:
            apart[name] = array
    return apart


def stacked(weights: Mapping[str, np.ndarray], config: RunConfig) -> dict[str, np.ndarray]:
    """The arrays as the network of these settings has them: the reverse of :func:`unstacked`."""
    if not hidden_layers.is_stacked(config):
        return dict(weights)
    rows: dict[str, dict[int, np.ndarray]] = {}
    together: dict[str, np.ndarray] = {}
    for name, array in weights.items():
        part, _, rest = name.partition(".")
        number, _, leaf = rest.partition(".")
        if part in BY_LAYER and number != "0":
            rows.setdefault(f"{part}.1.{leaf}", {})[int(number)] = array
        else:
            together[name] = array
    return together | {
        name: np.stack([by_number[n] for n in sorted(by_number)])
        for name, by_number in rows.items()
    }

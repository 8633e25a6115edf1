"""Placement: datasets and stacked lanes on the devices, and how many lanes fit there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from reluprobe.config import RunConfig
from reluprobe.data import Dataset, DatasetKey
from reluprobe.engine import evaluate, state
from reluprobe.engine.program_spec import BATCH
from reluprobe.nn import networks

#: On an accelerator, no more lanes than this side by side on one device.
MOST_LANES = 512
#: The memory of a device that does not say how much it has, in bytes.
ASSUMED = 8 << 30


def mesh_of(devices: Sequence[jax.Device]) -> Mesh:
    """These devices, over which lanes are sharded."""
    return Mesh(np.array(devices), ("lane",), axis_types=(AxisType.Auto,))


def by_lane(mesh: Mesh) -> NamedSharding:
    """Arrays whose first axis is split among the devices."""
    return NamedSharding(mesh, P("lane"))


class PlacedDatasets:
    """The datasets of the runs at hand, on every device."""

    def __init__(self, datasets: Mapping[DatasetKey, Dataset], mesh: Mesh) -> None:
        self.datasets = datasets
        self.everywhere = NamedSharding(mesh, P())
        self.placed: dict[DatasetKey, state.Arrays] = {}

    def place(self, names: Sequence[DatasetKey]) -> Mapping[DatasetKey, state.Arrays]:
        """Have these datasets on every device, and no others."""
        self.placed = {name: data for name, data in self.placed.items() if name in names}
        for name in names:
            if name not in self.placed:
                dataset = self.datasets[name]
                inputs = np.concatenate([dataset.train_inputs, dataset.test_inputs])
                targets = np.concatenate([dataset.train_targets, dataset.test_targets])
                count = len(dataset.train_targets)
                arrays = state.arrays(inputs, targets, count, dataset.classes)
                self.placed[name] = jax.device_put(arrays, self.everywhere)
        return self.placed


def stack(trees: Sequence[Any], size: int, mesh: Mesh, padding: Any = None) -> Any:
    """Trees of arrays along a new first axis, split among the devices.

    Args:
        trees: one a lane.
        size: of the new axis.
        mesh: the devices.
        padding: fills what is missing; the first of the trees where it is None.
    """
    missing = size - len(trees)
    padded = [*trees, *[trees[0] if padding is None else padding] * missing]
    return jax.device_put(jax.tree.map(lambda *x: np.stack(x), *padded), by_lane(mesh))


def stack_lanes(
    starts: Sequence[tuple[state.Lane, state.Hyperparameters]], size: int, mesh: Mesh
) -> tuple[state.Lane, state.Hyperparameters]:
    """The lanes of a chunk of this size, filled up with lanes that rest."""
    lane, hyper = starts[0]
    return stack(starts, size, mesh, padding=(lane, hyper._replace(live=np.bool_(False))))


def lanes_that_fit(config: RunConfig, runs: int, shape: tuple[int, ...], mesh: Mesh) -> int:
    """How many of these runs a device can train side by side.

    Args:
        config: of one of them.
        runs: how many there are.
        shape: of one example.
        mesh: the devices.
    """
    share = -(-runs // mesh.size)
    fit = int(0.8 * (memory(mesh) or ASSUMED)) // lane_bytes(config, shape)
    return max(1, min(share, fit, MOST_LANES))


def fits_an_idle_device(config: RunConfig, dataset: Dataset, mesh: Mesh) -> bool:
    """Whether a device has memory for a run and its data, and says so; a CPU does not."""
    needed = lane_bytes(config, dataset.shape)
    needed += dataset.train_inputs.nbytes + dataset.test_inputs.nbytes
    return needed <= 0.8 * (memory(mesh) or 0)


def lane_bytes(config: RunConfig, shape: tuple[int, ...]) -> int:
    """What a lane takes, about.

    Args:
        config: the run.
        shape: of one example.
    """
    weights, outputs = networks.sizes(config, shape)
    examples = max(BATCH, config.batch_size)
    # Weights, two moments, gradient, update, and room for one copy; then activations.
    floats = 6 * weights + 4 * examples * sum(outputs)
    if config.l2_init:  # what the weights were at first
        floats += weights
    if config.norm == "batch":  # a look's statistics: inputs, and a layer in and out
        floats += evaluate.STATISTICS * (math.prod(shape) + 3 * max(outputs))
    return 4 * floats


def memory(mesh: Mesh) -> int | None:
    """Bytes that JAX may take on a device; None where it does not say."""
    return (mesh.devices.flat[0].memory_stats() or {}).get("bytes_limit")

"""Context: what all chunks of a call share: datasets, devices, compiler, what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
from jax.sharding import Mesh

from reluprobe.config.choices import SaveWeights
from reluprobe.data import Dataset, DatasetKey, key_of
from reluprobe.engine import checkpoint, compiler, placement
from reluprobe.engine import compile_cache as programs
from reluprobe.engine.program_spec import spec_on
from reluprobe.plan.grouping import dials_of, program_settings
from reluprobe.plan.runs import Run
from reluprobe.records.checkpoints import Checkpoint
from reluprobe.records.environment import describe_environment

if TYPE_CHECKING:  # brings SciPy, for networks that few train
    from reluprobe.foreign.trained import OwnNetwork


@dataclass(frozen=True)
class Context:
    """What all chunks of a call have in common.

    Attributes:
        datasets: those that the runs ask for, by name.
        mesh: the devices.
        lanes: how a device runs its lanes.
        used: the activations that each program is for: groups of other schedules share them.
        environment: what records say of it.
        stop: asked between segments.
        keep: ids of runs that, once they end, come with their activations.
        unfinished: where runs go on that were begun before, by id; None where none is saved.
        save_weights: whether runs come with their weights at their ends, or after every epoch.
        origin: what a run's bits hang on besides its settings.
        placed: the datasets on the devices.
        compiler: compiles programs ahead.
    """

    datasets: Mapping[DatasetKey, Dataset]
    mesh: Mesh
    lanes: compiler.LaneMode
    used: Mapping[Hashable, set[str]]
    environment: dict[str, str | int]
    stop: Callable[[], bool]
    keep: Collection[str]
    unfinished: Mapping[str, Checkpoint] | None
    save_weights: SaveWeights | None
    origin: checkpoint.Origin
    placed: placement.PlacedDatasets
    compiler: compiler.Compiler

    @staticmethod
    def of(
        runs: Sequence[Run],
        datasets: Mapping[DatasetKey, Dataset],
        devices: Sequence[jax.Device],
        lanes: compiler.LaneMode,
        stop: Callable[[], bool] = lambda: False,
        keep: Collection[str] = (),
        unfinished: Mapping[str, Checkpoint] | None = None,
        save_weights: SaveWeights | None = None,
        compile_cache: bool = False,
    ) -> Context:
        """The context of these runs on these devices."""
        mesh = placement.mesh_of(devices)
        used: dict[Hashable, set[str]] = {}
        for run in runs:
            used.setdefault(_program_of(run), set()).add(run.config.activation)
        environment = describe_environment(devices)
        origin = checkpoint.Origin(datasets, environment, lanes)
        if unfinished is not None:
            unfinished = checkpoint.usable(runs, unfinished, origin)
        placed = placement.PlacedDatasets(datasets, mesh)
        asked = stop, keep, unfinished, save_weights, origin
        kept = programs.opened() if compile_cache else None
        with_cache = placed, compiler.Compiler(kept)
        return Context(datasets, mesh, lanes, used, environment, *asked, *with_cache)

    def request(self, run: Run, size: int) -> compiler.ProgramRequest:
        """The program for chunks of this size of the run's group."""
        used = self.used[_program_of(run)]
        return compiler.request(run.config, used, size, self.datasets, self.lanes, self.mesh)

    def lanes_per_device(self, group: Sequence[Run]) -> int:
        """How many lanes of this group a device has at a time."""
        if self.lanes == "map":
            return 1
        config = group[0].config
        shape = self.datasets[key_of(config)].shape
        return placement.lanes_that_fit(config, len(group), shape, self.mesh)

    def own_network(self, run: Run) -> OwnNetwork | None:
        """Somebody's own network that a run trains; None where its settings build one."""
        return spec_on(run.config, self.datasets).own if run.config.is_own else None

    def begun(self, run: Run) -> Checkpoint | None:
        """Where a run goes on; None where it starts."""
        return (self.unfinished or {}).get(run.id)

    def calls_made(self, run: Run) -> int:
        """How many calls of its program a run has behind it before this process makes one."""
        begun = self.begun(run)
        return begun.calls if begun else 0


def _program_of(run: Run) -> Hashable:
    return (program_settings(run.config), *dials_of(run.config))

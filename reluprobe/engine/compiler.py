"""Compiler: one program for a group of runs, compiled beside other work and ahead of need."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from reluprobe.config import RunConfig
from reluprobe.data import Dataset, DatasetKey, key_of
from reluprobe.engine import (
    compile_cache,
    program_identity,
    program_spec,
    retry,
    schedule,
    state,
    train_step,
)
from reluprobe.engine.program_spec import ProgramSpec
from reluprobe.engine.tasks import draw_task
from reluprobe.nn import activations, jax_settings
from reluprobe.plan.grouping import OWN_CODE
from reluprobe.plan.order import MOST_PROGRAMS

Program = Callable[..., tuple[state.Lane, train_step.Report]]
#: How a device runs its lanes: one after another, or side by side.
LaneMode = Literal["map", "vmap"]
#: What this process has compiled, by everything that is static; what was used last is last.
PROGRAMS: dict[Hashable, Program] = {}
RELU, IDENTITY = activations.INDEX["relu"], activations.INDEX["identity"]


@dataclass(frozen=True)
class ProgramRequest:
    """What is to be compiled: the specs of a group's lanes, and the shapes of one chunk.

    Attributes:
        specs: each lane follows the one that has its activation.
        lanes: how a device runs its lanes.
        mesh: the devices.
        shapes: of the data, the lanes and their hyperparameters.
    """

    specs: tuple[ProgramSpec, ...]
    lanes: LaneMode
    mesh: Mesh
    shapes: tuple[state.Arrays, state.Lane, state.Hyperparameters]

    @property
    def key(self) -> Hashable:
        """Requests of one program have one key."""
        leaves, structure = jax.tree.flatten(self.shapes)
        arrays = tuple((x.shape, x.dtype) for x in leaves)
        return self.specs, self.lanes, self.mesh, structure, arrays


def forget_all_but(needed: Collection[Hashable]) -> None:
    """Keep these programs; and no more than ``MOST_PROGRAMS`` with others, those used last."""
    for key in [key for key in PROGRAMS if key not in needed]:
        if len(PROGRAMS) > MOST_PROGRAMS:
            del PROGRAMS[key]


def request(
    config: RunConfig,
    used: Collection[str],
    size: int,
    datasets: Mapping[DatasetKey, Dataset],
    lanes: LaneMode,
    mesh: Mesh,
) -> ProgramRequest:
    """The program for a group's chunks of this size. No array is computed for it.

    Args:
        config: of one of the group's runs.
        used: activations of all the runs that the program is for.
        size: lanes of a chunk, on all devices together.
        datasets: those that the runs ask for.
        lanes: how a device runs its lanes.
        mesh: the devices.
    """
    data = datasets[key_of(config)]
    spec = program_spec.spec_on(config, datasets)
    by_lane = NamedSharding(mesh, P("lane"))
    stacked = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct((size, *x.shape), x.dtype, sharding=by_lane),
        jax.eval_shape(lambda: init_lane(config, spec, datasets)),
    )
    indices = {activations.INDEX[name] for name in used}
    specs = _specs(spec, indices) if lanes == "map" else (spec,)
    return ProgramRequest(specs, lanes, mesh, (_shapes(data, mesh), *stacked))


def _shapes(data: Dataset, mesh: Mesh) -> state.Arrays:
    """What ``state.arrays`` makes of a dataset, unmade."""
    features = data.train_inputs.shape[1:]
    examples = (len(data.train_targets) + len(data.test_targets),)
    shapes = (examples + features, data.train_inputs.dtype), (examples, data.train_targets.dtype)
    statistics = ((shape, np.dtype(np.float32)) for shape in (features, features, features, ()))
    classes = ((shape, np.dtype(np.int32)) for shape in ((data.classes or 1,), ()))
    everywhere = NamedSharding(mesh, P())
    every = (*shapes, *statistics, *classes)
    structs = (jax.ShapeDtypeStruct(*x, sharding=everywhere) for x in every)
    return state.Arrays(*structs)  # type: ignore[arg-type]


def init_lane(
    config: RunConfig,
    spec: ProgramSpec,
    datasets: Mapping[DatasetKey, Dataset],
    lanes: LaneMode = "map",
) -> tuple[state.Lane, state.Hyperparameters]:
    """A run's starting point, with the task of its first phase: nothing is permuted in that.

    Lanes side by side are drawn by a program: op by op, hundreds of them would keep their device
    waiting. Lanes that run one after another are drawn op by op.
    """
    lane, hyper = program_spec.init_lane(config, spec, compiled=lanes == "vmap")
    return lane, hyper._replace(task=draw_task(config, 0, "same", datasets))


def _specs(spec: ProgramSpec, used: set[int]) -> tuple[ProgramSpec, ...]:
    """ReLU compiled in, and one spec for all other activations.

    A branch costs its fusion with what is around it, 5 to 8% of an epoch of the study's network,
    and ReLU, which selects and never rounds, gives the same bits with and without it. Others do
    not: they keep the branch even where there is only one of them.
    """
    if spec.config.activation in OWN_CODE or spec.own is not None:
        return (spec,)
    specs = [spec.with_activations(RELU)] if RELU in used else []
    if others := used - {RELU}:
        specs.append(spec.with_activations(*sorted(others | {IDENTITY})))
    return tuple(specs)


class Compiler:
    """Compiles in a thread of its own: XLA does most of it without Python.

    Args:
        cache: where programs are kept; None for nowhere.
    """

    def __init__(self, cache: compile_cache.ProgramCache | None = None) -> None:
        self.cache = cache
        self.failures = retry.BrokenPrograms()
        self.thread = ThreadPoolExecutor(1, "compile")
        self.compiling: dict[Hashable, Future[Program]] = {}

    def begin(self, request: ProgramRequest) -> None:
        """Start on a program, if nobody has."""
        key = request.key
        if key not in PROGRAMS and key not in self.compiling:
            self.compiling[key] = self.thread.submit(self._make, request)

    @property
    def unready(self) -> int:
        """How many programs are begun and not compiled."""
        return sum(not program.done() for program in self.compiling.values())

    def is_ready(self, request: ProgramRequest) -> bool:
        """Whether nobody waits for the program."""
        begun = self.compiling.get(request.key)
        return request.key in PROGRAMS or (begun is not None and begun.done())

    def get(self, request: ProgramRequest) -> tuple[Program, bool]:
        """The program, and whether it is new; waits for it."""
        key = request.key
        if key in PROGRAMS:
            PROGRAMS[key] = program = PROGRAMS.pop(key)
            return program, False
        self.begin(request)
        # Forgotten as it is asked for: what memory could not hold may fit at another time.
        PROGRAMS[key] = self.compiling.pop(key).result()
        return PROGRAMS[key], True

    def close(self) -> None:
        """Start nothing more."""
        self.thread.shutdown(wait=False, cancel_futures=True)

    def _make(self, request: ProgramRequest) -> Program:
        mapped = jax.shard_map(
            partial(run_lanes, request.specs, request.lanes),
            mesh=request.mesh,
            in_specs=(P(), P(), P("lane"), P("lane")),
            out_specs=P("lane"),
            check_vma=False,
        )
        data, lanes, hyper = request.shapes

        @functools.cache
        def lower() -> jax.stages.Lowered:
            return jax.jit(mapped, donate_argnums=2).lower(data, schedule.example(), lanes, hyper)

        # JAX's settings are a thread's own.
        with self.failures.watching(request.key), jax_settings.ours():
            key = self.cache and program_identity.identity(request, lower)
            if self.cache is None or key is None:
                return lower().compile()
            devices = list(request.mesh.devices.flat)
            return self.cache.compiled(key, devices, lambda: lower().compile())


def run_lanes(
    specs: Sequence[ProgramSpec],
    mode: LaneMode,
    data: state.Arrays,
    segment: state.Segment,
    lanes: state.Lane,
    hyper: state.Hyperparameters,
) -> tuple[state.Lane, train_step.Report]:
    """One segment of all lanes of one device."""
    # Traced once, and written out where it is called.
    runs = [jax.jit(partial(train_step.run_segment, spec), inline=True) for spec in specs]
    if mode == "vmap":
        return jax.vmap(partial(runs[0], data, segment))(lanes, hyper)
    branches = [partial(run, data, segment) for run in (partial(train_step.idle, runs[0]), *runs)]

    def lane(
        both: tuple[state.Lane, state.Hyperparameters],
    ) -> tuple[state.Lane, train_step.Report]:
        # The last spec has every activation that no other has.
        place = jnp.int32(len(specs))
        for n, spec in enumerate(specs[:-1], 1):
            own = jnp.isin(both[1].activation, np.array(spec.activations))
            place = jnp.where(own, n, place)
        return jax.lax.switch(jnp.where(both[1].live, place, 0), branches, *both)

    return jax.lax.map(lane, (lanes, hyper))

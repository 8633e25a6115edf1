"""Compiled programs: one for a group of runs, made beside other work and ahead of need."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from reluprobe.config import RunConfig
from reluprobe.data import Dataset
from reluprobe.engine import program_spec, retry, schedule, state, train_step
from reluprobe.engine.program_spec import Blueprint
from reluprobe.engine.tasks import draw_task
from reluprobe.nn import activations
from reluprobe.plan.grouping import OWN_CODE

Program = Callable[..., tuple[state.Lane, train_step.Report]]
#: What this process has compiled, by everything that is static.
PROGRAMS: dict[Hashable, Program] = {}
RELU, IDENTITY = activations.INDEX["relu"], activations.INDEX["identity"]


@dataclass(frozen=True)
class Order:
    """What is to be compiled: the plans of a group's lanes, and the shapes of one chunk.

    Attributes:
        plans: each lane follows the one that has its activation.
        one_by_one: whether a device's lanes run one after another, or side by side.
        shapes: of the data, the lanes and their numbers.
    """

    plans: tuple[Blueprint, ...]
    one_by_one: bool
    mesh: Mesh
    shapes: tuple[state.Arrays, state.Lane, state.Numbers]

    @property
    def key(self) -> Hashable:
        """Orders of one program have one key."""
        leaves, structure = jax.tree.flatten(self.shapes)
        each = tuple((x.shape, x.dtype) for x in leaves)
        return self.plans, self.one_by_one, self.mesh, structure, each


def order(
    config: RunConfig,
    used: Collection[str],
    size: int,
    datasets: Mapping[str, Dataset],
    one_by_one: bool,
    mesh: Mesh,
) -> Order:
    """The program for a group's chunks of this size. No array is computed for it.

    Args:
        config: of one of the group's runs.
        used: activations of all the runs that the program is for.
        size: lanes of a chunk, on all devices together.
        datasets: those that the runs ask for.
        one_by_one: see :class:`Order`.
        mesh: the devices.
    """
    plans: list[Blueprint] = []

    def start() -> tuple[state.Lane, state.Numbers]:
        lane, numbers, plan = begin(config, datasets)
        plans.append(plan)
        return lane, numbers

    by_lane = NamedSharding(mesh, P("lane"))
    stacked = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct((size, *x.shape), x.dtype, sharding=by_lane),
        jax.eval_shape(start),
    )
    several = (
        _plans(plans[0], {activations.INDEX[name] for name in used}) if one_by_one else tuple(plans)
    )
    return Order(several, one_by_one, mesh, (_shapes(datasets[config.dataset], mesh), *stacked))


def _shapes(data: Dataset, mesh: Mesh) -> state.Arrays:
    """What ``state.arrays`` makes of a dataset, unmade."""
    features = data.train_inputs.shape[1:]
    examples = (len(data.train_targets) + len(data.test_targets),)
    shapes = (examples + features, data.train_inputs.dtype), (examples, data.train_targets.dtype)
    rest = ((of, np.dtype(np.float32)) for of in (features, features, features, ()))
    everywhere = NamedSharding(mesh, P())
    made = (jax.ShapeDtypeStruct(*one, sharding=everywhere) for one in (*shapes, *rest))
    return state.Arrays(*made)  # type: ignore[arg-type]


def begin(
    config: RunConfig, datasets: Mapping[str, Dataset]
) -> tuple[state.Lane, state.Numbers, Blueprint]:
    """A run's starting point, with the task of its first phase: nothing is permuted in that."""
    data = datasets[config.dataset]
    features, examples = data.train_inputs.shape[1], len(data.train_targets)
    lane, numbers, plan = program_spec.init_lane(config, features, data.classes or 1, examples)
    return lane, numbers._replace(task=draw_task(config, 0, "same", datasets)), plan


def _plans(plan: Blueprint, used: set[int]) -> tuple[Blueprint, ...]:
    """ReLU compiled in, and one plan for all other activations.

    A branch costs its fusion with what is around it, 5 to 8% of an epoch of the study's network,
    and ReLU, which selects and never rounds, gives the same bits with and without it. Others do
    not: they keep the branch even where there is only one of them.
    """
    if plan.config.activation in OWN_CODE:
        return (plan,)
    found = [plan.among(RELU)] if RELU in used else []
    if others := used - {RELU}:
        found.append(plan.among(*sorted(others | {IDENTITY})))
    return tuple(found)


class Compiler:
    """Compiles in a thread of its own: XLA does most of it without Python."""

    def __init__(self) -> None:
        self.broken = retry.Broken()
        self.thread = ThreadPoolExecutor(1, "compile")
        self.begun: dict[Hashable, Future[Program]] = {}

    def begin(self, wanted: Order) -> None:
        """Start on a program, if nobody has."""
        key = wanted.key
        if key not in PROGRAMS and key not in self.begun:
            self.begun[key] = self.thread.submit(self._make, wanted)

    def get(self, wanted: Order) -> tuple[Program, bool]:
        """The program, and whether it is new; waits for it."""
        key = wanted.key
        if key in PROGRAMS:
            return PROGRAMS[key], False
        self.begin(wanted)
        # Forgotten as it is asked for: what memory could not hold may fit at another time.
        PROGRAMS[key] = self.begun.pop(key).result()
        return PROGRAMS[key], True

    def close(self) -> None:
        """Start nothing more."""
        self.thread.shutdown(wait=False, cancel_futures=True)

    def _make(self, wanted: Order) -> Program:
        mapped = jax.shard_map(
            partial(_map_lanes, wanted.plans, wanted.one_by_one),
            mesh=wanted.mesh,
            in_specs=(P(), P(), P("lane"), P("lane")),
            out_specs=P("lane"),
            check_vma=False,
        )
        data, lanes, numbers = wanted.shapes
        with self.broken.watching(wanted.key):
            lowered = jax.jit(mapped, donate_argnums=2).lower(
                data, schedule.example(), lanes, numbers
            )
            return lowered.compile()


def _map_lanes(
    plans: Sequence[Blueprint],
    one_by_one: bool,
    data: state.Arrays,
    now: state.Section,
    lanes: state.Lane,
    numbers: state.Numbers,
) -> tuple[state.Lane, train_step.Report]:
    """One section of all lanes of one device."""
    if not one_by_one:
        return jax.vmap(partial(train_step.section, plans[0], data, now))(lanes, numbers)
    ways = [train_step.idle, *[train_step.section] * len(plans)]
    branches = [
        partial(way, plan, data, now) for way, plan in zip(ways, (plans[0], *plans), strict=True)
    ]

    def lane(both: tuple[state.Lane, state.Numbers]) -> tuple[state.Lane, train_step.Report]:
        # The last plan has every activation that no other has.
        place = jnp.int32(len(plans))
        for n, plan in enumerate(plans[:-1], 1):
            mine = jnp.isin(both[1].activation, np.array(plan.activations))
            place = jnp.where(mine, n, place)
        return jax.lax.switch(jnp.where(both[1].live, place, 0), branches, *both)

    return jax.lax.map(lane, (lanes, numbers))

"""A network traced for batches of one shape: its program, its sites, and what is seen at them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jaxtyping import Array

from reluprobe.errors import InputError
from reluprobe.foreign import batches, facts, naming, network, reduction
from reluprobe.foreign.coverage import all_linear
from reluprobe.foreign.interpret import Tallies, evaluate
from reluprobe.foreign.jaxpr import flatten
from reluprobe.foreign.network import Network
from reluprobe.foreign.weights import given, unfollowed, whole


@dataclass(frozen=True, eq=False, slots=True)
class Traced:
    """A network's program for batches of one shape.

    Attributes:
        network: looked into.
        constants: the arrays that it closes over.
        positions: values of z that a unit has in one example, of each site.
        called: the name of each site.
    """

    network: Network
    constants: list[Any]
    positions: tuple[int, ...]
    called: tuple[str, ...]

    def seen(
        self,
        params: Sequence[Array],
        constants: Sequence[Any],
        batch: Sequence[Array],
        weights: Any,
    ) -> Tallies:
        """What this batch shows at each site. Pure: it may be compiled into another program.

        Args:
            params: the leaves of the network's parameters.
            constants: the arrays that it closes over.
            batch: the leaves of a batch of the shape that it was traced with.
            weights: which examples and positions count, None for all.
        """
        count = whole(batch[0].shape[0]) if weights is None else given(weights)
        return evaluate(self.network, self.network.level, [*params, *batch, *constants], count)[1]


def trace(
    function: Callable[[Any, Any], Any],
    params: Any,
    batch: Any,
    weights: Any = None,
    names: Callable[[Any], str | None] = lambda array: None,
) -> Traced:
    """Trace a network and look into it; arrays of ``params`` and ``batch`` may be shapes alone.

    Args:
        function: of parameters and a batch.
        params: a pytree; the paths of its leaves give layers their names.
        batch: a pytree of arrays with a leading axis of examples.
        weights: as those that :meth:`Traced.seen` will get.
        names: the path of an array that the function closes over, None for one that is no
            parameter's.

    Raises:
        InputError: weights of an axis that cannot be followed to a layer.
    """
    paths = naming.leaf_paths(params)
    closed = jax.make_jaxpr(function)(params, batch)
    graph = flatten(core.ClosedJaxpr(closed.jaxpr, closed.consts))
    weighted = 0 if weights is None else np.ndim(weights)
    inputs = [
        *(facts.parameter(v.shape, p) for v, p in zip(graph.inputs, paths, strict=False)),
        *(
            facts.Facts(data=True, axes=batches.axes_of(leaf, weights, max(weighted, 1)))
            for leaf in jax.tree.leaves(batch)
        ),
    ]
    constants = [_constant(array, names) for _, array in graph.constants]
    looked = network.look(graph, inputs, constants)
    if weights is not None:
        _check_followed(looked, paths, weighted)
    examples = batches.examples(batch)
    positions = tuple(
        -(-reduction.value_count(here.site.facts.axes) // examples) * here.turns_folded
        for here in looked.measured
    )
    arrays = [array for _, array in graph.constants]
    return Traced(looked, arrays, positions, tuple(_called(looked, paths)))


def _called(looked: Network, paths: Sequence[str]) -> list[str]:
    """The names of its sites."""
    names = naming.Names(all_linear(looked), paths)
    behind = [here.site.facts.linear for here in looked.measured]
    return naming.numbered([*map(names.fed, behind)], [*map(naming.scope, behind)])


def _constant(array: Any, names: Callable[[Any], str | None]) -> facts.Facts:
    """What is known of an array that the function closes over: a weight, if it has axes."""
    path = names(array)
    if path is None and np.ndim(array) and jnp.issubdtype(array.dtype, jnp.floating):
        path = f"constant[{','.join(map(str, np.shape(array)))}]"
    if path is None:
        return facts.constant(np.shape(array))
    return facts.parameter(np.shape(array), path)


def _check_followed(looked: Network, paths: Sequence[str], weighted: int) -> None:
    names = naming.Names(all_linear(looked), paths)
    faults = [
        f"{names.fed(here.site.facts.linear)} ({here.site.where}): axis {axis} of the weights"
        for here in looked.measured
        for axis in unfollowed(here.site.facts.axes, weighted, here.level.walked)
    ]
    if faults:
        hint = "leave the weights out, or give weights of examples alone: (example,)"
        raise InputError("weights that cannot be followed to a layer", faults, hint=hint)

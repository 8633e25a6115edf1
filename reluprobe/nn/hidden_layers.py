"""Hidden layers: each on its own in a shallow network; in a deep one stacked, and scanned.

A program that holds each layer's code takes half a second a layer to compile. From the second on
all layers are of one shape: with their weights along a first axis, ``layer``, one layer's code
serves them all, and compiling does not grow with depth. The numbers of a seed are the same either
way; what is computed with them is the same but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.core import Tracer
from jaxtyping import Array, Key

from reluprobe.config import RunConfig

if TYPE_CHECKING:
    from reluprobe.nn.mlp import MLP

#: Networks of more hidden layers are stacked. All sweeps that results are published of are
#: shallower, and stay the same to the bit.
DEEPEST_UNROLLED = 20


class Layer(NamedTuple):
    """A hidden layer; of a stack, all layers but the first, with a first axis ``layer``."""

    linear: nnx.Linear
    norm: nnx.Module | None


def is_stacked(config: RunConfig) -> bool:
    """Whether the network of a run has its layers stacked."""
    alike = config.network == "mlp" and isinstance(config.width, int)
    return alike and config.depth > DEEPEST_UNROLLED


def numbers(config: RunConfig, place: int) -> int | slice:
    """The numbers of the layers, from 0, that ``network.hidden`` has in a place."""
    return slice(1, None) if place and is_stacked(config) else place


def stack(layer: Any, layers: int) -> Any:
    """A module's copies as one module, whose arrays have a first axis ``layer``."""
    graph, state = nnx.split(layer)
    return nnx.merge(graph, jax.tree.map(lambda x: jnp.broadcast_to(x, (layers, *x.shape)), state))


def next_keys(stream: nnx.RngStream, layers: int, of_each: int) -> Key[Array, " layer"]:
    """The first of the keys that each of the next layers would take ``of_each`` of."""
    counts = stream.count[...] + of_each * jnp.arange(layers, dtype=jnp.uint32)
    stream.count[...] += of_each * layers
    return jax.vmap(jax.random.fold_in, (None, 0))(stream.key[...], counts)


def draw_each(draw: Callable[[Array], Any], keys: Key[Array, " layer"]) -> Any:
    """What is drawn with each key, along a first axis ``layer``."""
    if isinstance(keys, Tracer):
        return jax.lax.map(draw, keys)
    # One by one, as a layer on its own is drawn: in one program some would round otherwise.
    apart = map(jax.random.wrap_key_data, np.asarray(jax.random.key_data(keys)))
    return jax.tree.map(lambda *x: jnp.asarray(np.stack(x)), *map(draw, apart))


def filled_up(row: Array, units: int) -> Array:
    """A layer's row ``(…, unit)`` with zeros in the places of units that only wider layers have."""
    missing = units - row.shape[-1]
    return jnp.pad(row, [(0, 0)] * (row.ndim - 1) + [(0, missing)]) if missing else row


def together(rows: Sequence[Any]) -> Any:
    """Rows of layers as one, along a first axis ``layer``, each as long as the widest layer's."""

    def leaf(*row: Array) -> Array:
        units = max((x.shape[-1] for x in row if x.ndim), default=0)
        return jnp.stack([filled_up(x, units) if x.ndim else x for x in row])

    return jax.tree.map(leaf, *rows)


def apart(rows: Sequence[Any]) -> Any:
    """Rows along a first axis ``layer`` where they are of one shape; else one after the other."""
    shapes = {tuple(x.shape for x in jax.tree.leaves(row)) for row in rows}
    return together(rows) if len(shapes) == 1 else tuple(rows)


def scan(
    body: Callable[..., tuple[Any, Any]],
    carry: Any,
    *networks: MLP,
    join: Callable[[Sequence[Any]], Any] = together,
) -> tuple[Any, Any]:
    """``jax.lax.scan`` over the hidden layers of networks of one structure.

    Args:
        body: (carry, number from 0, a :class:`Layer` of each network) → (carry, row). What it
            writes into a layer stays. The first layer's carry may have another shape.
        carry: what the first layer is given.
        networks: whose layers it goes through side by side.
        join: what is made of the rows, of layers that are not stacked: :func:`together` or
            :func:`apart`.

    Returns:
        The last carry, and the rows along a first axis ``layer``.
    """
    first, *others = zip(*(network.layers for network in networks), strict=True)
    carry, row = body(carry, 0, *first)
    if networks[0].stacked:
        carry, rows = _scan_stack(body, carry, others[0], networks[0].depth)
        return carry, jax.tree.map(lambda one, more: jnp.concatenate([one[None], more]), row, rows)
    rows = [row]
    for i, layers in enumerate(others, 1):
        carry, row = body(carry, i, *layers)
        rows.append(row)
    return carry, join(rows)


def _scan_stack(body: Any, carry: Any, stacks: tuple[Layer, ...], depth: int) -> tuple[Any, Any]:
    @nnx.scan(in_axes=(nnx.Carry, 0, 0), out_axes=(nnx.Carry, 0), graph_updates=False)
    def others(carry: Any, i: Array, layers: tuple[Layer, ...]) -> tuple[Any, Any]:
        return body(carry, i, *layers)

    return others(carry, jnp.arange(1, depth), stacks)

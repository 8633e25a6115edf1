"""Somebody's own NNX network, ready to be trained: its start, its outputs, what its units do."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from reluprobe.config import RunConfig
from reluprobe.errors import InputError, ReluprobeError
from reluprobe.foreign import answer, traced
from reluprobe.foreign.built import build
from reluprobe.foreign.coverage import all_linear, coverage
from reluprobe.foreign.models.network import raised
from reluprobe.foreign.naming import Names, leaf_paths
from reluprobe.foreign.network import Measured
from reluprobe.foreign.tally import Seen
from reluprobe.measures import tallies
from reluprobe.nn.hidden_layers import together
from reluprobe.records.network import Coverage, LayerInfo


@dataclass(frozen=True, eq=False, slots=True)
class Structure:
    """What does not change while a network is trained: how its state is put together.

    Attributes:
        training, evaluation: its graph in either mode.
        keys: which leaves of its state are random keys: a state holds them as plain numbers.
        shape: of an example as it is called with.
        outputs: how many it has.
    """

    training: nnx.GraphDef
    evaluation: nnx.GraphDef
    keys: frozenset[int]
    shape: tuple[int, ...]
    outputs: int

    def evaluated(self, state: Any, inputs: Array) -> Float[Array, "example output"]:
        """Its outputs as in an evaluation: nothing is dropped, averages are those it keeps."""
        return self._called(self.evaluating(state), inputs)

    def evaluating(self, state: Any) -> nnx.Module:
        """The module itself in evaluation mode."""
        return nnx.merge(self.evaluation, self._typed(state), copy=True)

    def trained(self, state: Any, inputs: Array) -> tuple[Float[Array, "example output"], Any]:
        """Its outputs as in training, and its state after them, whatever it keeps in there."""
        model = nnx.merge(self.training, self._typed(state), copy=True)
        return self._called(model, inputs), raw(nnx.state(model))[0]

    def given(self, inputs: Float[Array, "example feature"]) -> Array:
        """Examples in the shape that it is called with."""
        return inputs.reshape(-1, *self.shape)

    def _called(self, model: Any, inputs: Array) -> Array:
        return model(self.given(inputs)).reshape(len(inputs), self.outputs)

    def _typed(self, state: Any) -> Any:
        leaves, tree = jax.tree.flatten(state)
        typed = [
            jax.random.wrap_key_data(leaf) if n in self.keys else leaf
            for n, leaf in enumerate(leaves)
        ]
        return jax.tree.unflatten(tree, typed)


def raw(state: Any) -> tuple[Any, frozenset[int]]:
    """A state whose random keys are plain numbers, and which leaves they are."""
    leaves, tree = jax.tree.flatten(state)
    keys = [n for n, x in enumerate(leaves) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key)]
    plain = [jax.random.key_data(leaf) if n in keys else leaf for n, leaf in enumerate(leaves)]
    return jax.tree.unflatten(tree, plain), frozenset(keys)


@dataclass(frozen=True, eq=False, slots=True)
class OwnNetwork:
    """A network that its owner's function builds.

    Attributes:
        config: the settings that it is built of.
        structure: of its state.
        state: shapes in the places of its arrays.
        trace: its program on a batch, with the sites in it.
        layers: what is counted, a site's or one of each turn of a loop.
        bounded: which layers' activation is bounded on both sides, so that it can saturate.
        straight: which layers' activation has a straight stretch, so that a unit can be linear.
        coverage: what is not counted, and why.
        decays: whether it has weights that weight decay knows, by the name ``kernel``.
    """

    config: RunConfig
    structure: Structure
    state: Any
    trace: traced.Traced
    layers: tuple[LayerInfo, ...]
    bounded: tuple[bool, ...]
    straight: tuple[bool, ...]
    coverage: Coverage
    decays: bool

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of each layer."""
        return tuple(layer.units for layer in self.layers)

    def start(self, shape: tuple[int, ...], rngs: nnx.Rngs) -> Any:
        """The state of a network whose weights these random numbers draw."""
        model = build(self.config, shape, self.structure.outputs, rngs)
        return raw(nnx.state(model))[0]

    def tallied(
        self, tally: tallies.Tally, state: Any, inputs: Array, counts: Array
    ) -> tallies.Tally:
        """The tally with these examples in it; ``counts``: 1 for an example, 0 for a repetition."""
        leaves, batch = jax.tree.leaves(state), [self.structure.given(inputs)]
        sites = self.trace.seen(leaves, self.trace.constants, batch, counts)
        pairs = zip(self.trace.network.measured, sites, strict=True)
        rows = [row for here, seen in pairs for row in _rows(here, seen)]
        quiet = jnp.zeros(len(rows), jnp.uint32)
        seen = tallies.Tally(*together(rows), quiet=quiet, examples=jnp.sum(counts))
        return tallies.combined(tally, seen)


def _rows(here: Measured, seen: Seen) -> list[tuple[Array, ...]]:
    """What a site shows of its layers' units, the fields of ``tallies.Tally`` up to ``values``.

    That a whole layer is silent on an example, a site does not say; how often f′ ≠ 0 it says of a
    ReLU alone.
    """
    # Where z goes on by several ways, the first speaks for the range of the outputs.
    high, low = seen.highest[..., 0, :], seen.lowest[..., 0, :]
    zero = jnp.all((seen.highest == 0) & (seen.lowest == 0), axis=-2)
    always = answer.linear(here.activation or "f(z)", here.bounds, seen)
    straight = jnp.zeros_like(seen.flat) if always is None else always
    flags = seen.finite, seen.flat, zero, seen.positive == 0, seen.extreme, straight
    counts = [count.astype(jnp.uint32) for count in (seen.positive, seen.sloped)]
    parts = [jnp.reshape(x, (-1, x.shape[-1])) for x in (*flags, high, low, seen.total, *counts)]
    return list(zip(*parts, jnp.ravel(seen.values).astype(jnp.uint32), strict=True))


@functools.lru_cache(maxsize=64)
def own_network(
    config: RunConfig, shape: tuple[int, ...], outputs: int, examples: int
) -> OwnNetwork:
    """A network made ready; asked again, the same one.

    Args:
        config: the settings that are part of a program; the network is built of them.
        shape: of one example, as the data have it.
        outputs: how many it must have.
        examples: of a batch that units are looked at on.

    Raises:
        InputError: it cannot be built or called, gives out something else, reads none of its
            settings, or has no activation behind a linear layer.
    """
    model = build(config, shape, outputs, nnx.Rngs(0))
    state, keys = raw(nnx.state(model))
    model.train()
    training = nnx.graphdef(model)
    model.eval()
    structs = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), state)
    parts = training, nnx.graphdef(model), keys
    structure = _fitting(config, parts, structs, shape, outputs, examples)
    batch = jax.ShapeDtypeStruct((examples, *structure.shape), jnp.float32)
    counts = np.ones(examples, np.float32)
    trace = traced.trace(structure.evaluated, structs, batch, counts)
    layers = _layers(trace, structs, batch, counts)
    paths = leaf_paths(structs)
    return OwnNetwork(
        config,
        structure,
        structs,
        trace,
        tuple(info for info, _, _ in layers),
        tuple(bounded for _, bounded, _ in layers),
        tuple(straight for _, _, straight in layers),
        _coverage(config, trace, paths),
        any("kernel" in path.split(".") for path in paths),
    )


def _fitting(
    config: RunConfig,
    parts: tuple[nnx.GraphDef, nnx.GraphDef, frozenset[int]],
    state: Any,
    shape: tuple[int, ...],
    outputs: int,
    examples: int,
) -> Structure:
    """The network called as images, or as flat vectors where it does not take those.

    Raises:
        InputError: it takes neither, or gives out something else.
    """
    refused: list[str] = []
    for called in dict.fromkeys([shape, (math.prod(shape),)]):
        structure = Structure(*parts, called, outputs)
        model = functools.partial(_plain_outputs, structure)
        try:
            given = jax.eval_shape(model, state, jax.ShapeDtypeStruct((examples, *called), "f4"))
        except ReluprobeError:
            raise
        except Exception as error:  # somebody else's code may raise anything
            why = raised("", error)
            refused.append(f"given {_shown((examples, *called))}: {'; '.join(why.faults)}")
            continue
        allowed = [(examples, outputs), *([(examples,)] if outputs == 1 else [])]
        if getattr(given, "shape", None) in allowed:
            return structure
        due = f"{outputs} numbers an example" if outputs > 1 else "one number an example"
        got = _shown(given.shape) if hasattr(given, "shape") else type(given).__name__
        refused.append(f"given {_shown((examples, *called))} it gives out {got}, and {due} are due")
    raise InputError(f"{config.network} does not fit the data", refused)


def _plain_outputs(structure: Structure, state: Any, inputs: Array) -> Any:
    return structure.evaluating(state)(inputs)  # type: ignore[operator]


def _shown(shape: Sequence[int]) -> str:
    return f"({', '.join(map(str, shape))})"


def _layers(
    trace: traced.Traced, state: Any, batch: Any, counts: np.ndarray
) -> list[tuple[LayerInfo, bool, bool]]:
    """The layers, and of each whether its activation is bounded, and whether it is straight."""
    shapes = jax.eval_shape(trace.seen, jax.tree.leaves(state), trace.constants, [batch], counts)
    names = [field.name for field in fields(LayerInfo)]
    layers = []
    for here, shaped, name, positions in zip(
        trace.network.measured, shapes, trace.called, trace.positions, strict=True
    ):
        nothing = Seen(*(np.zeros(x.shape, x.dtype) for x in shaped))
        for layer in answer.layers(here, nothing, name, positions, {}):
            info = LayerInfo(**{field: getattr(layer, field) for field in names})
            layers.append((info, here.bounds is not None, layer.linear is not None))
    return layers


def _coverage(config: RunConfig, trace: traced.Traced, paths: Sequence[str]) -> Coverage:
    network = trace.network
    names = Names(all_linear(network), paths)
    left_out = coverage(network, names, trace.called, [True] * len(network.measured))
    if network.measured:
        return left_out
    places = [place.what for place in (*left_out.outputs, *left_out.bare, *left_out.opaque)]
    raise InputError(
        f"{config.network} has no hidden units to count",
        ["no activation is found behind a linear layer", *places[:5]],
        hint="reluprobe inspect shows what is found in a network",
    )

"""Revive dead units while training. Pure: a lane in, a lane out.

============== ==================================================================================
redo           units that the last probe found dead: incoming weights drawn anew, bias 0, outgoing
               weights 0, their moments and step counts 0 (ReDo, Sokar et al. 2023, algorithm 1)
random         the same for as many units of each layer, chosen at random: the control that shows
               whether it matters *which*
redraw         every weight w <= 0 of the hidden layers becomes a draw from N(0, redraw_scale²): a
               recipe of forums
shrink_perturb every weight and bias θ becomes shrink·θ + N(0, perturb²) (Ash & Adams 2020)
============== ==================================================================================

A layer that has stopped training (``freeze_layers``) stays as it is: none of its units is drawn
anew. The weights out of a unit that is drawn anew belong to a later layer, which trains.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool

from reluprobe.config.choices import UNIT_REVIVALS
from reluprobe.engine.program_spec import ProgramSpec
from reluprobe.engine.state import REVIVE_RNG, Hyperparameters, Lane, Segment, trained
from reluprobe.measures import definitions, tallies
from reluprobe.nn import hidden_layers, initializers, optimizers
from reluprobe.nn.hidden_layers import Layer
from reluprobe.nn.mlp import MLP


def dead_mask(
    spec: ProgramSpec, hyper: Hyperparameters, tally: tallies.Tally
) -> Bool[Array, "layer unit"] | None:
    """The units that count as dead for reviving; None where no unit is picked out."""
    config = spec.config
    if config.revive not in UNIT_REVIVALS:
        return None
    threshold = hyper.dials.get("revive_threshold", definitions.DORMANT_THRESHOLD)
    return getattr(tallies.answer(tally, threshold), config.revive_definition)


#: The lane after it, and which units were drawn anew.
Revived = tuple[Lane, Bool[Array, "layer unit"]]


def at_start(spec: ProgramSpec, segment: Segment, lane: Lane, hyper: Hyperparameters) -> Revived:
    """Revive where the segment says so."""
    none = _no_unit(spec)
    if spec.config.revive == "none":
        return lane, none
    key = jax.random.wrap_key_data(hyper.order)
    for number in (REVIVE_RNG, segment.epoch, segment.first):
        key = jax.random.fold_in(key, number)
    how = HOW[spec.config.revive]
    return jax.lax.cond(
        segment.revives, lambda: how(spec, lane, hyper, segment, key), lambda: (lane, none)
    )


def _no_unit(spec: ProgramSpec) -> Bool[Array, "layer unit"]:
    return jnp.zeros((len(spec.sizes), max(spec.sizes)), bool)


def _redo(
    spec: ProgramSpec, lane: Lane, hyper: Hyperparameters, segment: Segment, key: Array
) -> Revived:
    return redraw_units(spec, lane, _dead_that_train(spec, lane, segment), key)


def _random(
    spec: ProgramSpec, lane: Lane, hyper: Hyperparameters, segment: Segment, key: Array
) -> Revived:
    which, draws = jax.random.split(key)
    chosen = as_many(_dead_that_train(spec, lane, segment), which, spec.sizes)
    return redraw_units(spec, lane, chosen, draws)


def _dead_that_train(spec: ProgramSpec, lane: Lane, segment: Segment) -> Bool[Array, "layer unit"]:
    assert lane.dead_mask is not None
    return lane.dead_mask & ~optimizers.held(spec.config, segment.epoch)[:, None]


def as_many(
    mask: Bool[Array, "layer unit"], key: Array, sizes: Sequence[int]
) -> Bool[Array, "layer unit"]:
    """As many units of each layer as the mask has, chosen at random among its units."""
    drawn = jax.random.uniform(key, mask.shape)
    if len({*sizes}) > 1:  # what is no unit of its layer comes last
        drawn = jnp.where(tallies.present(sizes), drawn, 2.0)
    places = jnp.argsort(jnp.argsort(drawn, axis=1), axis=1)
    return places < mask.sum(axis=1, keepdims=True)


def redraw_units(
    spec: ProgramSpec, lane: Lane, chosen: Bool[Array, "layer unit"], key: Array
) -> Revived:
    """Draw these units anew: ReDo's operation.

    A unit that gave out 0 on an example adds nothing to the next layer there, before and after:
    outputs on such examples do not change by a bit. With layer norm a layer's units share a mean
    and variance, and the others' pre-activations do change.
    """
    network, mask = _network_and_mask(spec, lane.weights)

    def layer(before: Array | None, i: Any, layer: Layer, mask: Layer) -> tuple[Array, None]:
        kernel = layer.linear.kernel[...]
        unit = chosen[i][: kernel.shape[-1]]
        drawn = initializers.weights(spec.config, jax.random.fold_in(key, i), kernel.shape)
        drawn = drawn * spec.config.weight_gain
        _put(layer.linear.kernel, mask.linear.kernel, _last_axis(unit, kernel.ndim), drawn)
        if layer.linear.bias is not None:
            _put(layer.linear.bias, mask.linear.bias, unit, 0.0)
        if layer.norm is not None:
            _put_norm(layer.norm, mask.norm, unit)
        # Last, so that from one re-drawn unit to another the weight is 0 too.
        if before is not None:
            _cut(layer.linear, mask.linear, before)
        return unit, None

    last, _ = hidden_layers.scan(layer, None, network, mask)
    _cut(network.output, mask.output, last)
    params, _ = trained(lane.weights)
    touched = jax.tree.map(lambda x: x > 0, trained(nnx.state(mask))[0])
    optimizer = optimizers.reset(lane.optimizer, params, touched)
    moved = lane._replace(weights=nnx.state(network), optimizer=optimizer)
    return moved, chosen


def _network_and_mask(spec: ProgramSpec, weights: nnx.State) -> tuple[MLP, MLP]:
    """The network, and one like it of zeros, into which 1 is put for all that is re-drawn."""
    zeros = jax.tree.map(jnp.zeros_like, weights)
    return nnx.merge(spec.graph, weights, copy=True), nnx.merge(spec.graph, zeros, copy=True)


def _put(values: Any, mask: Any, where: Array, new: Array | float) -> None:
    values[...] = jnp.where(where, new, values[...])
    mask[...] = jnp.where(where, 1.0, mask[...])


def _cut(linear: Any, mask: Any, unit: Array) -> None:
    """Weights 0 out of these units of the layer before."""
    kernel = linear.kernel[...]
    # What a unit gives out comes several times where its layer's outputs are put in a row: the two
    # of a CReLU, or a channel's positions, which run slower than the channels.
    rows = jnp.tile(unit, kernel.shape[-2] // unit.size)
    _put(linear.kernel, mask.kernel, _last_axis(rows, kernel.ndim - 1)[..., None], 0.0)


def _last_axis(values: Array, axes: int) -> Array:
    """A vector as an array of so many axes, along the last of them."""
    return values.reshape((1,) * (axes - 1) + values.shape)


def _put_norm(norm: Any, mask: Any, unit: Array) -> None:
    """A unit's scale 1 and shift 0 again."""
    for name, start in (("scale", 1.0), ("bias", 0.0)):
        _put(getattr(norm, name), getattr(mask, name), unit, start)


def _redraw(
    spec: ProgramSpec, lane: Lane, hyper: Hyperparameters, segment: Segment, key: Array
) -> Revived:
    network = nnx.merge(spec.graph, lane.weights, copy=True)
    still = optimizers.held(spec.config, segment.epoch)
    scale = hyper.dials.get("redraw_scale", 0.05)

    def layer(carry: None, i: Any, layer: Layer) -> tuple[None, None]:
        kernel = layer.linear.kernel[...]
        drawn = scale * jax.random.normal(jax.random.fold_in(key, i), kernel.shape)
        layer.linear.kernel[...] = jnp.where((kernel <= 0) & ~still[i], drawn, kernel)
        return carry, None

    hidden_layers.scan(layer, None, network)
    return lane._replace(weights=nnx.state(network)), _no_unit(spec)


def _shrink_perturb(
    spec: ProgramSpec, lane: Lane, hyper: Hyperparameters, segment: Segment, key: Array
) -> Revived:
    network = nnx.merge(spec.graph, lane.weights, copy=True)
    shrink, perturb = hyper.dials.get("shrink", 0.5), hyper.dials.get("perturb", 0.01)
    still = optimizers.held(spec.config, segment.epoch)

    def move(linear: Any, i: Any, stands: Array | bool) -> None:
        for n, name in enumerate(PARTS):
            values = getattr(linear, name)
            if values is not None:
                own = jax.random.fold_in(key, len(PARTS) * i + n)
                noise = jax.random.normal(own, values[...].shape)
                moved = shrink * values[...] + perturb * noise
                values[...] = jnp.where(stands, values[...], moved)

    def layer(carry: None, i: Any, layer: Layer) -> tuple[None, None]:
        move(layer.linear, i, still[i])
        return carry, None

    hidden_layers.scan(layer, None, network)
    move(network.output, len(spec.sizes), False)
    return lane._replace(weights=nnx.state(network)), _no_unit(spec)


PARTS = ("kernel", "bias")
HOW: dict[str, Callable[[ProgramSpec, Lane, Hyperparameters, Segment, Array], Revived]] = {
    "redo": _redo,
    "random": _random,
    "redraw": _redraw,
    "shrink_perturb": _shrink_perturb,
}

"""Prune: take dead units out of a trained network; on the data where they are dead nothing changes.

A unit j of layer l with f′(z_jk) = 0 on all examples k, whose output is the same constant c_j on
all of them, adds c_j·w_j to every next pre-activation. That goes into the next layer's bias:

    b′ = b + Σ_j c_j w_j    over the units j that are taken out, in float64

and the unit's row and column go. The network gives out the same on those examples, but for
rounding; on others only as far as the units are dead there too. What is flat without being constant
(a relu6 at 0 on some examples, at 6 on others) stays.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float

from reluprobe.config import RunConfig, phases, widths
from reluprobe.data import Dataset, DatasetKey, key_of
from reluprobe.engine import evaluate, program_spec, saved_network, state, weight_names
from reluprobe.engine.program_spec import ProgramSpec
from reluprobe.engine.saved_network import SavedNetwork
from reluprobe.engine.state import Arrays, Hyperparameters
from reluprobe.engine.tasks import draw_task
from reluprobe.errors import InputError
from reluprobe.measures import tallies
from reluprobe.nn import activations, jax_settings, precision
from reluprobe.nn.mlp import plain
from reluprobe.records.saved_weights import Pruned, SavedWeights

#: Where a unit has to be dead to be taken out.
On = Literal["train", "certified"]
Mask = Bool[np.ndarray, " unit"]


@dataclass(frozen=True)
class LayerCut:
    """A hidden layer's units.

    Attributes:
        units: how many there were.
        dead: how many are dead where they have to be.
        removed: how many of these were taken out.
        varying: dead ones that stay, for they give out more than one value.
        unfolded: dead ones that stay, for they give out a constant that is not 0, which the next
            layer cannot take up: it has no bias, or is a convolution that pads with zeros.
        emptied: whether all could go: then one stays, for a layer has a unit.
    """

    units: int
    dead: int
    removed: int
    varying: int
    unfolded: int
    emptied: bool


@dataclass(frozen=True)
class _Seen:
    """What the training set shows of a layer: which units are dead, the least and most of each."""

    dead: Mask
    lowest: Float[np.ndarray, " unit"]
    highest: Float[np.ndarray, " unit"]


def check(network: SavedNetwork, on: On) -> None:
    """Whether units of a network can be taken out, and one knows which.

    Raises:
        InputError: they cannot; it says why.
    """
    why, hint = obstacle(network.config), None
    if why is None and on == "certified":
        why, hint = _uncertified(network.config), "--on train"
    if why is not None:
        raise InputError(f"cannot prune run {network.notes.run}", [why], hint=hint)


def obstacle(config: RunConfig) -> str | None:
    """Why no unit of a run's network can be taken out; None where units can be."""
    if config.norm == "layer":
        return "norm = layer takes a mean over all units of a layer, which changes without some"
    if config.residual:
        return "residual adds each layer's units to the next one's, so that no layer can lose some"
    if config.is_own:
        return "what reads a layer's units is known of networks that reluprobe builds alone"
    return None


def _uncertified(config: RunConfig) -> str | None:
    if not plain(config):
        return "units are certified only in MLPs without a norm whose units give out one value"
    if not activations.ACTIVATIONS[config.activation].dies_for_certain:
        return f"{config.activation} has no flat stretch, so that no unit is certified dead"
    return None


def trained_on(config: RunConfig, datasets: Mapping[DatasetKey, Dataset]) -> Dataset:
    """The dataset of a run's last phase."""
    stretch = phases.stretches(config.phases, config.epochs)[-1]
    return datasets[key_of(config, stretch.phase.dataset)]


def take_out(
    network: SavedNetwork, datasets: Mapping[DatasetKey, Dataset], on: On
) -> tuple[SavedNetwork, tuple[LayerCut, ...]]:
    """The smaller network, and what was taken out of each layer.

    Args:
        network: one that :func:`check` lets pass.
        datasets: its run's, by key.
        on: where a unit has to be dead.
    """
    config = network.config
    with jax_settings.ours():
        layers = _judged(network, datasets, on)
    parts = weight_names.unstacked(network.weights, config)
    following = range(1, len(layers))
    # A convolution pads with zeros: at its edges a constant does not come in as it does within.
    folds = [f"hidden.{n}.bias" in parts and n >= len(config.convolutions) for n in following]
    both = [_chosen(layer, can) for layer, can in zip(layers, [*folds, True], strict=True)]
    gone, cuts = [mask for mask, _ in both], tuple(layer for _, layer in both)
    smaller_config = with_widths(config, [layer.units - layer.removed for layer in cuts])
    smaller = cut(parts, gone, [layer.highest for layer in layers])
    pruned = Pruned(on, tuple(layer.removed for layer in cuts))
    notes = dataclasses.replace(network.notes, config=smaller_config, pruned=pruned)
    weights = weight_names.stacked(smaller, smaller_config)
    saved = SavedWeights(notes, weights, network.saved.inputs)
    return saved_network.network_of(saved), cuts


def _chosen(layer: _Seen, next_folds: bool) -> tuple[Mask, LayerCut]:
    """Which units of a layer are taken out, and why others are not."""
    constant = layer.lowest == layer.highest
    folds = next_folds | (layer.highest == 0)
    gone = layer.dead & constant & folds
    if emptied := bool(gone.all()):
        gone[0] = False
    counts = LayerCut(
        units=gone.size,
        dead=int(layer.dead.sum()),
        removed=int(gone.sum()),
        varying=int((layer.dead & ~constant).sum()),
        unfolded=int((layer.dead & constant & ~folds).sum()),
        emptied=emptied,
    )
    return gone, counts


def with_widths(config: RunConfig, sizes: Sequence[int]) -> RunConfig:
    """The settings with so many units in each hidden layer."""
    first = len(config.convolutions)
    dense = {"width": "-".join(map(str, sizes[first:])), "depth": len(sizes) - first}
    channels = {"channels": "-".join(map(str, sizes[:first]))} if first else {}
    return dataclasses.replace(config, **widths.settled({**dense, **channels}))


def cut(
    weights: Mapping[str, np.ndarray],
    gone: Sequence[Mask],
    constants: Sequence[Float[np.ndarray, " unit"]],
) -> dict[str, np.ndarray]:
    """A network's arrays without some of its units, whose constants go into the next biases.

    Args:
        weights: the arrays by name, of each hidden layer apart.
        gone: which units of each hidden layer.
        constants: what each of those gives out; of a CReLU's, which gives out two values, 0, and
            so before a convolution.
    """
    smaller = dict(weights)
    for layer, (mask, constant) in enumerate(zip(gone, constants, strict=True)):
        for name in [n for n in smaller if n.startswith((f"hidden.{layer}.", f"norms.{layer}."))]:
            smaller[name] = smaller[name][..., ~mask]
        following = "output" if layer + 1 == len(gone) else f"hidden.{layer + 1}"
        kernel = smaller[f"{following}.kernel"]
        # A unit has several rows where its layer's outputs are put in a row: two of a CReLU, one a
        # position of a channel.
        times = kernel.shape[-2] // mask.size
        rows = np.tile(mask, times)
        constants_out = np.tile(np.float64(constant), times)[rows]
        if np.any(constants_out):
            bias = smaller[f"{following}.bias"]
            added = constants_out @ np.float64(kernel[rows])
            smaller[f"{following}.bias"] = (bias + added).astype(np.float32)
        smaller[f"{following}.kernel"] = kernel[..., ~rows, :]
    return smaller


def _judged(network: SavedNetwork, datasets: Mapping[DatasetKey, Dataset], on: On) -> list[_Seen]:
    """Every layer on the whole training set, as it is in the run's last phase."""
    config, dataset = network.config, trained_on(network.config, datasets)
    count = len(dataset.train_targets)
    # Outputs are as many as the network's, however many classes there are here.
    outputs = None if dataset.classes is None else network.notes.outputs
    arrays = state.arrays(dataset.train_inputs, dataset.train_targets, count, outputs)
    stretch = phases.stretches(config.phases, config.epochs)[-1]
    task = draw_task(config, stretch.index, stretch.phase.task, datasets)
    # Whose label an example has is nothing to its pre-activations.
    hyper = network.scaling[1]._replace(task=task._replace(targets=None))
    spec = program_spec.spec_of(config, dataset.shape, network.notes.outputs, count)
    weights = network.state(network.weights)
    looked = _look(spec, on == "certified", jax.device_put(arrays), weights, hyper)
    tally, dead = jax.device_get(looked)
    sizes = [layer["bias" if "bias" in layer else "kernel"].shape[-1] for layer in network.hidden]
    return [
        _Seen(*(np.array(row[:size]) for row in rows))
        for size, *rows in zip(sizes, dead, tally.lowest, tally.highest, strict=True)
    ]


@partial(jax.jit, static_argnums=(0, 1))
def _look(
    spec: ProgramSpec, prove: bool, data: Arrays, weights: nnx.State, hyper: Hyperparameters
) -> tuple[tallies.Tally, Array]:
    """What the training set shows of each unit; and which ones are dead, or proven dead as well."""
    whole = jnp.int32(0), jnp.int32(spec.train_examples)
    with precision.full():
        sums = evaluate.sum_over_split(
            spec, data, weights, hyper, *whole, tallied=jnp.bool_(True), described=jnp.bool_(False)
        )
        dead = tallies.answer(sums.tally).dead
        if not prove:
            return sums.tally, dead
        return sums.tally, dead & evaluate.certified(spec, data, weights, hyper)

"""Traced types: data, training state, hyperparameters; what all programs do with them."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, Shaped, UInt32

from reluprobe.engine.tasks import Task


class Arrays(NamedTuple):
    """A dataset on the device: uint8 pixels, scaled to [0, 1] inside the step, or floats.

    The training examples come first, then the test set's. Of the training inputs, in [0, 1] if
    they are pixels: ``low`` and ``high`` are each feature's smallest and largest, ``means`` its
    mean, ``deviation`` the standard deviation of all features together. ``classes`` are those that
    training examples have, in order: the first ``existing`` of as many as the network has outputs.
    """

    inputs: Shaped[Array, "example feature"]
    targets: Shaped[Array, " example"]
    low: Float[Array, " feature"]
    high: Float[Array, " feature"]
    means: Float[Array, " feature"]
    deviation: Float[Array, ""]
    classes: Int[Array, " output"]
    existing: Int[Array, ""]


def arrays(
    inputs: Shaped[np.ndarray, "example feature"],
    targets: np.ndarray,
    train: int,
    outputs: int | None = None,
) -> Arrays:
    """A dataset with its statistics.

    Args:
        inputs: of all examples; the first ``train`` are the training set's.
        targets: of all examples.
        train: how many examples are trained on.
        outputs: of the network; None for the least that the labels need.
    """
    trained = inputs[:train]
    low, high = _scaled_on_host(trained.min(0)), _scaled_on_host(trained.max(0))
    unit = 255 if inputs.dtype == np.uint8 else 1
    means = trained.mean(axis=0, dtype=np.float64) / unit
    # Of a dataset of one value the deviation is 0, and standardized inputs are to be 0, not NaN.
    deviation = _deviation(trained, means * unit) / unit or 1.0
    statistics = low, high, np.float32(means), np.float32(deviation)
    return Arrays(inputs, targets, *statistics, *_classes(targets, train, outputs))  # type: ignore[arg-type]


def _classes(targets: np.ndarray, train: int, outputs: int | None) -> tuple[np.ndarray, np.int32]:
    """The classes that exist, filled up with the last, and how many they are."""
    if targets.dtype.kind == "f":
        return np.zeros(1, np.int32), np.int32(0)
    existing = np.unique(targets[:train]).astype(np.int32)
    size = int(existing[-1]) + 1 if outputs is None else outputs
    return np.pad(existing, (0, size - len(existing)), mode="edge"), np.int32(len(existing))


def _deviation(inputs: Shaped[np.ndarray, "example feature"], means: np.ndarray) -> float:
    """The standard deviation of all values; 64-bit copies of a dataset would take seconds."""
    centre = np.float32(means.mean())
    parts = np.array_split(inputs, -(-len(inputs) // 1000))
    squares = (np.square(part - centre).sum(dtype=np.float64) for part in parts)
    variance = sum(squares) / inputs.size - (means.mean() - centre) ** 2
    return float(np.sqrt(max(0.0, variance)))


class Segment(NamedTuple):
    """What one call does: some steps of an epoch, then a probe. Scalars; the same for all lanes.

    Attributes:
        epoch: the epoch these steps belong to; 0 is before the first.
        first, last: steps of that epoch, from and up to.
        closes: whether the epoch ends here: then the test set is run through.
        ends: whether the run ends here: then units are judged on the test and training sets too.
        probed: how many examples the probe has.
        explained: on how many of them causes of death are sought.
        revives: whether units are revived before the first step.
    """

    epoch: Int[Array, ""]
    first: Int[Array, ""]
    last: Int[Array, ""]
    closes: Bool[Array, ""]
    ends: Bool[Array, ""]
    probed: Int[Array, ""]
    explained: Int[Array, ""]
    revives: Bool[Array, ""] | bool = False


class Hyperparameters(NamedTuple):
    """What tells lanes of one program apart. ``order`` is the key of the data's order, raw.

    ``dials``: the numbers that are a part of the program only where they are not at their
    defaults (``grouping.dials_of``).
    """

    learning_rate: Float[Array, ""]
    activation: Int[Array, ""]
    parameter: Float[Array, ""]
    order: UInt32[Array, " word"]
    live: Bool[Array, ""]
    dials: dict[str, Float[Array, ""]]
    task: Task


class Lane(NamedTuple):
    """What training changes. ``order`` and ``sums`` (loss, right) are those of the epoch.

    ``weights`` are all of the network's state. ``dead_mask``: the
    units that were dead at the last probe, as the run counts death for reviving; None where none
    is revived.
    """

    weights: nnx.State
    optimizer: optax.OptState
    order: Int[Array, "step batch"]
    sums: Float[Array, " two"]
    dead_mask: Bool[Array, "layer unit"] | None = None


#: Folded into the key of the data's order, for what else is random while training: above every
#: epoch's number.
STEP_RNG, LABEL_RNG, REVIVE_RNG = 2**32 - 1, 2**32 - 2, 2**32 - 3


def trained(weights: nnx.State) -> tuple[nnx.State, nnx.State]:
    """A network's state as what the optimizer moves, and the rest: batch norm's averages."""
    params, rest = nnx.split_state(weights, nnx.Param, ...)
    return params, rest


def scaled(inputs: Shaped[Array, "example feature"]) -> Float[Array, "example feature"]:
    """Pixels divided by 255, floats as they are."""
    if inputs.dtype == jnp.uint8:
        return inputs.astype(jnp.float32) / 255
    return inputs


def _scaled_on_host(inputs: Shaped[np.ndarray, " feature"]) -> Float[np.ndarray, " feature"]:
    """The same to the bit, in NumPy: XLA turns the division into a product."""
    if inputs.dtype == np.uint8:
        return inputs.astype(np.float32) * np.float32(1 / 255)
    return np.asarray(inputs, np.float32)


def losses(
    outputs: Float[Array, "example output"], targets: Shaped[Array, " example"], regression: bool
) -> tuple[Float[Array, " example"], Float[Array, " example"]]:
    """Per example: the loss, and 1 where the prediction is right (0 in regression).

    Softmax cross-entropy in nats; (output − target)² in regression.
    """
    if regression:
        errors = optax.squared_error(outputs[:, 0], targets)
        return errors, jnp.zeros_like(errors)
    errors = optax.softmax_cross_entropy_with_integer_labels(outputs, targets)
    return errors, (jnp.argmax(outputs, axis=1) == targets).astype(jnp.float32)


def batches(
    order: Int[Array, " example"], size: int
) -> tuple[Int[Array, "step batch"], Float[Array, "step batch"]]:
    """Cut an order of examples into steps of one shape.

    The last batch is kept, however small (469 steps on MNIST at 128, as the study has it): it is
    filled up with examples of weight 0, so that every step's loss is the mean of its own.
    """
    steps = -(-order.size // size)
    missing = steps * size - order.size
    weights = jnp.pad(jnp.ones(order.size), (0, missing))
    return jnp.pad(order, (0, missing)).reshape(steps, size), weights.reshape(steps, size)

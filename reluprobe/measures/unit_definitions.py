"""The definitions of death for pre-activations that somebody has as an array."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from reluprobe.config import arguments
from reluprobe.config.choices import PARAMETERS
from reluprobe.errors import InputError
from reluprobe.measures import tallies
from reluprobe.nn import activations, jax_settings
from reluprobe.plan.runs import checked_run


class UnitDefinitions(NamedTuple):
    """One answer per definition and unit, NumPy arrays ``(unit,)`` or ``(layer, unit)``.

    ``saturated`` is None for an activation that is unbounded: it cannot saturate; ``linear`` for
    one that bends everywhere. Formulas and sources are in :mod:`reluprobe.measures.definitions`.

    ``firing_rate`` is the share of the examples with z > 0: of n examples a rate of 0 says only
    that it is below about 3/n (with 95% confidence). ``gradient_rate`` is the share of them with
    f′(z) ≠ 0: 0 exactly where the unit is dead.
    """

    dead: Bool[np.ndarray, "*layer unit"]
    silent: Bool[np.ndarray, "*layer unit"]
    never_positive: Bool[np.ndarray, "*layer unit"]
    constant: Bool[np.ndarray, "*layer unit"]
    dormant: Bool[np.ndarray, "*layer unit"]
    saturated: Bool[np.ndarray, "*layer unit"] | None
    rare: Bool[np.ndarray, "*layer unit"]
    linear: Bool[np.ndarray, "*layer unit"] | None
    firing_rate: Float[np.ndarray, "*layer unit"]
    gradient_rate: Float[np.ndarray, "*layer unit"]


def probe(
    z: Float[np.ndarray, "*layer example unit"], activation: str = "relu", **parameters: float
) -> UnitDefinitions:
    """Which units are dead, by each definition, from their pre-activations.

    Args:
        z: pre-activations, ``(example, unit)`` of one layer or ``(layer, example, unit)``; taken
            as float32.
        activation: a name, ``"relu"``, or with its parameter, ``"leaky_relu(0.1)"``.
        **parameters: the activation's parameter by the name of its setting, ``leaky_slope=0.1``.

    Raises:
        InputError: an unknown activation or parameter; ``z`` of another shape, without an
            example, or not of finite numbers: a unit with a NaN is neither dead nor alive, so
            there is no answer for it.

    Examples:
        >>> rp.probe([[-1.0, 2.0], [-3.0, -1.0]]).dead
        array([ True, False])
    """
    if foreign := [name for name in parameters if name not in PARAMETERS.values()]:
        allowed = f"allowed are {', '.join(PARAMETERS.values())}"
        raise InputError("no parameter", [f"{name}: {allowed}" for name in foreign])
    config = checked_run({"activation": activation, **arguments.plain(parameters)}).config
    layers = _pre_activations(z)
    which = activations.ACTIVATIONS[config.activation]
    with jax_settings.ours():
        tally = tallies.tallied(
            jnp.asarray(layers.reshape(-1, *layers.shape[-2:])),
            activations.INDEX[config.activation],
            activations.activation_parameter(config),
        )
        answers, counts = tallies.answer(tally), (tally.fired, tally.sloped)
    shape, examples = (*layers.shape[:-2], layers.shape[-1]), layers.shape[-2]
    rates = (np.asarray(count) / examples for count in counts)
    units = UnitDefinitions(*(np.asarray(x).reshape(shape) for x in (*answers, *rates)))
    if not which.bounded:
        units = units._replace(saturated=None)
    return units._replace(linear=None) if which.straight is None else units


def _pre_activations(z: Any) -> Float[np.ndarray, "*layer example unit"]:
    try:
        array = np.asarray(z)
    except ValueError as error:  # rows of unequal lengths
        raise InputError("cannot read z", [f"z: allowed are numbers: {error}"]) from None
    if array.dtype.kind not in "fiub":
        raise InputError("cannot read z", [f"z of type {array.dtype}: allowed are numbers"])
    if array.ndim not in (2, 3) or 0 in array.shape:
        allowed = "(example, unit) or (layer, example, unit), none of them 0"
        raise InputError("cannot probe z", [f"z of shape {array.shape}: allowed is {allowed}"])
    if not np.isfinite(array).all():
        raise InputError("cannot probe z", [_nonfinite(array)])
    if np.abs(array).max() > np.finfo(np.float32).max:
        raise InputError("cannot probe z", ["z holds values beyond float32, 3.4e38"])
    return array.astype(np.float32)


def _nonfinite(array: np.ndarray) -> str:
    """How many values are not finite, and where the first of them is."""
    places = np.argwhere(~np.isfinite(array))
    first = ", ".join(map(str, places[0]))
    return (
        f"z holds {len(places):,} values that are NaN or infinite, the first at z[{first}]: "
        "a unit with such a value is neither dead nor alive; leave it out"
    )

"""Pre-activations that somebody's own hooks collected, as a look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from reluprobe.config.choices import DEFINITIONS
from reluprobe.errors import InputError, nearest, shown
from reluprobe.foreign.result import Layer, Look
from reluprobe.measures import tallies
from reluprobe.nn import activations, jax_settings
from reluprobe.plan.runs import checked_run
from reluprobe.records import Coverage

_ALLOWED = '(z, "relu"), or (z, "relu", axis) with the axis of units where z has more than two'


def look(collected: Mapping[str, Any]) -> Look:
    """Every unit of these layers, by every definition, in float32.

    Args:
        collected: by a layer's name, ``(z, activation)`` or ``(z, activation, axis)``: z of
            ``(example, unit)``, or of more axes, of which ``axis`` is the units' and the first
            the examples'.

    Raises:
        InputError: it is something else.
    """
    if not isinstance(collected, Mapping) or not collected:
        raise InputError("no pre-activation to look at", [f"allowed is {{name: {_ALLOWED}}}"])
    layers = tuple(_layer(str(name), given) for name, given in collected.items())
    examples = {layer.examples for layer in layers}
    if len(examples) > 1:
        listed = ", ".join(f"{layer.name} {layer.examples:,}" for layer in layers)
        raise InputError("layers of different examples", [listed])
    return Look(layers, Coverage(), examples.pop())


def _layer(name: str, given: Any) -> Layer:
    z, activation, axis = _parts(name, given)
    examples, positions = z.shape[0], int(np.prod(z.shape)) // (z.shape[0] * z.shape[axis])
    flat = np.moveaxis(z, axis, -1).reshape(-1, z.shape[axis])
    config = checked_run({"activation": activation}).config
    which = activations.ACTIVATIONS[config.activation]
    with jax_settings.ours():
        tally = tallies.tallied(
            jnp.asarray(flat[None], jnp.float32),
            activations.INDEX[config.activation],
            activations.activation_parameter(config),
        )
        answers, rates = tallies.answer(tally), tallies.rates(tally)
    masks: dict[str, Any] = {n: np.asarray(getattr(answers, n))[0] for n in DEFINITIONS}
    if not which.bounded:
        masks["saturated"] = None
    if which.straight is None:
        masks["linear"] = None
    broken = np.logical_not(np.isfinite(flat).all(axis=0))
    described = name, activation, z.shape[axis], examples, positions, "float32", False, ""
    return Layer(
        *described,
        **masks,
        not_finite=broken,
        values=len(flat),
        fired=np.asarray(rates.fired[0], np.int64),
        sloped=np.asarray(rates.sloped[0], np.int64),
        magnitude=np.where(broken, np.nan, rates.magnitude[0]),
    )


def _parts(name: str, given: Any) -> tuple[Float[np.ndarray, ...], str, int]:
    if not isinstance(given, tuple) or len(given) not in (2, 3):
        raise InputError(f"cannot read {name}", [f"got {shown(given)}; allowed is {_ALLOWED}"])
    z, activation = np.asarray(given[0]), given[1]
    if z.dtype.kind not in "fV" or z.ndim < 2 or 0 in z.shape:
        fault = f"z is of {z.dtype} and of shape {z.shape}; allowed is (example, …), none of them 0"
        raise InputError(f"cannot read {name}", [fault])
    if not isinstance(activation, str) or activation.partition("(")[0] not in activations.INDEX:
        listed = ", ".join(activations.INDEX)
        fault = f"activation {shown(activation)}: allowed are {listed}"
        raise InputError(f"cannot read {name}", [fault + nearest(activation, activations.INDEX)])
    axis = given[2] if len(given) == 3 else 1
    if z.ndim > 2 and len(given) == 2:
        fault = f"z is of shape {z.shape}: which axis is the units'? Allowed is {_ALLOWED}"
        raise InputError(f"cannot read {name}", [fault])
    if not isinstance(axis, int) or not -z.ndim <= axis < z.ndim or axis % z.ndim == 0:
        fault = (
            f"axis {shown(axis)}: allowed is 1 to {z.ndim - 1}, or as Python counts from the end"
        )
        raise InputError(f"cannot read {name}", [fault])
    return z.astype(np.float32), activation, axis % z.ndim

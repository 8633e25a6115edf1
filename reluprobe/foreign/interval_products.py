"""Bounds of a linear layer's outputs: of what depends on the input times a known weight."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from reluprobe.foreign.intervals import Interval, widened
from reluprobe.foreign.jaxpr import Operation, shape_of

#: ε of the factors of a product in float32, where a device rounds them to be faster.
_FACTORS = {"cpu": 0.0, "gpu": 2.0**-10, "tpu": 2.0**-7}


def product(operation: Operation, left: Interval, right: Interval) -> Sequence[Interval] | None:
    """The bounds of a product or a convolution; None where both factors depend on the input.

    With the middle m and the radius r of the box, w·x lies within ``w·m ± |w|·r``. A sum of n
    products is off by ``n·ε/2·Σ|w_i||x_i|`` at most (Higham 2002, §3.1), in the network and here.
    Source: Gowal et al. 2018 (interval bound propagation).
    """
    swapped = left.fixed
    box, weight = (right, left) if swapped else (left, right)
    if not weight.fixed:
        return None
    kernel = weight.low

    def times(inputs: Array, weights: Array) -> Array:
        return _exactly(operation, *((weights, inputs) if swapped else (inputs, weights)))

    middle = (box.low + box.high) / 2
    radius = jnp.maximum(box.high - middle, middle - box.low)
    center = times(middle, kernel)
    spread = times(radius, jnp.abs(kernel))
    size = times(jnp.abs(middle), jnp.abs(kernel)) + spread
    dtype = operation.outputs[0].aval.dtype
    factors = _rounded_factors(operation) / float(jnp.finfo(dtype).eps)
    roundings = _terms(operation) + 6 + 2 * factors
    return [widened(Interval(center - spread, center + spread), size, dtype, roundings)]


def _exactly(operation: Operation, left: Array, right: Array) -> Array:
    # A GPU's default product rounds its factors to ten bits: no ground for a proof.
    most = lax.Precision.HIGHEST
    params = {**operation.params, "precision": (most, most), "preferred_element_type": left.dtype}
    return operation.equation.primitive.bind(left, right, **params)


def _terms(operation: Operation) -> int:
    """How many products each output is the sum of."""
    left, right = (shape_of(atom) for atom in operation.inputs)
    numbers = operation.params["dimension_numbers"]
    if operation.name == "dot_general":
        return math.prod(left[axis] for axis in numbers[0][0])
    return math.prod(right) // max(right[numbers.rhs_spec[0]], 1)


def _rounded_factors(operation: Operation) -> float:
    """ε of a float32 product's factors, as the device rounds them unless it is told otherwise."""
    precision: Any = operation.params["precision"]
    if precision == (lax.Precision.HIGHEST, lax.Precision.HIGHEST):
        return 0.0
    return _FACTORS.get(jax.default_backend(), _FACTORS["tpu"])

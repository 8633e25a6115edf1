"""Primitives by what they do to an array: to each of its values, or to where its values stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp

if TYPE_CHECKING:
    from reluprobe.foreign.jaxpr import Operation


def named(text: str) -> frozenset[str]:
    """The primitives of these names."""
    return frozenset(text.split())


#: a·x + b of one input, whatever the input. A stopped gradient is affine too: with a slope of 0.
_AFFINE = named(
    "neg copy copy_p reduce_precision name device_put sharding_constraint mesh_cast reshard "
    "optimization_barrier real stop_gradient pvary pcast"
)
#: Each output value is a function of the input values at the same place.
PRIMITIVES = _AFFINE | named(
    "add add_any sub mul div rem max min pow integer_pow square sqrt rsqrt cbrt abs sign "
    "floor ceil round is_finite clamp exp exp2 log log1p expm1 tanh logistic erf erfc erf_inv "
    "sin cos tan asin acos atan atan2 sinh cosh asinh acosh atanh select_n eq ne lt le gt ge "
    "and or xor not convert_element_type nextafter lgamma digamma bessel_i0e bessel_i1e "
    "population_count clz shift_left shift_right_logical shift_right_arithmetic copysign"
)
#: Functions with a derivative of their own: those that are not elementwise are written out.
WHOLE = named("custom_jvp_call custom_vjp_call custom_vjp_call_jaxpr")
#: Values move, are left out, or are put together; none is changed but by a sum or a maximum.
PASSING = named(
    "transpose reshape squeeze broadcast_in_dim expand_dims slice rev pad concatenate split "
    "dynamic_slice dynamic_update_slice gather scatter scatter-add scatter_add scatter_max "
    "scatter_min scatter_mul reduce_sum reduce_max reduce_min reduce_prod reduce_and "
    "reduce_or reduce_xor argmax argmin cumsum cumprod cummax cummin cumlogsumexp "
    "reduce_window reduce_window_max reduce_window_min reduce_window_sum "
    "select_and_gather_add select_and_scatter_add sort top_k approx_top_k"
)
#: Values change their place alone.
MOVING = named(
    "transpose reshape squeeze broadcast_in_dim expand_dims slice dynamic_slice rev copy "
    "convert_element_type"
)
#: What says nothing of units: random numbers, counters, bits.
QUIET = named(
    "iota random_seed random_bits random_wrap random_unwrap random_split random_fold_in "
    "random_clone random_gamma threefry2x32 rng_bit_generator bitcast_convert_type empty "
    "empty2 debug_callback debug_print create_token after_all"
)
#: Maxima and sums over a whole axis, and what else mixes the values along it.
MIXING = named("argmax argmin sort top_k approx_top_k")


def is_elementwise(operation: Operation) -> bool:
    """Whether each output value depends on the input values at its place alone."""
    return operation.name in PRIMITIVES or operation.name in WHOLE


def is_affine(operation: Operation, data: Sequence[Any], is_data: Any) -> bool:
    """Whether the output is an affine function of those of its inputs that depend on the batch.

    Args:
        operation: an elementwise one.
        data: its inputs that depend on the batch.
        is_data: whether one of its inputs does.
    """
    name = operation.name
    if name in _AFFINE or name in ("add", "sub", "add_any"):
        return True
    if name == "convert_element_type":
        return bool(jnp.issubdtype(operation.params["new_dtype"], jnp.floating))
    if name == "mul":
        return len(data) == 1
    if name == "div":
        return len(data) == 1 and operation.inputs[0] is data[0]
    return name == "select_n" and not is_data(operation.inputs[0])

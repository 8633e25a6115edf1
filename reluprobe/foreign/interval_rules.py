"""Interval rules: from bounds of an operation's inputs to bounds of its output.

Each is proven for its primitive: what is not here has no bounds. Functions of the library are
given room in absolute terms, so that none of them is flat where only its rounding is: tanh at 9.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from reluprobe.foreign import elementwise, interval_products, intervals
from reluprobe.foreign.intervals import Interval, is_floating, widened
from reluprobe.foreign.jaxpr import Operation, dtype_of

Rule = Callable[..., Sequence[Interval] | None]

#: By how many ε, of 1 + |f|, a library's exp or tanh may be off.
_LIBRARY = 32


def bounded(operation: Operation, arguments: Sequence[Interval]) -> list[Interval]:
    """The bounds of an operation's outputs; the widest where none can be told."""
    rule = _RULES.get(operation.name)
    outputs = None if rule is None else rule(operation, *arguments)
    if outputs is None:
        return [intervals.unknown(output.aval) for output in operation.outputs]
    avals = [output.aval for output in operation.outputs]
    return [intervals.known(i, aval.dtype) for i, aval in zip(outputs, avals, strict=True)]


def _bind(operation: Operation, arrays: Sequence[Array]) -> list[Array]:
    """The operation itself, of arrays of the type that bounds have."""
    equation = operation.equation
    outputs = equation.primitive.bind(*arrays, **equation.params)
    return list(outputs) if equation.primitive.multiple_results else [outputs]


def _exact(operation: Operation, *arguments: Interval) -> Sequence[Interval] | None:
    """Never falls in any of its inputs, and rounds nothing: maxima, and values that move."""
    if not all(is_floating(i.low.dtype) or _is_bool(i) or _moves(operation) for i in arguments):
        return None
    lows, highs = ([interval[end] for interval in arguments] for end in (0, 1))
    ends = zip(_bind(operation, lows), _bind(operation, highs), strict=True)
    return [Interval(low, high) for low, high in ends]


def _is_bool(interval: Interval) -> bool:
    return interval.low.dtype == bool


def _moves(operation: Operation) -> bool:
    return operation.name in _MOVES


def _taken(operation: Operation, *arguments: Interval, arrays: int = 1) -> Any:
    """Values taken from where indices say, which no input may have a say in."""
    if not all(interval.fixed for interval in arguments[arrays:]):
        return None
    return _exact(operation, *arguments)


def _floating(rule: Rule) -> Rule:
    """The rule, for numbers that are rounded and not for those that wrap around."""

    def checked(operation: Operation, *arguments: Interval) -> Sequence[Interval] | None:
        kinds = [*(i.low.dtype for i in arguments), operation.outputs[0].aval.dtype]
        return rule(operation, *arguments) if all(map(is_floating, kinds)) else None

    return checked


def _type(operation: Operation) -> Any:
    return operation.outputs[0].aval.dtype


def _neg(operation: Operation, x: Interval) -> Sequence[Interval]:
    return [Interval(-x.high, -x.low)]


def _add(operation: Operation, x: Interval, y: Interval) -> Sequence[Interval]:
    sums = Interval(x.low + y.low, x.high + y.high)
    return [widened(sums, x.size + y.size, _type(operation))]


def _sub(operation: Operation, x: Interval, y: Interval) -> Sequence[Interval]:
    return _add(operation, x, Interval(-y.high, -y.low))


def _corners(f: Callable[[Array, Array], Array], x: Interval, y: Interval) -> Interval:
    values = [f(a, b) for a in x for b in y]
    low, high = values[0], values[0]
    for value in values[1:]:
        low, high = jnp.minimum(low, value), jnp.maximum(high, value)
    return Interval(low, high)


def _mul(operation: Operation, x: Interval, y: Interval) -> Sequence[Interval]:
    if operation.inputs[0] is operation.inputs[1]:
        return _square(operation, x)
    products = _corners(jnp.multiply, x, y)
    # A product of two that are not 0 may be too small for its type, and become 0.
    some = (x.size > 0) & (y.size > 0)
    size = jnp.where(some, jnp.maximum(x.size * y.size, jnp.finfo(x.low.dtype).tiny), 0)
    return [widened(products, size, _type(operation))]


def _div(operation: Operation, x: Interval, y: Interval) -> Sequence[Interval]:
    quotients = _corners(jnp.divide, x, y)
    size = jnp.where(x.size > 0, jnp.maximum(quotients.size, jnp.finfo(x.low.dtype).tiny), 0)
    wide = widened(quotients, size, _type(operation))
    zero = (y.low <= 0) & (y.high >= 0)
    return [Interval(jnp.where(zero, -jnp.inf, wide.low), jnp.where(zero, jnp.inf, wide.high))]


def _abs(operation: Operation, x: Interval) -> Sequence[Interval]:
    return [Interval(jnp.maximum(jnp.maximum(x.low, -x.high), 0), x.size)]


def _square(operation: Operation, x: Interval, power: int = 2) -> Sequence[Interval]:
    """An even power: not below 0."""
    (sizes,) = _abs(operation, x)
    wide = _rounded_power(operation, Interval(sizes.low**power, sizes.high**power), x, power)
    return [Interval(jnp.maximum(wide.low, 0), wide.high)]


def _rounded_power(operation: Operation, powers: Interval, x: Interval, power: int) -> Interval:
    size = jnp.where(x.size > 0, jnp.maximum(powers.size, jnp.finfo(x.low.dtype).tiny), 0)
    return widened(powers, size, _type(operation), 2 * abs(power))


def _integer_pow(operation: Operation, x: Interval) -> Sequence[Interval] | None:
    power = operation.params["y"]
    if power < 1:
        return None
    if power % 2 == 0:
        return _square(operation, x, power)
    return [_rounded_power(operation, Interval(x.low**power, x.high**power), x, power)]


def _rising(
    f: Callable[[Array], Array],
    operation: Operation,
    x: Interval,
    *,
    least: float = -math.inf,
    most: float = math.inf,
) -> Sequence[Interval]:
    """A library's function that never falls, between two ends that it never passes."""
    ends = Interval(f(x.low), f(x.high))
    wide = widened(ends, 1 + ends.size, _type(operation), _LIBRARY)
    return [Interval(jnp.maximum(wide.low, least), jnp.minimum(wide.high, most))]


def _rsqrt(operation: Operation, x: Interval) -> Sequence[Interval]:
    roots = Interval(lax.rsqrt(x.high), lax.rsqrt(x.low))
    wide = widened(roots, roots.size, _type(operation), _LIBRARY)
    inside = x.low > 0
    return [Interval(jnp.where(inside, wide.low, -jnp.inf), jnp.where(inside, wide.high, jnp.inf))]


def _wave(operation: Operation, x: Interval) -> Sequence[Interval]:
    one = jnp.ones_like(x.low)
    return [Interval(-one, one)]


def _sum(operation: Operation, x: Interval) -> Sequence[Interval]:
    """A sum of n is off by (n − 1)·ε/2 of the sizes at most (Higham 2002, §4.2), twice over."""
    (low,), (high,), (size,) = (_bind(operation, [part]) for part in (*x, x.size))
    terms = _terms(operation, x)
    return [widened(Interval(low, high), size, _type(operation), terms + 2)]


def _terms(operation: Operation, x: Interval) -> int:
    params = operation.params
    if "axes" in params:
        return math.prod(x.low.shape[axis] for axis in params["axes"])
    if "window_dimensions" in params:
        return math.prod(params["window_dimensions"])
    return x.low.shape[params["axis"]]


def _convert(operation: Operation, x: Interval) -> Sequence[Interval] | None:
    old, new = x.low.dtype, operation.params["new_dtype"]
    if not is_floating(new):
        return [x] if old == new else None
    ends = Interval(*(end.astype(intervals.bounds_type(new)) for end in x))
    if jnp.issubdtype(old, jnp.bool_) or dtype_of(operation.inputs[0]) == new:
        return [ends]
    return [widened(ends, ends.size, new)]


def _select(operation: Operation, chosen: Interval, *cases: Interval) -> Any:
    if len(cases) != 2 or not _is_bool(chosen):
        return None
    first, second = cases
    either = intervals.hull(first, second)
    sure_first, sure_second = ~chosen.high, chosen.low

    def pick(end: int) -> Array:
        return lax.select_n(
            jnp.broadcast_to(sure_second, either[end].shape),
            jnp.where(sure_first, first[end], either[end]),
            second[end],
        )

    return [Interval(pick(0), pick(1))]


def _greater(operation: Operation, x: Interval, y: Interval, strictly: bool) -> Any:
    if strictly:
        return [Interval(x.low > y.high, x.high > y.low)]
    return [Interval(x.low >= y.high, x.high >= y.low)]


def _less(operation: Operation, x: Interval, y: Interval, strictly: bool) -> Any:
    return _greater(operation, y, x, strictly)


def _equal(operation: Operation, x: Interval, y: Interval) -> Sequence[Interval]:
    alike = (x.low == y.high) & (y.low == x.high)
    return [Interval(alike, (x.low <= y.high) & (y.low <= x.high))]


def _unequal(operation: Operation, x: Interval, y: Interval) -> Any:
    return _not(operation, *_equal(operation, x, y))


def _not(operation: Operation, x: Interval) -> Sequence[Interval] | None:
    return [Interval(~x.high, ~x.low)] if _is_bool(x) else None


def _finite(operation: Operation, x: Interval) -> Sequence[Interval]:
    yes = jnp.isfinite(x.low) & jnp.isfinite(x.high)
    return [Interval(yes, jnp.ones_like(yes))]


_MOVES = elementwise.named(
    "reshape transpose squeeze broadcast_in_dim expand_dims slice rev copy copy_p concatenate pad "
    "split sharding_constraint optimization_barrier stop_gradient reduce_max reduce_min cummax "
    "cummin max min clamp dynamic_slice gather dynamic_update_slice "
    "device_put name mesh_cast reshard"
)
_NEVER_FALLING = _MOVES | elementwise.named(
    "reduce_window_max reduce_window_min floor ceil round sign and or reduce_and reduce_or"
)
_RISING: Mapping[str, tuple[Callable[[Array], Array], float, float]] = {
    "exp": (jnp.exp, 0, math.inf),
    "exp2": (jnp.exp2, 0, math.inf),
    "expm1": (jnp.expm1, -1, math.inf),
    "log": (jnp.log, -math.inf, math.inf),
    "log1p": (jnp.log1p, -math.inf, math.inf),
    "sqrt": (jnp.sqrt, 0, math.inf),
    "cbrt": (jnp.cbrt, -math.inf, math.inf),
    "tanh": (jnp.tanh, -1, 1),
    "logistic": (jax.nn.sigmoid, 0, 1),
    "erf": (lax.erf, -1, 1),
    "atan": (jnp.arctan, -math.pi, math.pi),
    "asinh": (jnp.arcsinh, -math.inf, math.inf),
    "sinh": (jnp.sinh, -math.inf, math.inf),
}
_RULES: Mapping[str, Rule] = {
    **dict.fromkeys(_NEVER_FALLING, _exact),
    **dict.fromkeys(("dynamic_slice", "gather"), _taken),
    "dynamic_update_slice": partial(_taken, arrays=2),
    **{
        name: _floating(partial(_rising, f, least=low, most=high))
        for name, (f, low, high) in _RISING.items()
    },
    **{name: _floating(_sum) for name in ("reduce_sum", "reduce_window_sum", "cumsum")},
    **{name: _floating(_add) for name in ("add", "add_any")},
    "sub": _floating(_sub),
    "mul": _floating(_mul),
    "div": _floating(_div),
    "neg": _floating(_neg),
    "abs": _floating(_abs),
    "square": _floating(_square),
    "integer_pow": _floating(_integer_pow),
    "rsqrt": _floating(_rsqrt),
    "sin": _floating(_wave),
    "cos": _floating(_wave),
    "dot_general": _floating(interval_products.product),
    "conv_general_dilated": _floating(interval_products.product),
    "convert_element_type": _convert,
    "select_n": _select,
    "gt": partial(_greater, strictly=True),
    "ge": partial(_greater, strictly=False),
    "lt": partial(_less, strictly=True),
    "le": partial(_less, strictly=False),
    "eq": _equal,
    "ne": _unequal,
    "not": _not,
    "is_finite": _finite,
}

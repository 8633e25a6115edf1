"""Bounds of every rule hold what the operation gives for any values within those of its inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from reluprobe.foreign.interval_run import of_function
from reluprobe.foreign.intervals import Interval

WIDTH = 24
RULES: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "mul with itself": lambda x, y: x * x,
    "div": lambda x, y: x / (jnp.abs(y) + 0.5),
    "neg": lambda x, y: -x,
    "abs": lambda x, y: jnp.abs(x),
    "square": lambda x, y: lax.square(x),
    "power 3": lambda x, y: lax.integer_pow(x, 3),
    "power 4": lambda x, y: lax.integer_pow(x, 4),
    "exp": lambda x, y: jnp.exp(x),
    "expm1": lambda x, y: jnp.expm1(x),
    "log": lambda x, y: jnp.log(jnp.square(x) + 0.1),
    "sqrt": lambda x, y: jnp.sqrt(jnp.abs(x)),
    "rsqrt": lambda x, y: lax.rsqrt(jnp.square(x) + 0.1),
    "tanh": lambda x, y: jnp.tanh(x),
    "logistic": lambda x, y: jax.nn.sigmoid(x),
    "erf": lambda x, y: lax.erf(x),
    "sin": lambda x, y: jnp.sin(4 * x),
    "max": lambda x, y: jnp.maximum(x, y),
    "min": lambda x, y: jnp.minimum(x, y),
    "clamp": lambda x, y: lax.clamp(-0.5, x, 0.5),
    "round": lambda x, y: jnp.round(x),
    "sign": lambda x, y: jnp.sign(x),
    "greater": lambda x, y: x > y,
    "less": lambda x, y: x <= y,
    "equal": lambda x, y: jnp.round(x) == jnp.round(y),
    "unequal": lambda x, y: jnp.round(x) != jnp.round(y),
    "and, not": lambda x, y: (x > 0) & ~(y > 0),
    "select": lambda x, y: jnp.where(x > 0, y, 2 * x),
    "convert": lambda x, y: x.astype(jnp.bfloat16),
    "from bool": lambda x, y: x * (y > 0),
    "sum": lambda x, y: jnp.sum(x),
    "sum of windows": lambda x, y: lax.reduce_window(x, 0.0, lax.add, (3,), (1,), "SAME"),
    "running sum": lambda x, y: jnp.cumsum(x),
    "largest": lambda x, y: jnp.max(x),
    "smallest": lambda x, y: jnp.min(x),
    "largest of windows": lambda x, y: lax.reduce_window(x, -jnp.inf, lax.max, (3,), (2,), "VALID"),
    "moved": lambda x, y: jnp.concatenate([x[::-1], jnp.pad(y, 2)]).reshape(2, -1).T,
    "taken": lambda x, y: x[jnp.array([3, 1, 1])],
    "put in": lambda x, y: lax.dynamic_update_slice(x, y[:3], (2,)),
    "softmax": lambda x, y: jax.nn.softmax(x),
    "layer norm": lambda x, y: (x - x.mean()) * lax.rsqrt(x.var() + 0.1),
}


@pytest.fixture(scope="module")
def seen() -> dict[str, tuple[Any, Any]]:
    """By rule: its bounds, and the values it gives for many numbers between those of its inputs.

    The intervals lie on either side of 0 and around it, and some hold one number.
    """
    rng = np.random.default_rng(1)
    low = rng.uniform(-2, 2, (2, WIDTH)).astype(np.float32)
    high = (low + np.array([0, 0.05, 1, 2])[rng.integers(0, 4, (2, WIDTH))]).astype(np.float32)
    shares = rng.choice([0.0, 1.0, 0.5, 0.3], (400, 2, WIDTH))
    inside = np.clip((low + shares * (high - low)).astype(np.float32), low, high)

    def bounds(low: Any, high: Any) -> Any:
        boxes = [Interval(low[i], high[i]) for i in range(2)]
        return {n: of_function(rule, boxes, [jnp.float32] * 2) for n, rule in RULES.items()}

    def values(x: Any, y: Any) -> Any:
        return {name: jax.vmap(rule)(x, y) for name, rule in RULES.items()}

    ends, points = jax.jit(bounds)(low, high), jax.jit(values)(inside[:, 0], inside[:, 1])
    return {name: (ends[name], points[name]) for name in RULES}


@pytest.mark.parametrize("name", RULES)
def test_no_value_lies_outside_its_bounds(name: str, seen: dict[str, tuple[Any, Any]]):
    (low, high), values = (jax.tree.map(np.float64, part) for part in seen[name])
    assert np.isfinite(low).all() and np.isfinite(high).all()
    assert (values >= low).all() and (values <= high).all()


def test_bounds_of_sums_and_products_are_no_wider_than_rounding_makes_them():
    box = Interval(jnp.array([-1.0, 2.0]), jnp.array([3.0, 5.0]))
    other = Interval(jnp.array([-2.0, 1.0]), jnp.array([1.0, 4.0]))
    kinds = [jnp.float32] * 2
    for name, low, high in (
        ("add", [-3, 3], [4, 9]),
        ("sub", [-2, -2], [5, 4]),
        ("mul", [-6, 2], [3, 20]),
        ("mul with itself", [0, 4], [9, 25]),
        ("max", [-1, 2], [3, 5]),
    ):
        bounds = of_function(RULES[name], [box, other], kinds)
        np.testing.assert_allclose(bounds, [low, high], rtol=1e-5, atol=1e-5)


def test_a_division_by_what_may_be_zero_has_no_bounds():
    zero = Interval(jnp.array([-1.0]), jnp.array([1.0]))
    low, high = of_function(lambda x: 1 / x, [zero], [jnp.float32])
    assert np.isneginf(low).all() and np.isposinf(high).all()

"""Products of factors rounded to bfloat16: beside NumPy's, wherever they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from flax import nnx

from reluprobe.config import make_run
from reluprobe.engine import train_step
from reluprobe.engine.state import trained
from reluprobe.nn import precision
from reluprobe.nn.rounded_products import opaque_products, with_rounded_products
from small_networks import convolved
from training_segments import CLASSES, COUNT, FEATURES, run_segment, segment_of, start_of

RNG = np.random.default_rng(5)


def drawn(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def rounded(x: Any) -> np.ndarray:
    """As ml_dtypes rounds, in float64, where sums of its products are exact enough."""
    return np.asarray(x, np.float32).astype(ml_dtypes.bfloat16).astype(np.float64)


def close(got: Any, expected: Any) -> None:
    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-5)


def dots(jaxpr: Any) -> Iterator[Any]:
    """Every product in a program as (its operation, which operations made its factors)."""
    makers = {out: e for e in jaxpr.eqns for out in e.outvars}
    for equation in jaxpr.eqns:
        if equation.primitive.name in ("dot_general", "conv_general_dilated"):
            yield equation, [makers.get(v) for v in equation.invars]
        for part in jax.tree.leaves(equation.params, is_leaf=lambda x: hasattr(x, "eqns")):
            if hasattr(part, "eqns"):
                yield from dots(getattr(part, "jaxpr", part))


def made_by(f: Any, *args: Any) -> list[bool]:
    """Of every product, whether both of its factors were rounded for it."""
    return [
        all(m is not None and m.primitive.name == "reduce_precision" for m in makers)
        for _, makers in dots(jax.make_jaxpr(f)(*args).jaxpr)
    ]


def test_factors_are_rounded_as_ml_dtypes_rounds_them():
    ties = np.float32([1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-20, -1 - 2**-8])
    values = np.concatenate([ties, drawn(500) * 10 ** RNG.uniform(-30, 30, 500)]).astype("f4")
    product = with_rounded_products(lambda a, b: a[:, None] @ b)
    close(product(values, np.ones((1, 1), "f4"))[:, 0] / values, rounded(values) / values)
    assert rounded(ties).tolist() == [1, 1 + 2**-6, 1 + 2**-7, -1]


def loss(params: Any, x: Any, y: Any) -> Any:
    h = jax.nn.relu(x @ params["w1"] + params["b1"])
    logits = h @ params["w2"] + params["b2"]
    return -jnp.mean(jnp.sum(jax.nn.log_softmax(logits) * y, axis=1))


def by_hand(p: Any, x: Any, y: Any, q: Any) -> tuple[float, dict[str, Any]]:
    """Forward and backward, each product's factors through ``q``."""
    z = q(x) @ q(p["w1"]) + p["b1"]
    h = np.maximum(z, 0)
    logits = q(h) @ q(p["w2"]) + p["b2"]
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    to_logits = (shares - y) / len(x)
    to_z = (q(to_logits) @ q(p["w2"]).T) * (z > 0)
    gradient = {"w1": q(x).T @ q(to_z), "b1": to_z.sum(0, keepdims=True)}
    gradient |= {"w2": q(h).T @ q(to_logits), "b2": to_logits.sum(0, keepdims=True)}
    return -np.mean(np.sum(np.log(shares) * y, axis=1)), gradient


def test_a_network_and_its_gradient_are_those_of_rounded_factors():
    params = {"w1": drawn(9, 16), "b1": drawn(1, 16), "w2": drawn(16, 4), "b2": drawn(1, 4)}
    x, y = drawn(32, 9), np.eye(4, dtype="f4")[RNG.integers(4, size=32)]
    value, gradient = with_rounded_products(jax.value_and_grad(loss))(params, x, y)
    expected, its = by_hand(params, x, y, rounded)
    full, unrounded = by_hand(params, x, y, np.float64)
    close(value, expected)
    assert abs(full - expected) > 1e-4
    for name, own in its.items():
        close(gradient[name], own)
        if name.startswith("w"):
            assert np.abs(unrounded[name] - own).max() > 2e-4, "a comparison of nothing"


def test_a_convolution_and_its_gradient_are_those_of_rounded_factors():
    x, kernel, weights = drawn(2, 5, 6, 3), drawn(3, 3, 3, 4), drawn(2, 5, 6, 4)

    def z(x: Any, kernel: Any) -> Any:
        sizes = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=sizes)

    close(with_rounded_products(z)(x, kernel), convolved(rounded(x), rounded(kernel), np.zeros(4)))
    gradient = with_rounded_products(jax.grad(lambda k: jnp.sum(z(x, k) * weights)))(kernel)
    padded = np.pad(rounded(x), [(0, 0), (1, 1), (1, 1), (0, 0)])
    for row, column in np.ndindex(3, 3):
        patch = padded[:, row : row + 5, column : column + 6]
        close(gradient[row, column], np.tensordot(patch, rounded(weights), ([0, 1, 2], [0, 1, 2])))


@jax.custom_vjp
def own_rule(a: Any, b: Any) -> Any:
    return a @ b


own_rule.defvjp(lambda a, b: (a @ b, (a, b)), lambda kept, g: (g @ kept[1].T, kept[0].T @ g))

PLACES: dict[str, Any] = {
    "jit": jax.jit(jnp.matmul),
    "remat": jax.checkpoint(lambda a, b: jnp.tanh(a @ b)),
    "scan": lambda a, b: jax.lax.scan(lambda c, _: (jnp.sin(c @ b), None), a, None, length=3)[0],
    "fori": lambda a, b: jax.lax.fori_loop(0, 3, lambda i, c: jnp.sin(c @ b), a),
    "cond": lambda a, b: jax.lax.cond(a[0, 0] > 9, lambda: a, lambda: a @ b),
    "custom_vjp": own_rule,
    "vmap": jax.vmap(jnp.matmul, (0, None)),
    "einsum": lambda a, b: jnp.einsum("ij,jk->ik", a, b),
}


@pytest.mark.parametrize("place", PLACES)
def test_products_are_rounded_wherever_they_stand(place: str):
    a, b = drawn(4, 4), drawn(4, 4)
    gradient = jax.grad(lambda a, b: jnp.sum(jnp.sin(PLACES[place](a, b))), argnums=(0, 1))
    rounding = with_rounded_products(gradient)
    before, after = made_by(gradient, a, b), made_by(rounding, a, b)
    assert len(after) >= len(before) > 0 and all(after) and not any(before)
    for one, other in zip(jax.jit(rounding)(a, b), rounding(a, b), strict=True):
        close(one, other)
    assert not np.allclose(rounding(a, b)[0], gradient(a, b)[0], rtol=1e-5, atol=1e-5)


def test_products_of_other_numbers_are_as_they_are():
    half, whole = jnp.ones((2, 2), jnp.bfloat16), jnp.ones((2, 2), jnp.int32)
    for x in (half, whole):
        plain = jax.make_jaxpr(lambda x: x @ x)(x)
        assert str(jax.make_jaxpr(with_rounded_products(lambda x: x @ x))(x)) == str(plain)


def test_on_a_gpu_products_are_of_bfloat16_and_give_float32(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    params = {"w1": drawn(9, 16), "b1": drawn(1, 16), "w2": drawn(16, 4), "b2": drawn(1, 4)}
    program = jax.make_jaxpr(with_rounded_products(jax.grad(loss)))(
        params, drawn(8, 9), drawn(8, 4)
    )
    products = [equation for equation, _ in dots(program.jaxpr)]
    assert len(products) == 5
    for product in products:
        assert [v.aval.dtype for v in product.invars] == [jnp.bfloat16] * 2
        assert product.outvars[0].aval.dtype == product.params["preferred_element_type"] == "f4"
        assert product.params["precision"] == (jax.lax.Precision.DEFAULT,) * 2


NETWORKS = [{"norm": "batch"}, {"depth": 22}, {"activation": "crelu"}]


@pytest.mark.parametrize("more", NETWORKS, ids=str)
def test_a_training_step_rounds_all_of_its_products_and_a_look_none(more: Any, arrays: Any):
    settings = dict(depth=3, width=8, batch_size=16) | more
    counts = {}
    for name in ("float32", "bfloat16"):
        lane, hyper, spec = start_of(
            make_run(settings | {"precision": name}), FEATURES, CLASSES, COUNT
        )
        traced = [
            made_by(lambda lane, f=f, s=spec, h=hyper: f(s, arrays, segment_of(1), lane, h), lane)
            for f in (train_step._train, train_step.run_segment)
        ]
        counts[name] = [(len(products), sum(products)) for products in traced]
    (trains, none), (everything, _) = counts["float32"]
    assert none == 0 and trains > 3
    assert counts["bfloat16"] == [(trains, trains), (everything, trains)]


def test_a_look_is_at_the_float32_network_of_the_weights_that_training_left(arrays: Any):
    settings = dict(depth=1, width=24, batch_size=16, learning_rate=0.1, precision="bfloat16")
    lane, hyper, spec = start_of(make_run(settings), FEATURES, CLASSES, COUNT)
    after, report = run_segment(spec, arrays, segment_of(1), lane, hyper)
    network = nnx.merge(spec.graph, after.weights)
    kernels = [np.float64(layer.kernel[...]) for layer in (network.hidden[0], network.output)]
    biases = [np.float64(layer.bias[...]) for layer in (network.hidden[0], network.output)]
    x, labels = np.float64(arrays.inputs[:20]), np.asarray(arrays.targets[:20])

    def looked(q: Any) -> tuple[float, np.ndarray]:
        z = q(x) @ q(kernels[0]) + biases[0]
        logits = q(np.maximum(z, 0)) @ q(kernels[1]) + biases[1]
        right = logits[np.arange(20), labels]
        return float(np.mean(np.log(np.exp(logits).sum(1)) - right)), z.max(0)

    expected, highest = looked(np.float64)
    assert abs(looked(rounded)[0] - expected) > 1e-4, "a comparison of nothing"
    np.testing.assert_allclose(report.loss[0], expected, rtol=2e-6)
    np.testing.assert_array_equal(report.units.dead[0, 0], highest <= 0)
    # Weights and moments are of float32, and not rounded ones.
    leaves = jax.tree.leaves((trained(after.weights)[0], after.optimizer))
    assert {x.dtype for x in leaves if x.ndim} == {jnp.dtype("f4")}
    assert all((kernel != rounded(kernel)).mean() > 0.9 for kernel in kernels)


def test_a_float32_gradient_is_the_very_function_that_was_given():
    gradient = jax.grad(loss)
    for name in ("float32", "tf32"):
        assert precision.rounding(make_run({"precision": name}), gradient) is gradient


def test_kernels_that_are_not_seen_into_are_named():
    def experts(x: Any) -> Any:
        return jax.lax.ragged_dot(x, jnp.ones((2, 4, 4)), jnp.array([1, 3], jnp.int32))

    assert opaque_products(jax.jit(experts), drawn(4, 4)) == ["ragged_dot_general"]
    assert (
        opaque_products(
            loss, {"w1": drawn(2, 2), "b1": 0, "w2": drawn(2, 2), "b2": 0}, drawn(2, 2), drawn(2, 2)
        )
        == []
    )

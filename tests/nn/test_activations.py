"""Activations against NumPy, SciPy and closed forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reluprobe.config import choices, make_run
from reluprobe.nn import activations, initializers, optimizers

Elementwise = Callable[[str, np.ndarray, float], np.ndarray]

TINY = float(np.finfo(np.float32).tiny)
POINTS = [0, TINY, 1e-20, 1e-6, 1e-3, 0.1, 0.5, 1, 2, 3.5, 5.9, 6, 6.1, 10, 30, 100]
GRID = np.asarray(sorted({s * p for p in POINTS for s in (-1.0, 1.0)}), np.float32)
KINKS = {"relu": (0,), "leaky_relu": (0,), "elu": (0,), "selu": (0,), "relu6": (0, 6)}
KINKS |= {"prelu": (0,), "rrelu": (0,), "crelu": (0,), "hard_tanh": (-1, 1)}
FAN_IN, FAN_OUT = 500, 300

fixed_value = jax.jit(activations.activate, static_argnums=0)
fixed_slope = jax.jit(activations.derivative, static_argnums=0)
traced_value = jax.jit(activations.activate)
traced_slope = jax.jit(activations.derivative)

pytestmark = pytest.mark.usefixtures("as_for_users")
every_activation = pytest.mark.parametrize("name", choices.ACTIVATIONS)


def parameter(name: str) -> float:
    return activations.activation_parameter(make_run({"activation": name}))


def slopes(name: str, *z: float, p: float | None = None) -> list[float]:
    """f′ at these points, through the fixed index."""
    p = parameter(name) if p is None else p
    return np.asarray(fixed_slope(activations.INDEX[name], jnp.float32(z), p)).tolist()


# --- names -------------------------------------------------------------------------------------


def test_activations_and_config_know_the_same_names_in_the_same_order():
    assert tuple(activations.ACTIVATIONS) == choices.ACTIVATIONS
    assert tuple(optimizers.SCALINGS) == choices.OPTIMIZERS
    assert tuple(activations.INDEX.values()) == tuple(range(len(choices.ACTIVATIONS)))


def test_a_run_has_its_activations_parameter_and_zero_where_there_is_none():
    leaky = {"activation": "leaky_relu", "leaky_slope": 0.3}
    elu = {"activation": "elu", "elu_alpha": 2.5}
    prelu = {"activation": "prelu", "prelu_slope": -0.5}
    celu = {"activation": "celu", "celu_alpha": 4.0}
    parameters = [
        activations.activation_parameter(make_run(s)) for s in (leaky, elu, prelu, celu, {})
    ]
    assert parameters == [0.3, 2.5, -0.5, 4.0, 0.0]


def test_a_look_at_random_slopes_has_their_mean():
    assert parameter("rrelu") == pytest.approx((1 / 8 + 1 / 3) / 2)


def test_the_setting_in_brackets_is_the_activations_parameter():
    settings = {name: activation.setting for name, activation in activations.ACTIVATIONS.items()}
    assert {name: setting for name, setting in settings.items() if setting} == choices.PARAMETERS
    for name, setting in choices.PARAMETERS.items():
        run = make_run({"activation": f"{name}(0.75)"})
        assert (run.activation, getattr(run, setting)) == (name, 0.75)
        assert activations.activation_parameter(run) == 0.75


# --- activations -------------------------------------------------------------------------------


@every_activation
def test_among_a_few_an_activation_is_itself(name: str):
    few = tuple(
        sorted({activations.INDEX[name], activations.INDEX["identity"], activations.INDEX["tanh"]})
    )

    @jax.jit
    def both(index: Any, z: Any, p: Any) -> tuple[Any, Any]:
        among = activations.Among(index, few)
        return activations.activate(among, z, p), activations.derivative(among, z, p)

    value, slope = both(activations.INDEX[name], GRID, parameter(name))
    np.testing.assert_array_equal(
        value, traced_value(activations.INDEX[name], GRID, parameter(name))
    )
    np.testing.assert_array_equal(
        slope, traced_slope(activations.INDEX[name], GRID, parameter(name))
    )


@every_activation
def test_activation_is_its_formula(name: str, value: Elementwise):
    p = parameter(name)
    got = fixed_value(activations.INDEX[name], GRID, p)
    assert got.dtype == jnp.float32
    # Beside 2e-38, because XLA flushes what is smaller than a normal float32 to 0.
    np.testing.assert_allclose(got, value(name, GRID, p), rtol=4e-6, atol=2e-38)


@pytest.mark.parametrize(
    ("name", "p"),
    [
        ("leaky_relu", 0.25),
        ("leaky_relu", -1),
        ("elu", 3),
        ("prelu", -1),
        ("rrelu", 1 / 8),
        ("celu", 3),
        ("celu", 0.25),
    ],
)
def test_the_parameter_shapes_the_negative_side(name: str, p: float, value: Elementwise):
    got = traced_value(jnp.int32(activations.INDEX[name]), GRID, jnp.float32(p))
    np.testing.assert_allclose(got, value(name, GRID, p), rtol=1e-6, atol=2e-38)


@every_activation
def test_derivative_is_the_central_difference_away_from_kinks(name: str, value: Elementwise):
    z = np.linspace(-9, 9, 1801, dtype=np.float32)
    near = [np.abs(z - kink) < 1e-3 for kink in KINKS.get(name, ())]
    z = z[~np.any(near, axis=0)] if near else z
    p, h, wide = parameter(name), 1e-5, z.astype(np.float64)
    expected = (value(name, wide + h, p) - value(name, wide - h, p)) / (2 * h)
    np.testing.assert_allclose(slopes(name, *z), expected, rtol=1e-5, atol=1e-6)


@every_activation
def test_derivative_is_its_formula_at_the_kinks_and_far_out(name: str, slope: Elementwise):
    p = parameter(name)
    np.testing.assert_allclose(slopes(name, *GRID), slope(name, GRID, p), rtol=1e-5, atol=3e-7)


def test_derivatives_that_are_zero_or_one_are_so_exactly():
    assert slopes("relu", -100, -TINY, 0, TINY, 100) == [0, 0, 0, 1, 1]
    assert slopes("relu6", -1, 0, 3, 6, 6.001, 100) == [0, 0, 1, 0, 0, 0]
    assert slopes("identity", *GRID) == [1] * len(GRID)
    assert slopes("leaky_relu", -100, -TINY, 0, 1, p=0.01) == [*[np.float32(0.01)] * 2, 1, 1]
    assert slopes("elu", 0, 1, 100, p=2.5) == [2.5, 1, 1]
    assert slopes("celu", 0, 1, 100, p=2.5) == [1, 1, 1]
    assert slopes("prelu", -100, 0, 1, p=-0.5) == [-0.5, 1, 1]
    assert slopes("crelu", -100, -TINY, 0, TINY, 100) == [-1, -1, 0, 1, 1]
    beyond = np.nextafter(np.float32(1), np.float32(2))
    assert slopes("hard_tanh", -100, -beyond, -1, 0, 1, beyond, 100) == [0, 0, 1, 1, 1, 0, 0]


@pytest.mark.parametrize(
    "name",
    ["gelu", "silu", "softplus", "elu", "selu", "sigmoid", "tanh", "celu", "mish"],
)
def test_a_smooth_activation_still_learns_at_minus_five(name: str):
    assert slopes(name, -5)[0] != 0


@every_activation
def test_a_traced_index_agrees_exactly_with_a_fixed_one(name: str):
    p, i = jnp.float32(parameter(name)), activations.INDEX[name]
    for fixed, traced in ((fixed_value, traced_value), (fixed_slope, traced_slope)):
        np.testing.assert_array_equal(fixed(i, GRID, p), traced(jnp.int32(i), GRID, p))


@every_activation
def test_the_backward_pass_vanishes_where_the_derivative_does(name: str):
    z = np.linspace(-120, 120, 24_001, dtype=np.float32)
    i, p = jnp.int32(activations.INDEX[name]), jnp.float32(parameter(name))
    back = np.asarray(jax.jit(jax.grad(lambda z: activations.activate(i, z, p).sum()))(z))
    forth = np.asarray(traced_slope(i, z, p))
    np.testing.assert_allclose(back, forth, rtol=1e-5, atol=1e-6)
    # GELU's two roads flush to 0 at different points near −13.2: the values there are subnormal.
    assert np.abs(back[forth == 0]).max(initial=0) < 2e-37
    assert np.abs(forth[back == 0]).max(initial=0) < 2e-37


@every_activation
def test_low_and_high_are_bounds_and_are_reached_or_approached(name: str):
    activation = activations.ACTIVATIONS[name]
    z = np.linspace(-200, 200, 400_001, dtype=np.float32)
    a = np.asarray(fixed_value(activations.INDEX[name], z, parameter(name)))
    assert activation.low <= a.min() and a.max() <= activation.high
    ends = zip((a.min(), a.max()), (activation.low, activation.high), strict=True)
    for reached, end in ends:
        assert abs(reached - end) < 1e-3 if np.isfinite(end) else abs(reached) > 1.9


def test_bounded_means_bounded_on_both_sides():
    bounded = {name for name, activation in activations.ACTIVATIONS.items() if activation.bounded}
    assert bounded == {"relu6", "tanh", "sigmoid", "hard_tanh"} == set(choices.BOUNDED)


# --- initializers ------------------------------------------------------------------------------


def weights(name: str, shape: tuple[int, int] = (FAN_IN, FAN_OUT), scale: float = 0.05):
    init = initializers.initializer(make_run({"init": name, "init_scale": scale}))
    return np.asarray(init(jax.random.key(3), shape, jnp.float32), np.float64)


VARIANCES = {
    "glorot_uniform": 2 / (FAN_IN + FAN_OUT),
    "glorot_normal": 2 / (FAN_IN + FAN_OUT),
    "he_uniform": 2 / FAN_IN,
    "he_normal": 2 / FAN_IN,
    "lecun_uniform": 1 / FAN_IN,
    "lecun_normal": 1 / FAN_IN,
    "normal": 0.05**2,
    "uniform": 0.05**2 / 3,
}


@pytest.mark.parametrize("name", VARIANCES)
def test_init_has_mean_zero_and_the_variance_of_its_formula(name: str):
    w, variance = weights(name), VARIANCES[name]
    # Five standard errors: sd(mean) = √(v/n), sd(v̂) ≤ v √(2/n), a normal's being the largest.
    assert abs(w.mean()) < 5 * np.sqrt(variance / w.size)
    assert abs(w.var() / variance - 1) < 5 * np.sqrt(2 / w.size)


@pytest.mark.parametrize("name", [n for n in VARIANCES if n.endswith("uniform")])
def test_uniform_init_fills_its_interval_on_both_sides_and_never_leaves_it(name: str):
    w, edge = weights(name), np.sqrt(3 * VARIANCES[name])
    assert np.abs(w).max() <= edge * (1 + 1e-6)
    np.testing.assert_allclose([w.min(), w.max()], [-edge, edge], rtol=1e-3)


@pytest.mark.parametrize("name", ["glorot_normal", "he_normal", "lecun_normal"])
def test_scaled_normal_init_is_truncated_at_two_standard_deviations(name: str):
    # 0.8796… is the standard deviation of a standard normal truncated at ±2.
    edge = 2 * np.sqrt(VARIANCES[name]) / 0.87962566103423978
    assert 0.99 * edge < np.abs(weights(name)).max() <= edge * (1 + 1e-6)


def test_plain_normal_init_is_not_truncated():
    assert np.abs(weights("normal")).max() > 3.5 * 0.05


@pytest.mark.parametrize("shape", [(64, 16), (16, 64), (32, 32)])
def test_orthogonal_init_has_orthonormal_rows_or_columns(shape: tuple[int, int]):
    w = weights("orthogonal", shape)
    product = w.T @ w if shape[0] >= shape[1] else w @ w.T
    np.testing.assert_allclose(product, np.eye(min(shape)), atol=1e-5)


@pytest.mark.parametrize("name", ["normal", "uniform"])
def test_init_scale_scales_and_zero_gives_zeros(name: str):
    np.testing.assert_allclose(weights(name, scale=0.5), 10 * weights(name), rtol=1e-5)
    assert not weights(name, scale=0.0).any()


def test_every_init_builds_and_no_two_are_the_same():
    drawn = [weights(name, (6, 5)) for name in choices.INITS]
    assert all(w.shape == (6, 5) and np.isfinite(w).all() for w in drawn)
    assert len({w.tobytes() for w in drawn}) == len(choices.INITS)

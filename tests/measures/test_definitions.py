"""Every definition of death against hand-made units, a NumPy reference, and properties."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reluprobe.config import choices, make_run
from reluprobe.measures import tallies
from reluprobe.nn import activations

Units = Mapping[str, np.ndarray]
Elementwise = Callable[[str, np.ndarray, float], np.ndarray]

EXAMPLES, UNITS = 9, 6
FOR_ALL = ("dead", "silent", "never_positive", "constant", "saturated")
compiled = jax.jit(tallies.probe)

every_activation = pytest.mark.parametrize("name", choices.ACTIVATIONS)
activation_names = st.sampled_from(choices.ACTIVATIONS)


def parameter(name: str) -> float:
    return activations.activation_parameter(make_run({"activation": name}))


def probed(name: str, z: np.ndarray, p: float | None = None) -> Units:
    """All six answers for ``(example, unit)``, each ``(unit,)``."""
    p = parameter(name) if p is None else p
    answers = compiled(
        z[None].astype(np.float32), jnp.int32(activations.INDEX[name]), jnp.float32(p)
    )
    return {name: np.asarray(answer)[0] for name, answer in answers._asdict().items()}


# --- hand-made units ---------------------------------------------------------------------------

_ramp = np.linspace(0, 1, EXAMPLES)
#: Pre-activations over nine examples. Far out means beyond 150, where every exponential is 0 or
#: infinite in float32.
HAND_MADE = {
    "far_below": -250 + 100 * _ramp,
    "far_above": 150 + 100 * _ramp,
    "far_both": np.where(np.arange(EXAMPLES) % 2, 200.0, -200.0),
    "below": -3 + 2.5 * _ramp,
    "above": 0.5 + 2.5 * _ramp,
    "healthy": -3 + 6.1 * _ramp,
    "once": np.where(np.arange(EXAMPLES) == 4, 1.0, -200.0),
    "half": np.full(EXAMPLES, 0.5),
    "zero": np.zeros(EXAMPLES),
}
BOTH_ENDS = {"far_below", "far_above", "far_both"}
OFF = {"far_below", "below", "zero"}
SAME = {"half", "zero"}

DEAD = {
    "relu": OFF,
    "leaky_relu": set(),
    "elu": {"far_below"},
    "selu": {"far_below"},
    "gelu": {"far_below"},
    "silu": {"far_below"},
    "softplus": {"far_below"},
    "relu6": OFF | BOTH_ENDS,
    "tanh": BOTH_ENDS,
    "sigmoid": BOTH_ENDS,
    "identity": set(),
    "prelu": set(),
    "rrelu": set(),
    "crelu": {"zero"},
    "celu": {"far_below"},
    "mish": {"far_below"},
    "hard_tanh": BOTH_ENDS,
}
SILENT = {
    "relu": OFF,
    "leaky_relu": {"zero"},
    "elu": {"zero"},
    "selu": {"zero"},
    "gelu": {"far_below", "zero"},
    "silu": {"far_below", "zero"},
    "softplus": {"far_below"},
    "relu6": OFF,
    "tanh": {"zero"},
    "sigmoid": {"far_below"},
    "identity": {"zero"},
    "prelu": {"zero"},
    "rrelu": {"zero"},
    "crelu": {"zero"},
    "celu": {"zero"},
    "mish": {"far_below", "zero"},
    "hard_tanh": {"zero"},
}
CONSTANT = {
    "relu": SAME | OFF,
    "leaky_relu": SAME,
    "elu": SAME | {"far_below"},
    "selu": SAME | {"far_below"},
    "gelu": SAME | {"far_below"},
    "silu": SAME | {"far_below"},
    "softplus": SAME | {"far_below"},
    "relu6": SAME | OFF | {"far_above"},
    "tanh": SAME | {"far_below", "far_above"},
    "sigmoid": SAME | {"far_below", "far_above"},
    "identity": SAME,
    "prelu": SAME,
    "rrelu": SAME,
    "crelu": SAME | {"far_both"},  # as the sum of its two outputs: |z|
    "celu": SAME | {"far_below"},
    "mish": SAME | {"far_below"},
    "hard_tanh": SAME | {"far_below", "far_above"},
}
SATURATED = {"relu6": OFF | BOTH_ENDS, "tanh": BOTH_ENDS, "sigmoid": BOTH_ENDS}
SATURATED |= {"hard_tanh": BOTH_ENDS | {"once"}}  # at 1 itself, where its slope is still 1


@every_activation
def test_hand_made_units_are_called_what_they_are(name: str):
    answers = probed(name, np.stack(list(HAND_MADE.values()), axis=1))
    called = {
        definition: {unit for unit, yes in zip(HAND_MADE, answers[definition], strict=True) if yes}
        for definition in FOR_ALL
    }
    assert called == {
        "dead": DEAD[name],
        "silent": SILENT[name],
        "never_positive": OFF,
        "constant": CONSTANT[name],
        "saturated": SATURATED.get(name, set()),
    }


def test_a_unit_that_fires_on_one_example_is_neither_dead_nor_silent_nor_constant():
    z = np.where(np.eye(EXAMPLES, UNITS), 1e-3, -1.0)  # unit j fires on example j alone
    answers = probed("relu", z)
    for definition in ("dead", "silent", "never_positive", "constant"):
        assert not answers[definition].any(), definition


@pytest.mark.parametrize("name", ["relu", "identity", "leaky_relu"])
def test_dormant_compares_with_the_mean_of_its_own_layer(name: str):
    # Mean outputs: 5 units at 1 and one at s, so that the layer's mean is (5 + s) / 6.
    edge = 0.025 * 5 / (6 - 0.025)
    for s, expected in ((0.99 * edge, True), (1.01 * edge, False), (0.0, True)):
        z = np.tile([1.0, 1.0, s, 1.0, 1.0, 1.0], (EXAMPLES, 1))
        assert probed(name, z)["dormant"].tolist() == [False, False, expected, *[False] * 3]


def test_dormant_takes_the_size_of_outputs_and_not_their_sum():
    z = np.ones((EXAMPLES + 1, UNITS))
    z[::2, 0] = -1  # half +1, half −1: mean 0, mean size 1
    assert not probed("identity", z)["dormant"].any()


@every_activation
def test_an_all_zero_layer_is_dormant_throughout_or_has_equal_nonzero_outputs(name: str):
    answers = probed(name, np.zeros((EXAMPLES, UNITS)))
    assert answers["dormant"].all() == (name not in ("softplus", "sigmoid"))
    assert answers["constant"].all()


def test_saturation_ends_at_a_thousandth():
    edge = np.arctanh(1 - 1e-3)
    for z, expected in ((edge + 0.01, True), (edge - 0.01, False)):
        for sign in (-1, 1):
            answers = probed("tanh", np.full((EXAMPLES, UNITS), sign * z))
            assert (answers["saturated"] == expected).all()


def test_layers_are_judged_apart():
    rng = np.random.default_rng(0)
    z = rng.standard_normal((3, EXAMPLES, UNITS)).astype(np.float32)
    z[1] *= 1e-4  # would be dormant beside the others
    together = jax.jit(tallies.probe, static_argnums=1)(z, activations.INDEX["relu"], 0.0)
    for layer in range(3):
        for definition, alone in probed("relu", z[layer]).items():
            np.testing.assert_array_equal(getattr(together, definition)[layer], alone)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@every_activation
def test_a_unit_that_is_not_finite_is_dead_by_no_definition_and_changes_no_other(
    name: str, bad: float
):
    # ReLU's slope at NaN reads 0, and an infinite output makes a layer's mean infinite.
    z = np.ones((EXAMPLES, UNITS))
    z[:, 0], z[:, 1], z[:, 3] = np.linspace(-1, 2, EXAMPLES), 0.0, -200.0
    spoilt = z.copy()
    spoilt[3, 2] = bad
    others = np.arange(UNITS) != 2
    alone = probed(name, z[:, others])
    for definition, answers in probed(name, spoilt).items():
        assert not answers[2], definition
        np.testing.assert_array_equal(answers[others], alone[definition], definition)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_counts_in_whichever_piece_of_a_probe_it_is(bad: float):
    z = np.full((2, 1, EXAMPLES, UNITS), -1, np.float32)
    z[0, 0, 1, 2] = bad
    for pieces in (z, z[::-1]):
        tally = tallies.empty([UNITS])
        for piece in pieces:
            one = np.ones(EXAMPLES, np.float32)
            tally = tallies.add(tally, piece, one, activations.INDEX["relu"], 0.0)
        for definition in ("dead", "silent", "never_positive", "constant", "dormant"):
            answers = np.asarray(getattr(tallies.answer(tally), definition))[0]
            assert answers.tolist() == [n != 2 for n in range(UNITS)], definition


# --- the NumPy reference -----------------------------------------------------------------------

#: Values at which float32 is not in doubt: no slope or output is subnormal, and none that is
#: smaller than its rounding error cancels.
SAFE = (-200.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 7.0, 200.0)
safe_layers = hnp.arrays(np.float32, (EXAMPLES, UNITS), elements=st.sampled_from(SAFE))
real_layers = hnp.arrays(
    np.float32,
    (EXAMPLES, UNITS),
    elements=st.floats(-1e6, 1e6, width=32) | st.sampled_from((0.0, -1.0, -1e-3)),
)


def share(outputs: np.ndarray) -> np.ndarray:
    """Sokar et al.'s score s_j, in float64; 0 where the layer is all 0."""
    size = np.abs(outputs, dtype=np.float64).mean(axis=0)
    return size / (size.mean() or 1)


def on_the_edge(outputs: np.ndarray) -> np.ndarray:
    """Whether a unit's score is so near τ that the order of a float32 sum may decide."""
    return np.abs(share(outputs) / 0.025 - 1) < 1e-4


@pytest.fixture(scope="session")
def reference(value: Elementwise, slope: Elementwise) -> Callable[[str, np.ndarray], Units]:
    def answers(name: str, z: np.ndarray) -> Units:
        p = parameter(name)
        a, d = (f(name, z, p).astype(np.float32) for f in (value, slope))
        answers = {
            "dead": ~d.any(axis=0),
            "silent": ~a.any(axis=0),
            "never_positive": ~(z > 0).any(axis=0),
            "constant": np.ptp(a, axis=0) == 0,
            "dormant": share(a) <= 0.025,
            "saturated": np.zeros(UNITS, bool),
        }
        if name in choices.BOUNDED:
            ends = {"relu6": (0, 6), "sigmoid": (0, 1)}.get(name, (-1, 1))
            distance = np.min([np.abs(a - end) for end in ends], axis=0)
            answers["saturated"] = (distance <= 1e-3).all(axis=0)
        return answers

    return answers


@settings(max_examples=300)
@given(name=activation_names, z=safe_layers)
def test_every_definition_is_the_numpy_reference(name: str, z: np.ndarray, reference, value):
    answers, expected = probed(name, z), reference(name, z)
    for definition in FOR_ALL:
        np.testing.assert_array_equal(answers[definition], expected[definition], definition)
    sure = ~on_the_edge(value(name, z, parameter(name)))
    np.testing.assert_array_equal(answers["dormant"][sure], expected["dormant"][sure])


# --- properties --------------------------------------------------------------------------------


@given(z=real_layers)
def test_dead_relus_are_silent_never_positive_and_constant(z: np.ndarray):
    answers = probed("relu", z)
    np.testing.assert_array_equal(answers["dead"], answers["silent"])
    np.testing.assert_array_equal(answers["dead"], answers["never_positive"])
    assert (answers["constant"] | ~answers["dead"]).all()


@given(z=real_layers, p=st.floats(2**-10, 2, width=32))
def test_a_leaky_relu_is_never_dead(z: np.ndarray, p: float):
    assert not probed("leaky_relu", z, p)["dead"].any()


@given(z=real_layers)
def test_a_leaky_relu_of_slope_zero_is_dead_where_it_is_always_negative(z: np.ndarray):
    # Not at 0 itself, where leaky_relu is z and its slope 1; XLA takes subnormals for 0.
    z = np.where(np.abs(z) < np.finfo(np.float32).tiny, 0, z)
    np.testing.assert_array_equal(probed("leaky_relu", z, 0.0)["dead"], (z < 0).all(axis=0))


@given(name=activation_names, z=real_layers, order=st.permutations(range(EXAMPLES)))
def test_the_order_of_examples_does_not_matter(name: str, z: np.ndarray, order, value):
    one, other = probed(name, z), probed(name, z[order])
    for definition in FOR_ALL:
        np.testing.assert_array_equal(one[definition], other[definition], definition)
    sure = ~on_the_edge(value(name, z, parameter(name)))
    np.testing.assert_array_equal(one["dormant"][sure], other["dormant"][sure])


@given(name=activation_names, z=safe_layers | real_layers, last=st.integers(1, EXAMPLES - 1))
def test_more_examples_can_only_revive(name: str, z: np.ndarray, last: int):
    # The subset is filled up with its own first example, which a "for all" does not notice.
    subset = np.where(np.arange(EXAMPLES)[:, None] < last, z, z[:1])
    fewer, more = probed(name, subset), probed(name, z)
    for definition in FOR_ALL:
        assert (fewer[definition] | ~more[definition]).all(), definition


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "identity"])
@given(z=safe_layers)
def test_dormant_does_not_see_a_layers_scale(name: str, z: np.ndarray, value):
    assume(not on_the_edge(value(name, z, parameter(name))).any())
    whole, scaled = probed(name, z)["dormant"], probed(name, z * np.float32(1e-6))["dormant"]
    np.testing.assert_array_equal(whole, scaled)

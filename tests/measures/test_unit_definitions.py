"""rp.probe: each definition by hand, and what is no pre-activation is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import reluprobe as rp


def test_probe_answers_each_definition_by_hand():
    z = np.array([[-1.0, 2.0, 0.5, -2.0], [-3.0, -1.0, 0.5, -2.0]])
    units = rp.probe(z)
    assert units.dead.tolist() == [True, False, False, True]
    assert units.never_positive.tolist() == [True, False, False, True]
    assert units.constant.tolist() == [True, False, True, True]
    assert units.saturated is None
    assert not units.rare.any() and units.linear.tolist() == [False, False, True, False]
    assert units.firing_rate.tolist() == [0.0, 0.5, 1.0, 0.0] == units.gradient_rate.tolist()
    assert rp.probe(z, "tanh").linear is None
    assert rp.probe(z, "tanh").gradient_rate.tolist() == [1.0, 1.0, 1.0, 1.0]
    leaky = rp.probe(z, activation="leaky_relu", leaky_slope=0.5)
    assert not leaky.dead.any() and leaky.never_positive.tolist() == [True, False, False, True]
    assert (rp.probe(z, "leaky_relu(0.5)").dormant == leaky.dormant).all()
    stacked = rp.probe(np.stack([z, -z]), activation="relu6")
    assert stacked.dead.shape == (2, 4) and stacked.saturated is not None
    assert (stacked.dead[0] == units.dead).all()


@pytest.mark.parametrize(
    ("z", "words"),
    [
        ([1.0, 2.0], r"z of shape \(2,\)"),
        (np.zeros((0, 3)), r"z of shape \(0, 3\)"),
        ([[np.nan, 1.0]], "1 values that are NaN or infinite"),
        ([[0.0, 1.0], [2.0, -np.inf]], r"first at z\[1, 1\]: .* neither dead nor alive"),
        ([["a", "b"]], "allowed are numbers"),
    ],
)
def test_probe_refuses_what_is_no_pre_activation(z: Any, words: str):
    with pytest.raises(rp.InputError, match=words):
        rp.probe(z)


def test_probe_refuses_another_activations_parameter():
    with pytest.raises(rp.InputError, match="leaky_slope has an effect only with"):
        rp.probe([[1.0]], leaky_slope=0.5)
    with pytest.raises(rp.InputError, match="did you mean"):
        rp.probe([[1.0]], activation="rellu")

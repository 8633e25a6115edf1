"""The start of a lane: its weights drawn op by op, and by one program for many lanes."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from reluprobe.config import make_run
from reluprobe.engine import program_spec
from reluprobe.engine.state import Lane

#: Each changes what is drawn.
DRAWINGS = [
    {"init": "normal", "init_scale": 0.3, "weight_gain": 2.0, "bias_init": -0.5},
    {"use_bias": False, "norm": "layer", "activation": "prelu", "prelu_slope": 0.1},
    {"depth": 22},
    {"network": "cnn", "channels": [2], "depth": 1, "init": "he_normal"},
]


def lane_of(compiled: bool, **settings: Any) -> Lane:
    config = make_run({"depth": 2, "width": 8} | settings)
    spec = program_spec.spec_of(config, (4, 4, 1), 4, 32)
    return program_spec.init_lane(config, spec, compiled=compiled)[0]


@pytest.mark.parametrize("settings", DRAWINGS, ids=str)
def test_weights_drawn_by_a_program_are_those_drawn_op_by_op(settings: dict[str, Any]):
    expected, drawn = (lane_of(compiled, seed=7, **settings) for compiled in (False, True))
    assert jax.tree.structure(drawn) == jax.tree.structure(expected)
    for one, other in zip(jax.tree.leaves(drawn), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_one_program_draws_all_seeds_whatever_changes_no_weight(monkeypatch: pytest.MonkeyPatch):
    # A function of its own, so that it shares no traces with other tests.
    drawn = program_spec._draw_compiled.__wrapped__
    program = jax.jit(lambda *asked: drawn(*asked), static_argnums=(0, 1, 2))
    monkeypatch.setattr(program_spec, "_draw_compiled", program)
    for n in (1, 2):
        lane_of(True, seed=n, learning_rate=n / 10, weight_decay=n / 10, epochs=n)
    assert program._cache_size() == 1
    one, other = (jax.tree.leaves(lane_of(True, seed=seed).weights) for seed in (1, 2))
    assert not any(np.array_equal(x, y) for x, y in zip(one, other, strict=True) if x.ndim == 2)

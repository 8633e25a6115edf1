"""docs/training.md says of norms and of Adam's ε what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from reluprobe.config import make_run
from reluprobe.nn import mlp, optimizers

PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_a_norms_epsilon_is_the_one_on_the_page(norm: str):
    (row,) = re.findall(rf"^\| `{norm}` \|.* ε ([0-9e-]+) \(", PAGE, re.M)
    make = mlp.NORMS[norm]
    assert make is not None
    assert make(3, rngs=nnx.Rngs(0)).epsilon == float(row)


@pytest.mark.parametrize("t", [1, 1000])
def test_adams_epsilon_is_added_to_the_corrected_root_and_kerass_acts_more_strongly(t: int):
    eps, g = 1e-3, 1e-3
    config = make_run({"adam_epsilon": eps, "learning_rate": 1.0})
    chain = optimizers.optimizer(config, 1.0, {"adam_epsilon": eps}, 1)
    weight = jnp.zeros(1)
    step, state = weight, chain.init(weight)
    for _ in range(t):
        step, state = chain.update(jnp.full(1, g), state, weight)
    # Under a constant gradient m̂ = g and √v̂ = |g|.
    np.testing.assert_allclose(np.asarray(step), -g / (g + eps), rtol=1e-3)
    keras = eps / np.sqrt(1 - 0.999**t)
    named = {1: "32 times as strongly at the first step", 1000: "1.26 times at the thousandth"}
    factor = float(re.search(r"[0-9.]+", named[t])[0])  # type: ignore[index]
    assert named[t] in re.sub(r"\s+", " ", PAGE)
    assert keras / eps == pytest.approx(factor, rel=0.02)

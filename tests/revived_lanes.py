"""A small lane whose units are revived, its weights by plain names, its moments."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import optax
from flax import nnx

from reluprobe.config import make_run
from reluprobe.engine import revive, state
from reluprobe.engine.program_spec import ProgramSpec
from reluprobe.nn import optimizers
from training_segments import Start, start_of

FEATURES, CLASSES, COUNT, DEPTH, WIDTH = 5, 3, 40, 2, 8
SMALL: dict[str, Any] = dict(depth=DEPTH, width=WIDTH, batch_size=16, probe_examples=20, seed=3)
redraw = jax.jit(revive.redraw_units, static_argnums=0)


def start(**settings: Any) -> Start:
    config = make_run(SMALL | {"revive": "redo"} | settings)
    return start_of(config, FEATURES, CLASSES, COUNT)


def network_of(spec: ProgramSpec, weights: Any) -> Any:
    return nnx.merge(spec.graph, weights, copy=True)


def arrays_of(network: Any) -> dict[str, np.ndarray]:
    """Every array of a network by a plain name: ``hidden.0.kernel``."""
    flat = jax.tree_util.tree_leaves_with_path(nnx.state(network))
    named = {
        ".".join(str(n) for n in optimizers.names_of(path) if n is not None): x for path, x in flat
    }
    return {name.removesuffix(".value"): np.asarray(x) for name, x in named.items()}


def moved(lane: state.Lane, hyper: state.Hyperparameters, spec: ProgramSpec) -> state.Lane:
    """The lane after two steps down random gradients: every weight has moments."""
    params, rest = state.trained(lane.weights)
    optimizer, opt = spec.optimizer(hyper), lane.optimizer
    rng = np.random.default_rng(0)

    @jax.jit
    def step(gradient: Any, opt: Any, params: Any) -> tuple[Any, Any]:
        moves, opt = optimizer.update(gradient, opt, params)
        return opt, optax.apply_updates(params, moves)

    for _ in range(2):
        gradient = jax.tree.map(lambda p: np.float32(rng.standard_normal(p.shape)), params)
        opt, params = step(gradient, opt, params)
    return lane._replace(weights=nnx.merge_state(params, rest), optimizer=opt)

"""Segments of training on 52 examples made by hand: three batches of 16 and one of 4."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from reluprobe.config import RunConfig
from reluprobe.engine import program_spec, state, train_step
from reluprobe.engine.program_spec import ProgramSpec

COUNT, TESTED, BATCH, FEATURES, CLASSES = 52, 30, 16, 4, 3
run_segment = jax.jit(train_step.run_segment, static_argnums=0)


Start = tuple[state.Lane, state.Hyperparameters, ProgramSpec]


def start_of(config: RunConfig, features: int, outputs: int, count: int) -> Start:
    """A run's lane before its first step, and the spec of its program."""
    spec = program_spec.spec_of(config, (features,), outputs, count)
    return *program_spec.init_lane(config, spec), spec


def examples() -> state.Arrays:
    """Random inputs and labels, the test set's last."""
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((COUNT + TESTED, FEATURES)).astype(np.float32)
    labels = rng.integers(CLASSES, size=COUNT + TESTED).astype(np.int32)
    return jax.tree.map(jnp.asarray, state.arrays(inputs, labels, COUNT))


def segment_of(
    epoch: int, first: int = 0, last: int = 4, ends: bool = False, explained: int = 0
) -> state.Segment:
    """Steps of an epoch up to its end, probed on twenty examples."""
    place = (jnp.int32(n) for n in (epoch, first, last))
    flags = jnp.bool_(True), jnp.bool_(ends)
    return state.Segment(*place, *flags, jnp.int32(20), jnp.int32(explained))

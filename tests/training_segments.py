"""Sections of training on 52 examples made by hand: three batches of 16 and one of 4."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from reluprobe.engine import state, train_step

COUNT, TESTED, BATCH, FEATURES, CLASSES = 52, 30, 16, 4, 3
one_section = jax.jit(train_step.section, static_argnums=0)


def examples() -> state.Arrays:
    """Random inputs and labels, the test set's last."""
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((COUNT + TESTED, FEATURES)).astype(np.float32)
    labels = rng.integers(CLASSES, size=COUNT + TESTED).astype(np.int32)
    return jax.tree.map(jnp.asarray, state.arrays(inputs, labels, COUNT))


def section_of(
    epoch: int, first: int = 0, last: int = 4, ends: bool = False, explained: int = 0
) -> state.Section:
    """Steps of an epoch up to its end, probed on twenty examples."""
    place = (jnp.int32(n) for n in (epoch, first, last))
    flags = jnp.bool_(True), jnp.bool_(ends)
    return state.Section(*place, *flags, jnp.int32(20), jnp.int32(explained))

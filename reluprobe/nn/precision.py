"""Precision of matrix products: full float32 where networks are looked at, a setting in training.

A GPU's default product rounds its factors to ten bits (TF32, from Ampere on): a unit that is proven
dead could then fire by rounding. What is asked for here holds for everything that is traced within,
whatever ``JAX_DEFAULT_MATMUL_PRECISION`` says.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import jax

from reluprobe.config import RunConfig

#: JAX's names for what a setting asks of a product of float32 numbers.
PRODUCTS = {"float32": "float32", "tf32": "tensorfloat32"}


def full() -> AbstractContextManager[None]:
    """Within it products are those of float32: probes, certificates, causes, born-dead."""
    return jax.default_matmul_precision("float32")


def in_training(config: RunConfig) -> AbstractContextManager[None]:
    """Within it products are as the run's ``precision`` says."""
    return jax.default_matmul_precision(PRODUCTS[config.precision])

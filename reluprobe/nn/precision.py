"""Precision of matrix products: full float32 where networks are looked at, a setting in training.

A GPU's default product rounds its factors to ten bits (TF32, from Ampere on): a unit that is proven
dead could then fire by rounding. What is asked for here holds for everything that is traced within,
whatever ``JAX_DEFAULT_MATMUL_PRECISION`` says. bfloat16 is the same on every device: the program
itself rounds what its products are given (``nn.rounded_products``).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import jax

from reluprobe.config import RunConfig
from reluprobe.nn.rounded_products import with_rounded_products

#: JAX's names for what a setting asks of a product of float32 numbers.
PRODUCTS = {"float32": "float32", "tf32": "tensorfloat32", "bfloat16": "float32"}


def full() -> AbstractContextManager[None]:
    """Within it products are those of float32: probes, certificates, causes, born-dead."""
    return jax.default_matmul_precision("float32")


def in_training(config: RunConfig) -> AbstractContextManager[None]:
    """Within it products are as the run's ``precision`` says."""
    return jax.default_matmul_precision(PRODUCTS[config.precision])


def rounding(config: RunConfig, gradient: Callable[..., Any]) -> Callable[..., Any]:
    """A gradient whose products round their factors where the run's ``precision`` is bfloat16."""
    return with_rounded_products(gradient) if config.precision == "bfloat16" else gradient

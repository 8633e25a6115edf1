"""Count networks born dead over a grid of depths and widths, beside the closed forms."""

from __future__ import annotations

from collections.abc import Iterator

import jax
from scipy.stats import binomtest

from reluprobe.born import bounds, engine
from reluprobe.born.result import Cell, Result, result_id
from reluprobe.config import BornDeadConfig
from reluprobe.nn import jax_settings
from reluprobe.nn.device_memory import memory_held, out_of_memory
from reluprobe.records.environment import describe_environment


def measure(config: BornDeadConfig) -> Result:
    """Draw all networks and count those born dead.

    Raises:
        ReluprobeError: JAX cannot compute here as it must or has no memory left, or activations
            are not finite.
    """
    try:
        with jax_settings.ours():
            cells = sorted(_cells(config), key=lambda c: (c.depth, c.width))
    except (RuntimeError, MemoryError) as error:
        if out_of_memory(error):  # what is drawn at a time is small
            raise memory_held(str(error)) from error
        raise
    environment = describe_environment(jax.local_devices()[:1]) | {"precision": "float32"}
    return Result(result_id(config), config, environment, tuple(cells))


def _cells(config: BornDeadConfig) -> Iterator[Cell]:
    for width in config.width:
        silent = engine.first_silent(config, width)
        for depth in config.depth:
            yield cell(config, depth, width, int((silent <= depth).sum()))


def cell(config: BornDeadConfig, depth: int, width: int, dead: int) -> Cell:
    """A count with its interval and what is known of it."""
    interval = binomtest(dead, config.networks).proportion_ci(0.95, method="wilson")
    share = dead / config.networks
    # Rounding may leave the ends a hair outside, and the interval of 0 a hair above 0.
    low, high = min(share, max(0.0, interval.low)), max(share, min(1.0, interval.high))
    known = bounds.known(config, depth, width)
    return Cell(depth, width, config.networks, dead, share, float(low), float(high), *known)

"""When a run is looked at: the sections into which its steps fall."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reluprobe.config import RunConfig
from reluprobe.state import Section


def probed(config: RunConfig, examples: int) -> int:
    """How many examples the run's probe has."""
    return examples if config.probe_examples == "all" else int(config.probe_examples)


def steps_per_epoch(config: RunConfig, examples: int) -> int:
    """Steps of an epoch; the last batch counts, however small."""
    return -(-examples // config.batch_size)


def sections(config: RunConfig, examples: int) -> Iterator[Section]:
    """Every section of a run: epoch 0, then the steps between one probe and the next.

    A probe comes after every epoch, and after every ``probe_every`` steps counted from the first
    of the run.
    """
    yield _section(config, examples, 0, 0, 0)
    steps, every = steps_per_epoch(config, examples), config.probe_every
    for epoch in range(1, config.epochs + 1):
        done = (epoch - 1) * steps
        stops = range(every - done % every, steps, every) if every else range(0)
        first = 0
        for last in [*stops, steps]:
            yield _section(config, examples, epoch, first, last)
            first = last


def _section(config: RunConfig, examples: int, epoch: int, first: int, last: int) -> Section:
    closes = last in (0, steps_per_epoch(config, examples))
    ends = closes and epoch == config.epochs
    size = probed(config, examples)
    # Causes cost four more products a layer: a probe of the whole training set goes without.
    explained = 0 if config.probe_examples == "all" else size
    numbers = (np.int32(n) for n in (size, explained))
    flags = np.bool_(closes), np.bool_(ends)
    return Section(np.int32(epoch), np.int32(first), np.int32(last), *flags, *numbers)  # type: ignore[arg-type]


def example() -> Section:
    """A section to compile by."""
    return next(sections(RunConfig(), 1))

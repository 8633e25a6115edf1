"""Sizes that follow from a dataset's: examples that are probed, steps of an epoch."""

from __future__ import annotations

from reluprobe.config.own_data import is_path
from reluprobe.config.run_config import RunConfig


def probed(config: RunConfig, examples: int) -> int:
    """How many examples the run's probe has: of a small file all, where nobody says how many."""
    if config.probe_examples == "all":
        return examples
    if at_most(config):
        return min(int(config.probe_examples), examples)
    return int(config.probe_examples)


def at_most(config: RunConfig) -> bool:
    """Whether the probe may have fewer examples than is set, if there are no more."""
    return is_path(config.dataset) and config.probe_examples == RunConfig.probe_examples


def steps_per_epoch(config: RunConfig, examples: int) -> int:
    """Steps of an epoch; the last batch counts, however small."""
    return -(-examples // config.batch_size)

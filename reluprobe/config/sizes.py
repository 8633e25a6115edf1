"""Sizes that follow from a dataset's: examples that are probed, steps of an epoch."""

from __future__ import annotations

from reluprobe.config.run_config import RunConfig


def probed(config: RunConfig, examples: int) -> int:
    """How many examples the run's probe has."""
    return examples if config.probe_examples == "all" else int(config.probe_examples)


def steps_per_epoch(config: RunConfig, examples: int) -> int:
    """Steps of an epoch; the last batch counts, however small."""
    return -(-examples // config.batch_size)

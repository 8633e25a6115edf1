"""Squared errors of a regression as R² and RMSE: held against the variance of the targets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

import numpy as np

from reluprobe.config import RunConfig, phases
from reluprobe.config.sizes import probed
from reluprobe.data import Dataset, DatasetKey, key_of
from reluprobe.engine.tasks import draw_task
from reluprobe.records.looks import LARGEST, Fit


class Targets:
    """The variances of the targets of these datasets, split by split.

    Args:
        datasets: by name, all that a run's phases train on.
    """

    def __init__(self, datasets: Mapping[DatasetKey, Dataset]) -> None:
        self.datasets = datasets
        self._variance = cache(self._uncached)

    def fit(self, loss: float, config: RunConfig, split: str, phase: int = 0) -> Fit:
        """A mean squared error on a split of a phase as R² and RMSE; nulls in a classification.

        R² = 1 − loss / σ², with σ² the mean squared distance of the split's targets from their own
        mean: 0 for a network that puts out that mean, below 0 for a worse one; null where all
        targets are the same. RMSE = √loss, in the targets' unit.

        Args:
            loss: the mean of (output − target)² over the split's examples.
            config: of the run.
            split: ``probe``, ``test`` or ``train``.
            phase: 0 for the first.
        """
        # Alike for all runs of a dataset, unless labels are shuffled, which is by the run's seed.
        turn = phases.stretches(config.phases, config.epochs)[phase].phase
        key, examples = key_of(config, turn.dataset), 0
        data = self.datasets[key]
        if data.classes is not None:
            return Fit(None, None)
        if split == "probe":
            examples = probed(config, len(data.train_targets))
        shuffled = split == "probe" and turn.task == "shuffled_labels"
        variance = (
            self._shuffled(config, phase, data, examples)
            if shuffled
            else self._variance(key, split, examples)
        )
        r2 = 1 - loss / variance if variance else None
        # What no record holds is told by the RMSE alone.
        known = r2 is not None and abs(r2) <= LARGEST
        return Fit(r2 if known else None, math.sqrt(loss))

    def _uncached(self, key: DatasetKey, split: str, examples: int) -> float:
        data = self.datasets[key]
        if split == "test":
            return _variance(data.test_targets)
        return _variance(data.train_targets[:examples] if examples else data.train_targets)

    def _shuffled(self, config: RunConfig, phase: int, data: Dataset, examples: int) -> float:
        order = draw_task(config, phase, "shuffled_labels", self.datasets).targets
        assert order is not None
        return _variance(data.train_targets[np.asarray(order)[:examples]])


def _variance(targets: np.ndarray) -> float:
    """In 64 bits, and exactly 0 where all are the same, which rounding of the mean would not be."""
    if (targets == targets[0]).all():
        return 0.0
    return float(np.var(targets, dtype=np.float64))

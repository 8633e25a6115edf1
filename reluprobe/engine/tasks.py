"""Tasks: what a phase does to the data, as permutations of pixels and labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from reluprobe.config import RunConfig, phases
from reluprobe.data import Dataset, DatasetKey, key_of

if TYPE_CHECKING:  # what runs ask of data is known without JAX
    from jaxtyping import Array, Int


class Task(NamedTuple):
    """What a phase does to the data, as permutations; None for nothing.

    ``pixels[i]``: which feature is the network's i-th input. ``targets[k]``: whose target example
    k has.
    """

    pixels: Int[Array, " feature"] | None
    targets: Int[Array, " example"] | None


def draw_task(
    config: RunConfig, phase: int, name: str, datasets: Mapping[DatasetKey, Dataset]
) -> Task:
    """A phase's permutations; None for what no phase of the run permutes.

    Drawn from the run's seed and the phase's number alone. Pixels are permuted in all examples
    alike; labels among the training examples, the test set's stay.
    """
    kinds = {p.task for p in phases.parse(config.phases)}
    data = datasets[key_of(config)]
    rng = np.random.default_rng([config.seed, phase])
    pixels, labels = None, None
    if "permuted_pixels" in kinds:
        features = data.train_inputs.shape[1]
        moved = name == "permuted_pixels"
        pixels = rng.permutation(features) if moved else np.arange(features)
    if "shuffled_labels" in kinds:
        trained, tested = len(data.train_targets), len(data.test_targets)
        moved = name == "shuffled_labels"
        chosen = rng.permutation(trained) if moved else np.arange(trained)
        labels = np.concatenate([chosen, trained + np.arange(tested)])
    as_index = [None if p is None else p.astype(np.int32) for p in (pixels, labels)]
    return Task(*as_index)  # type: ignore[arg-type]

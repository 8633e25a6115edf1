"""Events: what happens while runs are trained, from the engine to who shows or writes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reluprobe.plan.runs import Run
from reluprobe.records import EpochRecord, RunRecord
from reluprobe.records.checkpoints import Checkpoint
from reluprobe.records.saved_weights import SavedWeights


@dataclass(frozen=True)
class Compiling:
    """A group's program is not ready; ``run``: one of the ``runs`` that wait for it."""

    run: Run
    runs: int


@dataclass(frozen=True)
class Compiled:
    """A group's program is ready. ``seconds``: from its first lane's draw to the program."""

    runs: int
    seconds: float


@dataclass(frozen=True)
class Resumed:
    """A run goes on where it was stopped; ``history``: the epochs that it has already."""

    run: Run
    history: tuple[EpochRecord, ...]


@dataclass(frozen=True)
class EpochDone:
    """A run has ended an epoch."""

    run: Run
    epoch: EpochRecord
    diverged: bool


@dataclass(frozen=True)
class Saved:
    """A run that has not ended, as it stands: whoever has a folder keeps it, to go on from."""

    run: Run
    checkpoint: Checkpoint


@dataclass(frozen=True)
class WeightsTaken:
    """A run that has not ended, as it stands after an epoch: whoever has a folder keeps it."""

    run: Run
    weights: SavedWeights


@dataclass(frozen=True)
class RunDone:
    """A run has ended, if only by failing; its record is whole.

    ``activations``: what its hidden units give out, ``(layer, unit, image)``; None where they are
    not asked for, or the run has not ended with finite numbers. ``weights``: its network, under
    the same terms.
    """

    run: Run
    record: RunRecord
    activations: np.ndarray | None = None
    weights: SavedWeights | None = None


@dataclass(frozen=True)
class BegunAgain:
    """A process or its machine has died; on ``host`` as many ``runs`` as it left are begun."""

    runs: int
    host: str


@dataclass(frozen=True)
class MemoryShort:
    """A chunk did not fit. ``lanes``: how many a device gets from now on, in this group."""

    lanes: int
    error: str


Event = (
    Compiling
    | Compiled
    | Resumed
    | EpochDone
    | Saved
    | WeightsTaken
    | RunDone
    | MemoryShort
    | BegunAgain
)

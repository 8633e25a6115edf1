"""Schema of a record: one run as frozen dataclasses.

``history`` starts at epoch 0, before the first step. Fractions are in [0, 1]; null means that a
measure does not apply: the training loss of epoch 0, the accuracy of a regression, ``saturated``
of an unbounded activation, and everything from the epoch on at which a run diverged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from reluprobe.config import RunConfig
from reluprobe.plan.runs import with_letter

SCHEMA = "reluprobe/run/4"
#: Older ones that are read still: what they lack is null or empty.
READABLE = (SCHEMA, "reluprobe/run/3", "reluprobe/run/2", "reluprobe/run/1")
STRICT = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

Fraction = Annotated[float, Field(ge=0, le=1)]
#: No sum of what float32 holds reaches this, and squares of it are still numbers.
LARGEST = 1e60
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
#: A sum over any sweep is still a number; this is 30,000 years.
Seconds = Annotated[float, Field(ge=0, le=1e12)]
#: Tables hold integers of 64 bits.
Count = Annotated[int, Field(ge=0, lt=2**63)]
Positive = Annotated[int, Field(ge=1, lt=2**63)]
#: A bit a unit in hexadecimal: unit 0 is the highest bit of the first digit.
UnitMask = Annotated[str, Field(pattern="^[0-9a-f]*$")]
Status = Literal["ok", "diverged", "failed"]


# Ten thousand runs have a million of these parts: slots take 40% off the memory.
@dataclass(frozen=True, slots=True)
class CausesRecord:
    """What moved the units that died since the last probe, summed over them.

    Shapley values of the move of each unit's largest pre-activation, in its units: negative
    where they pushed down. Their sum is the whole move. See ``measures.attribution``.
    """

    weights: Number
    bias: Number
    upstream: Number


@dataclass(frozen=True, slots=True)
class ActivationsRecord:
    """A layer's outputs over the probe's first thousand examples.

    ``second`` is the mean square of its pre-activations; ``counts`` are of equal bins between
    ``low`` and ``high``. See ``measures.activation_stats``.
    """

    mean: Number
    variance: Number
    zeros: Fraction
    second: Number
    low: Number
    high: Number
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LayerRecord:
    """One hidden layer at one probe: fractions of its units, by each definition of dead.

    Attributes:
        dead_units: a bit mask in hexadecimal: unit 0 is the highest bit of the first digit.
        certified: fraction dead for every input in the training data's box; null for an
            activation without a flat stretch.
        deaths: units dead now that were alive at the last probe, or were drawn anew since: a unit
            dead then, drawn anew and dead again has died again. Null at the first probe.
        causes: what killed them; null where none died, or causes were not sought.
        activations: before training and at the end.
        revived: units drawn anew since the last probe; null where the run draws none anew:
            ``redraw`` and ``shrink_perturb`` change weights everywhere and end no unit's life.
        revived_units: which these are, as in ``dead_units``. They are drawn anew right after the
            last probe, before the next step: what was dead there ended with it.
    """

    units: int
    dead: Fraction | None
    silent: Fraction | None
    never_positive: Fraction | None
    constant: Fraction | None
    dormant: Fraction | None
    saturated: Fraction | None
    dead_units: UnitMask | None
    certified: Fraction | None = None
    deaths: int | None = None
    causes: CausesRecord | None = None
    activations: ActivationsRecord | None = None
    revived: int | None = None
    revived_units: UnitMask | None = None


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One epoch. Training loss (nats) and accuracy are means over the epoch while it trains."""

    epoch: Count
    train_loss: Number | None
    train_accuracy: Fraction | None
    test_loss: Number | None
    test_accuracy: Fraction | None
    layers: tuple[LayerRecord, ...]
    step: Count | None = None


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A probe between epochs, after ``step`` steps of the run."""

    step: Count
    layers: tuple[LayerRecord, ...]


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """The finished network on one sample: ``probe``, ``test``, or the whole of ``train``."""

    sample: str
    examples: Positive
    loss: Number | None
    accuracy: Fraction | None
    layers: tuple[LayerRecord, ...]


@dataclass(frozen=True, slots=True)
class PhaseRecord:
    """One phase of a run whose data change.

    Attributes:
        phase: 0 for the first.
        dataset, task: what it trains on; the task is ``same`` where the data are as they are.
        first_epoch, last_epoch: its epochs, counted from the run's first.
        start: the network on this phase's probe before the phase's first step; null for the
            first phase (its start is epoch 0).
        reference: the network at the phase's end on the first phase's probe.
    """

    phase: Count
    dataset: str
    task: str
    first_epoch: Count
    last_epoch: Count
    start: SampleRecord | None
    reference: SampleRecord


@dataclass(frozen=True, slots=True)
class ProbeRecord:
    """The examples behind every fraction."""

    split: str
    examples: Positive


@dataclass(frozen=True)
class RunRecord:
    """One run, as it lies on disk.

    ``seconds`` is the run's share of its chunk's wall time: the sum over a sweep's records is the
    time that the sweep spent training and probing.
    """

    __pydantic_config__ = STRICT

    schema: str
    # An older reluprobe's are digits alone, which may be a number to those who read a table.
    id: Annotated[str, AfterValidator(with_letter)]
    config: RunConfig
    status: Status
    environment: dict[str, str | int]
    seconds: Seconds
    probe: ProbeRecord
    history: tuple[EpochRecord, ...]
    steps: tuple[StepRecord, ...] = ()
    samples: tuple[SampleRecord, ...] = ()
    phases: tuple[PhaseRecord, ...] = ()
    error: str | None = None

    @property
    def final(self) -> EpochRecord:
        """The last epoch."""
        return self.history[-1]

    @property
    def ended(self) -> bool:
        """Whether it ended with finite numbers, so that it has a last epoch to speak of."""
        return self.status == "ok" and bool(self.history)

    @property
    def diverged_at(self) -> int | None:
        """The first epoch without finite numbers; None where no epoch says so.

        A run may diverge between its last whole epoch and its end: then no epoch has nulls.
        """
        return next((e.epoch for e in self.history if e.test_loss is None), None)

    def at_epoch(self, number: int) -> EpochRecord | None:
        """The epoch of this number; None where the history does not reach it."""
        return next((e for e in self.history if e.epoch == number), None)

    def timeline(self) -> list[tuple[float, tuple[LayerRecord, ...]]]:
        """Every probe in order: when, in epochs, and what it saw of each layer."""
        probes = [(float(e.epoch), e.layers) for e in self.history]
        steps_per_epoch = next((e.step / e.epoch for e in self.history if e.step and e.epoch), 1.0)
        probes += [(s.step / steps_per_epoch, s.layers) for s in self.steps]
        return sorted(probes, key=lambda probe: probe[0])

"""Schema of a record: one run as frozen dataclasses.

A run is ours, trained by reluprobe from its settings, or *foreign*: somebody else's network, which
was looked at while its owner trained it (``network``). ``history`` starts at epoch 0, before the
first step; of a foreign run at the first look. Fractions are in [0, 1]; null means that a
measure does not apply: the training loss of epoch 0, the accuracy of a regression and R² of a
classification, ``saturated`` of an unbounded activation, and everything from the epoch on at which
a run diverged; of a foreign run also what its owner did not say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Discriminator, Tag

from reluprobe.config import RunConfig, own_network, settings_of
from reluprobe.plan.runs import with_letter
from reluprobe.records.looks import (
    Count,
    EpochRecord,
    LayerRecord,
    Positive,
    SampleRecord,
    Seconds,
    StepRecord,
)
from reluprobe.records.network import Coverage, Foreign, LayerInfo, Setting

SCHEMA = "reluprobe/run/7"
#: Older ones that are read still: what they lack is null or empty.
READABLE = (SCHEMA, *(f"reluprobe/run/{n}" for n in (6, 5, 4, 3, 2, 1)))
#: What the name of a foreign run is called among its settings.
NAME = "name"
STRICT = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

Status = Literal["ok", "diverged", "failed"]
#: What the history of a run counts in.
Clock = Literal["epoch", "step"]


def _whose(config: Any) -> str:
    """Which of the two a run's ``config`` is: somebody else's network has a name."""
    named = "name" in config if isinstance(config, dict) else isinstance(config, Foreign)
    return FOREIGN if named else OURS


#: Tags of the two, which pydantic puts into the place of a fault.
OURS, FOREIGN = "ours", "foreign"
Config = Annotated[
    Annotated[RunConfig, Tag(OURS)] | Annotated[Foreign, Tag(FOREIGN)], Discriminator(_whose)
]


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

    Attributes:
        config: the settings of a run of ours; name, seed and settings of a foreign one.
        layers: what was counted, of a foreign run and of one that trained somebody's own network:
            its layers may differ in width and activation. Empty where the settings say it.
        clock: what its history counts in: ours in epochs, a foreign one in its owner's steps.
        coverage: what of a foreign network was not counted, and why.
    """

    __pydantic_config__ = STRICT

    schema: str
    # An older reluprobe's are digits alone, which may be a number to those who read a table.
    id: Annotated[str, AfterValidator(with_letter)]
    config: Config
    status: Status
    environment: dict[str, str | int]
    seconds: Seconds
    probe: ProbeRecord
    history: tuple[EpochRecord, ...]
    steps: tuple[StepRecord, ...] = ()
    samples: tuple[SampleRecord, ...] = ()
    phases: tuple[PhaseRecord, ...] = ()
    layers: tuple[LayerInfo, ...] = ()
    clock: Clock = "epoch"
    coverage: Coverage | None = None
    error: str | None = None

    @property
    def ours(self) -> RunConfig | None:
        """The settings of a run that reluprobe trained; None for a foreign one."""
        return self.config if isinstance(self.config, RunConfig) else None

    @property
    def foreign(self) -> Foreign | None:
        """Whose run it is, if reluprobe did not train it."""
        return self.config if isinstance(self.config, Foreign) else None

    @property
    def seed(self) -> int:
        """What tells runs of one configuration apart."""
        return self.config.seed

    @property
    def settings(self) -> dict[str, Setting]:
        """Every setting but the seed, by name; of a foreign run its name is the first of them."""
        if isinstance(self.config, Foreign):
            return {NAME: self.config.name, **self.config.settings}
        settings: dict[str, Setting] = {**self.table}
        del settings["seed"]
        return settings

    @property
    def table(self) -> Mapping[str, Setting]:
        """Every setting by name, the seed too; those of somebody's own network among them."""
        if isinstance(self.config, Foreign):
            return {**self.settings, "seed": self.config.seed}
        if not self.config.is_own:
            return vars(self.config)
        settings = settings_of(self.config)
        own = own_network.parse(str(settings.pop("network_settings")))
        return {**settings, **own}

    @property
    def layer_names(self) -> tuple[str, ...]:
        """What its layers are called: ``L1``, ``L2``, … in a network of ours."""
        if isinstance(self.config, RunConfig):
            layers = len(self.config.sizes) or len(self.layers)
            return tuple(f"L{n}" for n in range(1, layers + 1))
        return tuple(layer.name for layer in self.layers)

    @property
    def units(self) -> int:
        """Hidden units of the network: of a foreign one those that are counted."""
        if isinstance(self.config, RunConfig):
            return sum(self.config.sizes) or sum(layer.units for layer in self.layers)
        return sum(layer.units for layer in self.layers)

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

        A run may diverge between its last whole epoch and its end: then no epoch has nulls. Of a
        foreign run it is the step of the first look at a unit that was not finite.
        """
        if self.foreign is None:
            return next((e.epoch for e in self.history if e.test_loss is None), None)
        lost = (e.step for e in self.history if any(layer.not_finite for layer in e.layers))
        return next(lost, None)

    def at_epoch(self, number: int) -> EpochRecord | None:
        """The epoch of this number; None where the history does not reach it."""
        return next((e for e in self.history if e.epoch == number), None)

    def when(self, epoch: EpochRecord) -> int:
        """When an entry of the history was, by the run's clock."""
        return epoch.step or 0 if self.clock == "step" else epoch.epoch

    def timeline(self) -> list[tuple[float, tuple[LayerRecord, ...]]]:
        """Every probe in order: when, by the run's clock, and what it saw of each layer."""
        probes = [(float(self.when(e)), e.layers) for e in self.history]
        steps_per_epoch = next((e.step / e.epoch for e in self.history if e.step and e.epoch), 1.0)
        probes += [(s.step / steps_per_epoch, s.layers) for s in self.steps]
        return sorted(probes, key=lambda probe: probe[0])

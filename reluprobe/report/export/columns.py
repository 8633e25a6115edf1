"""Columns of exported tables: what one is, what it is read from, and those of all tables.

A value is null where it does not apply: the accuracy of a regression, ``saturated`` of an unbounded
activation, a setting without an effect beside the others, every measure of a run from the epoch
on at which it diverged. It is never 0 for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from reluprobe.config import settings_of
from reluprobe.files.printable import printable
from reluprobe.records import (
    EpochRecord,
    LayerInfo,
    LayerRecord,
    RunRecord,
    SampleRecord,
    StepRecord,
    saved_activations,
)
from reluprobe.records.folder import name_of

#: What stands in a column. A fraction is in [0, 1].
Kind = Literal["text", "whole number", "number", "fraction", "true or false"]
Value = str | int | float | None  # a bool is an int
Row = TypeVar("Row")
#: A record, with the folder of its sweep.
Pair = tuple[Path, RunRecord]


@dataclass(frozen=True)
class Described:
    """What a column of a table is called, holds and means: the only place that defines it."""

    name: str
    kind: Kind
    meaning: str


@dataclass(frozen=True)
class Column(Described, Generic[Row]):
    """One column of a table that has a row for each ``Row``."""

    value: Callable[[Row], Value]


@dataclass(frozen=True)
class Run:
    """What a row of ``runs`` is made of: a record, and the folder of its sweep."""

    home: Path
    record: RunRecord

    # Asked for by every layer at every probe, and by every setting: worked out once.

    @cached_property
    def sweep(self) -> str:
        """Name of its sweep."""
        return name_of(self.home)

    @cached_property
    def folder(self) -> str:
        """Folder of its sweep, as given."""
        return printable(self.home)

    @cached_property
    def settings(self) -> Mapping[str, Value]:
        """Every setting of a run of ours, resolved; none of a foreign one, which has its own."""
        return {} if self.record.ours is None else settings_of(self.record.ours)

    @cached_property
    def given(self) -> Mapping[str, Value]:
        """The settings of a foreign run, as its owner gave them."""
        return {} if self.record.foreign is None else self.record.foreign.settings

    @cached_property
    def infos(self) -> Mapping[str, LayerInfo]:
        """What a run says of its layers that its settings do not, by their names in tables."""
        return dict(zip(self.record.layer_names, self.record.layers, strict=False))

    @cached_property
    def saved(self) -> Sequence[saved_activations.Outputs] | None:
        """What its hidden layers gave out at the end, of a run of ours that saved it."""
        ours = self.record.ours
        return None if ours is None else saved_activations.read(self.home, self.record.id, ours)

    @property
    def last(self) -> EpochRecord | None:
        """The last epoch; None of a run that failed before its first probe."""
        return self.record.history[-1] if self.record.history else None

    def on_split(self, name: str) -> SampleRecord | None:
        """The finished network on ``probe``, ``test`` or ``train``; None where not measured."""
        return next((s for s in self.record.samples if s.sample == name), None)


@dataclass(frozen=True)
class Layer:
    """What a row of ``layers`` is made of: a hidden layer, from 1, at one probe."""

    run: Run
    probe: EpochRecord | StepRecord
    number: int
    name: str
    layer: LayerRecord


def layers(run: Run) -> Iterator[Layer]:
    """The rows of one run, probe by probe, first layer to last."""
    probes = [*run.record.history, *run.record.steps]
    # Older records do not say at which step an epoch ended, and have no probe between epochs.
    for probe in sorted(probes, key=lambda p: p.step or 0):
        named = zip(run.record.layer_names, probe.layers, strict=False)
        for number, (name, layer) in enumerate(named, 1):
            yield Layer(run, probe, number, name, layer)


def keys(run: Callable[[Any], Run]) -> list[Column[Any]]:
    """What tells runs apart, in all tables: they are joined on ``folder`` and ``id``."""
    return [
        Column("sweep", "text", "Name of its sweep.", lambda x: run(x).sweep),
        Column("folder", "text", "Folder of its sweep, as given.", lambda x: run(x).folder),
        Column("id", "text", "The run: a hash of its settings.", lambda x: run(x).record.id),
    ]


R2_MEANS = "1 - squared error / variance of the targets about their own mean (R squared)"
RMSE_MEANS = "root mean squared error, in the unit of the targets,"


def measures(
    probe: Callable[[Any], EpochRecord | StepRecord | None], when: str
) -> list[Column[Any]]:
    """Losses and what says how good a network is; of a probe between epochs there are none."""
    meanings: dict[str, tuple[Kind, str]] = {
        "test_accuracy": ("fraction", "Accuracy on the test set"),
        "test_loss": ("number", "Loss on the test set (nats; of a regression, squared error)"),
        "train_accuracy": ("fraction", "Training accuracy, a mean over the epoch while it trains"),
        "train_loss": ("number", "Training loss, a mean over the epoch while it trains"),
        "r2": ("number", f"Of a regression: {R2_MEANS} on the test set"),
        "rmse": ("number", f"Of a regression: {RMSE_MEANS} on the test set"),
    }
    return [
        Column(name, kind, f"{said}{when}.", lambda x, name=name: getattr(probe(x), name, None))
        for name, (kind, said) in meanings.items()
    ]

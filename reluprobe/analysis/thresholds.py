"""Dormant and rare units by another threshold than a run was looked at with: the reader's.

Records keep numbers of every unit before training and of the finished network on each sample. Of
these looks it can be told anew; of those between nobody knows, and they become null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from jaxtyping import Bool

from reluprobe.config import faults_of, labels
from reluprobe.config.run_config import RunConfig
from reluprobe.errors import InputError
from reluprobe.records import EpochRecord, LayerRecord, RunRecord, SampleRecord
from reluprobe.records.folder import Archive
from reluprobe.records.looks import RatesRecord
from reluprobe.records.masks import pack_some
from reluprobe.records.unit_numbers import ROUNDING, fired, magnitudes

#: Why nothing can be told anew of a record.
NO_NUMBERS = "no numbers of each unit were kept (older than reluprobe/run/7, or a foreign run)"
#: The definitions that have a threshold, and the setting that is theirs.
SETTINGS = {"dormant": "dormant_threshold", "rare": "rare_threshold"}

Layers = tuple[LayerRecord, ...]


@dataclass(frozen=True)
class Thresholds:
    """By which thresholds units are told; None: by that which a run was looked at with.

    Attributes:
        dormant: τ: a unit's mean |a| over its layer's mean, at or below it.
        rare: largest share of the values of z for which a rare unit fires.
    """

    dormant: float | None = None
    rare: float | None = None

    def __bool__(self) -> bool:
        """Whether any is asked for."""
        return self != Thresholds()


@dataclass(frozen=True)
class AskedAnew(RunRecord):
    """A record whose units are told by other thresholds than those of its settings."""

    thresholds: Thresholds = Thresholds()

    @property
    def asked(self) -> tuple[str, ...]:
        """The definitions that are told by other thresholds."""
        return tuple(_given(self.thresholds))


def checked(dormant: float | None = None, rare: float | None = None) -> Thresholds:
    """Thresholds that settings may have.

    Raises:
        InputError: one is out of bounds, or no number.
    """
    given = {"dormant_threshold": dormant, "rare_threshold": rare}
    if faults := faults_of({name: t for name, t in given.items() if t is not None}):
        raise InputError("cannot read the thresholds", faults)
    return Thresholds(dormant, rare)


def counted(record: RunRecord) -> Thresholds:
    """The thresholds by which a record's units are told; of a foreign run the usual ones."""
    own = record.ours or RunConfig
    settings = Thresholds(own.dormant_threshold, own.rare_threshold)
    return _over(settings, record.thresholds) if isinstance(record, AskedAnew) else settings


def _over(settings: Thresholds, asked: Thresholds) -> Thresholds:
    return Thresholds(**(vars(settings) | _given(asked)))


def _given(thresholds: Thresholds) -> dict[str, float]:
    return {name: t for name, t in vars(thresholds).items() if t is not None}


def asked_anew(record: RunRecord, thresholds: Thresholds) -> RunRecord:
    """The record with its ``dormant`` and ``rare`` units told by these thresholds.

    At epoch 0, at the last epoch, which is the look of the sample ``probe``, and on the samples.
    At all other looks they are null, and everywhere in a record without numbers of its units: one
    older than ``reluprobe/run/7``, or of a foreign run. So are paces of units by their state, which
    goes by ``rare``. By the thresholds that it has already a record stays as it is.
    """
    now = vars(counted(record))
    new = {name: t for name, t in _given(thresholds).items() if t != now[name]}
    if not new:
        return record
    probe = next((sample for sample in record.samples if sample.sample == "probe"), None)

    def of_epoch(number: int, epoch: EpochRecord) -> EpochRecord:
        last = number == len(record.history) - 1
        same = probe.layers if last and probe is not None else epoch.layers
        return replace(epoch, layers=_told(epoch.layers, new, same))

    def of_look(look: Any) -> Any:
        return replace(look, layers=_told(look.layers, new))

    def of_sample(sample: SampleRecord | None) -> SampleRecord | None:
        return None if sample is None else of_look(sample)

    own = {field.name: getattr(record, field.name) for field in fields(RunRecord)}
    own["history"] = tuple(of_epoch(*numbered) for numbered in enumerate(record.history))
    own["steps"] = tuple(map(of_look, record.steps))
    own["samples"] = tuple(map(of_look, record.samples))
    own["phases"] = tuple(
        replace(phase, start=of_sample(phase.start), reference=of_sample(phase.reference))
        for phase in record.phases
    )
    before = record.thresholds if isinstance(record, AskedAnew) else Thresholds()
    return AskedAnew(**own, thresholds=_over(before, Thresholds(**new)))


def of_archive(archive: Archive, thresholds: Thresholds) -> Archive:
    """A sweep with all its records asked anew."""
    records = tuple(asked_anew(record, thresholds) for record in archive.records)
    return replace(archive, records=records) if thresholds else archive


def _told(
    layers: Layers, thresholds: Mapping[str, float], same: Sequence[LayerRecord] | None = None
) -> Layers:
    """These layers told anew, by the numbers that they keep, or those of the same look."""
    kept = (layer.rates for layer in same or layers)
    return tuple(told(*pair, thresholds) for pair in zip(layers, kept, strict=True))


def told(
    layer: LayerRecord, rates: RatesRecord | None, thresholds: Mapping[str, float]
) -> LayerRecord:
    """A layer's dormant and rare units by other thresholds.

    Args:
        layer: at a look.
        rates: of its units at this look; None where no record keeps them.
        thresholds: by their definitions, those that are others.
    """
    new: dict[str, Any] = {"movement": None} if "rare" in thresholds else {}
    for name, threshold in thresholds.items():
        units = None if rates is None else RULES[name](rates, threshold)
        new[name] = None if units is None else float(units.mean())
        new[f"{name}_units"] = None if units is None else pack_some(units)
    return replace(layer, **new)


def dormant(rates: RatesRecord, threshold: float) -> Bool[np.ndarray, " unit"]:
    """Which units have mean |a| ≤ τ times that of their layer (``measures.definitions.dormant``).

    One that is not finite is not dormant, and does not count in its layer's.
    """
    means = magnitudes(rates).astype(np.float64)
    finite = np.isfinite(means)
    of_layer = means[finite].mean() if finite.any() else 0.0
    return finite & (means <= threshold * of_layer)


def rare(rates: RatesRecord, threshold: float) -> Bool[np.ndarray, " unit"]:
    """Which units fire on at most such a share, and on one (``measures.definitions.rare``)."""
    counts = fired(rates)
    return (counts > 0) & (counts <= threshold * (1 + ROUNDING) * rates.values)


RULES: dict[str, Callable[[RatesRecord, float], Bool[np.ndarray, " unit"]]] = {
    "dormant": dormant,
    "rare": rare,
}


def asked_of(records: Sequence[RunRecord]) -> dict[str, float]:
    """What these records were asked anew, by the names of settings."""
    anew = [_given(record.thresholds) for record in records if isinstance(record, AskedAnew)]
    return {SETTINGS[name]: threshold for of_run in anew for name, threshold in of_run.items()}


def untold(record: RunRecord) -> bool:
    """Whether a record was asked anew and keeps no numbers of its units at any look."""
    if not isinstance(record, AskedAnew):
        return False
    layers = [x for look in (*record.history, *record.samples) for x in look.layers]
    return bool(layers) and all(layer.rates is None for layer in layers)


def note(records: Sequence[RunRecord], asked: Thresholds) -> str | None:
    """Of how many records nothing can be told anew, in a sentence; None where all can be."""
    lacking = sum(map(untold, records))
    return said(lacking, len(records), asked) if lacking else None


def said(lacking: int, records: int, asked: Thresholds) -> str:
    """The same of so many records."""
    names = " and ".join(_given(asked))
    told = f"{names} cannot be told there by another threshold: n/a"
    return f"{lacking:,} of {labels.count(records, 'record')}: {NO_NUMBERS}; {told}"

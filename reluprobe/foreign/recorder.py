"""Looks into a network while its owner trains it → the record of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from reluprobe import records
from reluprobe.config.choices import DEFINITIONS
from reluprobe.errors import InputError
from reluprobe.foreign.causes import Causes
from reluprobe.foreign.result import Layer, Look
from reluprobe.records.layer_checks import MASKS
from reluprobe.records.masks import pack, pack_some, unpack
from reluprobe.records.unit_numbers import firing, rates_record


@dataclass(frozen=True)
class Measured:
    """What an owner measured at a look, and null where they did not.

    Attributes:
        loss, train_accuracy: of the training data, as the loop has them.
        test_loss, accuracy: of data held out.
    """

    loss: float | None = None
    train_accuracy: float | None = None
    test_loss: float | None = None
    accuracy: float | None = None


def measured(values: Mapping[str, Any]) -> tuple[Measured, bool]:
    """Plain numbers of whatever scalars, and whether all of them are finite.

    Raises:
        InputError: a value is no number, or an accuracy no share.
    """
    numbers = {name: _number(name, value) for name, value in values.items() if value is not None}
    finite = {name: number for name, number in numbers.items() if np.isfinite(number)}
    for name, number in finite.items():
        if name.endswith("accuracy") and not 0 <= number <= 1:
            fault = f"{name} = {number:g}: allowed is a share from 0 to 1"
            raise InputError("cannot record this", [fault])
    return Measured(**finite), len(finite) == len(numbers)


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        fault = f"{name} is of type {type(value).__name__}; allowed is a number"
        raise InputError("cannot record this", [fault]) from None


def layer_records(
    look: Look, before: tuple[records.LayerRecord, ...] = ()
) -> tuple[records.LayerRecord, ...]:
    """Every layer as a record holds it, with the units that have died since the look before.

    The rates of each unit are held of a first look and of a sample, which have none before them:
    of every look of a long history they would be most of the record. How many units fire how
    often, and which are rare, every look says. Nothing follows a unit's weights from look to look,
    nor the examples on which a whole layer is silent: ``movement`` and ``dead_data`` are null.
    """
    earlier = before or (None,) * len(look.layers)
    pairs = zip(look.layers, earlier, strict=True)
    return tuple(_layer_record(layer, former) for layer, former in pairs)


def _layer_record(layer: Layer, before: records.LayerRecord | None) -> records.LayerRecord:
    shares: dict[str, Any] = {name: layer.share(name) for name in DEFINITIONS}
    if not layer.examples:
        return records.LayerRecord(layer.units, **shares, dead_units=None)
    deaths = None
    if before is not None and before.dead_units is not None:
        deaths = int((layer.dead & ~unpack(before.dead_units, before.units)).sum())
    return records.LayerRecord(
        layer.units,
        **shares,
        dead_units=pack(layer.dead),
        certified=layer.share("certified"),
        deaths=deaths,
        not_finite=int(layer.not_finite.sum()),
        **_masks(layer),
        **_rates(layer, before is None),
    )


def _masks(layer: Layer) -> dict[str, str | None]:
    """Which units are meant, by definitions of which a record says it beside ``dead``."""
    masks = {name: getattr(layer, name.removesuffix("_units")) for name in MASKS}
    return {name: None if mask is None else pack_some(mask) for name, mask in masks.items()}


def _rates(layer: Layer, whole: bool) -> dict[str, Any]:
    """How often units fire; ``whole``: each of them too."""
    if layer.fired is None or layer.magnitude is None:
        return {}
    counted = firing(layer.fired[~layer.not_finite], layer.values)
    if not whole:
        return {"firing": counted}
    numbers = layer.values, layer.fired, layer.sloped, layer.magnitude
    return {"firing": counted, "rates": rates_record(*numbers)}


def described(look: Look) -> tuple[records.LayerInfo, ...]:
    """What does not change from look to look."""
    names = [field.name for field in fields(records.LayerInfo)]
    return tuple(
        records.LayerInfo(**{name: getattr(layer, name) for name in names}) for layer in look.layers
    )


def with_causes(record: records.RunRecord, moved: Mapping[str, Causes]) -> records.RunRecord:
    """The record with what killed the units that have died since the look before the last."""
    before, last = record.history[-2:]
    rows = zip(record.layers, before.layers, last.layers, strict=True)
    layers = tuple(_explained(now, then, moved.get(info.name)) for info, then, now in rows)
    return replace(record, history=(*record.history[:-1], replace(last, layers=layers)))


def _explained(
    now: records.LayerRecord, then: records.LayerRecord, moved: Causes | None
) -> records.LayerRecord:
    if moved is None or not now.deaths:
        return now
    died = unpack(now.dead_units, now.units) & ~unpack(then.dead_units, then.units)
    sums = [float(player[died].sum()) for player in moved]
    return replace(now, causes=records.CausesRecord(*sums)) if np.isfinite(sums).all() else now


def check_alike(look: Look, before: tuple[records.LayerInfo, ...]) -> None:
    """The layers of a run are the same at every look.

    Raises:
        InputError: they are not.
    """
    now, then = ([(layer.name, layer.units) for layer in ls] for ls in (look.layers, before))
    if now == then:
        return
    changed = next((pair for pair in zip(now, then, strict=False) if pair[0] != pair[1]), None)
    fault = f"{len(now)} layers, and {len(then)} at the first look"
    if changed:
        (name, units), (first, width) = changed
        fault = f"{name} of {units:,} units, and {first} of {width:,} at the first look"
    raise InputError("another network than at the first look", [fault])


def begun(
    foreign: records.Foreign, split: str, examples: int, environment: Mapping[str, str | int]
) -> records.RunRecord:
    """The record of a run before its first look."""
    return records.RunRecord(
        schema=records.SCHEMA,
        id=records.foreign_id(foreign),
        config=foreign,
        status="ok",
        environment=dict(environment),
        seconds=0.0,
        probe=records.ProbeRecord(split, examples),
        history=(),
        clock="step",
    )


def with_look(
    record: records.RunRecord,
    step: int,
    numbers: Measured,
    look: Look,
    finite: bool,
) -> records.RunRecord:
    """The record with one look more; looks from this step on are replaced by it."""
    history = tuple(known for known in record.history if (known.step or 0) < step)
    layers = layer_records(look, history[-1].layers if history else ())
    entry = records.EpochRecord(
        len(history),
        numbers.loss,
        numbers.train_accuracy,
        numbers.test_loss,
        numbers.accuracy,
        layers,
        step,
    )
    status = "ok" if finite else "diverged"
    return replace(record, history=(*history, entry), status=status)


def with_sample(record: records.RunRecord, sample: records.SampleRecord) -> records.RunRecord:
    """The record with a look at another set of examples, in place of an earlier one of its name."""
    others = (known for known in record.samples if known.sample != sample.sample)
    return replace(record, samples=(*others, sample))

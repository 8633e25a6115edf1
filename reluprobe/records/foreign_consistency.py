"""Consistency of a foreign run's record: its layers as described, its looks in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reluprobe.config.choices import DEFINITIONS
from reluprobe.records.foreign_runs import fault_of_name, faults_of, foreign_id
from reluprobe.records.layer_checks import MASKS, LayerChecks, in_order, listed
from reluprobe.records.looks import LayerRecord
from reluprobe.records.network import Coverage, Foreign
from reluprobe.records.schema import RunRecord

#: By so much of a unit a fraction may be off what it counts: it is computed in float32, maybe.
SLACK = 1e-3
#: Letters of the path that a layer is called by.
LONGEST_PATH = 2000


def faults(record: RunRecord, foreign: Foreign) -> Iterator[str]:
    """Where the record of a foreign run contradicts itself.

    - Its id is that of its name, settings and seed; its names can be shown.
    - Its layers are described once, under names of their own, and each look has them all, as wide
      as described; each fraction is of whole units, and those of which a mask
      says which are of so many as it marks.
    - Looks are numbered from 0, and their steps rise; a record without a look is of a run that
      failed.
    """
    yield from (f"config.{fault}" for fault in faults_of(foreign))
    if record.id != (own := foreign_id(foreign)):
        yield f"id: is {record.id!r}, and that of its name, settings and seed is {own!r}"
    if record.clock != "step":
        yield f"clock: is {record.clock!r}; that of a run of this kind is 'step'"
    if record.steps or record.phases:
        yield "steps, phases: are of runs that reluprobe trained"
    yield from _of_names(record)
    yield from _of_looks(record)
    check = LayerChecks([layer.units for layer in record.layers])
    for place, layers in _probes(record):
        if fault := check.fault(layers, None) or _of_masks(layers):
            yield f"{place}.{fault}"


def _of_names(record: RunRecord) -> Iterator[str]:
    names = [layer.name for layer in record.layers]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        yield f"layers: two are called {twice!r}"
    for number, layer in enumerate(record.layers):
        if layer.units < 1:
            yield f"layers.{number}.units: is {layer.units}"
        for what in ("name", "activation", "dtype"):
            if fault := fault_of_name(getattr(layer, what), LONGEST_PATH):
                yield f"layers.{number}.{what}: {fault}"
        yield from _unprintable(f"layers.{number}.where", [layer.where])
    yield from _unprintable("coverage", _texts(record.coverage))
    samples = [sample.sample for sample in record.samples]
    if len(set(samples)) < len(samples):
        yield f"samples: one stands there twice: {listed(samples)}"
    for name in (record.probe.split, *samples):
        if fault := fault_of_name(name):
            yield f"probe, samples: {fault}"


def _texts(coverage: Coverage | None) -> Iterator[str]:
    if coverage is None:
        return
    yield from coverage.notes
    for places in (coverage.outputs, coverage.bare, coverage.opaque, coverage.never_taken):
        for place in places:
            yield from (place.what, place.where)


def _unprintable(place: str, texts: Iterable[str]) -> Iterator[str]:
    yield from (f"{place}: cannot be shown: {text!r}" for text in texts if not text.isprintable())


def _of_looks(record: RunRecord) -> Iterator[str]:
    numbers = [look.epoch for look in record.history]
    if numbers != [*range(len(numbers))]:
        yield f"history: its looks are not numbered from 0: {listed(numbers)}"
    steps = [look.step for look in record.history]
    known = [step for step in steps if step is not None]
    if len(known) < len(steps) or not in_order(known):
        yield f"history: its steps are not in order, each once: {listed(steps)}"
    if not steps and record.status != "failed":
        yield "history: has no look"


def _probes(record: RunRecord) -> Iterator[tuple[str, tuple[LayerRecord, ...]]]:
    yield from ((f"history.{look.epoch}", look.layers) for look in record.history)
    yield from ((f"samples.{sample.sample}", sample.layers) for sample in record.samples)


def _of_masks(layers: Iterable[LayerRecord]) -> str | None:
    return next((f"layers.{n}.{f}" for n, one in enumerate(layers) if (f := _of_mask(one))), None)


def _of_mask(layer: LayerRecord) -> str | None:
    finite = layer.units - (layer.not_finite or 0)
    for name in (*DEFINITIONS, "certified"):
        share: float | None = getattr(layer, name)
        if share is None:
            continue
        count = share * layer.units
        slack = SLACK + 1e-6 * layer.units
        if abs(count - round(count)) > slack:
            return f"{name}: is {share}, of {layer.units} units"
        # What holds for every input of a box holds whatever became of the examples.
        if name != "certified" and count > finite + slack:
            return f"{name}: is {share}, and {layer.not_finite} of {layer.units} are not finite"
    for name in ("dead_units", *MASKS):
        mask: str | None = getattr(layer, name)
        share = getattr(layer, definition := name.removesuffix("_units"))
        if mask is None or share is None:
            continue
        marked, padding = int(mask or "0", 16), max(4 * len(mask) - layer.units, 0)
        if marked % 2**padding or marked.bit_count() != round(share * layer.units):
            return f"{name}: marks {marked.bit_count()}, and {definition} is {share}"
    return None

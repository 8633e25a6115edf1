"""The table ``units``: one row per run, probe and hidden unit, from the masks of a record.

Its rows are made a layer at a time, a *block*: millions of units would take minutes one by one.
Counts of how often a unit fires are kept before training and of the finished network alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Bool

from reluprobe.analysis import dead_masks
from reluprobe.analysis.firing_bounds import bounds
from reluprobe.errors import ReluprobeError
from reluprobe.records import LayerRecord, RatesRecord, RunRecord, saved_activations
from reluprobe.records.masks import unpack
from reluprobe.records.unit_numbers import fired, sloped
from reluprobe.report.export.arrow import TYPES, array
from reluprobe.report.export.columns import Column, Described, Layer, Run, Value, keys, layers
from reluprobe.report.export.layers import LAYERS

#: Rows that are made at once: a row group of Parquet.
BATCH = 200_000


@dataclass(frozen=True)
class PerUnit(Described):
    """A column with a value for each unit of a layer; None: null of all of them."""

    values: Callable[[Layer], pa.Array | None]


class Block(NamedTuple):
    """The units of a layer at one probe.

    Attributes:
        run: number of the run.
        units: how many there are.
        common: what is the same for all of them, a value a column of ``COMMON``.
        own: the columns of ``OWN``.
    """

    run: int
    units: int
    common: list[Value]
    own: list[pa.Array | None]


def dead(layer: LayerRecord | None) -> pa.Array | None:
    """Whether each unit is dead; null where the record does not say.

    Where all units are dead, or none is, the share says it. Of units with a z that is not finite
    nobody noted which they are: those that are not dead may be alive or neither.
    """
    if layer is None or layer.dead is None:
        return None
    if layer.dead_units is None and layer.dead not in (0, 1):
        return None
    everyone = layer.dead_units is None and layer.dead == 1
    mask = np.ones(layer.units, bool) if everyone else unpack(layer.dead_units, layer.units)
    return pa.array(mask, pa.bool_(), mask=~mask if layer.not_finite else None)


def _redrawn(at: Layer) -> pa.Array | None:
    mask: Bool[np.ndarray, " unit"] | None = dead_masks.redrawn_bits(at.layer)
    return None if mask is None else pa.array(mask)


def _is_last(at: Layer) -> bool:
    return at.run.record.ended and at.probe is at.run.last


def _on(split: str) -> Callable[[Layer], pa.Array | None]:
    def values(at: Layer) -> pa.Array | None:
        sample = at.run.on_split(split) if _is_last(at) else None
        return None if sample is None else dead(sample.layers[at.number - 1])

    return values


def _saved(at: Layer) -> saved_activations.Outputs | None:
    return at.run.saved[at.number - 1] if _is_last(at) and at.run.saved else None


def _fires(at: Layer) -> pa.Array | None:
    outputs = _saved(at)
    if outputs is None:
        return None
    # A CReLU's unit has two outputs, of z and of -z, the latter in the second half.
    fires = (outputs > 0).reshape(-1, at.layer.units, outputs.shape[1]).any(0)
    return pa.array(fires.mean(1))


def _rates(at: Layer) -> RatesRecord | None:
    """The counts of this look: the last epoch's are those of the sample ``probe``."""
    sample = at.run.on_split("probe") if at.layer.rates is None and _is_last(at) else None
    return at.layer.rates if sample is None else sample.layers[at.number - 1].rates


def _firing_rate(at: Layer) -> pa.Array | None:
    rates = _rates(at)
    return None if rates is None else pa.array(fired(rates) / rates.values)


def _gradient_rate(at: Layer) -> pa.Array | None:
    rates = _rates(at)
    counts = None if rates is None else sloped(rates)
    return None if rates is None or counts is None else pa.array(counts / rates.values)


def _bound(end: Literal["low", "high"]) -> Callable[[Layer], pa.Array | None]:
    def values(at: Layer) -> pa.Array | None:
        rates = _rates(at)
        if rates is None:
            return None
        return pa.array(getattr(bounds(fired(rates), rates.values), end))

    return values


_KEPT = "before training and at the last epoch"
_PLACE = ("epoch", "step", "layer", "layer_name")
_KEYS: tuple[Column[Layer], ...] = tuple(keys(lambda at: at.run))
#: What all units of a layer share at a probe.
COMMON: tuple[Column[Layer], ...] = (*_KEYS, *(c for c in LAYERS if c.name in _PLACE))
_UNIT = Described("unit", "whole number", "Unit of the layer, from 0, the same at every probe.")
_RULE = "f′(z) = 0 on every example of"
#: What each has for itself.
OWN: tuple[PerUnit, ...] = (
    PerUnit(
        "dead",
        "true or false",
        f"Whether the unit is dead: {_RULE} the probe. Null where the record does not say which "
        "units are.",
        lambda at: dead(at.layer),
    ),
    PerUnit(
        "redrawn",
        "true or false",
        "Whether the unit was drawn anew since the last probe; null of a run that draws none anew.",
        _redrawn,
    ),
    PerUnit(
        "dead_on_test",
        "true or false",
        f"The same on the test set: {_RULE} it; at the last epoch.",
        _on("test"),
    ),
    PerUnit(
        "dead_on_train",
        "true or false",
        "The same on the whole training set; at the last epoch.",
        _on("train"),
    ),
    PerUnit(
        "fires",
        "fraction",
        f"Share of the probe's first {saved_activations.IMAGES} images on which the unit's output "
        "is above 0; at the last epoch of runs that saved their activations.",
        _fires,
    ),
    PerUnit(
        "firing_rate",
        "fraction",
        f"Share of the probe's values of z that are above 0, of a channel at all its positions; "
        f"{_KEPT}.",
        _firing_rate,
    ),
    PerUnit(
        "firing_low",
        "fraction",
        "Lower end of the rate's 95% interval (Clopper-Pearson), on examples like the probe's. Too "
        "narrow of a channel: its positions are not independent.",
        _bound("low"),
    ),
    PerUnit(
        "firing_high",
        "fraction",
        "Upper end, likewise; of a unit that fired on none of n values 1 - 0.05^(1/n), about 3/n.",
        _bound("high"),
    ),
    PerUnit(
        "gradient_rate",
        "fraction",
        f"Share of them with f′(z) ≠ 0, which send a gradient; {_KEPT}.",
        _gradient_rate,
    ),
)
#: The columns that the table always has.
UNITS: tuple[Described, ...] = (*COMMON, _UNIT, *OWN)


def with_settings(settings: Sequence[Column[Run]]) -> tuple[Described, ...]:
    """The table's columns, with these settings after the ids."""
    return (*_KEYS, *settings, *UNITS[len(_KEYS) :])


def blocks(run: Run, number: int) -> Iterator[Block]:
    """The rows of one run, probe by probe, first layer to last.

    Raises:
        RecordError: its activations were saved and cannot be read.
    """
    for at in layers(run):
        common = [column.value(at) for column in COMMON]
        own = [column.values(at) for column in OWN]
        yield Block(number, at.layer.units, common, own)


def table(
    blocks: Sequence[Block], settings: Sequence[Sequence[Value]], types: pa.Schema
) -> pa.Table:
    """The rows of these blocks.

    Args:
        blocks: what they are made of.
        settings: each run's, in the order of the runs' numbers.
        types: of the columns of :func:`with_settings`.
    """
    sizes = [block.units for block in blocks]
    of_row = np.repeat(np.arange(len(blocks)), sizes)
    first = np.repeat(np.cumsum([0, *sizes[:-1]]), sizes) if blocks else of_row
    rows = [_joined(block.common, settings[block.run]) for block in blocks]
    common = list(zip(*rows, strict=True)) if rows else [()] * (len(types) - 1 - len(OWN))
    arrays = [
        _repeated(values, of_row, field.type) for values, field in zip(common, types, strict=False)
    ]
    arrays.append(pa.array(np.arange(len(of_row)) - first, pa.int64()))
    for n, column in enumerate(OWN):
        kind = TYPES[column.kind]
        parts = (pa.nulls(b.units, kind) if b.own[n] is None else b.own[n] for b in blocks)
        arrays.append(pa.chunked_array(parts, kind).combine_chunks())
    return pa.table(arrays, schema=types)


def in_memory(types: pa.Schema) -> pa.Schema:
    """The same with texts as dictionaries: each once, however many millions of rows have it."""
    text = pa.dictionary(pa.int32(), pa.string())
    return pa.schema([f.with_type(text) if f.type == pa.string() else f for f in types])


def _repeated(values: Sequence[Value], of_row: np.ndarray, kind: pa.DataType) -> pa.Array:
    if not pa.types.is_dictionary(kind):
        return array(values, kind).take(pa.array(of_row))
    coded = pa.array(values, pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(coded.indices.take(pa.array(of_row)), coded.dictionary)


def _joined(common: Sequence[Value], settings: Sequence[Value]) -> list[Value]:
    return [*common[: len(_KEYS)], *settings, *common[len(_KEYS) :]]


def without_masks(record: RunRecord) -> bool:
    """Whether a record says of a probe how many units were dead, and not which."""
    every = (layer for probe in (*record.history, *record.steps) for layer in probe.layers)
    return any(layer.dead is not None and dead(layer) is None for layer in every)


def check(lacking: Sequence[bool]) -> None:
    """Refuse to make a table of nulls.

    Args:
        lacking: of each run, whether it is :func:`without_masks`.

    Raises:
        ReluprobeError: no record says which units were dead.
    """
    if lacking and all(lacking):
        said = "these records say how many units were dead, not which: dead_units is null"
        raise ReluprobeError(f"no table of units: {said}", hint="reluprobe export --csv, by layer")

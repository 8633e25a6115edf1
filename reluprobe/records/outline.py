"""Outlines: records without what tables do not look at, read in a fraction of the time.

A report's tables look at a layer's shares, at which units were dead, and at what killed them. The
rest of a layer is most of a record's bytes: it is passed over and takes no memory. What is read is
held to the bounds of the schema and to the rules of ``consistency``, but for those of what is
passed over. Whatever does not keep them, is of an older schema, of somebody else's network or of
one before training is read whole by ``records.read``, which says what is wrong.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import types
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from reluprobe.config import RunConfig
from reluprobe.files.regular import read_regular
from reluprobe.plan.runs import with_letter
from reluprobe.records import io
from reluprobe.records.consistency import fault_in
from reluprobe.records.looks import LayerRecord
from reluprobe.records.schema import READABLE, RunRecord

#: What an outline's layers lack: asked for it, they raise AttributeError.
LEFT_OUT = frozenset(
    ("activations", "dormant_units", "firing", "movement", "rates", "saturated_units")
)
#: Masks that they have, of hexadecimal digits each.
_masks_of = attrgetter("dead_units", "revived_units", "rare_units", "linear_units")
HEXADECIMAL = b"0123456789abcdef"
_CONFIG = TypeAdapter(RunConfig)


def read(path: Path) -> RunRecord:
    """Read one record but for its layers' ``LEFT_OUT``; whole where anything is amiss with it.

    Raises:
        RecordError: as ``records.read``, which sees what is passed over here too.
    """
    try:
        record = _of(read_regular(path))
    except (OSError, RecursionError, msgspec.MsgspecError, ValidationError):
        return io.read(path)
    if record.ours is not None and record.ours.epochs == 0:  # tables have its signal
        return io.read(path)
    sound = record.schema in READABLE and _masks_are_hexadecimal(record)
    return record if sound and fault_in(record, outline=True) is None else io.read(path)


def _of(text: bytes) -> RunRecord:
    parts = _decoder().decode(text)
    fields = {name: getattr(parts, name) for name in parts.__struct_fields__}
    fields["id"] = with_letter(fields["id"])
    fields["config"] = _CONFIG.validate_json(bytes(fields["config"]))
    return RunRecord(**fields)


@functools.cache
def _decoder() -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_outline(RunRecord))


@functools.cache
def _outline(kind: type) -> type[msgspec.Struct]:
    """The struct with the fields of a dataclass, and the bounds that pydantic holds them to."""
    hints = get_type_hints(kind, include_extras=True)
    left_out = LEFT_OUT if kind is LayerRecord else frozenset()
    fields: list[Any] = []
    for field in dataclasses.fields(kind):
        if field.name not in left_out:
            # Of which kind a run's settings are, pydantic says.
            own = kind is RunRecord and field.name == "config"
            of_type = msgspec.Raw if own else _translated(hints[field.name])
            # A layer's keys that are not known are passed over. So all that is read must be there,
            # as it is in today's records: a misspelt one would be its default.
            optional = not left_out and field.default is not dataclasses.MISSING
            fields.append((field.name, of_type, *((field.default,) if optional else ())))
    # Nothing in a record refers to what it is in: the garbage collector need not look.
    options: dict[str, Any] = {"frozen": True, "gc": False, "forbid_unknown_fields": not left_out}
    return msgspec.defstruct(f"{kind.__name__}Outline", fields, **options)


def _translated(hint: Any) -> Any:
    """A type as msgspec has it: a pydantic field's bounds are its own metadata."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        bounds = _bounds(args[1:])
        inner = _translated(args[0])
        return Annotated[inner, msgspec.Meta(**bounds)] if bounds else inner
    if origin in (Union, types.UnionType):
        return Union[tuple(map(_translated, args))]  # noqa: UP007
    if origin is tuple:
        return tuple[_translated(args[0]), ...]
    if origin is Literal or origin is dict:
        return hint
    return _outline(hint) if dataclasses.is_dataclass(hint) else hint


def _bounds(metadata: tuple[Any, ...]) -> dict[str, Any]:
    """What is least and most; patterns, which are of masks, are looked at all together."""
    stated = [part for field in metadata if isinstance(field, FieldInfo) for part in field.metadata]
    bounds: dict[str, Any] = {}
    for part in stated:
        for name in ("ge", "gt", "le", "lt"):
            if (limit := getattr(part, name, None)) is not None:
                bounds[name] = limit
    if bounds.get("lt") == 2**63:  # msgspec's own limits are of 64 bits
        bounds["le"] = bounds.pop("lt") - 1
    return bounds


def _masks_are_hexadecimal(record: RunRecord) -> bool:
    masks = itertools.chain.from_iterable(map(_masks_of, _layers(record)))
    return not "".join(filter(None, masks)).encode().translate(None, HEXADECIMAL)


def _layers(record: RunRecord) -> Iterator[LayerRecord]:
    phases = (look for phase in record.phases for look in (phase.start, phase.reference))
    looks = (*record.history, *record.steps, *record.samples, *filter(None, phases))
    return itertools.chain.from_iterable(look.layers for look in looks)

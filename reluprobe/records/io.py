"""Records as JSON: write one, read one, say what is wrong with a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reluprobe.config import documents
from reluprobe.config.validation import faults_in
from reluprobe.errors import ReluprobeError
from reluprobe.files import write_atomically
from reluprobe.files.regular import read_regular
from reluprobe.plan.runs import with_letter, without_letter
from reluprobe.records.consistency import fault_in
from reluprobe.records.schema import FOREIGN, OURS, READABLE, SCHEMA, RunRecord

ADAPTER: TypeAdapter[RunRecord] = TypeAdapter(RunRecord)


class RecordError(ReluprobeError):
    """A file that is no whole record of a known schema."""


class NewerRecordError(RecordError):
    """A whole record of a schema that only a newer reluprobe reads."""


def to_json(record: RunRecord) -> str:
    """Standard JSON, ``schema`` first."""
    fields: dict[str, Any] = ADAPTER.dump_python(record, mode="json")
    if record.error is None:
        del fields["error"]
    return json.dumps(fields, allow_nan=False) + "\n"


def read(path: Path) -> RunRecord:
    """Read one record.

    Raises:
        RecordError: the file cannot be read, is no whole record, contradicts itself, or is of a
            newer schema.
    """
    try:
        text = read_regular(path)
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror or error}") from None
    try:
        record = ADAPTER.validate_json(text)
    except ValidationError as error:
        raise _refusal(path, text, error) from None
    if record.schema not in READABLE:
        raise _refusal(path, text, None)
    if fault := fault_in(record):
        raise RecordError(f"{path}: contradicts itself: {fault}")
    return record


def _refusal(path: Path, text: bytes, error: ValidationError | None) -> RecordError:
    try:
        fields = documents.from_json(text)
    except ValueError as fault:
        return RecordError(f"{path}: is not whole JSON: {fault}")
    schema = fields.get("schema") if isinstance(fields, dict) else None
    if schema not in READABLE:
        if isinstance(schema, str) and schema.startswith("reluprobe/run/"):
            message = f"{path}: has schema {schema!r}; this reluprobe reads {SCHEMA!r}: update it"
            return NewerRecordError(message)
        message = f"{path}: is no reluprobe record: schema is {schema!r}, allowed is {SCHEMA!r}"
        return RecordError(message)
    assert error is not None
    first, *others = faults_in(error)
    for tag in (OURS, FOREIGN):  # which of the two it was taken for, which is no key of the file
        first = first.replace(f"config.{tag}", "config", 1)
    more = f" (and {len(others)} more)" if others else ""
    return RecordError(f"{path}: {first}{more}")


def write(record: RunRecord, sweep_folder: Path) -> Path:
    """Write ``runs/<id>.json`` below a sweep's folder; return its path.

    An older reluprobe's record of the same run goes: its name had no letter.
    """
    path = sweep_folder / "runs" / f"{record.id}.json"
    write_atomically(path, to_json(record))
    remove_older(path)
    return path


def older(path: Path) -> Path:
    """What an older reluprobe called this file of a run: no letter before the digits."""
    return path.with_name(f"{without_letter(path.stem)}{path.suffix}")


def newer(path: Path) -> Path:
    """What this file of a run is called now."""
    return path.with_name(f"{with_letter(path.stem)}{path.suffix}")


def present(path: Path) -> Path:
    """A run's file under the name that it has: this one, or the one of an older or newer id."""
    return next((p for p in (path, older(path), newer(path)) if p.exists()), path)


def remove_older(path: Path) -> None:
    """Remove the file of the older name, now that there is one of this name.

    Raises:
        ReluprobeError: it cannot be removed.
    """
    if (before := older(path)) == path:
        return
    try:
        before.unlink(missing_ok=True)
    except OSError as error:
        raise ReluprobeError(f"cannot write {before}: {error.strerror or error}") from None

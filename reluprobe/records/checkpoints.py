"""Checkpoints: runs that have not ended, as they lie beside the records, and what is amiss there.

``runs/<id>.unfinished.safetensors`` is one run between two epochs: its arrays, the bytes of its
record so far (JSON) as one more, and notes in the header. It goes when the run's record is there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from reluprobe import records
from reluprobe.errors import ReluprobeError
from reluprobe.plan.runs import Run
from reluprobe.records.folder import RUNS, UNFINISHED

SUFFIX = UNFINISHED
FORMAT = "reluprobe/checkpoint/1"
#: The array that holds the record's JSON: a header has bounds that a long history meets.
RECORD = "record"


class CheckpointError(ReluprobeError):
    """A file that is no whole checkpoint of the run that its name says."""


@dataclass(frozen=True)
class Checkpoint:
    """A run between two calls of its program.

    Attributes:
        record: how far it has come; its status is ``diverged`` or ``ok``.
        calls: how many calls have been made.
        made_with: what its bits hang on besides its settings: versions, processor, data.
        phase_start: the network before its phase's first step; None in the first phase.
        arrays: weights, the optimizer's state, the epoch's order and whatever else it trains with.
    """

    record: records.RunRecord
    calls: int
    made_with: Mapping[str, str]
    phase_start: records.SampleRecord | None
    arrays: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class _Notes:
    """What the header says."""

    __pydantic_config__ = records.STRICT

    format: str
    calls: int
    made_with: dict[str, str]
    phase_start: records.SampleRecord | None


_NOTES: TypeAdapter[_Notes] = TypeAdapter(_Notes)


def file_of(folder: Path, run_id: str) -> Path:
    """Where a run's checkpoint lies in a sweep's folder."""
    return folder / RUNS / f"{run_id}{SUFFIX}"


def write(checkpoint: Checkpoint, folder: Path) -> Path:
    """Write a run's checkpoint in the place of its last one; return the file's path.

    Raises:
        ReluprobeError: it cannot be written.
    """
    from safetensors.numpy import save  # late: reports need none

    record = np.frombuffer(records.ADAPTER.dump_json(checkpoint.record), np.uint8)
    arrays = {**checkpoint.arrays, RECORD: record}
    made_with = dict(checkpoint.made_with)
    notes = _NOTES.dump_json(_Notes(FORMAT, checkpoint.calls, made_with, checkpoint.phase_start))
    header = {"notes": notes.decode(), "sha256": _digest(notes, arrays)}
    path = file_of(folder, checkpoint.record.id)
    records.write_atomically(path, save(arrays, header))
    return path


def read(folder: Path, run: Run) -> Checkpoint:
    """A run's checkpoint, every bit of which is as it was written.

    Raises:
        CheckpointError: it cannot be read, is damaged, or is of another run or format.
    """
    from safetensors import SafetensorError, safe_open

    path = file_of(folder, run.id)
    try:
        with safe_open(path, framework="np") as file:
            header = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        notes = header["notes"].encode()
        if header["sha256"] != _digest(notes, arrays):
            raise CheckpointError(f"{path}: is damaged: its digest is another")
        if json.loads(notes)["format"] != FORMAT:
            raise CheckpointError(f"{path}: is of another reluprobe; this one reads {FORMAT!r}")
        facts = _NOTES.validate_json(notes)
        record = records.ADAPTER.validate_json(arrays.pop(RECORD).tobytes())
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (SafetensorError, KeyError, TypeError, ValueError, ValidationError) as error:
        raise CheckpointError(f"{path}: is damaged: {str(error).splitlines()[0]}") from None
    if record.id != run.id or record.config != run.config:
        raise CheckpointError(f"{path}: is of another run than its name says")
    return Checkpoint(record, facts.calls, facts.made_with, facts.phase_start, arrays)


def _digest(notes: bytes, arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of the notes and of every array with its name, type and shape."""
    digest = hashlib.sha256(notes)
    for name, array in sorted(arrays.items()):
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def begun(folder: Path, runs: Sequence[Run]) -> list[Run]:
    """Those of these runs that have a checkpoint, whole or not."""
    names = {file.name for file in (folder / RUNS).glob(f"*{SUFFIX}")}
    return [run for run in runs if f"{run.id}{SUFFIX}" in names]


def remove(folder: Path, run_ids: Collection[str]) -> None:
    """Remove the checkpoints of runs that have a record, where there are some.

    Raises:
        ReluprobeError: one cannot be removed.
    """
    for file in (folder / RUNS).glob(f"*{SUFFIX}"):
        if file.name.removesuffix(SUFFIX) in run_ids:
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                raise ReluprobeError(f"cannot write {file}: {error.strerror or error}") from None

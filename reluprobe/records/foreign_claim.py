"""Claim a foreign run's place in a folder: refuse, go on from its record, or move that aside."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from reluprobe.errors import InputError, ReluprobeError, shown
from reluprobe.files import check_writable
from reluprobe.records.folder import RUNS, SWEEP_FILE
from reluprobe.records.foreign_runs import foreign_id
from reluprobe.records.io import read
from reluprobe.records.network import Foreign
from reluprobe.records.schema import RunRecord


def claim_foreign(
    folder: Path, foreign: Foreign, *, fresh: bool = False, resume: bool = False
) -> RunRecord | None:
    """Make sure that a run's record may be written into a folder; nothing is written yet.

    Several processes may have runs in one folder at once, each of another seed or settings.

    Args:
        folder: a folder of such records, or one that is not there yet.
        foreign: whose run it is.
        fresh: a record of this run that is there is moved to ``old-<n>/runs``.
        resume: it is gone on from.

    Returns:
        the record to go on from, where there is one and ``resume`` asks for it.

    Raises:
        InputError: the folder is a planned sweep's, holds a record of this run and neither
            ``fresh`` nor ``resume`` is asked for, or a name or a setting cannot be written down.
        RecordError: the record to go on from cannot be read.
        ReluprobeError: the folder cannot be written.
    """
    if fresh and resume:
        raise InputError("fresh and resume exclude each other")
    file = folder / RUNS / f"{foreign_id(foreign)}.json"
    if os.path.lexists(folder / SWEEP_FILE):
        hint = "another folder for the runs of your own loop"
        raise InputError(f"{folder} is the folder of a planned sweep: {SWEEP_FILE}", hint=hint)
    check_writable(folder / RUNS)
    if not os.path.lexists(file):
        return None
    if resume:
        return read(file)
    if not fresh:
        what = f"{folder} holds a record of this run: {_described(foreign)}"
        hint = "fresh=True (moves it aside), resume=True (goes on from it), or another seed"
        raise InputError(what, hint=hint)
    _set_aside(file, folder)
    return None


def _described(foreign: Foreign) -> str:
    named = [foreign.name, f"seed {foreign.seed}"]
    return " · ".join([*named, *(f"{k} {shown(v)}" for k, v in foreign.settings.items())])


def _set_aside(file: Path, folder: Path) -> None:
    """Move a record to the first ``old-<n>/runs`` that has none of the same run."""
    for number in itertools.count(1):
        aside = folder / f"old-{number}" / file.parent.name / file.name
        if os.path.lexists(aside):
            continue
        try:
            aside.parent.mkdir(parents=True, exist_ok=True)
            os.rename(file, aside)
        except OSError as error:
            raise ReluprobeError(f"cannot write {aside}: {error.strerror or error}") from None
        return

"""Own data in a plan: each file's SHA-256, taken once, so that ids hang on what it holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from reluprobe import data
from reluprobe.config import SETTINGS, SweepConfig, own_data
from reluprobe.errors import InputError


def with_digest(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of one run, with the SHA-256 of its dataset where that is a file.

    Raises:
        InputError: the file is not there.
    """
    name = settings.get("dataset")
    if not own_data.is_path(name) or settings.get("data_sha256"):
        return dict(settings)
    return {**settings, "data_sha256": _digest(str(name))}


def with_digests(sweep: SweepConfig) -> SweepConfig:
    """A sweep with the SHA-256 of each of its datasets that is a file.

    One that stands there already, in a plan that reluprobe wrote, stays: another file is refused
    when it is read.

    Raises:
        InputError: a file is not there, or settings are for files and no dataset is one.
    """
    tables = [sweep.base, *sweep.include]
    named = [table["dataset"] for table in tables if "dataset" in table]
    named += sweep.axes.get("dataset", ())
    files = [str(name) for name in dict.fromkeys(named) if own_data.is_path(name)]
    if not files:
        _refuse_idle([*sweep.axes, *(name for table in tables for name in _given(table))])
    known = sweep.data_sha256
    digests = {name: known.get(name) or _digest(name) for name in files}
    return dataclasses.replace(sweep, data_sha256=digests)


def _digest(name: str) -> str:
    return data.sha256(data.located(name), name)


def _given(table: Mapping[str, Any]) -> Iterable[str]:
    """The settings that are not at their default: a plan as reluprobe writes it names them all."""
    return (name for name, value in table.items() if value != SETTINGS[name].default)


def _refuse_idle(names: Iterable[str]) -> None:
    idle = [name for name in dict.fromkeys(names) if name in own_data.SETTINGS]
    if idle:
        faults = [f"{name} has an effect only where dataset is a file or folder" for name in idle]
        hint = f"of a path: {own_data.RULE}"
        raise InputError("a setting without an effect", faults, hint=hint)

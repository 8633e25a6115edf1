"""``inspect --checkpoints``: a look for each of a training's checkpoints, and their record."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from reluprobe.cli import console
from reluprobe.config import sweep_name
from reluprobe.errors import InputError, shown
from reluprobe.foreign import stored
from reluprobe.inspection import Inspection
from reluprobe.monitor import Monitor
from reluprobe.records.folder import RUNS
from reluprobe.report.terminal import checkpoints

if TYPE_CHECKING:
    from reluprobe.foreign.models.network import Network


@dataclass(frozen=True)
class Request:
    """Which checkpoints, and where their record goes: ``out/name/runs``."""

    pattern: str
    out: Path
    name: str | None
    fresh: bool


def show(
    network: Network, source: Any, how: dict[str, Any], request: Request, as_json: bool
) -> Inspection:
    """Look at every checkpoint; show a row for each; give the last look."""
    files = stored.checkpoints(request.pattern)
    folder = request.out / _folder_name(request.name or network.called)
    monitor = _monitor(folder, network, source, request, how)
    looks = _looks(monitor, network, files)
    monitor.close()
    record = monitor.record
    assert record is not None
    written = folder / RUNS / f"{record.id}.json"
    if as_json:
        content = [{"step": step, **look.to_dict()} for step, look in looks.items()]
        console.write(json.dumps({"looks": content, "record": str(written)}) + "\n")
    else:
        for part in checkpoints.parts(looks, record, console.out.width):
            console.out.print(part)
        console.out.print(Text(f"wrote {written}"), soft_wrap=True)
        following = f"next: reluprobe report {shlex.quote(str(folder))} --lives"
        console.out.print(Text(following), soft_wrap=True)
    return next(reversed(looks.values()))


def _monitor(
    folder: Path, network: Network, source: Any, request: Request, how: dict[str, Any]
) -> Monitor:
    try:
        return Monitor(folder, network, source, name=request.name, fresh=request.fresh, **how)
    except InputError as error:
        hint = error.hint and "--fresh (moves it aside), or another --name"
        raise InputError(error.message, error.faults, hint=hint) from None


def _looks(monitor: Monitor, network: Network, files: dict[int, Path]) -> dict[int, Inspection]:
    looks = {}
    with console.progress(len(files)) as bar:
        for done, (step, file) in enumerate(files.items()):
            bar.update(bar.task_ids[0], completed=done, description=file.name)
            arrays = stored.checkpoint(file)
            try:
                looks[step] = monitor(step, network.restored(arrays))
            except InputError as error:
                raise InputError(
                    f"{file}: {error.message}", error.faults, hint=error.hint
                ) from None
    return looks


def _folder_name(name: str) -> str:
    if fault := sweep_name.fault_of_name(name):
        raise InputError("bad --name", [f"--name {shown(name)}: {fault}"])
    return name

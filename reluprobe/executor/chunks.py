"""Chunks: a sweep's runs, cut for many machines.

They are ``chunks/<i>-of-<n>-<name>.json`` in the sweep's folder. A chunk says which runs, and can
be done any number of times: what is on disk is not run again. It lies in the folder that its
records are written to, so that a machine which does not see that folder has nothing to do there.
Chunks follow from the runs and the records, and go with the command that wrote them.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from reluprobe import __version__, records
from reluprobe.config.choices import SaveWeights
from reluprobe.errors import ReluprobeError
from reluprobe.plan.runs import Run
from reluprobe.plan.slices import Part, slices

FOLDER = "chunks"
#: Chunks for each place in which one is worked on: more balance better, fewer compile less.
PER_SLOT = 4
#: Seconds in which a network's file system has shown what another machine has written.
PATIENCE = 30.0
#: Seconds between two tries.
PAUSE = 0.2


@dataclass(frozen=True)
class Chunk:
    """Runs to be done together.

    Attributes:
        version: of the reluprobe that cut it.
        retry: whether failed runs are to be run again.
        save_activations: whether a run without activations beside its record is run again.
        save_weights: the same of its weights, which all its runs write.
        keep: ids of those whose activations are written beside their records.
        manual_dir: where dataset files lie that are not downloaded.
        own_dir: where relative paths of the user's own data start.
        compile_cache: whether programs are read and kept where the worker's environment says.
    """

    __pydantic_config__ = records.STRICT

    version: str
    retry: bool
    save_activations: bool
    save_weights: SaveWeights | None
    keep: tuple[str, ...]
    manual_dir: str | None
    own_dir: str
    runs: tuple[Run, ...]
    compile_cache: bool = True


ADAPTER: TypeAdapter[Chunk] = TypeAdapter(Chunk)


def cut(runs: Sequence[Run], slots: int) -> list[list[Run]]:
    """As many runs for each chunk, give or take one; those that share programs together.

    The chunks, too, come in the order of the runs: that with the first of them is the first.
    """
    place = {run.id: number for number, run in enumerate(runs)}
    pieces = slices(runs, min(len(runs), PER_SLOT * slots))
    return sorted(pieces, key=lambda piece: min(place[run.id] for run in piece))


def write(chunk: Chunk, folder: Path, part: Part) -> Path:
    """Put it into a sweep's folder; the same runs always have the same file."""
    name = hashlib.sha256(" ".join(run.id for run in chunk.runs).encode()).hexdigest()[:12]
    file = folder / FOLDER / f"{part[0]}-of-{part[1]}-{name}.json"
    records.write_atomically(file, ADAPTER.dump_json(chunk).decode())
    return file


def read(file: Path) -> Chunk:
    """Read it, on whatever machine.

    Raises:
        ReluprobeError: this machine does not see it, or has another reluprobe.
    """
    deadline = time.monotonic() + PATIENCE
    while not file.exists():
        if time.monotonic() > deadline:
            raise ReluprobeError(
                f"no such file here: {file}",
                hint="give an --out that every machine sees under the same name",
            )
        time.sleep(PAUSE)
    try:
        text = file.read_bytes()
        if (version := json.loads(text)["version"]) == __version__:
            return ADAPTER.validate_json(text)
        fault = f"the sweep is of reluprobe {version}, and here is {__version__}"
    except (OSError, ValueError, KeyError, ValidationError) as error:
        fault = f"{file} cannot be read: {str(error).splitlines()[0]}"
    raise ReluprobeError(fault, hint="have the same reluprobe on every machine")


def clear(folder: Path, part: Part) -> None:
    """Remove a part's chunks, and with the whole sweep's those that slices have left."""
    place = folder / FOLDER
    for file in place.glob("*" if part[1] == 1 else f"*{part[0]}-of-{part[1]}-*"):
        file.unlink(missing_ok=True)
    if place.is_dir() and not any(place.iterdir()):
        place.rmdir()

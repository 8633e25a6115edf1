"""Program identity: a digest of all that a compiled program follows from, without tracing it."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import jax

from reluprobe.engine import checkpoint, compile_cache

if TYPE_CHECKING:
    from reluprobe.engine.compiler import ProgramRequest

#: Packages whose code is traced or traces; NumPy's and JAX's own compiler go by their versions.
TRACED = ("jax", "flax", "optax")
#: Where an object lies in memory, in the text of one.
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def identity(request: ProgramRequest, lower: Callable[[], jax.stages.Lowered]) -> str | None:
    """64 hexadecimal digits that two requests share only where their programs are the same.

    Of networks that settings build, the settings, shapes, code, versions and what the compiler
    goes by. Of somebody's own network, whose code is not ours to know, the traced program.

    Args:
        request: for the program.
        lower: traces it.

    Returns:
        None for a program that calls Python, as it holds addresses of this process.
    """
    devices = [(d.id, d.platform, d.device_kind) for d in request.mesh.devices.flat]
    leaves, structure = jax.tree.flatten(request.shapes)
    shapes = [(x.shape, str(x.dtype)) for x in leaves]
    parts = [request.lanes, devices, shapes, structure, compile_cache.asked_of_xla(), code()]
    if any(spec.own is not None for spec in request.specs):
        text = lower().as_text()
        if "callback" in text:
            return None
        parts.append(text)
    else:
        parts.append(request.specs)
    written = ADDRESS.sub("", "\n".join(map(repr, parts)))
    return hashlib.sha256(written.encode()).hexdigest()


@functools.cache
def code() -> tuple[str, ...]:
    """This package's code, and the libraries': also where somebody mends one in its place."""
    return (sys.version, checkpoint.code(), *map(_files_of, TRACED))


def _files_of(package: str) -> str:
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec is not None else None
    digest = hashlib.sha256()
    for place in places or ():
        for path, state in _python_files(Path(place)):
            digest.update(f"{path} {state.st_size} {state.st_mtime_ns}\n".encode())
    return f"{package} {digest.hexdigest()}"


def _python_files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    for path, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.endswith(".py"):
                file = os.path.join(path, name)
                yield file, os.stat(file)

"""Program identity: a digest of all that a compiled program follows from, without tracing it."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import jax

from reluprobe.engine import code_identity, compile_cache

if TYPE_CHECKING:
    from reluprobe.engine.compiler import ProgramRequest

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
        None for a program that calls Python, as it holds addresses of this process, and where it
        is not known which code this process runs.
    """
    code = code_identity.of_all()
    if code is None:
        return None
    devices = [(d.id, d.platform, d.device_kind) for d in request.mesh.devices.flat]
    leaves, structure = jax.tree.flatten(request.shapes)
    shapes = [(x.shape, str(x.dtype)) for x in leaves]
    parts = [request.lanes, devices, shapes, structure, compile_cache.asked_of_xla()]
    parts += [sys.version, code]
    if any(spec.own is not None for spec in request.specs):
        text = lower().as_text()
        if "callback" in text:
            return None
        parts.append(text)
    else:
        parts.append(request.specs)
    written = ADDRESS.sub("", "\n".join(map(repr, parts)))
    return hashlib.sha256(written.encode()).hexdigest()

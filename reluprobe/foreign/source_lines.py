"""Lines of code that a network's operations come from, in its author's own files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from jax.extend import source_info_util

#: Packages whose lines say nothing of whose network it is.
_LIBRARIES = ("jax", "flax", "equinox", "haiku", "jaxtyping")


def line(source: Any) -> str:
    """``net.py:12``: the innermost line that is in none of the libraries networks are written with.

    Of a layer that only such a library has code for, the library's line; nothing of our own.
    """
    libraries, ours = _folders(*_LIBRARIES), _folders("reluprobe")
    traceback = getattr(source, "traceback", None)
    for frame in traceback.frames if traceback is not None else ():
        if frame.file_name.startswith(ours):
            break
        if not frame.file_name.startswith(("<frozen", *libraries)):
            return f"{Path(frame.file_name).name}:{frame.line_num}"
    text = source_info_util.summarize(source).partition(" ")[0]  # /home/me/net.py:12:8 (build)
    file, number, *_ = [*Path(text).name.split(":"), ""]
    return f"{file}:{number}" if number.isdigit() and not text.startswith(ours) else ""


def _folders(*packages: str) -> tuple[str, ...]:
    """Where these packages lie, of those that are imported."""
    modules = [sys.modules[name] for name in packages if name in sys.modules]
    return tuple(f"{Path(module.__file__).parent}/" for module in modules if module.__file__)

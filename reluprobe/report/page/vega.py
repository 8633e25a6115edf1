"""Vega as one script for a page; made by the library that draws, and kept in the user's cache.

Making it takes two seconds and is the same each time: the cache keeps it by the versions of the
library and of the charts' grammar. A damaged file there is made anew, a cache that
cannot be written is done without.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from concurrent.futures import Executor
from importlib.metadata import version
from pathlib import Path

import platformdirs
import vl_convert

from reluprobe.errors import ReluprobeError
from reluprobe.files.atomic import write_atomically
from reluprobe.report.figures.formats import GRAMMAR

#: Letters of the digest that stands before the script in its file.
DIGEST = 64
SNIPPET = "window.vegaEmbed = vegaEmbed;"


def charts_script(pool: Executor) -> Callable[[], str]:
    """Vega, Vega-Lite and Vega-Embed as one script, which sets ``window.vegaEmbed``.

    Args:
        pool: begins to make it now, unless it is kept; the result waits for it.
    """
    path = _file()
    if (kept := _read(path)) is not None:
        return lambda: kept
    made = pool.submit(vl_convert.javascript_bundle, SNIPPET, GRAMMAR)
    return lambda: _keep(path, made.result())


def _keep(path: Path, made: str) -> str:
    with contextlib.suppress(ReluprobeError):
        write_atomically(path, _digest(made) + made)
    return made


def _file() -> Path:
    folder = Path(platformdirs.user_cache_dir("reluprobe")).expanduser()
    return folder / f"vega-{GRAMMAR}-{version('vl-convert-python')}.js"


def _read(path: Path) -> str | None:
    """The script, where its file is whole."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    digest, made = text[:DIGEST], text[DIGEST:]
    return made if _digest(made) == digest else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

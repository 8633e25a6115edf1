"""Compile cache: compiled programs on disk, so that the next process need not compile them."""

from __future__ import annotations

import hashlib
import os
import platform
from importlib import metadata
from pathlib import Path

import jax

from reluprobe.config import arguments
from reluprobe.data.cache import root

#: The environment variable: a folder, or 1 for the user's cache folder.
VARIABLE = "RELUPROBE_COMPILE_CACHE"
#: Fields of /proc/cpuinfo that say what machine code a core understands.
CAPABILITIES = ("flags", "Features", "model name", "CPU part")


def enable_if_asked() -> Path | None:
    """:func:`enable` where the environment asks for it, ``RELUPROBE_COMPILE_CACHE``; else None."""
    value = os.environ.get(VARIABLE, "").strip()
    if value in ("", "0"):
        return None
    return enable(None if value == "1" else arguments.path(VARIABLE, value))


def enable(cache_dir: Path | None = None) -> Path:
    """Read and write compiled programs below the user's cache folder; the folder.

    JAX's own persistent cache, in a folder of this jaxlib and this kind of processor: machine code
    of another kind would not run, or end the process. The folder is no place to share between
    machines, and JAX's key within it holds the program, the options and the devices.

    Args:
        cache_dir: instead of the user's.
    """
    folder = root(cache_dir) / "programs" / f"jaxlib-{metadata.version('jaxlib')}-{processor()}"
    jax.config.update("jax_compilation_cache_dir", str(folder))
    # What takes less to compile is not worth a file.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    return folder


def processor(info: Path = Path("/proc/cpuinfo")) -> str:
    """Eight hexadecimal digits of what a core here can do."""
    lines = info.read_text("utf-8", "replace").splitlines() if info.exists() else []
    capabilities = {line for line in lines if line.split("\t")[0] in CAPABILITIES}
    text = "\n".join([platform.machine(), platform.processor(), *sorted(capabilities)])
    return hashlib.sha256(text.encode()).hexdigest()[:8]

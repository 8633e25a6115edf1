"""Compile cache: compiled programs on disk, so that the next process need not compile them.

JAX's own cache is not what is used: it writes entries in place, so that one of a process that was
killed stays damaged for good, has no checksum, and must trace a program to look for it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import os
import pickle
import platform
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

from reluprobe import files
from reluprobe.config import arguments
from reluprobe.data.cache import root
from reluprobe.engine import stderr_filter
from reluprobe.errors import ReluprobeError

log = logging.getLogger(__name__)

#: The environment variable: 0 for no cache, a folder, or 1 (as unset) for the user's cache folder.
VARIABLE = "RELUPROBE_COMPILE_CACHE"
OFF, ON = ("0", "off", "no", "false"), ("", "1", "on", "yes", "true")
#: Fields of /proc/cpuinfo that say what machine code a core understands.
CAPABILITIES = ("flags", "Features", "model name", "CPU part")
#: Bytes that all programs together may take; a program of the study's network takes 0.3 MB.
LIMIT = 256 << 20
SUFFIX = ".program"
#: Seconds after which a temporary file is of a process that was killed.
ABANDONED = 3600.0
#: What XLA says of each program of its own that it loads, where it has tuned for this processor.
FALSE_ALARM = b"Loading XLA:CPU AOT result."


def opened() -> ProgramCache | None:
    """The cache that the environment asks for; None where it says 0.

    Raises:
        InputError: the variable holds what can be no path.
    """
    value = os.environ.get(VARIABLE, "").strip()
    if value.lower() in OFF:
        return None
    given = None if value.lower() in ON else arguments.path(VARIABLE, value)
    try:
        return ProgramCache(root(given) / "programs")
    except RuntimeError:  # nobody's home is known
        return None


@dataclass
class ProgramCache:
    """Compiled programs below a folder, in a folder of this jaxlib and this kind of processor.

    Machine code of another kind would not run, or end the process. An entry is a SHA-256 of its
    key and its content, then the content: what is damaged, or another's, is not there. Whoever
    can write to the folder can run code here.

    Attributes:
        place: of all programs, also of other versions.
        limit: bytes that they may take.
        complained: whether it was said that nothing can be written.
    """

    place: Path
    limit: int = LIMIT
    complained: bool = False

    @property
    def folder(self) -> Path:
        """Where programs of this jaxlib and processor are."""
        return self.place / f"jaxlib-{metadata.version('jaxlib')}-{processor()}"

    def compiled(
        self, key: str, devices: Sequence[jax.Device], compile: Callable[[], jax.stages.Compiled]
    ) -> jax.stages.Compiled:
        """The program of this key: from the disk, else compiled and written there."""
        program = self._read(key, devices)
        if program is None:
            program = compile()
            self._write(key, program)
        return program

    def _read(self, key: str, devices: Sequence[jax.Device]) -> jax.stages.Compiled | None:
        file = self._file(key)
        try:
            content = _checked(key, file.read_bytes())
            if content is None:
                return None
            loaded = _loaded(content, devices)
        except Exception as error:  # of another JAX's making, say
            log.debug("program %s cannot be read: %s", file, error)
            return None
        with contextlib.suppress(OSError):
            os.utime(file)  # the oldest go first
        return loaded

    def _write(self, key: str, program: jax.stages.Compiled) -> None:
        # What comes out of JAX's own cache, where somebody keeps one, lacks its machine code when
        # it is written again: it could be read, and would fail where it is run.
        if jax.config.values["jax_compilation_cache_dir"]:
            return
        from jax.experimental import serialize_executable

        try:
            content = zlib.compress(pickle.dumps(serialize_executable.serialize(program)), 1)
        except Exception as error:  # some programs cannot be: those that call Python, say
            log.debug("program %s cannot be kept: %s", key, error)
            return
        try:
            files.write_atomically(self._file(key), _digest(key, content) + content)
            self._evict()
        except (ReluprobeError, OSError) as error:
            if not self.complained:
                log.warning("compiled programs are not kept: %s", error)
            self.complained = True

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}{SUFFIX}"

    def _evict(self) -> None:
        """Remove what was used longest ago until the rest is within the limit."""
        entries = []
        for file in self.place.glob(f"*/*{SUFFIX}*"):
            with contextlib.suppress(OSError):  # another process evicts too
                state = file.stat()
                if file.name.startswith(".") and time.time() - state.st_mtime > ABANDONED:
                    file.unlink(missing_ok=True)
                else:
                    entries.append((state.st_mtime_ns, state.st_size, file))
        total = sum(size for _, size, _ in entries)
        for _, size, file in sorted(entries):
            if total <= self.limit:
                return
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)
                total -= size


def _digest(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + content).digest()


def _checked(key: str, entry: bytes) -> bytes | None:
    """What was written under this key; None where that is not it."""
    seal, content = entry[:32], entry[32:]
    return content if seal == _digest(key, content) else None


def _loaded(content: bytes, devices: Sequence[jax.Device]) -> jax.stages.Compiled:
    from jax.experimental import serialize_executable

    program, inputs, outputs = pickle.loads(zlib.decompress(content))
    with stderr_filter.without(FALSE_ALARM):
        return serialize_executable.deserialize_and_load(
            program, inputs, outputs, execution_devices=list(devices)
        )


@functools.cache
def processor(info: Path = Path("/proc/cpuinfo")) -> str:
    """Eight hexadecimal digits of what a core here can do."""
    lines = info.read_text("utf-8", "replace").splitlines() if info.exists() else []
    capabilities = {line for line in lines if line.split("\t")[0] in CAPABILITIES}
    text = "\n".join([platform.machine(), platform.processor(), *sorted(capabilities)])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def asked_of_xla() -> list[Any]:
    """What else a compiler goes by: JAX's settings, XLA's flags, cores, platform."""
    from reluprobe.engine.cores import usable_cores

    flags = {n: v for n, v in os.environ.items() if n.startswith(("XLA_", "TF_XLA", "LIBTPU_"))}
    flags["NVIDIA_TF32_OVERRIDE"] = os.environ.get("NVIDIA_TF32_OVERRIDE", "")
    settings = sorted((name, repr(value)) for name, value in jax.config.values.items())
    client = jax.local_devices()[0].client
    platform = client.platform, client.platform_version, len(jax.local_devices())
    return [settings, sorted(flags.items()), platform, usable_cores(), os.cpu_count()]

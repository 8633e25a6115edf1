"""Environment of a result: versions of packages, devices, processor, platform."""

from __future__ import annotations

import functools
import platform
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from reluprobe import __version__

PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy")
CPU_INFO = Path("/proc/cpuinfo")


def describe_environment(devices: Sequence[Any]) -> dict[str, str | int]:
    """What a result was computed with, but for what each run says of itself (``precision``)."""
    environment: dict[str, str | int] = {
        "reluprobe": __version__,
        "python": platform.python_version(),
    }
    environment |= {name: metadata.version(name) for name in PACKAGES}
    environment |= {"backend": devices[0].platform, "device": devices[0].device_kind}
    environment |= {"devices": len(devices), "processor": processor()}
    return environment | {"platform": platform.platform(terse=True)}


@functools.cache
def processor() -> str:
    """The model of this machine's CPU, as its system names it; the architecture where it does not.

    Bits depend on it: XLA compiles other instructions for another CPU.
    """
    named = {"Linux": _of_linux, "Darwin": _of_macos}.get(platform.system(), platform.processor)()
    return named.strip() or platform.machine()


def _of_linux() -> str:
    try:
        lines = CPU_INFO.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    # ARM's kernels name no model.
    return next((line.partition(":")[2] for line in lines if line.startswith("model name")), "")


def _of_macos() -> str:
    command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5).stdout
    except (OSError, subprocess.SubprocessError):
        return ""

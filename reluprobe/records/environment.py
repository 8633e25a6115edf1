"""Environment of a result: versions of packages, devices, platform."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from reluprobe import __version__

PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy")


def describe_environment(devices: Sequence[Any]) -> dict[str, str | int]:
    """What a result was computed with."""
    environment: dict[str, str | int] = {
        "reluprobe": __version__,
        "python": platform.python_version(),
    }
    environment |= {name: metadata.version(name) for name in PACKAGES}
    environment |= {"backend": devices[0].platform, "device": devices[0].device_kind}
    return environment | {"devices": len(devices), "platform": platform.platform(terse=True)}

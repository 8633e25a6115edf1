"""Process set-up: JAX settings that a process makes once, before it trains."""

from __future__ import annotations

from reluprobe.engine import compile_cache, devices


def set_up_process() -> None:
    """Make every core a device, and keep compiled programs on disk if the environment asks.

    For the entry of a process, before JAX is used in it: both change JAX's settings.
    """
    devices.use_every_core()
    compile_cache.enable_if_asked()

"""Process set-up: JAX settings that a process makes once, before it trains."""

from __future__ import annotations

from reluprobe.engine import devices, stderr_filter


def set_up_process() -> None:
    """Make every core a device, and filter what XLA writes to stderr.

    For the entry of a process, before JAX is used in it: somebody else's process keeps its own.
    """
    devices.use_every_core()
    stderr_filter.ours = True

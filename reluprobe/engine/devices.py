"""Which of this machine's devices the engine uses."""

from __future__ import annotations

import os

import jax

from reluprobe.errors import InputError


def local_devices(most: int | None = None) -> list[jax.Device]:
    """This machine's devices: all of them, or the first ``most``. On a CPU one is a core.

    Raises:
        InputError: there are not that many.
    """
    use_every_core()
    found = jax.local_devices()
    if most is not None and not 1 <= most <= len(found):
        kind = found[0].device_kind
        fault = f"--devices {most}: allowed is 1 to {len(found)}; here are {len(found)} × {kind}"
        raise InputError("cannot use that many devices", [fault])
    return found[:most]


def use_every_core() -> None:
    """One XLA device per core, unless the user chose or JAX's backend is up already."""
    if jax.config.values["jax_num_cpu_devices"] > 0:  # the environment's variable ends up here
        return
    try:
        jax.config.update("jax_num_cpu_devices", len(os.sched_getaffinity(0)))
    except RuntimeError:  # JAX was used before us in this process: take the devices it has
        return


def set_up_process() -> None:
    """Set this process up as the command line wants it: every core, and the compile cache if asked.

    For whoever owns the process; library calls leave it as it is.
    """
    from reluprobe.engine import compile_cache

    use_every_core()
    compile_cache.as_asked()

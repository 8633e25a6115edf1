"""Devices: which of this machine's the engine uses."""

from __future__ import annotations

import jax

from reluprobe.engine.cores import usable_cores
from reluprobe.errors import InputError
from reluprobe.nn import jax_settings


def local_devices(most: int | None = None) -> list[jax.Device]:
    """This machine's devices: all of them, or the first ``most``.

    On a CPU there is one in all, unless :func:`use_every_core` was called before.

    Raises:
        InputError: there are not that many.
        ReluprobeError: there is none.
    """
    present = jax_settings.local_devices()
    if most is not None and not 1 <= most <= len(present):
        kind = present[0].device_kind
        fault = (
            f"--devices {most}: allowed is 1 to {len(present)}; here are {len(present)} × {kind}"
        )
        raise InputError("cannot use that many devices", [fault])
    return present[:most]


def use_every_core() -> None:
    """One XLA device per core that we may use, unless the user chose or JAX's backend is up."""
    if jax.config.values["jax_num_cpu_devices"] > 0:  # the environment's variable ends up here
        return
    try:
        jax.config.update("jax_num_cpu_devices", usable_cores())
    except RuntimeError:  # JAX was used before us in this process: take the devices it has
        return

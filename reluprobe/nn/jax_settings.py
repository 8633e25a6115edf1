"""JAX settings: those that change results are ours while we compute, whatever a shell says.

JAX takes them from the environment (``JAX_ENABLE_X64=1`` is in many a shell) and from whoever
imports us. A run's result depends on its settings alone, so we put JAX's own defaults in their
place: for this thread, and only while we are at work. Rank promotion is not among them, for
nothing here depends on it (the tests forbid it); nor is the precision of products.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from typing import Any, TypeVar

import jax

from reluprobe.errors import ReluprobeError

Item = TypeVar("Item")

Settings = tuple[Callable[[], AbstractContextManager[Any]], ...]

#: What would stop us; none of it changes a result.
ALLOWED: Settings = (
    # A run that diverges is recorded as such; it is no error.
    lambda: jax.debug_nans(False),
    lambda: jax.debug_infs(False),
    lambda: jax.disable_jit(False),
    lambda: jax.no_tracing(False),
    lambda: jax.transfer_guard("allow"),
)
#: What is put in place, by JAX's own context managers.
OURS: Settings = (
    lambda: jax.enable_x64(False),
    lambda: jax.numpy_dtype_promotion("standard"),
    lambda: jax.default_prng_impl("threefry2x32"),
    lambda: jax.threefry_partitionable(True),
    lambda: jax.softmax_custom_jvp(False),
    *ALLOWED,
)
#: What JAX lets nobody put in place for a while, with the only value that we can do with.
NEEDED = {
    "jax_random_seed_offset": 0,
    "jax_no_execution": False,
    "jax_error_checking_behavior_nan": "ignore",
    "jax_error_checking_behavior_divide": "ignore",
    "jax_error_checking_behavior_oob": "ignore",
}


@contextmanager
def ours() -> Iterator[None]:
    """Compute in here: the results are those of a process in which nobody has set anything.

    Raises:
        ReluprobeError: a setting cannot be put in place, or JAX has no device to compute on.
    """
    with ExitStack() as settings:
        for setting in OURS:
            settings.enter_context(setting())
        _check()
        yield


@contextmanager
def theirs() -> Iterator[None]:
    """Compute somebody else's network in here: in the types and by the rules that they have set."""
    with ExitStack() as settings:
        for setting in ALLOWED:
            settings.enter_context(setting())
        local_devices()
        yield


def ours_while_stepping(items: Generator[Item]) -> Iterator[Item]:
    """The same items; each is computed in :func:`ours`, and taken outside of it."""
    with closing(items):
        while True:
            with ours():
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item


def local_devices() -> list[jax.Device]:
    """This machine's devices that JAX computes on.

    Raises:
        ReluprobeError: there is none, for JAX was told to use a kind that is not here.
    """
    try:
        return jax.local_devices()
    except (RuntimeError, AssertionError) as error:  # JAX asserts that what it was told is there
        platforms = jax.config.values["jax_platforms"]
        why = str(error).splitlines()[0] if str(error) else f"there is no {platforms} here"
        hint = "JAX_PLATFORMS=cpu" + (f" in place of {platforms}" if platforms else "")
        if "cuda" in why.lower():
            hint += "; where other processes hold the GPU's memory, nvidia-smi shows them"
        raise ReluprobeError(f"JAX has no device to compute on: {why}", hint=hint) from None


def _check() -> None:
    for name, needed in NEEDED.items():
        if (value := jax.config.values.get(name, needed)) != needed:
            raise ReluprobeError(
                f"{name} is {value!r} in this process, and would change the results",
                hint=f"unset {name.upper()} in the environment",
            )
    local_devices()

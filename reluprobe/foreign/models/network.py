"""Somebody's network as a function of its parameters and a batch, whatever framework it is of."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

from reluprobe.errors import InputError, ReluprobeError
from reluprobe.files.printable import printable
from reluprobe.foreign.models import parameters

Params = Any
Batch = Any


@jax.tree_util.register_pytree_with_keys_class
class Keywords(dict[str, Any]):
    """A batch whose arrays are a network's arguments by name, as on a command line."""

    def tree_flatten_with_keys(self) -> tuple[list[tuple[Any, Any]], tuple[str, ...]]:
        """Its arrays, and their names."""
        return [(jax.tree_util.DictKey(n), array) for n, array in self.items()], tuple(self)

    @classmethod
    def tree_unflatten(cls, names: tuple[str, ...], arrays: Any) -> Keywords:
        """The same batch of other arrays."""
        return cls(zip(names, arrays, strict=True))


def call(model: Callable[..., Any], *before: Any, batch: Batch) -> Any:
    """A model's outputs on a batch: one argument, or those that have names."""
    if isinstance(batch, Keywords):
        return model(*before, **batch)
    return model(*before, batch)


def _as_given(batch: Batch) -> Batch:
    return batch


@dataclass(frozen=True)
class Network:
    """A network that can be looked into.

    Attributes:
        function: its outputs from parameters and a batch; pure, as JAX traces it.
        params: its parameters as they are now, a pytree.
        read: parameters as whoever trains it has them → those of ``function``; raises InputError
            where they are others.
        called: its name in headlines.
        of_checkpoint: a checkpoint's arrays by name → parameters; it may hold its optimizer's too.
        adapt: a batch as it is given → as ``function`` takes it.
        notes: what a reader of its numbers must know.
        batch_size: the only number of examples that it takes at once, where that is fixed.
        x64: it computes in types of 64 bits, which JAX leaves out unless it is told.
    """

    function: Callable[[Params, Batch], Any]
    params: Params
    read: Callable[[Any], Params]
    called: str = "network"
    of_checkpoint: Callable[[Mapping[str, Any]], Params] | None = None
    adapt: Callable[[Batch], Batch] = _as_given
    notes: tuple[str, ...] = ()
    batch_size: int | None = None
    x64: bool = False

    def restored(self, arrays: Mapping[str, Any]) -> Params:
        """The parameters in a checkpoint's arrays, by their names.

        Raises:
            InputError: some are missing, or of another shape.
        """
        if self.of_checkpoint is not None:
            return self.of_checkpoint(arrays)
        return self.read(parameters.only(arrays, self.params))

    def types(self) -> AbstractContextManager[Any]:
        """Trace and run it in here, in the types that it has."""
        return jax.enable_x64(True) if self.x64 else nullcontext()


def guarded(network: Network) -> Callable[[Params, Batch], Any]:
    """The network's function, whose errors are InputErrors: what, where, and given which shapes."""

    def function(params: Params, batch: Batch) -> Any:
        try:
            return network.function(params, batch)
        except ReluprobeError:
            raise
        except Exception as error:  # somebody else's code may raise anything
            raise raised(f"{network.called} raised", error, f"given {shapes(batch)}") from error

    return function


def largest_value(network: Network, params: Params, batch: Batch) -> int:
    """Bytes of the largest value on a batch's way through the network; it is traced, not run.

    Raises:
        InputError: it raised.
    """
    traced = jax.make_jaxpr(guarded(network))(params, batch)
    return max(_sizes(traced.jaxpr), default=0)


def _sizes(jaxpr: Any) -> Iterator[int]:
    """Bytes of every value that is computed, within loops and functions too."""
    for equation in jaxpr.eqns:
        for variable in equation.outvars:
            if hasattr(variable.aval, "dtype"):
                yield math.prod(variable.aval.shape) * variable.aval.dtype.itemsize
        for inner in core.jaxprs_in_params(equation.params):
            yield from _sizes(inner)


#: What to do about errors that frameworks raise for how a network was given.
_HINTS = {
    "TraceContextError": "give the NNX module itself, not a function around it",
    "ModifyScopeVariableError": "call it as in evaluation: nothing in it may be updated",
}


def raised(what: str, error: Exception, *more: str) -> InputError:
    """What somebody's code raised, in a line or two instead of a traceback."""
    text = str(error).strip()
    line = printable(text.splitlines()[0][:200]) if text else ""
    faults = [f"{type(error).__name__}: {line}" if line else type(error).__name__]
    if place := _place(error.__traceback__):
        faults.append(f"at {place}")
    return InputError(what, [*faults, *more], hint=_HINTS.get(type(error).__name__))


def shapes(batch: Batch) -> str:
    """``x: float32 (256, 28, 28)``: what a network was given."""
    leaves = parameters.by_path(batch)
    listed = [f"{jnp.result_type(leaf)} {np.shape(leaf)}" for leaf in leaves.values()]
    return ", ".join(f"{n}: {text}" if n else text for n, text in zip(leaves, listed, strict=True))


#: Parts of a path below which nobody's own code lies.
_LIBRARIES = ("site-packages", "dist-packages", "lib/python")
_OURS = "reluprobe/foreign"


def _place(trace: TracebackType | None) -> str:
    """File and line of the last frame in somebody's own code; else of the last that is not ours."""
    frames = [f for f in traceback.extract_tb(trace) if _OURS not in f.filename]
    own = [f for f in frames if not any(part in f.filename for part in _LIBRARIES)]
    chosen = (own or frames)[-1:]
    return f"{chosen[0].filename}:{chosen[0].lineno}" if chosen else ""

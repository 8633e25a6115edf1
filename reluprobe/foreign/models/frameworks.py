"""Modules of Flax NNX, Flax Linen and Equinox as networks: none is imported that is not in use."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import jax

from reluprobe.errors import InputError
from reluprobe.foreign.models import parameters
from reluprobe.foreign.models.network import Network, call


def module(model: Any, params: Any) -> Network | None:
    """The network of a framework's module; None of anything else.

    Args:
        model: what somebody gave.
        params: for a Linen module, its variables, ``{"params": …}``.
    """
    for framework, build in (("flax.nnx", _nnx), ("flax.linen", _linen), ("equinox", _equinox)):
        # A module's framework has been imported by whoever made it.
        library = sys.modules.get(framework)
        # What wraps a module to map it is a module to Equinox; it takes batches as it is.
        if library is not None and isinstance(model, library.Module) and not wraps(model):
            return build(model, params)
    return None


def _nnx(model: Any, _: Any) -> Network:
    from flax import nnx

    graph, state = nnx.split(model)
    keys = set(parameters.by_path(nnx.state(model, nnx.RngState)))
    read = parameters.reader(state, optional=keys)

    def of_state(given: Any) -> Any:
        return read(nnx.state(given) if isinstance(given, nnx.Module) else given)

    def function(params: Any, batch: Any) -> Any:
        return call(nnx.merge(graph, params), batch=batch)

    return Network(function, state, of_state, name_of(model), notes=_dropout(model))


def _dropout(model: Any) -> tuple[str, ...]:
    """Whether units are dropped at random: then fewer fire than would."""
    from flax import nnx

    on = [
        path
        for path, part in nnx.iter_modules(model)
        if isinstance(part, nnx.Dropout) and not part.deterministic and part.rate
    ]
    if not on:
        return ()
    listed = ", ".join(".".join(map(str, path)) for path in on[:3]) + (", …" if on[3:] else "")
    return (f"dropout is on in {listed}: model.eval() turns it off",)


def _linen(model: Any, params: Any) -> Network:
    if params is None:
        example = "params=variables, as model.init gave them"
        raise InputError("a Linen module has no parameters of its own", ["got none"], hint=example)

    def function(params: Any, batch: Any) -> Any:
        return call(model.apply, params, batch=batch)

    return Network(function, params, parameters.reader(params), name_of(model))


def _equinox(model: Any, _: Any) -> Network:
    """An Equinox module takes one example, by its framework's convention: mapped over a batch."""
    import equinox as eqx  # type: ignore[import-not-found]

    arrays, static = eqx.partition(model, eqx.is_array)

    def function(params: Any, batch: Any) -> Any:
        whole = eqx.combine(params, static)
        return jax.vmap(lambda example: call(whole, batch=example))(batch)

    read = parameters.reader(arrays)

    def of_module(given: Any) -> Any:
        return read(eqx.filter(given, eqx.is_array))

    return Network(function, arrays, of_module, name_of(model))


def name_of(model: Any) -> str:
    """A network's name, where nobody gave it one."""
    name = getattr(model, "__name__", "<none>")
    if not name.startswith("<"):
        return name
    return "network" if wraps(model) or inspect.isfunction(model) else type(model).__name__


def wraps(model: Any) -> bool:
    """Whether it is a transformation of something else: ``jax.vmap(model)``, ``nnx.jit(model)``."""
    return hasattr(model, "__wrapped__")


def without_jit(model: Any) -> Any:
    """What was jitted: within ``jit`` parameters that are closed over cannot be exchanged."""
    while wraps(model) and "jit" in type(model).__name__.lower():
        model = model.__wrapped__
    return model

"""Functions of a batch alone: the arrays that they close over are their parameters.

``jax.vmap(model)``, ``lambda x: model(x)`` and ``functools.partial(apply, params)`` hold their
parameters where JAX sees constants. A constant of a traced function is the very array that was
closed over, so each is looked up among the arrays of what the function holds, and gets its name.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.core
from jax.extend.core import ClosedJaxpr, jaxprs_in_params

from reluprobe.errors import InputError
from reluprobe.foreign.models import frameworks, parameters
from reluprobe.foreign.models.network import Network, call


def network(function: Callable[[Any], Any]) -> Network:
    """The network of a function of the batch alone."""
    opened = _Opened(function, _closed_over(function))
    return Network(opened, opened.params, opened.read, frameworks.name_of(function))


class _Opened:
    """A function with the arrays that it closes over taken out, as a function of them."""

    def __init__(self, function: Callable[[Any], Any], params: Any) -> None:
        self.function = function
        self.params = params
        self._same_paths = parameters.reader(params)
        # Compared by identity: the leaves stay alive with this.
        self._places = {id(leaf): n for n, leaf in enumerate(jax.tree.leaves(params))}
        self._sealed = False

    def __call__(self, params: Any, batch: Any) -> Any:
        shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), batch)
        closed, out = jax.make_jaxpr(self._call, return_shape=True)(shapes)
        self._sealed |= any(id(const) in self._places for const in _inner_constants(closed.jaxpr))
        values = jax.tree.leaves(params)
        own = [values[self._places[id(c)]] if id(c) in self._places else c for c in closed.consts]
        flat = jax.core.eval_jaxpr(closed.jaxpr, own, *jax.tree.leaves(batch))
        return jax.tree.unflatten(jax.tree.structure(out), flat)

    def _call(self, batch: Any) -> Any:
        return call(self.function, batch=batch)

    def read(self, given: Any) -> Any:
        """Other parameters, of the same paths and shapes.

        Raises:
            InputError: they are others, or the function holds its own where no other can be put.
        """
        params = self._same_paths(_arrays(given))
        alike = all(id(leaf) in self._places for leaf in jax.tree.leaves(params))
        if self._sealed and not alike:
            fault = "it closes over its parameters inside a jitted or scanned function"
            hint = "give a function of (params, batch)"
            raise InputError("cannot put other parameters into this function", [fault], hint=hint)
        return params


def _inner_constants(jaxpr: Any) -> Iterator[Any]:
    """Constants of the functions within a jaxpr, whose place is out of reach."""
    for equation in jaxpr.eqns:
        for value in jax.tree.leaves([*equation.params.values()]):
            if isinstance(value, ClosedJaxpr):
                yield from value.consts
        for inner in jaxprs_in_params(equation.params):
            yield from _inner_constants(inner)


def _closed_over(function: Callable[..., Any]) -> Any:
    """Every pytree of arrays that a function holds, by name; the tree itself if it is the only."""
    held = {name: arrays for name, value in _held(function, set()) if (arrays := _arrays(value))}
    return next(iter(held.values())) if len(held) == 1 else held


def _held(function: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """What a function holds: arguments it was bound to, closure cells, globals that it names."""
    if id(function) in seen:
        return
    seen.add(id(function))
    if isinstance(function, functools.partial):
        yield from ((str(n), value) for n, value in enumerate(function.args))
        yield from function.keywords.items()
        yield from _held(function.func, seen)
    elif inspect.ismethod(function):
        yield "self", function.__self__
    elif frameworks.wraps(function):
        yield from _held(function.__wrapped__, seen)
    elif inspect.isfunction(function):
        variables = inspect.getclosurevars(function)
        for name, value in {**variables.globals, **variables.nonlocals}.items():
            if inspect.isfunction(value) or frameworks.wraps(value):
                yield from _held(value, seen)
            elif not inspect.ismodule(value):
                yield name, value
    else:
        yield "model", function


def _arrays(value: Any) -> Any:
    """The pytree of a value's arrays; None where it holds none."""
    nnx = sys.modules.get("flax.nnx")
    if nnx is not None and isinstance(value, nnx.Module):
        return nnx.state(value)
    arrays = jax.tree.map(lambda leaf: leaf if isinstance(leaf, jax.Array) else None, value)
    return arrays if jax.tree.leaves(arrays) else None

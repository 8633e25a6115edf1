"""A network made ready to be looked at: any JAX function of parameters and a batch."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from reluprobe.errors import InputError
from reluprobe.foreign import answer, batches, causes, naming
from reluprobe.foreign.certificate import Certificate
from reluprobe.foreign.coverage import all_linear, coverage
from reluprobe.foreign.result import Layer
from reluprobe.foreign.tally import Tally, on_host
from reluprobe.foreign.traced import Traced, trace
from reluprobe.foreign.weights import given, whole
from reluprobe.nn import jax_settings
from reluprobe.records.network import Coverage

Params = Any
Batch = Any


@dataclass(frozen=True, eq=False, slots=True)
class Program:
    """A network's program for batches of one shape.

    Attributes:
        traced: looked into.
        run: compiled, of parameters, constants, a batch's leaves and weights: what is seen.
        explain: the same of parameters before and after: how far units' largest z has moved.
    """

    traced: Traced
    run: Callable[..., Any]
    explain: Callable[..., Any]


class Probe:
    """A network made ready: traced and compiled once a batch shape, for any of its parameters.

    Args:
        function: of parameters and a batch. It is not changed, and what it returns is not used.
        params: a pytree of arrays, such as it will be called with; the paths of its leaves give
            layers their names.
        box: low and high of every input, for what is dead for certain.
        names: the path of an array that the function closes over, None for one that is no
            parameter's.

    Raises:
        InputError: of :meth:`add`.

    Examples:
        >>> probe = Probe(lambda params, x: jax.nn.relu(x @ params["up"]) @ params["down"], params)
        >>> tally = probe.add(None, params, images)
        >>> layers, coverage = probe.answer(tally, params)
        >>> layers[0].name, layers[0].dead.sum()
    """

    def __init__(
        self,
        function: Callable[[Params, Batch], Any],
        params: Params,
        *,
        box: tuple[float, float] | None = None,
        names: Callable[[Any], str | None] | None = None,
    ) -> None:
        self._function = function
        self._box = box
        self._structure = batches.Structure.of(params)
        self._paths = naming.leaf_paths(params)
        self._names = names or (lambda array: None)
        self._programs: dict[Hashable, Program] = {}
        self._certificate: Certificate | None = None

    def add(
        self, tally: Tally | None, params: Params, batch: Batch, weights: Array | None = None
    ) -> Tally:
        """The tally with these examples in it.

        Args:
            tally: of other batches, None of none.
            params: of the structure that the probe was made with.
            batch: a pytree of arrays with a leading axis of examples.
            weights: ``(example,)`` or ``(example, position…)``: values of z at a place whose weight
                is 0 do not count, those of padding; all others count alike.

        Raises:
            InputError: parameters of another structure; a batch without examples, or whose arrays
                disagree about how many there are; weights of another shape, or for an axis that
                cannot be followed to a layer.
        """
        self._structure.check(params)
        examples = batches.examples(batch)
        leaves = jax.tree.leaves(batch)
        with jax_settings.theirs():
            if weights is not None:
                batches.check_weights(weights, leaves)
            key = self._key(batch, weights)
            if key not in self._programs:
                self._programs[key] = self._program(params, batch, weights)
            program = self._programs[key]
            constants = program.traced.constants
            seen = program.run(jax.tree.leaves(params), constants, leaves, weights)
            sites = tuple(on_host(site) for site in jax.device_get(seen))
        counted = examples if weights is None else int(np.any(_rows(weights) > 0, axis=1).sum())
        new = Tally(sites, program.traced.positions, counted)
        return new if tally is None else _together(tally, new)

    def explain(
        self,
        peaks: causes.Peaks | None,
        before: Params,
        after: Params,
        batch: Batch,
        weights: Array | None = None,
    ) -> causes.Peaks:
        """The peaks with these examples in them, by which :meth:`moved` tells what moved units.

        Args:
            peaks: of other batches, None of none.
            before: parameters at one look.
            after: parameters at the next.
            batch: of a shape that :meth:`add` has seen.
            weights: as of :meth:`add`.
        """
        self._structure.check(before)
        leaves = jax.tree.leaves(batch)
        with jax_settings.theirs():
            program = self._programs[self._key(batch, weights)]
            states = jax.tree.leaves(before), jax.tree.leaves(after)
            seen = program.explain(*states, program.traced.constants, leaves, weights)
            return causes.together(peaks, seen)

    def moved(self, tally: Tally, peaks: causes.Peaks) -> dict[str, causes.Causes]:
        """What moved the units of a layer, by its name; of those that it can be told of."""
        called = next(iter(self._programs.values())).traced.called
        return {
            called[number]: causes.shares(np.asarray(rows))
            for number, rows in peaks.items()
            if tally.seen[number].values.shape == ()
        }

    def answer(self, tally: Tally, params: Params) -> tuple[tuple[Layer, ...], Coverage]:
        """The layers, a mask a definition, and what was not counted."""
        program = next(iter(self._programs.values()))
        looked, called = program.traced.network, program.traced.called
        names = naming.Names(all_linear(looked), self._paths)
        with jax_settings.theirs():
            proven = self._certified(program, params)
            sites = zip(looked.measured, tally.seen, called, tally.positions, proven, strict=True)
            layers = [layer for site in sites for layer in answer.layers(*site)]
        taken = [bool(np.any(seen.values > 0)) for seen in tally.seen]
        return tuple(layers), coverage(looked, names, called, taken)

    def _key(self, batch: Batch, weights: Array | None) -> Hashable:
        return (jax.tree.structure(batch), *map(_kind, jax.tree.leaves(batch)), _axes(weights))

    def _certified(self, program: Program, params: Params) -> list[answer.Masks]:
        """What is dead for every input of the box, of each site."""
        if self._box is None:
            return [{} for _ in program.traced.network.measured]
        if self._certificate is None:
            self._certificate = Certificate(program.traced.network, len(self._paths), self._box)
        return list(self._certificate.masks(jax.tree.leaves(params), program.traced.constants))

    def _program(self, params: Params, batch: Batch, weights: Array | None) -> Program:
        traced = trace(self._function, params, batch, weights, self._names)

        def explain(
            old: Any, new: Any, constants: Any, batch: Any, weights: Array | None
        ) -> causes.Peaks:
            count = whole(batch[0].shape[0]) if weights is None else given(weights)
            rest = [*batch, *constants]
            return causes.peaks(traced.network, [*old, *rest], [*new, *rest], count)

        return Program(traced, jax.jit(traced.seen), jax.jit(explain))


def _kind(leaf: Any) -> Hashable:
    return np.shape(leaf), str(jnp.result_type(leaf))


def _axes(weights: Array | None) -> int:
    return 0 if weights is None else np.ndim(weights)


def _rows(weights: Any) -> np.ndarray:
    return np.asarray(weights).reshape(len(weights), -1)


def _together(tally: Tally, new: Tally) -> Tally:
    shapes = [[seen.flat.shape for seen in some.seen] for some in (tally, new)]
    if shapes[0] != shapes[1]:
        raise InputError(
            "the network is another one for a batch of another shape",
            [f"units by layer: {shapes[1]} here, {shapes[0]} before"],
        )
    return tally + new

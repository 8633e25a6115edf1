"""A network looked into: what is counted in it, and what is not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from reluprobe.foreign import activation_names, feeding, sampling, sites
from reluprobe.foreign.facts import Facts
from reluprobe.foreign.flow import Flow, follow
from reluprobe.foreign.jaxpr import Graph, Operation
from reluprobe.foreign.sampling import Curve
from reluprobe.foreign.sites import Site, Way

_NONE = activation_names.NO_ACTIVATION
#: Infimum and supremum of f, where both are finite.
Range = tuple[float, float] | None


@dataclass(frozen=True, eq=False, slots=True)
class Level:
    """A program of the network: itself, or what a loop or a branch in it runs.

    Attributes:
        flow: the program.
        loops: those around it, the outermost first.
        walked: axes of the batch that they walk along.
        branches: the branches around it.
    """

    flow: Flow
    loops: tuple[Operation, ...] = ()
    walked: tuple[int, ...] = ()
    branches: tuple[Operation, ...] = ()

    def inside(self, operation: Operation) -> Iterator[Level]:
        """The programs that a loop or a branch runs."""
        bodies = self.flow.bodies[operation]
        for flow in bodies.flows:
            if operation.name == "cond":
                yield replace(self, flow=flow, branches=(*self.branches, operation))
            else:
                along = () if bodies.walked is None else (bodies.walked,)
                loops = (*self.loops, operation)
                yield replace(self, flow=flow, loops=loops, walked=(*self.walked, *along))


@dataclass(frozen=True, eq=False, slots=True)
class Measured:
    """A site with units, as it is measured.

    Attributes:
        site: the place.
        level: the program that it is in.
        activation: the name of f; None where f takes something beside z, and is named by that.
        bounds: the range of f, None where it has no two ends or is not known.
    """

    site: Site
    level: Level
    activation: str | None
    bounds: Range

    @property
    def iterations(self) -> tuple[Operation, ...]:
        """The loops that have units of their own in each iteration."""
        return tuple(loop for loop in self.level.loops if self.turns(loop))

    @property
    def turns_folded(self) -> int:
        """Iterations that its units are the same in, of loops whose number is known."""
        loops = [loop for loop in self.level.loops if loop.name == "scan" and not self.turns(loop)]
        return math.prod(loop.params["length"] for loop in loops)

    def turns(self, loop: Operation) -> bool:
        """Whether each iteration of a loop has other units."""
        return loop.name == "scan" and loop in self.site.facts.loops


@dataclass(frozen=True, eq=False, slots=True)
class Network:
    """A network looked into.

    Attributes:
        level: its program.
        measured: the sites that are counted, in the network's order.
        outputs: those that no further linear layer comes behind: they are not counted.
        inside: those of each program in it, and of what its loops and branches run.
    """

    level: Level
    measured: tuple[Measured, ...]
    outputs: tuple[Measured, ...]
    inside: dict[Flow, tuple[Measured, ...]] = field(default_factory=dict)


def look(graph: Graph, inputs: Sequence[Facts], constants: Sequence[Facts]) -> Network:
    """Finds what is counted in a network, where this is known of its arguments and constants."""
    level = Level(follow(graph, inputs, constants))
    fed = feeding.of_network(level.flow)
    candidates = [
        (site, inner)
        for inner, site in _sites(level, fed)
        if site.facts.alive and site.facts.axes.has_units
    ]
    plain = [site for site, _ in candidates if not site.sides]
    curves = sampling.together([(s.z, s.bent) for s in plain]) if plain else []
    known = dict(zip(plain, curves, strict=True))
    judged = [_judged(site, inner, known.get(site)) for site, inner in candidates]
    everything = [measured for measured in judged if measured is not None]
    counted = tuple(measured for measured in everything if measured.site.feeds)
    inside = {
        inner.flow: tuple(m for m in counted if m.level.flow in {i.flow for i in levels(inner)})
        for inner in levels(level)
    }
    outputs = tuple(measured for measured in everything if not measured.site.feeds)
    return Network(level, counted, outputs, inside)


def levels(level: Level) -> Iterator[Level]:
    """A program and all that its loops and branches run."""
    yield level
    for operation in level.flow.bodies:
        for inner in level.inside(operation):
            yield from levels(inner)


def _sites(level: Level, fed: feeding.Feeding) -> Iterator[tuple[Level, Site]]:
    """All sites in the network's order: those of a loop where the loop is."""
    waiting = sites.of_program(level.flow, fed)
    made = {output: op for op in level.flow.graph.operations for output in op.outputs}
    for operation in [None, *level.flow.graph.operations]:
        while waiting and made.get(waiting[0].z) is operation:
            yield level, waiting.pop(0)
        if operation in level.flow.bodies:
            for inner in level.inside(operation):
                yield from _sites(inner, fed)


def _judged(site: Site, level: Level, curves: Sequence[Curve] | None) -> Measured | None:
    """The site as it is measured; None where all that is done to z is no activation."""
    if curves is None:
        return Measured(site, level, None, None)
    dtype = site.z.aval.dtype
    names = {
        way: activation_names.named(c, dtype) for way, c in zip(site.bent, curves, strict=True)
    }
    by_way: dict[Way, Curve] = dict(zip(site.bent, curves, strict=True))
    kept = _without_others(site, [w for w, name in names.items() if name in _NONE])
    if not kept.bent:
        return None
    first = kept.outputs[0]
    return Measured(kept, level, names[first], activation_names.bounds(by_way[first], names[first]))


def _without_others(site: Site, others: Sequence[Way]) -> Site:
    """A norm's square of z is a way round the activation; one that feeds nothing is none at all."""
    ways = [
        replace(way, straight=True) if way in others else way
        for way in site.ways
        if way not in others or way.feeds
    ]
    return replace(site, ways=tuple(sorted(ways, key=lambda way: way.straight)))

"""Sites: the places in a network where an activation is applied to a pre-activation z.

Found by what they do: z is where the first step that is not affine begins, and each way that z
leaves its elementwise tree by is a function of it. No function is known by its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reluprobe.foreign.facts import Facts
from reluprobe.foreign.feeding import Feeding
from reluprobe.foreign.flow import Flow
from reluprobe.foreign.jaxpr import Literal, Operation, Value
from reluprobe.foreign.regions import Trees, grown, is_floating


@dataclass(frozen=True, eq=False, slots=True)
class Way:
    """One way out of z: a function of it.

    Attributes:
        end: its output.
        operations: that lead there from z; none where z itself is used elsewhere.
        straight: an affine function, which goes round the activation.
        feeds: a further linear layer comes behind it.
        sums: a sum with z in it, ``z + relu(z)``.
    """

    end: Value
    operations: tuple[Operation, ...]
    straight: bool
    feeds: bool
    sums: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Site:
    """A place where an activation is applied.

    Attributes:
        z: the pre-activation.
        facts: what is known of z.
        ways: all ways out of z, the activation's own first.
        sides: what f takes beside z: a learned slope.
    """

    z: Value
    facts: Facts
    ways: tuple[Way, ...]
    sides: tuple[Value, ...]

    @property
    def bent(self) -> tuple[Way, ...]:
        """The ways that are no affine functions."""
        return tuple(way for way in self.ways if not way.straight)

    @property
    def outputs(self) -> tuple[Way, ...]:
        """The activation's own ways, those that a further layer has if there are any."""
        return tuple(way for way in self.bent if way.feeds) or self.bent

    @property
    def bypassed(self) -> bool:
        """Whether z also goes round the activation: by a second way, or in a sum with it."""
        several = len(self.ways) > 1 or self.facts.mirrored
        return several or any(way.sums for way in self.ways)

    @property
    def feeds(self) -> bool:
        """Whether a further linear layer comes behind the activation."""
        return any(way.feeds for way in self.outputs)

    @property
    def where(self) -> str:
        """``net.py:12``."""
        return self.outputs[0].operations[0].where


def of_program(flow: Flow, feeding: Feeding) -> list[Site]:
    """The sites of a program on its own level, in its order: not those inside its loops."""
    trees = grown(flow)
    order = {value: number for number, value in enumerate(flow.facts)}
    starts = {}
    for value in trees.leaving():
        if (start := _start(trees, value)) is not None:
            starts.setdefault(start, None)
    merged = dict.fromkeys(_merged(trees, start) for start in starts)
    sites = [_site(trees, feeding, z) for z in merged]
    return sorted(sites, key=lambda site: order[site.z])


def _start(trees: Trees, value: Value) -> Value | None:
    """The pre-activation behind a value, None where nothing bends on the way to it."""
    path = trees.path(value)
    bends = trees.bends(path)
    if not bends:
        return None
    first = bends[0]
    calls = _calls(trees, path[first], path[first + 1])
    while first and (
        _calls(trees, path[first - 1], path[first]) <= calls
        or _is_mirror(trees, path[first - 1], path[first])
    ):
        first -= 1
    return path[first] if is_floating(path[first]) else None


def _calls(trees: Trees, start: Value, end: Value) -> set[object]:
    """The elementwise calls that the steps between two values are part of: a library's function.

    A step outside of any stands for itself.
    """
    return {operation.call or operation for operation in trees.between(start, end)}


def _is_mirror(trees: Trees, start: Value, end: Value) -> bool:
    """Whether the step is −z, which belongs to f: 1 / (1 + exp(−z))."""
    return [operation.name for operation in trees.between(start, end)] == ["neg"]


def _merged(trees: Trees, start: Value) -> Value:
    """The value itself, or one that it is a constant multiple of, and that goes elsewhere too."""
    source = trees.origin(start, trees.is_rescaled)
    if source is start:
        return start
    around = [value for value in trees.leaving() if source in trees.path(value)]
    return start if all(start in trees.path(value) for value in around) else source


def _site(trees: Trees, feeding: Feeding, z: Value) -> Site:
    ends: dict[Value, list[Value]] = {}  # by the last step that bends: whether it feeds
    straight: list[Value] = []
    for value in trees.leaving():
        path = trees.path(value)
        if z not in path:
            continue
        path = path[path.index(z) :]
        bends = trees.bends(path)
        if bends:
            ends.setdefault(_end(trees, path, bends[-1]), []).append(value)
        elif any(trees.users[value]) or value in feeding.results:
            straight.append(value)  # what is only returned, to be looked at, is no way
    behind = [e for e in ends if any(other is not e and other in trees.path(e) for other in ends)]
    for end in behind:  # f goes on there, where its output has left already
        first = next(o for o in trees.path(end) if o in ends)
        ends[first] += ends.pop(end)
    bent = [
        Way(
            end,
            trees.function(z, end),
            False,
            any(v in feeding.values for v in values),
            _sums(trees, z, end),
        )
        for end, values in ends.items()
    ]
    round_it = [Way(v, trees.function(z, v), True, v in feeding.values) for v in straight]
    ways = (*sorted(bent, key=lambda way: not way.feeds), *round_it)
    return Site(z, trees.flow.facts[z], ways, _sides(trees, ways))


def _end(trees: Trees, path: Sequence[Value], last: int) -> Value:
    """The output of f: after the last step that bends, or that is part of the same call."""
    calls = _calls(trees, path[last], path[last + 1])
    end = last + 1
    while end + 1 < len(path) and _calls(trees, path[end], path[end + 1]) <= calls:
        end += 1
    return path[end]


def _sums(trees: Trees, z: Value, end: Value) -> bool:
    """Whether f is a sum with z in it: ``z + relu(z)``."""
    terms, seen = [end], set()
    while terms:
        value = terms.pop()
        if value is z or value in seen:
            continue
        seen.add(value)
        operation = trees.maker[value]
        if operation.call is None and operation.name in ("add", "sub", "add_any"):
            data = trees.flow.data(operation)
            affine = [trees.is_affine(z, term) for term in data]
            if any(affine) and not all(affine):
                return True
            terms += data
    return False


def _sides(trees: Trees, ways: Sequence[Way]) -> tuple[Value, ...]:
    """What f takes beside z and constants: a learned slope."""
    operations = list(dict.fromkeys(operation for way in ways for operation in way.operations))
    made = {output for operation in operations for output in operation.outputs}
    return tuple(
        dict.fromkeys(
            atom
            for operation in operations
            for atom in operation.inputs
            if not isinstance(atom, Literal) and atom not in made and not trees.flow.depends(atom)
        )
    )

"""A JAX program as one flat list of operations: calls are taken apart, activations are not.

``jit``, ``remat`` and custom derivatives are calls of further programs. Here they are written out
where they are called, so that what looks for activations sees one list. An elementwise function
with a derivative of its own stays whole: written out, it would lose that derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jax.core import eval_jaxpr
from jax.extend import core

from reluprobe.foreign import elementwise, source_lines

Literal = core.Literal

#: Calls that change nothing of what they call, by the parameter that holds the called program.
_CALLED = ("jaxpr", "call_jaxpr", "fun_jaxpr")
_CALLS = elementwise.named(
    "jit pjit closed_call core_call core_closed_call remat remat2 checkpoint custom_jvp_call "
    "custom_vjp_call custom_vjp_call_jaxpr custom_lin"
)
#: Parameters of loops and branches that hold the programs they run.
_BODIES: Mapping[str, Callable[[Mapping[str, Any]], Sequence[Any]]] = {
    "scan": lambda params: [params["jaxpr"]],
    "while": lambda params: [params["body_jaxpr"]],
    "cond": lambda params: params["branches"],
}


@dataclass(frozen=True, eq=False, slots=True)
class Value:
    """What an operation gives or the program is given; two are the same only where they are one."""

    aval: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape; that of a scalar for what has none, a random key."""
        return tuple(getattr(self.aval, "shape", ()))


Atom = Value | Literal


@dataclass(eq=False, slots=True)
class Operation:
    """One step of a program.

    Attributes:
        name: of the primitive, ``dot_general``.
        inputs, outputs: in the primitive's order; a literal is a constant of the source.
        params: the primitive's own, ``dimension_numbers``.
        equation: as JAX has it, to be evaluated.
        source: the line of code it comes from; of a library's activation, the line that calls it.
        call: the outermost elementwise call that it is part of, None outside of such a call.
        bodies: the programs that a loop or a branch runs.
    """

    name: str
    inputs: list[Atom]
    outputs: list[Value]
    params: Mapping[str, Any]
    equation: Any
    source: Any
    call: object | None = None
    bodies: tuple[Graph, ...] = ()
    _program: Any = field(default=None, repr=False)

    def evaluate(self, arguments: Sequence[Any]) -> list[Any]:
        """Its outputs, of the values of its inputs, as JAX would evaluate it."""
        if self._program is None:
            self._program = alone(self.equation)
        return evaluate(self._program, arguments)

    @property
    def where(self) -> str:
        """``net.py:12``, or nothing where it is unknown."""
        return source_lines.line(self.source)


@dataclass(eq=False, slots=True)
class Graph:
    """A program: its arguments, constants closed over with their arrays, steps, and results."""

    inputs: list[Value]
    constants: list[tuple[Value, Any]]
    operations: list[Operation]
    outputs: list[Atom]

    def everything(self) -> Iterator[Operation]:
        """All operations, those of loops and branches too."""
        for operation in self.operations:
            yield operation
            for body in operation.bodies:
                yield from body.everything()


def shape_of(atom: Any) -> tuple[int, ...]:
    """The shape of a value or a literal."""
    return np.shape(atom.val) if isinstance(atom, Literal) else atom.shape


def dtype_of(atom: Any) -> Any:
    """The type of a value's or a literal's numbers."""
    return getattr(atom.aval, "dtype", None)


def alone(equation: Any) -> core.Jaxpr:
    """A program of one equation: what JAX's public interface can evaluate."""
    variables = [atom for atom in equation.invars if not isinstance(atom, Literal)]
    names = core.DebugInfo("equation", equation.primitive.name, None, None)
    return core.Jaxpr(
        (), list(dict.fromkeys(variables)), equation.outvars, [equation], equation.effects, names
    )


def evaluate(program: core.Jaxpr, arguments: Sequence[Any]) -> list[Any]:
    """The outputs of one equation, of a value for each of its inputs, its literals too."""
    (equation,) = program.eqns
    values = {
        atom: argument
        for atom, argument in zip(equation.invars, arguments, strict=True)
        if not isinstance(atom, Literal)
    }
    return eval_jaxpr(program, (), *values.values())


def flatten(closed: core.ClosedJaxpr) -> Graph:
    """The program with its calls written out, those of loops and branches apart from it."""
    writer = _Writer()
    inputs = [Value(variable.aval) for variable in closed.jaxpr.invars]
    outputs = writer.write(closed, inputs, None, None)
    return Graph(inputs, writer.constants, writer.operations, outputs)


class _Writer:
    """Collects the operations of a program and of what it calls."""

    def __init__(self) -> None:
        self.constants: list[tuple[Value, Any]] = []
        self.operations: list[Operation] = []

    def write(
        self, closed: core.ClosedJaxpr, arguments: Sequence[Atom], source: Any, call: object | None
    ) -> list[Atom]:
        """The results of a program of these arguments.

        ``source`` and ``call`` are those of the elementwise call that this is part of: a library's
        function is traced once, and keeps the line of whoever called it first.
        """
        jaxpr = closed.jaxpr
        values: dict[Any, Atom] = dict(zip(jaxpr.invars, arguments, strict=True))
        for variable, array in zip(jaxpr.constvars, closed.consts, strict=True):
            constant = Value(variable.aval)
            values[variable] = constant
            self.constants.append((constant, array))

        def read(atom: Any) -> Atom:
            return atom if isinstance(atom, Literal) else values[atom]

        for equation in jaxpr.eqns:
            results = self._equation(
                equation, [read(atom) for atom in equation.invars], source, call
            )
            values.update(zip(equation.outvars, results, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def _equation(
        self, equation: Any, inputs: list[Atom], source: Any, call: object | None
    ) -> Sequence[Atom]:
        line = source or equation.source_info
        body = called(equation)
        if body is not None:
            whole = _is_elementwise(body)
            if not (whole and equation.primitive.name in elementwise.WHOLE):
                inside = (line, call or equation) if whole else (source, call)
                return self.write(body, inputs, *inside)
            call = call or equation
        name, params = equation.primitive.name, equation.params
        outputs = [Value(variable.aval) for variable in equation.outvars]
        bodies = (
            tuple(flatten(_closed(b)) for b in _BODIES[name](params)) if name in _BODIES else ()
        )
        self.operations.append(
            Operation(name, inputs, outputs, params, equation, line, call, bodies)
        )
        return outputs


def called(equation: Any) -> core.ClosedJaxpr | None:
    """The program that a call calls, None for what is no call."""
    if equation.primitive.name not in _CALLS:
        return None
    return next(
        (_closed(equation.params[name]) for name in _CALLED if name in equation.params), None
    )


def _closed(jaxpr: Any) -> core.ClosedJaxpr:
    return jaxpr if isinstance(jaxpr, core.ClosedJaxpr) else core.ClosedJaxpr(jaxpr, ())


def _is_elementwise(closed: core.ClosedJaxpr) -> bool:
    """Whether all of a program's steps are elementwise, on arrays of one shape and scalars."""
    jaxpr = closed.jaxpr
    if len(jaxpr.outvars) != 1:
        return False
    shape = getattr(jaxpr.outvars[0].aval, "shape", None)
    if any(getattr(v.aval, "shape", None) not in (shape, ()) for v in jaxpr.invars):
        return False
    return _has_only_elementwise(jaxpr)


def _has_only_elementwise(jaxpr: Any) -> bool:
    for equation in jaxpr.eqns:
        name, body = equation.primitive.name, called(equation)
        spread = name == "broadcast_in_dim" and equation.invars[0].aval.shape == ()
        if body is not None:
            if not _has_only_elementwise(body.jaxpr):
                return False
        elif not (spread or name in elementwise.PRIMITIVES):
            return False
    return True

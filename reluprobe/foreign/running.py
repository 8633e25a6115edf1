"""Operations evaluated one by one, with the arrays of a program's values at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jaxtyping import Array

from reluprobe.foreign.jaxpr import Atom, Literal, Operation, Value

#: Arrays of a program's values.
Environment = dict[Value, Array]


def read(environment: Mapping[Value, Array], atom: Atom) -> Array:
    """A value's array, or a literal's."""
    return atom.val if isinstance(atom, Literal) else environment[atom]


def run(operations: Sequence[Operation], environment: Environment) -> None:
    """Evaluates these operations, and puts their outputs in place."""
    for operation in operations:
        outputs = operation.evaluate([read(environment, atom) for atom in operation.inputs])
        environment.update(zip(operation.outputs, outputs, strict=True))

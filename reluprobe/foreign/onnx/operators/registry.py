"""The operators that are known exactly: by name and version, with the attributes that each takes.

A version here is the one in which the standard last changed the operator (``since_version``), so a
file of a newer standard is read as long as its operators are the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from reluprobe.errors import InputError

#: A tensor: NumPy's where it is known before any input is (a constant, a shape), else JAX's.
Tensor = np.ndarray | jax.Array
Compute = Callable[..., Any]
#: Constants of more bytes are in no honest file; asking for them would take the machine down.
_LARGEST_CONSTANT = 2**33


@dataclass(frozen=True)
class Node:
    """A node of the graph: an operator, and what it is applied to.

    Attributes:
        operator: ``Conv``.
        version: in which the standard last changed the operator.
        name: in the file, or that of its first output.
        inputs, outputs: names of tensors; an omitted one is the empty string.
        attributes: by name, the standard's defaults filled in; strings decoded, tensors as arrays.
        scope: what the layer is called, ``layers.0.linear1``.
    """

    operator: str
    version: int
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    scope: str = ""

    def __getitem__(self, attribute: str) -> Any:
        """An attribute that is set or has a default."""
        if attribute not in self.attributes:
            raise self.refusal(f"it has no attribute {attribute!r}")
        return self.attributes[attribute]

    def get(self, attribute: str, otherwise: Any = None) -> Any:
        """An attribute that may be missing."""
        return self.attributes.get(attribute, otherwise)

    def uses_output(self, position: int) -> bool:
        """Whether the file names this output."""
        return len(self.outputs) > position and bool(self.outputs[position])

    def refusal(self, why: str) -> InputError:
        """What to raise where the node asks for what is not known exactly."""
        return InputError(f"{self.operator} (node {self.name!r}): {why}")


@dataclass(frozen=True)
class Known:
    """An operator's versions with one meaning: what computes it, and the attributes it takes."""

    compute: Compute
    versions: frozenset[int]
    attributes: frozenset[str]


OPERATORS: dict[str, list[Known]] = {}


def operator(name: str, versions: Iterable[int], attributes: str = "") -> Callable[..., Compute]:
    """Register what computes these versions of an operator; ``attributes`` parted by spaces.

    The function takes the :class:`Node` and the inputs, None for those left out, and returns the
    output, or a tuple of outputs.
    """

    def register(compute: Compute) -> Compute:
        known = Known(compute, frozenset(versions), frozenset(attributes.split()))
        OPERATORS.setdefault(name, []).append(known)
        return compute

    return register


def known(name: str, version: int) -> Known | None:
    """What is known of this version of an operator."""
    return next((one for one in OPERATORS.get(name, []) if version in one.versions), None)


def is_static(*tensors: Tensor | None) -> bool:
    """Whether these are known before any input is."""
    return all(tensor is None or isinstance(tensor, np.ndarray) for tensor in tensors)


def numpy_of(*tensors: Tensor | None) -> ModuleType:
    """NumPy where these are all known before any input is: shapes have to stay so. Else JAX's."""
    plain = (tensor is None or tensor.dtype.isbuiltin == 1 for tensor in tensors)
    return np if is_static(*tensors) and all(plain) else jnp


def integers(node: Node, tensor: Tensor | None, what: str) -> list[int]:
    """A tensor that says how many or where: its values, which must be known without the inputs."""
    if tensor is None:
        raise node.refusal(f"it has no {what}")
    if not isinstance(tensor, np.ndarray):
        raise node.refusal(
            f"its {what} depend on the values of the network's inputs, so shapes do too:"
            " JAX compiles for fixed ones"
        )
    return [int(value) for value in tensor.ravel()]


def scalar(node: Node, tensor: Tensor | None, what: str) -> Any:
    """A tensor of one value that must be known without the inputs, as a Python number."""
    if tensor is None or not isinstance(tensor, np.ndarray):
        raise node.refusal(f"its {what} is not fixed in the file")
    return tensor.reshape(()).item()


def allocatable(node: Node, shape: Iterable[int], dtype: Any) -> tuple[int, ...]:
    """The shape of something new, if memory can hold it."""
    sizes = tuple(shape)
    if math.prod(sizes) * np.dtype(dtype).itemsize > _LARGEST_CONSTANT:
        raise node.refusal(f"it makes a tensor of shape {list(sizes)}: no memory holds it")
    return sizes


def is_float(tensor: Tensor) -> bool:
    """Whether of a floating-point type, bfloat16 included."""
    return jnp.issubdtype(tensor.dtype, jnp.floating)


def floats_only(node: Node, *tensors: Tensor | None) -> None:
    """Refuse whole numbers where the standard leaves open how they are rounded."""
    for tensor in tensors:
        if tensor is not None and not is_float(tensor):
            raise node.refusal(
                f"known exactly for floating-point numbers alone, got {tensor.dtype}"
            )

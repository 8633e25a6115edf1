"""An ONNX file as a function of its parameters and inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from reluprobe.errors import InputError, nearest

Arrays = Mapping[str, Any]


@dataclass(frozen=True)
class Input:
    """An input of the network.

    Attributes:
        name: in the file.
        dtype: NumPy's name of its type.
        shape: None for an axis of any size; None altogether where the file does not say how many.
        axes: names of the axes: those of one name are of one size.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None
    axes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """``x: float32 [batch, 3, 32, 32]``."""
        if self.shape is None:
            return f"{self.name}: {self.dtype} of any shape"
        sizes = (
            (name or "any") if size is None else str(size)
            for name, size in zip(self.axes, self.shape, strict=True)
        )
        return f"{self.name}: {self.dtype} [{', '.join(sizes)}]"


@dataclass(frozen=True)
class Origin:
    """Where a parameter of the file is used.

    Attributes:
        operator: of the first node that uses it for more than passing it on.
        position: as which of that node's inputs.
        modules: paths of the modules of all nodes that use it.
    """

    operator: str
    position: int
    modules: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class OnnxNetwork:
    """A network read from an ONNX file.

    Attributes:
        function: (parameters, inputs) -> outputs, each by name. Pure; to be traced by JAX.
        params: the file's floating-point arrays, but for numbers of formulas, by their names in it.
        inputs: what the network wants.
        names: parameter -> path of the layer that it belongs to.
        notes: what a reader of the results must know of the file.
        x64: whether the network computes in types of 64 bits: then call ``function`` under
            ``jax.enable_x64(True)``, with parameters and inputs put on the device there.
        constants: those numbers, of which :func:`with_state` may make parameters.
        origins: parameter -> where it is used.
        modules: paths of the modules that the file's nodes are of.
    """

    function: Callable[[Arrays, Arrays], dict[str, Any]]
    params: dict[str, np.ndarray]
    inputs: tuple[Input, ...]
    names: dict[str, str]
    notes: tuple[str, ...]
    x64: bool
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    modules: frozenset[str] = frozenset()


def check_inputs(wanted: tuple[Input, ...], given: Arrays) -> None:
    """Raise if the inputs are not those that the file declares.

    Raises:
        InputError: names of inputs, their types or their shapes are others.
    """
    names = [one.name for one in wanted]
    faults = [
        f"{name}: there is no such input{nearest(name, names)}"
        for name in given
        if name not in names
    ]
    sizes: dict[str, int] = {}
    for one in wanted:
        if one.name not in given:
            faults.append(f"{one.name}: missing")
        elif fault := _fault(one, given[one.name], sizes):
            faults.append(f"{one.name}: {fault}")
    if faults:
        inputs = "; ".join(map(str, wanted)) or "none"
        raise InputError(f"the network's inputs are {inputs}", faults)


def _fault(wanted: Input, given: Any, sizes: dict[str, int]) -> str | None:
    shape, dtype = np.shape(given), jax.dtypes.canonicalize_dtype(given.dtype)
    if dtype != jax.dtypes.canonicalize_dtype(wanted.dtype):
        return f"{given.dtype} given for {wanted.dtype}"
    if wanted.shape is None:
        return None
    if len(shape) != len(wanted.shape):
        return f"shape {list(shape)} given, which has {len(shape)} axes and not {len(wanted.shape)}"
    for axis, (got, size) in enumerate(zip(shape, wanted.shape, strict=True)):
        name = wanted.axes[axis]
        expected = sizes.setdefault(name, got) if size is None and name else size
        if expected is not None and got != expected:
            fixed = "the file was exported for" if size is not None else f"{name!r} is elsewhere"
            hint = "; export it with a free axis" if size is not None and axis == 0 else ""
            return f"shape {list(shape)} given; axis {axis} is {got}, {fixed} {expected}{hint}"
    return None

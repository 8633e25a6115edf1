"""What a probe is given, checked: parameters of one structure, batches with examples, weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from reluprobe.errors import InputError, shown
from reluprobe.foreign import axes, naming

#: As many differences as a message has lines for.
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Structure:
    """Shapes and types of parameters, by their paths."""

    tree: Any
    kinds: dict[str, str]

    @classmethod
    def of(cls, params: Any) -> Structure:
        """Those of these parameters."""
        paths = naming.leaf_paths(params)
        kinds = [_kind(leaf) for leaf in jax.tree.leaves(params)]
        return cls(jax.tree.structure(params), dict(zip(paths, kinds, strict=True)))

    def check(self, params: Any) -> None:
        """Raises InputError where these parameters differ."""
        other = Structure.of(params)
        if other == self:
            return
        faults = [
            f"{path}: {other.kinds.get(path, 'missing')}, before {self.kinds.get(path, 'none')}"
            for path in dict.fromkeys([*self.kinds, *other.kinds])
            if other.kinds.get(path) != self.kinds.get(path)
        ]
        faults = faults or [f"{shown(other.tree)}, before {shown(self.tree)}"]
        more = [f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        raise InputError("parameters of another structure", [*faults[:_SHOWN], *more])


def _kind(leaf: Any) -> str:
    try:
        return f"{jnp.result_type(leaf)}{list(np.shape(leaf))}"
    except TypeError:
        raise InputError("parameters that are no arrays", [shown(leaf)]) from None


def examples(batch: Any) -> int:
    """How many examples a batch has.

    Raises:
        InputError: none, or its arrays disagree.
    """
    leaves, _ = jax.tree_util.tree_flatten_with_path(batch)
    sizes = {jax.tree_util.keystr(p) or "batch": np.shape(leaf)[:1] for p, leaf in leaves}
    if not sizes:
        raise InputError("a batch without an array", ["allowed are arrays (example, …)"])
    if len(set(sizes.values())) > 1 or () in sizes.values():
        faults = [f"{path}: {'a scalar' if not n else n[0]}" for path, n in sizes.items()]
        raise InputError("arrays of a batch with unlike numbers of examples", faults)
    ((count,),) = set(sizes.values())
    if not count:
        raise InputError("a batch without an example", [f"{path}: 0" for path in sizes])
    return count


def check_weights(weights: Any, leaves: Sequence[Any]) -> None:
    """Raises InputError for weights that are of no array of the batch."""
    shape = np.shape(weights)
    shapes = [np.shape(leaf) for leaf in leaves]
    if not shape or not any(s[: len(shape)] == shape for s in shapes):
        allowed = " or ".join(sorted({str(list(s)) for s in shapes}))
        fault = f"weights of shape {list(shape)}: allowed is the start of {allowed}"
        raise InputError("weights that are of no array of the batch", [fault])


def axes_of(leaf: Any, weights: Any, followed: int) -> axes.Axes:
    """What is followed of an array of the batch: the axes that the weights have."""
    shape = np.shape(leaf)
    if followed == 1 or shape[:followed] == np.shape(weights):
        return axes.batch(shape, followed)
    vector = len(shape) < 3 and jnp.issubdtype(jnp.result_type(leaf), jnp.floating)
    first = axes.batch(shape, 1)  # a label, or features of a whole example: it has no positions
    return first if vector or len(shape) == 1 else first.lose(range(1, followed))

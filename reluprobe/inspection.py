"""A look into somebody's network: ``rp.inspect``, and what it gives, as masks and as a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reluprobe.config import arguments
from reluprobe.errors import InputError
from reluprobe.foreign.result import Look
from reluprobe.records.saved_weights import SUFFIX

if TYPE_CHECKING:
    from reluprobe.foreign.models.network import Network


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Inspection(Look):
    """A look into a network: ``print`` shows it as a table, one row per layer.

    Attributes:
        layers: a :class:`reluprobe.foreign.result.Layer` each, in the order of computation: its
            ``name``, ``activation``, ``units``, ``examples``, and NumPy masks over its units,
            ``dead``, ``silent``, ``never_positive``, ``constant``, ``dormant``, ``rare``, and
            ``saturated`` and ``linear``, None where they do not apply; ``firing_rate`` of each.
        coverage: what was not counted, and why.
        examples: how many went through the network.
        name: the network's.
    """

    name: str = "network"

    def __repr__(self) -> str:
        """The headline, the table and the coverage, as ``reluprobe inspect`` prints them."""
        from reluprobe.report.terminal import inspection, layout

        parts = inspection.parts(self, self.name, layout.PRINTED, every=True)
        return layout.text_of(parts, layout.PRINTED)

    def to_dict(self) -> dict[str, Any]:
        """For machines: shares in [0, 1], null where a measure does not apply."""
        from reluprobe.report import json_inspection

        return json_inspection.inspection(self, self.name)


def inspect(
    model: Any,
    batches: Any,
    params: Any = None,
    *,
    weights: Any = None,
    device_batch: int | None = None,
    box: tuple[float, float] | None = None,
    progress: bool | Callable[[int], object] | None = None,
) -> Inspection:
    """Which units of this network are dead on these examples, by every definition.

    An activation is found by what it does: a function of one pre-activation z, not affine, between
    two linear layers. A unit is dead where f′(z) = 0 on every example, by automatic
    differentiation of whatever f is, in the network's own dtype.

    Args:
        model: a Flax NNX or Equinox module, or its ``vmap``; a Linen module with ``params``; any
            function of ``(params, batch)``, or of ``(batch)`` alone; the path of an ONNX file; a
            network of :func:`load_network`, or the path of its weights.
        batches: an array, ``(example, …)``; a dict of arrays for a network that takes one; an
            iterable of either; or a folder of ``.npy`` files. The last may be smaller.
        params: the function's parameters; of a module or file, others than its own.
        weights: an array, iterable or folder like ``batches``, ``(example,)`` or ``(example,
            position…)``: what has weight 0, such as padded tokens, is not counted.
        device_batch: the most examples that go through the network at once; of an array as many
            as fit into 2 GiB, 1,000 at most; an iterable's batches go as they come.
        box: ``(low, high)`` of every input: certifies units that are dead for all such inputs.
        progress: True for a bar on stderr, or a function that gets the number of examples seen.

    Raises:
        InputError: a model, batches, weights or parameters that do not fit; the network raised.

    Examples:
        >>> report = rp.inspect(model, images)
        >>> report.layers[0].dead.mean()
    """
    from reluprobe.foreign.models import opening
    from reluprobe.foreign.progress import shown

    if is_own(model) and params is not None:
        raise InputError("a network that reluprobe trained has its parameters: give no params")
    network = own_network(model) if is_own(model) else opening.as_network(model, params)
    with shown(arguments.progress(progress), batches) as seen:
        return look_into(
            network, batches, weights=weights, device_batch=device_batch, box=box, seen=seen
        )


def is_own(model: Any) -> bool:
    """Whether this is a network that reluprobe trained, or the path of its weights."""
    if isinstance(model, str | PathLike):
        return Path(model).suffix == SUFFIX
    return type(model).__name__ == "SavedNetwork" and hasattr(model, "saved")


def own_network(model: Any) -> Network:
    """Such a network as one to look into: on raw examples, which it scales itself.

    Raises:
        InputError: the path leads to no file.
        ReluprobeError: the file is damaged, or holds no weights of ours.
    """
    from reluprobe.engine.saved_network import load_network
    from reluprobe.foreign.models import opening

    saved = load_network(model) if isinstance(model, str | PathLike) else model
    network = opening.as_network(saved.outputs, dict(saved.weights))
    return replace(network, called=f"run {saved.notes.run}", adapt=saved.checked)


def look_into(
    network: Network,
    source: Any,
    *,
    weights: Any = None,
    device_batch: int | None = None,
    box: tuple[float, float] | None = None,
    seen: Callable[[int], object] | None = None,
) -> Inspection:
    """The same of a network that has been opened; ``seen`` gets the number of examples so far."""
    from reluprobe.foreign import look

    looker = look.Looker(network, box)
    examples = looker.pieces(network.params, source, weights, device_batch)
    looked = looker.look(network.params, look.counted(examples, seen))
    return named(looked, network.called)


def named(look: Look, name: str) -> Inspection:
    """A look with the name of its network."""
    return Inspection(look.layers, look.coverage, look.examples, name)

"""Saved networks: take a lane's weights for a file, and build the network of a file again.

It is built by what trains it, from its settings and by the names of its tensors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from os import PathLike
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.extend import core
from jax.interpreters import partial_eval
from jaxtyping import Array, Float

from reluprobe import records
from reluprobe.config import RunConfig
from reluprobe.data import Dataset
from reluprobe.engine import evaluate, program_spec, weight_names
from reluprobe.engine.program_spec import ProgramSpec
from reluprobe.engine.state import Arrays, Hyperparameters
from reluprobe.engine.tasks import Task
from reluprobe.errors import InputError
from reluprobe.nn import activations, jax_settings, precision
from reluprobe.plan.runs import Run
from reluprobe.records import saved_weights, weights_files
from reluprobe.records.saved_weights import Notes, SavedWeights


def take(
    run: Run,
    epoch: int,
    spec: ProgramSpec,
    dataset: Dataset,
    data: Arrays,
    weights: nnx.State,
    hyper: Hyperparameters,
) -> SavedWeights:
    """A run's network for a file.

    Batch norm has the statistics of a look (``evaluate.with_statistics``), not its last batch's:
    the outputs are those that the record is about.

    Args:
        run: whose.
        epoch: how many it has behind it.
        spec: of its program.
        dataset: the run's.
        data: what it is trained on now.
        weights: its lane's own.
        hyper: its lane's own.
    """
    if spec.config.norm == "batch":
        own = spec.with_activations(activations.INDEX[run.config.activation])
        weights = _looked_at(own, data, weights, hyper)
    inputs = {}
    if run.config.pixels != "unit":
        inputs = {"mean": np.asarray(data.means), "deviation": np.asarray(data.deviation)}
    if hyper.task.pixels is not None:
        inputs["order"] = np.asarray(hyper.task.pixels)
    dtype = str(dataset.train_inputs.dtype)
    notes = Notes(run.id, epoch, run.config, dataset.shape, dtype, spec.outputs)
    return SavedWeights(notes, weight_names.by_name(jax.device_get(weights)), inputs)


@partial(jax.jit, static_argnums=0)
def _looked_at(
    spec: ProgramSpec, data: Arrays, weights: nnx.State, hyper: Hyperparameters
) -> nnx.State:
    with precision.full():
        return evaluate.with_statistics(spec, data, weights, hyper)


@dataclass(frozen=True, eq=False)
class SavedNetwork:
    """A trained network, from the file of its weights; call it on raw examples for its outputs.

    Attributes:
        saved: what the file holds.
        spec: of a program with this network.
    """

    saved: SavedWeights
    spec: ProgramSpec

    @property
    def notes(self) -> Notes:
        """Whose weights they are."""
        return self.saved.notes

    @property
    def config(self) -> RunConfig:
        """The run's settings; of a pruned network with the widths that remain."""
        return self.notes.config

    @property
    def weights(self) -> Mapping[str, np.ndarray]:
        """Every NumPy array by its name in the Flax state, ``hidden.0.kernel``."""
        return self.saved.weights

    @cached_property
    def module(self) -> nnx.Module:
        """The Flax module: it takes scaled inputs, and gives pre-activations beside outputs.

        Somebody's own is as its function built it, in evaluation mode.
        """
        if self.spec.own is not None:
            return self.spec.own.structure.evaluating(self.state(self.weights))
        return nnx.merge(self.spec.graph, self.state(self.weights))

    @property
    def layers(self) -> dict[str, dict[str, np.ndarray]]:
        """The arrays by layer, ``L1`` to the last hidden one and ``output``.

        ``kernel`` is ``(feature, unit)``, ``bias`` ``(unit,)``; with a norm come ``norm_scale``,
        ``norm_bias`` and, of batch norm, ``norm_mean`` and ``norm_var``.
        """
        layers: dict[str, dict[str, np.ndarray]] = {}
        for name, array in weight_names.unstacked(self.weights, self.config).items():
            part, _, rest = name.partition(".")
            if part in weight_names.BY_LAYER:
                number, _, leaf = rest.partition(".")
                key = leaf if part == "hidden" else f"norm_{leaf}"
                layers.setdefault(f"L{int(number) + 1}", {})[key] = array
            elif part == "output":
                layers.setdefault(part, {})[rest] = array
        return layers

    @property
    def hidden(self) -> list[dict[str, np.ndarray]]:
        """Of :attr:`layers` the hidden ones, first to last."""
        layers = self.layers
        return [layers[f"L{n}"] for n in range(1, len(layers))]

    def state(self, weights: Mapping[str, Any]) -> nnx.State:
        """The network's state with these arrays, by name."""
        flat = nnx.to_flat_state(program_spec.undrawn(self.config, self.spec))
        return nnx.from_flat_state(
            [
                (path, variable.replace(jnp.asarray(weights[weight_names.name_of(path)])))
                for path, variable in flat
            ]
        )

    def outputs(self, weights: Mapping[str, Any], raw: Array) -> Float[Array, "example output"]:
        """What these weights make of raw examples ``(example, feature)``, for JAX to trace.

        Without what the network computes besides: who looks into it would take pre-activations that
        are stacked for a look of ours for a second way around the activation.
        """
        data, hyper = self.scaling

        def alone(weights: Mapping[str, Any], raw: Array) -> Array:
            inputs = self.spec.network_inputs(data, hyper, raw)
            return self.spec.run(inputs, self.state(weights), hyper)[0]

        traced = jax.make_jaxpr(alone)(weights, raw)
        needed, _ = partial_eval.dce_jaxpr(traced.jaxpr, [True], instantiate=True)
        leaves = jax.tree.leaves((weights, raw))
        return core.jaxpr_as_fun(core.ClosedJaxpr(needed, traced.consts))(*leaves)[0]

    @cached_property
    def scaling(self) -> tuple[Arrays, Hyperparameters]:
        """What turns raw examples into inputs, and the activation's parameter."""
        inputs, config = self.saved.inputs, self.config
        means, deviation = (inputs.get(name) for name in ("mean", "deviation"))
        data = Arrays(None, None, None, None, means, deviation, None, None)  # type: ignore[arg-type]
        parameter = np.float32(activations.activation_parameter(config))
        task = Task(inputs.get("order"), None)  # type: ignore[arg-type]
        index = activations.INDEX[config.activation]
        hyper = Hyperparameters(None, index, parameter, None, True, {}, task)  # type: ignore[arg-type]
        return data, hyper

    def __call__(self, raw: Any) -> Float[np.ndarray, "example output"]:
        """The network's outputs, logits or the value of a regression.

        Args:
            raw: examples as the dataset holds them, ``(example, feature)`` or with each example's
                own shape: uint8 pixels, or floats. They are scaled as the run scaled them.

        Raises:
            InputError: of another shape or type than the network was trained on.
        """
        examples = self.checked(raw)
        with jax_settings.ours():
            state = jax.device_put(self.state(self.weights))
            data, hyper = self.scaling
            parts = [
                np.asarray(
                    _outputs(self.spec, data, state, hyper, examples[i : i + program_spec.BATCH])
                )
                for i in range(0, len(examples), program_spec.BATCH)
            ]
        return np.concatenate(parts) if parts else np.zeros((0, self.notes.outputs), np.float32)

    def checked(self, raw: Any) -> np.ndarray:
        """Raw examples as ``(example, feature)``, of the type that the network was trained on."""
        examples, shape, dtype = np.asarray(raw), self.notes.shape, self.notes.dtype
        features = math.prod(shape)
        if examples.ndim < 2 or examples[:1].size != features * len(examples[:1]):
            allowed = f"allowed is (example, {', '.join(map(str, shape))})"
            raise InputError("cannot run this network", [f"got shape {examples.shape}; {allowed}"])
        flat = examples.reshape(len(examples), features)
        if dtype != "uint8":
            return flat.astype(np.float32)
        if flat.dtype.kind not in "iu" or (flat.size and not 0 <= flat.min() <= flat.max() <= 255):
            fault = f"got {flat.dtype}; it was trained on uint8 pixels, 0 to 255, and scales them"
            raise InputError("cannot run this network", [fault])
        return flat.astype(np.uint8)

    def __repr__(self) -> str:
        """Whose network it is, and how large."""
        from reluprobe.config import labels

        pruned = "" if self.notes.pruned is None else ", pruned"
        return (
            f"<network of run {self.notes.run} after epoch {self.notes.epoch}{pruned}: "
            f"{labels.network(self.config)}; {self.saved.parameters:,} parameters>"
        )


@partial(jax.jit, static_argnums=0)
def _outputs(
    spec: ProgramSpec, data: Arrays, weights: nnx.State, hyper: Hyperparameters, raw: Array
) -> Array:
    with precision.full():
        return spec.run(spec.network_inputs(data, hyper, raw), weights, hyper)[0]


def network_of(saved: SavedWeights, where: str = "these weights") -> SavedNetwork:
    """The network of a file's content.

    Args:
        saved: the content.
        where: what an error calls it.

    Raises:
        RecordError: the arrays are not those of a network with these settings.
    """
    notes = saved.notes
    with jax_settings.ours():
        spec = program_spec.spec_of(notes.config, notes.shape, notes.outputs, evaluate.STATISTICS)
        wanted = weight_names.shapes_of(notes.config, spec)
    if odd := sorted(wanted.keys() ^ saved.weights.keys()):
        which = "lacks" if odd[0] in wanted else "has"
        raise records.RecordError(f"{where}: {which} {odd[0]}, unlike a network of its settings")
    for name, shape in wanted.items():
        if saved.weights[name].shape != shape:
            got = saved.weights[name].shape
            raise records.RecordError(f"{where}: {name} is {got}; by its settings it is {shape}")
    return SavedNetwork(saved, spec)


def load_network(
    run: records.RunRecord | str | PathLike[str],
    *,
    folder: str | PathLike[str] | None = None,
    epoch: int | None = None,
) -> SavedNetwork:
    """The trained network of a run that saved its weights.

    Args:
        run: the path of a run's record, of a file of weights, or a record; of a record the
            ``folder`` is needed too.
        folder: the sweep's, of a record that is given itself.
        epoch: after so many epochs (``save_weights="every"``); None for the end.

    Returns:
        The network: called on raw examples it gives outputs, ``config`` are its settings,
        ``weights`` and ``layers`` its arrays, ``module`` is the Flax module.

    Raises:
        InputError: nothing of that kind is there, or the run saved no weights.
        ReluprobeError: a file is damaged.

    Examples:
        >>> run = rp.train(dataset="blobs", epochs=1, out="results", name="a", save_weights="end")
        >>> network = rp.load_network(run, folder="results/a")
        >>> network(rp.data.load("blobs").test_inputs).shape
        (1024, 10)
    """
    path = weights_files.file_of_weights(run, folder, epoch)
    return network_of(saved_weights.read(path), str(path))

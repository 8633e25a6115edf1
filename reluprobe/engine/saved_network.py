"""Saved networks: take a lane's weights for a file, and build the network of a file again.

It is built by what trains it, from its settings and by the names of its tensors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from os import PathLike
from pathlib import Path
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
from reluprobe.engine import evaluate, program_spec
from reluprobe.engine.program_spec import ProgramSpec
from reluprobe.engine.state import Arrays, Hyperparameters
from reluprobe.engine.tasks import Task
from reluprobe.errors import InputError, shown
from reluprobe.nn import activations, hidden_layers, jax_settings, precision
from reluprobe.plan.runs import Run
from reluprobe.records import saved_weights
from reluprobe.records.saved_weights import Notes, SavedWeights

#: Modules of a network that have one element a hidden layer.
BY_LAYER = ("hidden", "norms")


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
    return SavedWeights(notes, by_name(jax.device_get(weights)), inputs)


@partial(jax.jit, static_argnums=0)
def _looked_at(
    spec: ProgramSpec, data: Arrays, weights: nnx.State, hyper: Hyperparameters
) -> nnx.State:
    with precision.full():
        return evaluate.with_statistics(spec, data, weights, hyper)


def by_name(weights: nnx.State) -> dict[str, Any]:
    """A network's arrays by the names that their files have."""
    return {_name(path): variable[...] for path, variable in nnx.to_flat_state(weights)}


def _name(path: tuple[Any, ...]) -> str:
    return ".".join(map(str, path))


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
        for name, array in unstacked(self.weights, self.config).items():
            part, _, rest = name.partition(".")
            if part in BY_LAYER:
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
            [(path, variable.replace(jnp.asarray(weights[_name(path)]))) for path, variable in flat]
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


def file_bytes(config: RunConfig, shape: tuple[int, ...], outputs: int) -> int:
    """About how large a file of a network's weights is. No array is computed for it."""
    # A header has some text for each tensor, and the settings.
    arrays = shapes(config, shape, outputs).values()
    return sum(4 * math.prod(array) + 90 for array in arrays) + 2000


def shapes(config: RunConfig, shape: tuple[int, ...], outputs: int) -> dict[str, tuple[int, ...]]:
    """The shapes of a network's arrays, by their names. No array is computed for it.

    Args:
        config: the run.
        shape: of one example.
        outputs: of the network.
    """
    with jax_settings.ours():
        spec = program_spec.spec_of(config, shape, outputs, evaluate.STATISTICS)
        flat = nnx.to_flat_state(program_spec.undrawn(config, spec))
    return {_name(path): tuple(variable.shape) for path, variable in flat}


def network_of(saved: SavedWeights, where: str = "these weights") -> SavedNetwork:
    """The network of a file's content.

    Args:
        saved: the content.
        where: what an error calls it.

    Raises:
        RecordError: the arrays are not those of a network with these settings.
    """
    notes = saved.notes
    size = notes.config, notes.shape, notes.outputs
    wanted = shapes(*size)
    with jax_settings.ours():
        spec = program_spec.spec_of(*size, evaluate.STATISTICS)
    if odd := sorted(wanted.keys() ^ saved.weights.keys()):
        which = "lacks" if odd[0] in wanted else "has"
        raise records.RecordError(f"{where}: {which} {odd[0]}, unlike a network of its settings")
    for name, shape in wanted.items():
        if saved.weights[name].shape != shape:
            got = saved.weights[name].shape
            raise records.RecordError(f"{where}: {name} is {got}; by its settings it is {shape}")
    return SavedNetwork(saved, spec)


def unstacked(weights: Mapping[str, np.ndarray], config: RunConfig) -> dict[str, np.ndarray]:
    """The arrays with a name for each hidden layer, also of a deep network, which stacks them."""
    if not hidden_layers.is_stacked(config):
        return dict(weights)
    apart: dict[str, np.ndarray] = {}
    for name, array in weights.items():
        part, _, rest = name.partition(".")
        if part in BY_LAYER and rest.startswith("1."):
            leaf = rest.removeprefix("1.")
            apart |= {f"{part}.{n}.{leaf}": row for n, row in enumerate(array, 1)}
        else:
            apart[name] = array
    return apart


def stacked(weights: Mapping[str, np.ndarray], config: RunConfig) -> dict[str, np.ndarray]:
    """The arrays as the network of these settings has them: the reverse of :func:`unstacked`."""
    if not hidden_layers.is_stacked(config):
        return dict(weights)
    rows: dict[str, dict[int, np.ndarray]] = {}
    together: dict[str, np.ndarray] = {}
    for name, array in weights.items():
        part, _, rest = name.partition(".")
        number, _, leaf = rest.partition(".")
        if part in BY_LAYER and number != "0":
            rows.setdefault(f"{part}.1.{leaf}", {})[int(number)] = array
        else:
            together[name] = array
    return together | {
        name: np.stack([by_number[n] for n in sorted(by_number)])
        for name, by_number in rows.items()
    }


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
        (1000, 10)
    """
    path = file_of_weights(run, folder, epoch)
    return network_of(saved_weights.read(path), str(path))


def file_of_weights(
    run: records.RunRecord | str | PathLike[str],
    folder: str | PathLike[str] | None,
    epoch: int | None,
) -> Path:
    """Where the weights of a run lie; arguments and errors as in :func:`load_network`."""
    if isinstance(run, records.RunRecord):
        if folder is None:
            hint = 'folder="results/dying_relu", or the path of the record'
            raise InputError("a record does not say where its weights lie", hint=hint)
        return _beside(run, Path(folder).expanduser(), epoch)
    if not isinstance(run, str | PathLike):
        allowed = "allowed is a record, or the path of one or of a .safetensors file"
        raise InputError("cannot load a network", [f"got {shown(run)}; {allowed}"])
    path = Path(run).expanduser()
    if path.suffix == saved_weights.SUFFIX and epoch is None:
        if not path.is_file():
            raise InputError(f"no such file: {path}")
        return path
    record = records.present(path)
    if path.suffix != ".json" or not record.is_file():
        what = "no such file" if path.suffix == ".json" else "is no record of a run"
        hint = "results/dying_relu/runs/<id>.json, or the .safetensors beside it"
        raise InputError(f"cannot load a network: {path}: {what}", hint=hint)
    above = record.parents if len(record.parents) > 2 else record.absolute().parents
    return _beside(records.read(record), above[1], epoch, path)


def _beside(
    record: records.RunRecord, folder: Path, epoch: int | None, named: Path | None = None
) -> Path:
    """The file beside a record.

    Raises:
        InputError: there is none; it says why.
    """
    config, where = record.ours, named or record.id
    if config is None:
        raise InputError(f"{where}: is of somebody's own network, whose weights are not ours")
    last = record.final.epoch if record.history else None
    at_end = epoch is None or epoch == last
    path = saved_weights.file_of(folder, record.id, None if at_end else epoch)
    if path.is_file():
        return path
    if at_end and not record.ended:
        raise InputError(f"{where}: has {record.status}; only a run that ended keeps its weights")
    at = "" if at_end else f" after epoch {epoch}"
    raise InputError(
        f"{where}: this run saved no weights{at}", hint=saving_hint(folder, every=not at_end)
    )


def saving_hint(folder: Path, every: bool) -> str:
    """The command that runs a folder's runs again, this time with their weights."""
    import shlex

    flag = "--save-weights-every" if every else "--save-weights"
    usual = folder.parent.absolute() == Path("results").absolute()
    out = "" if usual else f" --out {shlex.quote(str(folder.parent))}"
    return f"reluprobe sweep {shlex.quote(str(folder / 'sweep.toml'))}{out} {flag}  (runs it again)"

"""Pruning: ``rp.prune``, the network without its dead units, held against the whole one."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reluprobe import data, records
from reluprobe.config import arguments
from reluprobe.errors import InputError
from reluprobe.records import saved_weights, weights_files

if TYPE_CHECKING:
    from reluprobe.engine.prune import LayerCut, On
    from reluprobe.engine.saved_network import SavedNetwork

ON = ("train", "certified")


@dataclass(frozen=True)
class Split:
    """Both networks on a split.

    Attributes:
        name: ``train`` or ``test``.
        examples: how many it has.
        difference: the largest difference of two outputs, whatever its sign.
        largest: the largest output before, whatever its sign, which the difference is small beside.
        changed: on how many examples the predicted class is another; None of a regression.
        accuracy: before and after; None of a regression.
        loss: the mean squared error of a regression, before and after; else None.
    """

    name: str
    examples: int
    difference: float
    largest: float
    changed: int | None
    accuracy: tuple[float, float] | None
    loss: tuple[float, float] | None


@dataclass(frozen=True, repr=False, eq=False)
class PruneReport:
    """A network without its dead units beside the whole one: ``print`` shows it as a table.

    Attributes:
        before: the whole network.
        after: the smaller one.
        on: where units had to be dead: ``train``, or ``certified``.
        layers: a :class:`reluprobe.engine.prune.LayerCut` each: ``units``, ``dead``, ``removed``, …
        splits: both networks on the training set and on the test set.
        path: where the smaller weights were written; None where they were not.
    """

    before: SavedNetwork
    after: SavedNetwork
    on: On
    layers: tuple[LayerCut, ...]
    splits: tuple[Split, ...]
    path: Path | None = None

    @property
    def removed(self) -> int:
        """How many units were taken out."""
        return sum(layer.removed for layer in self.layers)

    @property
    def parameters(self) -> tuple[int, int]:
        """How many trained numbers the network has, before and after."""
        return self.before.saved.parameters, self.after.saved.parameters

    def __repr__(self) -> str:
        """What ``reluprobe prune`` prints."""
        from reluprobe.report.terminal import layout, pruning

        return layout.text_of(pruning.parts(self), layout.PRINTED)

    def to_dict(self) -> dict[str, Any]:
        """For machines: accuracies in [0, 1], null where a measure does not apply."""
        layers = [
            {name: getattr(layer, name) for name in layer.__dataclass_fields__}
            for layer in self.layers
        ]
        return {
            "run": self.before.notes.run,
            "on": self.on,
            "units": [sum(layer.units for layer in self.layers), self.removed],
            "parameters": list(self.parameters),
            "layers": layers,
            "splits": [{**vars(split)} for split in self.splits],
            "path": None if self.path is None else str(self.path),
        }


def prune(
    run: records.RunRecord | str | PathLike[str],
    *,
    on: On = "train",
    out: str | PathLike[str] | None = None,
    folder: str | PathLike[str] | None = None,
    manual_dir: str | PathLike[str] | None = None,
) -> PruneReport:
    """Take the dead units out of a run's network, and hold both networks against each other.

    Units are judged anew, on the whole training set of the run's last phase: f′(z) = 0 on every
    example. Such a unit's constant output goes into the next layer's bias.

    Args:
        run: the path of a run's record or of a file of weights; or a record, with its ``folder``.
        on: ``"train"``: units that are dead on the training set; ``"certified"``: of these only
            those that are proven dead for every input in the training set's box.
        out: where the smaller weights are written, as ``.safetensors``; where nothing is taken out
            nothing is. None: nowhere.
        folder: the sweep's, of a record that is given itself.
        manual_dir: a folder with dataset files that are already on disk.

    Raises:
        InputError: there are no weights, or units of such a network cannot be taken out.
        DatasetError: the run's dataset cannot be had.

    Examples:
        >>> report = rp.prune("results/a/runs/r0123456789ab.json")
        >>> report.after.config.width, report.removed
    """
    arguments.choice("on", on, ON)
    from reluprobe.engine import checks, saved_network
    from reluprobe.engine import prune as engine

    path = weights_files.file_of_weights(run, folder, None)
    before = saved_network.network_of(saved_weights.read(path), str(path))
    engine.check(before, on)
    target = None if out is None else _target(arguments.path("out", out), path)
    place = None if manual_dir is None else arguments.path("manual_dir", manual_dir)
    names = checks.dataset_names(before.config)
    datasets = {name: data.load(name, manual_dir=place) for name in names}
    dataset = engine.trained_on(before.config, datasets)
    check_data(before, dataset)
    after, layers = engine.take_out(before, datasets, on)
    splits = (
        _split("train", before, after, dataset.train_inputs, dataset.train_targets),
        _split("test", before, after, dataset.test_inputs, dataset.test_targets),
    )
    if target is not None and any(layer.removed for layer in layers):
        saved_weights.write(after.saved, target)
    else:
        target = None
    return PruneReport(before, after, on, layers, splits, target)


def check_data(network: SavedNetwork, dataset: data.Dataset) -> None:
    """Whether a dataset is of the shape that a network was trained on.

    Raises:
        InputError: it is not.
    """
    got = tuple(dataset.shape), str(dataset.train_inputs.dtype)
    if got != (network.notes.shape, network.notes.dtype):
        fault = f"the network takes {network.notes.dtype} {network.notes.shape}"
        raise InputError(f"{dataset.name} has changed: it is {got[1]} {got[0]}", [fault])


def _target(target: Path, source: Path) -> Path:
    if target.suffix != saved_weights.SUFFIX:
        raise InputError(f"cannot write {target}: allowed is a name that ends in .safetensors")
    if target.exists() and target.resolve() == source.resolve():
        raise InputError(f"cannot write {target}: these are the weights to be pruned")
    return target


def _split(
    name: str, before: SavedNetwork, after: SavedNetwork, inputs: np.ndarray, targets: np.ndarray
) -> Split:
    both = before(inputs), after(inputs)
    sizes = float(np.abs(both[0] - both[1]).max()), float(np.abs(both[0]).max())
    if before.spec.regression:
        losses = (float(np.mean((outputs[:, 0] - targets) ** 2)) for outputs in both)
        return Split(name, len(targets), *sizes, None, None, tuple(losses))  # type: ignore[arg-type]
    classes = [outputs.argmax(axis=1) for outputs in both]
    right = tuple(float((predicted == targets).mean()) for predicted in classes)
    changed = int((classes[0] != classes[1]).sum())
    return Split(name, len(targets), *sizes, changed, right, None)  # type: ignore[arg-type]

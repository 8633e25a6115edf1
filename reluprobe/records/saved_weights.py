"""Saved weights: networks as they were trained, beside their records, whole or not at all.

``runs/<id>.safetensors`` is a run's network at its end, ``runs/<id>-e3.safetensors`` the same after
three epochs. A tensor has the name that it has in the network's Flax state, ``hidden.0.kernel``;
what turns raw data into the network's inputs lies beside them under ``inputs.``. The header's one
entry, ``reluprobe``, is JSON that says whose they are (:class:`Notes`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from reluprobe import __version__, records
from reluprobe.config import RunConfig, phases
from reluprobe.config.choices import SaveWeights
from reluprobe.config.validation import faults_in
from reluprobe.plan.runs import Run
from reluprobe.records.folder import RUNS, UNFINISHED

SUFFIX = ".safetensors"
FORMAT = "reluprobe/weights/1"
#: The header's entry. One alone: safetensors writes several in any order, and files of the same
#: weights are to be the same bytes.
HEADER = "reluprobe"
#: How the names of tensors begin that scale inputs, and are no weights.
INPUTS = "inputs."


@dataclass(frozen=True)
class Pruned:
    """What was taken out of a network.

    Attributes:
        on: where its units were dead: the training set, or certified in the whole box of it.
        removed: how many units of each hidden layer.
    """

    __pydantic_config__ = records.STRICT

    on: str
    removed: tuple[int, ...]


@dataclass(frozen=True)
class Notes:
    """Whose weights a file has.

    Attributes:
        run: the run's id.
        epoch: epochs of training behind them; 0 is before the first step.
        config: the run's settings; of a pruned network its ``width`` is what remains.
        shape: of one raw example.
        dtype: of raw examples: ``uint8`` pixels are divided by 255, floats taken as they are.
        outputs: of the network; 1 is a regression.
        pruned: None of a network as it was trained.
        format, reluprobe: of the file, and which reluprobe wrote it.
    """

    __pydantic_config__ = records.STRICT

    run: str
    epoch: int
    config: RunConfig
    shape: tuple[int, ...]
    dtype: str
    outputs: int
    pruned: Pruned | None = None
    format: str = FORMAT
    reluprobe: str = __version__


@dataclass(frozen=True)
class SavedWeights:
    """A file's content.

    Attributes:
        notes: whose they are.
        weights: the network's state, float32, by name.
        inputs: what scales raw examples, by name: ``mean`` of each feature and the ``deviation``
            of all where ``pixels`` is not ``unit``, ``order`` of the features where they were
            permuted.
    """

    notes: Notes
    weights: Mapping[str, np.ndarray]
    inputs: Mapping[str, np.ndarray]

    @property
    def parameters(self) -> int:
        """How many numbers are trained: batch norm's means and variances are none of them."""
        averages = re.compile(r"norms\.\d+\.(mean|var)")
        return sum(a.size for name, a in self.weights.items() if not averages.fullmatch(name))


_NOTES: TypeAdapter[Notes] = TypeAdapter(Notes)


def file_of(folder: Path, run_id: str, epoch: int | None = None) -> Path:
    """Where a run's weights lie in a sweep's folder: at its end, or after so many epochs."""
    return folder / RUNS / f"{run_id}{'' if epoch is None else f'-e{epoch}'}{SUFFIX}"


def write(saved: SavedWeights, path: Path) -> Path:
    """Write a file; return its path.

    Raises:
        ReluprobeError: it cannot be written.
    """
    from safetensors.numpy import save  # late: reports need none

    tensors = {**saved.weights, **{f"{INPUTS}{n}": array for n, array in saved.inputs.items()}}
    # Not np.ascontiguousarray, which makes a row of a scalar.
    contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    records.write_atomically(
        path, save(contiguous, {HEADER: _NOTES.dump_json(saved.notes).decode()})
    )
    return path


def read(path: Path) -> SavedWeights:
    """The weights in a file.

    Raises:
        RecordError: it cannot be read, is damaged, or is none of ours.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            header = (file.metadata() or {}).get(HEADER)
            tensors: dict[str, np.ndarray] = {n: file.get_tensor(n) for n in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise records.RecordError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (SafetensorError, ValueError, TypeError) as error:
        fault = str(error).splitlines()[0]
        raise records.RecordError(f"{path}: is no whole safetensors file: {fault}") from None
    if header is None:
        raise records.RecordError(
            f"{path}: holds no weights of reluprobe's: its header has no {HEADER!r}"
        )
    notes = _notes(path, header)
    if odd := [name for name, array in tensors.items() if not _is_sound(array)]:
        raise records.RecordError(f"{path}: {odd[0]} has numbers that are not finite, or no floats")
    scaling = {n.removeprefix(INPUTS): a for n, a in tensors.items() if n.startswith(INPUTS)}
    weights = {n: a for n, a in tensors.items() if not n.startswith(INPUTS)}
    return SavedWeights(notes, weights, scaling)


def _notes(path: Path, header: str) -> Notes:
    try:
        written = json.loads(header).get("format")
        if written != FORMAT:
            fault = f"has format {written!r}; this reluprobe reads {FORMAT!r}: update it"
            raise records.RecordError(f"{path}: {fault}")
        return _NOTES.validate_json(header)
    except ValidationError as error:
        raise records.RecordError(f"{path}: {faults_in(error)[0]}") from None
    except (ValueError, AttributeError):
        raise records.RecordError(f"{path}: its header {HEADER!r} is no JSON object") from None


def _is_sound(array: np.ndarray) -> bool:
    if array.dtype.kind in "iub":  # the order of features; what an own network counts or draws with
        return True
    return array.dtype == np.float32 and bool(np.isfinite(array).all())


def wanted_of(run: Run, wanted: SaveWeights | None) -> list[int | None]:
    """What is saved of a run that ends: after these epochs, and (None) at its end."""
    last = phases.total_epochs(run.config.phases, run.config.epochs)
    at_end: list[int | None] = [None] if wanted else []
    return [*range(last if wanted == "every" else 0), *at_end]


def lacking(folder: Path, run: Run, epochs: Sequence[int | None]) -> bool:
    """Whether a run has no file of one of these epochs, None being its end."""
    return not all(file_of(folder, run.id, epoch).exists() for epoch in epochs)


def files_of(folder: Path, run_ids: Collection[str]) -> list[Path]:
    """The files of these runs' weights that lie in a sweep's folder, by name."""
    pattern = re.compile(r"(.+?)(?:-e\d+)?" + re.escape(SUFFIX))
    matched = ((pattern.fullmatch(f.name), f) for f in (folder / RUNS).glob(f"[!.]*{SUFFIX}"))
    return sorted(f for name, f in matched if name and name[1] in run_ids and not _begun(f))


def _begun(file: Path) -> bool:
    return file.name.endswith(UNFINISHED)

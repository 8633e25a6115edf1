"""Check runs against the datasets that they ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reluprobe.config import RunConfig, conv_shapes, phases
from reluprobe.config.field import INT32_MAX
from reluprobe.config.sizes import probed, steps_per_epoch
from reluprobe.data import Dataset, DatasetKey, key_of
from reluprobe.errors import InputError
from reluprobe.plan.runs import Run


def dataset_names(config: RunConfig) -> list[DatasetKey]:
    """The datasets of a run, the first phase's first."""
    further = (phase.dataset for phase in phases.parse(config.phases))
    return list(dict.fromkeys([key_of(config), *filter(None, further)]))


def all_dataset_names(runs: Sequence[Run]) -> list[DatasetKey]:
    """The datasets of these runs, each once."""
    return list(dict.fromkeys(name for run in runs for name in dataset_names(run.config)))


def load_and_check(
    runs: Sequence[Run], load: Callable[[DatasetKey], Dataset]
) -> dict[DatasetKey, Dataset]:
    """The datasets of these runs, loaded, and checked against them.

    Raises:
        InputError: with every fault found.
    """
    loaded = {name: load(name) for name in all_dataset_names(runs)}
    check(runs, loaded)
    return loaded


def check_precision(runs: Sequence[Run], devices: Sequence[Any]) -> None:
    """Whether these devices compute what runs are to be trained in.

    Raises:
        InputError: they do not.
    """
    lacking = [device for device in devices if not _has_tf32(device)]
    if lacking and any(run.config.precision == "tf32" for run in runs):
        raise InputError(
            "precision = tf32 needs NVIDIA GPUs of compute capability 8.0 (Ampere) or later, and "
            f"here is a {lacking[0].device_kind}; float32 and bfloat16 are computed everywhere"
        )


def _has_tf32(device: Any) -> bool:
    major = str(getattr(device, "compute_capability", "")).partition(".")[0]
    return major.isdigit() and int(major) >= 8


def check(runs: Sequence[Run], loaded: Mapping[DatasetKey, Dataset]) -> None:
    """Whether these runs can be trained on these data.

    Raises:
        InputError: with every fault found.
    """
    faults = [fault for run in runs for fault in _faults(run.config, loaded)]
    if faults:
        raise InputError("settings and data do not fit", list(dict.fromkeys(faults)))


def _faults(config: RunConfig, loaded: Mapping[DatasetKey, Dataset]) -> list[str]:
    first = loaded[key_of(config)]
    faults: list[str | None] = []
    if config.convolutions:
        faults.append(conv_shapes.fault(config, first.shape))
    examples = len(first.train_targets)
    if (size := probed(config, examples)) > examples:
        faults.append(
            f"probe_examples = {size}: allowed with {first.name} is an integer <= {examples}"
        )
    if config.label_noise:
        faults += [_noise_fault(loaded[name]) for name in dataset_names(config)]
    steps = steps_per_epoch(config, examples)
    total = steps * phases.total_epochs(config.phases, config.epochs)
    if config.epochs and config.warmup_steps > total:
        faults.append(f"warmup_steps = {config.warmup_steps}: the whole run has {total} steps")
    if total > INT32_MAX:
        faults.append(f"the whole run has {total:,} steps; allowed are at most {INT32_MAX:,}")
    if config.schedule == "step" and (most := INT32_MAX // steps) < config.step_epochs:
        faults.append(
            f"step_epochs = {config.step_epochs}: allowed with {first.name} and batch_size "
            f"{config.batch_size} is an integer <= {most}"
        )
    for name in dataset_names(config)[1:]:
        if _shape(loaded[name]) != _shape(first):
            faults.append(
                f"phases: {name} is {_describe(loaded[name])}, "
                f"and {first.name} is {_describe(first)}; "
                "a network keeps its shape and its epochs their length, so they must agree"
            )
    return [fault for fault in faults if fault]


def _noise_fault(data: Dataset) -> str | None:
    """Why no label can be another class; None where one can."""
    if data.existing is None:
        return f"label_noise needs classes, and {data.name} has none"
    if len(data.existing) == 1:
        return f"label_noise needs two classes, and {data.name} has one"
    return None


def _shape(data: Dataset) -> tuple[object, ...]:
    examples = data.train_inputs.shape, data.test_inputs.shape, data.train_inputs.dtype
    return data.shape, *examples, data.classes


def _describe(data: Dataset) -> str:
    (trained, features), tested = data.train_inputs.shape, len(data.test_targets)
    return f"{trained:,} + {tested:,} examples of {features} features in {_classes(data)}"


def _classes(data: Dataset) -> str:
    if data.existing is None:
        return "no classes"
    gaps = "" if len(data.existing) == data.classes else f" with {data.classes} outputs"
    return f"{len(data.existing)} classes{gaps}"

"""Runs and the data that they ask for: do they fit, and what each phase does to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from reluprobe.config import RunConfig, phases
from reluprobe.config.sizes import probed, steps_per_epoch
from reluprobe.data import Dataset
from reluprobe.errors import InputError
from reluprobe.plan.runs import Run


def datasets(config: RunConfig) -> list[str]:
    """The datasets of a run, the first phase's first."""
    further = (phase.dataset for phase in phases.parse(config.phases))
    return list(dict.fromkeys([config.dataset, *filter(None, further)]))


def wanted(runs: Sequence[Run]) -> list[str]:
    """The datasets of these runs, each once."""
    return list(dict.fromkeys(name for run in runs for name in datasets(run.config)))


def gathered(runs: Sequence[Run], load: Callable[[str], Dataset]) -> dict[str, Dataset]:
    """The datasets of these runs, loaded, and checked against them.

    Raises:
        InputError: with every fault found.
    """
    found = {name: load(name) for name in wanted(runs)}
    check(runs, found)
    return found


def check(runs: Sequence[Run], found: Mapping[str, Dataset]) -> None:
    """Whether these runs can be trained on these data.

    Raises:
        InputError: with every fault found.
    """
    faults = [fault for run in runs for fault in _faults(run.config, found)]
    if faults:
        raise InputError("settings and data do not fit", list(dict.fromkeys(faults)))


def _faults(config: RunConfig, found: Mapping[str, Dataset]) -> list[str]:
    first = found[config.dataset]
    faults, there = [], len(first.train_targets)
    if (wanted := probed(config, there)) > there:
        faults.append(
            f"probe_examples = {wanted}: allowed with {first.name} is an integer <= {there}"
        )
    if config.label_noise and first.classes is None:
        faults.append(f"label_noise needs classes, and {first.name} has none")
    steps = steps_per_epoch(config, there)
    total = steps * phases.total_epochs(config.phases, config.epochs)
    if config.epochs and config.warmup_steps > total:
        faults.append(f"warmup_steps = {config.warmup_steps}: the whole run has {total} steps")
    for name in datasets(config)[1:]:
        if _shape(found[name]) != _shape(first):
            faults.append(
                f"phases: {name} is {_words(found[name])}, and {first.name} is {_words(first)}; "
                "a network keeps its shape and its epochs their length, so they must agree"
            )
    return faults


def _shape(data: Dataset) -> tuple[object, ...]:
    return data.train_inputs.shape, data.test_inputs.shape, data.train_inputs.dtype, data.classes


def _words(data: Dataset) -> str:
    (trained, features), tested = data.train_inputs.shape, len(data.test_targets)
    classes = "no classes" if data.classes is None else f"{data.classes} classes"
    return f"{trained:,} + {tested:,} examples of {features} features in {classes}"

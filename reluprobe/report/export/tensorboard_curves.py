"""Curves of a run for TensorBoard: shares of units, accuracies and losses at each look."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from reluprobe.analysis.aggregate import share
from reluprobe.records import EpochRecord, RunRecord, StepRecord
from reluprobe.report.export.tensorboard_events import Scalar
from reluprobe.report.terminal import meanings
from reluprobe.report.terminal.tables import CALLED
from reluprobe.report.terms import terms_of


def looks(
    record: RunRecord, definition: str, by_step: bool
) -> Iterator[tuple[int, float, dict[Scalar, float]]]:
    """What was measured at each look of a run: where, at which second, and the values.

    From divergence on a value is NaN, which TensorBoard marks: the last finite one is no outcome.

    Args:
        record: the run.
        definition: what to count.
        by_step: whether curves go by steps, and those between epochs are there; else by epochs.
    """
    probes: list[EpochRecord | StepRecord] = [*record.history]
    if by_step:
        probes = sorted([*probes, *record.steps], key=lambda probe: probe.step or 0)
    last = max((_place(probe, by_step) for probe in probes), default=0)
    seen: dict[Scalar, float] = {}
    for probe in probes:
        place = _place(probe, by_step)
        values = {k: v for k, v in _values(record, probe, definition).items() if v is not None}
        if record.status == "diverged":
            # A look between epochs measures shares alone.
            due = [
                k for k in seen if isinstance(probe, EpochRecord) or k.tag.startswith(definition)
            ]
            values |= dict.fromkeys([k for k in due if k not in values], math.nan)
        seen |= values
        yield place, record.seconds * place / max(last, 1), values
    if record.status == "diverged" and not any(map(math.isnan, seen.values())):
        yield last + 1, record.seconds, dict.fromkeys(seen, math.nan)


def _place(probe: EpochRecord | StepRecord, by_step: bool) -> int:
    return (probe.step or 0) if by_step or isinstance(probe, StepRecord) else probe.epoch


def _values(
    record: RunRecord, probe: EpochRecord | StepRecord, definition: str
) -> dict[Scalar, float | None]:
    counted = network(definition, [record])
    values = {counted: share(probe.layers, definition)}
    word = CALLED[definition][0]
    for name, layer in zip(record.layer_names, probe.layers, strict=False):
        said = f"Share of the units of {name} that are {word}."
        scalar = Scalar(f"{definition}_by_layer/{name}", said)
        values[scalar] = getattr(layer, definition)
    if isinstance(probe, EpochRecord):
        values |= {scalar: getattr(probe, field) for field, scalar in outcomes(record).items()}
    return values


def network(definition: str, runs: Sequence[RunRecord]) -> Scalar:
    """The curve of all hidden units."""
    word, rule = CALLED[definition][0], meanings.rule(definition, runs)
    return Scalar(f"{definition}/network", f"Share of all hidden units that are {word}: {rule}.")


def outcomes(record: RunRecord) -> dict[str, Scalar]:
    """The curves of accuracies and losses, by the fields of a record."""
    if terms_of([record]).foreign:
        return {
            "test_accuracy": Scalar("accuracy", "Accuracy, as the run's owner gave it."),
            "test_loss": Scalar("loss", "Loss, as the run's owner gave it."),
            "train_accuracy": Scalar("accuracy/train", "Training accuracy, as its owner gave it."),
            "train_loss": Scalar("loss/train", "Training loss, as its owner gave it."),
        }
    return {
        "test_accuracy": Scalar("accuracy/test", "Accuracy on the test set."),
        "test_loss": Scalar("loss/test", "Loss on the test set."),
        "train_accuracy": Scalar("accuracy/train", "Training accuracy, a mean over the epoch."),
        "train_loss": Scalar("loss/train", "Training loss, a mean over the epoch."),
        "r2": Scalar("r2/test", "R squared of a regression on the test set."),
        "rmse": Scalar("rmse/test", "Root mean squared error of a regression on the test set."),
    }

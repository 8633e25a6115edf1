"""Events of TensorBoard: what is said of a run at each look, and its hyperparameters.

``tensorboardX`` brings the messages and how they lie in a file, without TensorFlow. A record says
how long a run took, not when: time is counted from 0 s, the run's start.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from reluprobe.analysis.aggregate import share
from reluprobe.config import rank
from reluprobe.errors import ReluprobeError
from reluprobe.records import EpochRecord, RunRecord, StepRecord
from reluprobe.report.export.columns import Kind, Value
from reluprobe.report.terminal.tables import CALLED
from reluprobe.report.terms import terms_of

_PLUGIN = "hparams"
#: Of more numbers TensorBoard shows no boxes to tick: it is to ask for a least and a greatest.
MOST_LISTED = 10


class Scalar(NamedTuple):
    """A curve of a run: its tag, and what it shows."""

    tag: str
    meaning: str


class Hyperparameter(NamedTuple):
    """A setting among the hyperparameters, with the values that runs have."""

    name: str
    title: str
    meaning: str
    kind: Kind
    values: Sequence[Value]


class _Messages(NamedTuple):
    """The modules of ``tensorboardX`` with its messages, and what writes them."""

    api: Any
    event: Any
    hparams: Any
    summary: Any
    writer: Any


@functools.cache
def _tensorboardx() -> _Messages:
    environment = dict(os.environ)
    try:
        from tensorboardX import record_writer
        from tensorboardX.proto import api_pb2, event_pb2, plugin_hparams_pb2, summary_pb2
    except ImportError:
        raise ReluprobeError(
            "TensorBoard's event files are written with tensorboardX, which is not installed",
            hint='pip install "reluprobe[tensorboard]"',
        ) from None
    finally:
        # Its checksum sets a variable of the process, which is not ours to change.
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
    return _Messages(api_pb2, event_pb2, plugin_hparams_pb2, summary_pb2, record_writer)


def check_installed() -> None:
    """Know before anything is read whether events can be written.

    Raises:
        ReluprobeError: ``tensorboardX`` is not installed.
    """
    _tensorboardx()


class EventFile:
    """A file of events that is being written, as a context."""

    def __init__(self, path: Path) -> None:
        self.messages = _tensorboardx()
        self.file = self.messages.writer.RecordWriter(str(path))
        self._write(file_version="brain.Event:2")

    def __enter__(self) -> EventFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.flush()
        self.file.close()

    def _write(self, seconds: float = 0.0, **fields: Any) -> None:
        event = self.messages.event.Event(wall_time=seconds, **fields)
        # Byte for byte the same, whatever the order of a map.
        self.file.write(event.SerializeToString(deterministic=True))

    def scalars(self, values: Mapping[Scalar, float], step: int, seconds: float) -> None:
        """What was measured at one look."""
        summary = self.messages.summary
        every = [
            summary.Summary.Value(
                tag=scalar.tag,
                simple_value=value,
                metadata=summary.SummaryMetadata(
                    summary_description=scalar.meaning,
                    plugin_data=summary.SummaryMetadata.PluginData(plugin_name="scalars"),
                ),
            )
            for scalar, value in values.items()
        ]
        if every:
            self._write(seconds, step=step, summary=summary.Summary(value=every))

    def experiment(
        self, settings: Sequence[Hyperparameter], metrics: Sequence[Scalar], said: str
    ) -> None:
        """What the runs differ in, and by which of their curves to compare them."""
        api = self.messages.api
        infos = [self._info(setting) for setting in settings]
        measured = [
            api.MetricInfo(
                name=api.MetricName(tag=metric.tag),
                display_name=metric.tag,
                description=metric.meaning,
            )
            for metric in metrics
        ]
        experiment = api.Experiment(
            name="reluprobe", description=said, hparam_infos=infos, metric_infos=measured
        )
        self._plugin("experiment", experiment=experiment)

    def _info(self, setting: Hyperparameter) -> Any:
        api = self.messages.api
        kinds = {"text": "STRING", "true or false": "BOOL"}
        info = api.HParamInfo(
            name=setting.name,
            display_name=setting.title,
            description=setting.meaning,
            type=getattr(api, f"DATA_TYPE_{kinds.get(setting.kind, 'FLOAT64')}"),
        )
        values = sorted({v for v in setting.values if v is not None}, key=rank)
        numbers = [v for v in values if isinstance(v, (int, float))]
        if setting.kind not in kinds and len(values) > MOST_LISTED:
            info.domain_interval.min_value, info.domain_interval.max_value = numbers[0], numbers[-1]
        else:
            info.domain_discrete.extend(values)
        return info

    def start(self, settings: Mapping[str, Value]) -> None:
        """A run's hyperparameters; one without an effect beside the others is not there."""
        start = self.messages.hparams.SessionStartInfo(start_time_secs=0)
        for name, value in settings.items():
            if isinstance(value, bool):
                start.hparams[name].bool_value = value
            elif isinstance(value, str):
                start.hparams[name].string_value = value
            elif value is not None:
                start.hparams[name].number_value = value
        self._plugin("session_start_info", session_start_info=start)

    def end(self, ended: bool, seconds: float) -> None:
        """How a run ended."""
        api = self.messages.api
        status = api.STATUS_SUCCESS if ended else api.STATUS_FAILURE
        end = self.messages.hparams.SessionEndInfo(status=status, end_time_secs=seconds)
        self._plugin("session_end_info", session_end_info=end)

    def _plugin(self, tag: str, **content: Any) -> None:
        summary, hparams = self.messages.summary, self.messages.hparams
        data = summary.SummaryMetadata.PluginData(
            plugin_name=_PLUGIN,
            content=hparams.HParamsPluginData(version=0, **content).SerializeToString(
                deterministic=True
            ),
        )
        value = summary.Summary.Value(
            tag=f"_hparams_/{tag}", metadata=summary.SummaryMetadata(plugin_data=data)
        )
        self._write(summary=summary.Summary(value=[value]))


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
    counted = network(definition)
    values = {counted: share(probe.layers, definition)}
    word = CALLED[definition][0]
    for name, layer in zip(record.layer_names, probe.layers, strict=False):
        said = f"Share of the units of {name} that are {word}."
        scalar = Scalar(f"{definition}_by_layer/{name}", said)
        values[scalar] = getattr(layer, definition)
    if isinstance(probe, EpochRecord):
        values |= {scalar: getattr(probe, field) for field, scalar in outcomes(record).items()}
    return values


def network(definition: str) -> Scalar:
    """The curve of all hidden units."""
    word, rule = CALLED[definition]
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
    }

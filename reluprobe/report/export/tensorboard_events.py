"""Events of TensorBoard: a file of scalars and hyperparameters as it reads them.

``tensorboardX`` brings the messages and how they lie in a file, without TensorFlow. A record says
how long a run took, not when: time is counted from 0 s, the run's start.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from reluprobe.config import rank
from reluprobe.errors import ReluprobeError
from reluprobe.report.export.columns import Kind, Value

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

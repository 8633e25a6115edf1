"""Event files of TensorBoard, read by the format's own description; checksums are checked.

A record is its length in 8 bytes, a masked CRC-32C of these, the content, and one of that.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


def crc32c(content: bytes) -> int:
    """CRC-32C (Castagnoli), bit by bit."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(content: bytes) -> int:
    crc = crc32c(content)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def contents(data: bytes) -> Iterator[bytes]:
    while data:
        header, (crc,) = data[:8], struct.unpack("<I", data[8:12])
        assert masked(header) == crc
        (length,) = struct.unpack("<Q", header)
        content, (crc,) = (
            data[12 : 12 + length],
            struct.unpack("<I", data[12 + length : 16 + length]),
        )
        assert masked(content) == crc
        yield content
        data = data[16 + length :]


@dataclass
class Events:
    """What an event file says: curves by their tags, as (step, value), and hyperparameters."""

    curves: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    status: str = ""
    experiment: Any = None

    def values(self, tag: str) -> list[float | str]:
        """A curve's values to six digits; NaN is a word, equal to itself."""
        return ["nan" if math.isnan(v) else round(v, 6) for _, v in self.curves[tag]]


def read(file: Path) -> Events:
    from tensorboardX.proto import api_pb2, event_pb2, plugin_hparams_pb2

    events = Events()
    first, *others = (event_pb2.Event.FromString(data) for data in contents(file.read_bytes()))
    assert first.file_version == "brain.Event:2"
    for event in others:
        for value in event.summary.value:
            plugin = value.metadata.plugin_data
            if plugin.plugin_name == "scalars":
                events.curves.setdefault(value.tag, []).append((event.step, value.simple_value))
                events.seconds.append(event.wall_time)
                continue
            data = plugin_hparams_pb2.HParamsPluginData.FromString(plugin.content)
            if value.tag == "_hparams_/experiment":
                events.experiment = data.experiment
            elif value.tag == "_hparams_/session_start_info":
                started = data.session_start_info.hparams
                kinds = {k: v.WhichOneof("kind") for k, v in started.items()}
                events.settings = {k: getattr(started[k], kind) for k, kind in kinds.items()}
            else:
                events.status = api_pb2.Status.Name(data.session_end_info.status)
    return events

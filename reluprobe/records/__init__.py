"""Records, results on disk: their schema, JSON in and out, folders, locks, resume."""

from reluprobe.files import replacing, write_atomically
from reluprobe.records.io import ADAPTER, NewerRecordError, RecordError, read, to_json, write
from reluprobe.records.schema import (
    READABLE,
    SCHEMA,
    STRICT,
    ActivationsRecord,
    CausesRecord,
    EpochRecord,
    LayerRecord,
    PhaseRecord,
    ProbeRecord,
    RunRecord,
    SampleRecord,
    Status,
    StepRecord,
)

__all__ = [
    "ADAPTER",
    "READABLE",
    "SCHEMA",
    "STRICT",
    "ActivationsRecord",
    "CausesRecord",
    "EpochRecord",
    "LayerRecord",
    "NewerRecordError",
    "PhaseRecord",
    "ProbeRecord",
    "RecordError",
    "RunRecord",
    "SampleRecord",
    "Status",
    "StepRecord",
    "read",
    "replacing",
    "to_json",
    "write",
    "write_atomically",
]

"""Records, results on disk: their schema, JSON in and out, folders, locks, resume."""

from reluprobe.files import replacing, write_atomically
from reluprobe.records.foreign_runs import foreign_id
from reluprobe.records.io import (
    ADAPTER,
    NewerRecordError,
    RecordError,
    newer,
    older,
    present,
    read,
    remove_older,
    to_json,
    write,
)
from reluprobe.records.looks import (
    ActivationsRecord,
    CausesRecord,
    EpochRecord,
    LayerRecord,
    MovementRecord,
    PaceRecord,
    RatesRecord,
    SampleRecord,
    StepRecord,
)
from reluprobe.records.network import Coverage, Foreign, LayerInfo, Place, Setting
from reluprobe.records.schema import (
    READABLE,
    SCHEMA,
    STRICT,
    PhaseRecord,
    ProbeRecord,
    RunRecord,
    Status,
)

__all__ = [
    "ADAPTER",
    "READABLE",
    "SCHEMA",
    "STRICT",
    "ActivationsRecord",
    "CausesRecord",
    "Coverage",
    "EpochRecord",
    "Foreign",
    "LayerInfo",
    "LayerRecord",
    "MovementRecord",
    "NewerRecordError",
    "PaceRecord",
    "PhaseRecord",
    "Place",
    "ProbeRecord",
    "RatesRecord",
    "RecordError",
    "RunRecord",
    "SampleRecord",
    "Setting",
    "Status",
    "StepRecord",
    "foreign_id",
    "newer",
    "older",
    "present",
    "read",
    "remove_older",
    "replacing",
    "to_json",
    "write",
    "write_atomically",
]

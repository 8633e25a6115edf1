"""R² and RMSE in records: read as written, absent from older ones, refused where they cannot be."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

import paired_runs
from regression_runs import fitted
from reluprobe import records
from reluprobe.records import SampleRecord
from reluprobe.records.io import RecordError, read, to_json
from reluprobe.records.schema import READABLE


def with_sample(run):
    sample = SampleRecord("test", 1000, 0.5, None, run.final.layers, 0.25, 0.5**0.5)
    return dataclasses.replace(run, samples=(sample,))


def test_r2_and_rmse_are_read_as_they_were_written(tmp_path: Path):
    run = with_sample(fitted("relu", 0, 0.4, -2.5))
    path = records.write(run, tmp_path)
    assert read(path) == run
    fields = json.loads(path.read_text())
    assert fields["history"][-1]["r2"] == -2.5
    assert fields["samples"][0]["rmse"] == 0.5**0.5


@pytest.mark.parametrize("schema", READABLE[1:])
def test_records_from_before_are_read_and_are_equal(schema: str, tmp_path: Path):
    run = paired_runs.record("relu", 0, 0.4, 0.9)
    fields = json.loads(to_json(run))
    for part in (*fields["history"], *fields["samples"]):
        del part["r2"], part["rmse"]
    path = tmp_path / "old.json"
    path.write_text(json.dumps({**fields, "schema": schema}))
    assert dataclasses.replace(read(path), schema=run.schema) == run


@pytest.mark.parametrize(("name", "value"), [("r2", 1.5), ("r2", -1e61), ("rmse", -0.1)])
def test_what_no_regression_can_have_is_refused(name: str, value: float, tmp_path: Path):
    path = records.write(fitted("relu", 0, 0.4, 0.5), tmp_path)
    fields = json.loads(path.read_text())
    fields["history"][-1][name] = value
    path.write_text(json.dumps(fields))
    with pytest.raises(RecordError, match=rf"history\.0\.{name}"):
        read(path)

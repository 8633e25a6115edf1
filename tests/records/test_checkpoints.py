"""Checkpoints on disk: whole or refused, and removed where the record is there."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reluprobe import records
from reluprobe.config import make_run
from reluprobe.errors import ReluprobeError
from reluprobe.plan.runs import Run, as_run
from reluprobe.records import checkpoints
from reluprobe.records.checkpoints import Checkpoint, CheckpointError
from reluprobe.records.folder import RUNS, open_all

LAYER = records.LayerRecord(4, *[0.1] * 5, None, "00")
SMALL = {"dataset": "blobs", "width": 4, "depth": 1, "epochs": 9}


def run_of(**settings: object) -> Run:
    return as_run(make_run(SMALL | settings))


def checkpoint_of(run: Run) -> Checkpoint:
    history = (records.EpochRecord(0, None, None, 1 / 3, 0.5, (LAYER,), 0),)
    record = records.RunRecord(
        records.SCHEMA, run.id, run.config, "ok", {"jax": "0.10"}, 1.5,
        records.ProbeRecord("train", 9), history,
    )  # fmt: skip
    arrays = {
        "weights": np.arange(6, dtype=np.float32).reshape(2, 3) / 7,
        "count": np.int32(3),
        "dead": np.array([[True, False]]),
        "nothing": np.zeros((0, 2), np.uint32),
        "broken": np.array([np.nan, np.inf], np.float32),
    }
    start = records.SampleRecord("probe", 9, 2.5, None, (LAYER,))
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    return Checkpoint(record, 4, {"jaxlib": "0.10"}, start, arrays)


def same(one: Checkpoint, other: Checkpoint) -> bool:
    plain = [dataclasses.replace(c, arrays={}) for c in (one, other)]
    bits = [{n: (a.dtype, a.shape, a.tobytes()) for n, a in c.arrays.items()} for c in (one, other)]
    return plain[0] == plain[1] and bits[0] == bits[1]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run, bytes]:
    folder, run = tmp_path_factory.mktemp("sweep"), run_of()
    return folder, run, checkpoints.write(checkpoint_of(run), folder).read_bytes()


def test_what_is_read_is_what_was_written_to_the_bit(written: tuple[Path, Run, bytes]):
    folder, run, _ = written
    assert same(checkpoints.read(folder, run), checkpoint_of(run))


@given(data=st.data())
def test_a_damaged_file_is_refused_or_gives_what_was_written(
    written: tuple[Path, Run, bytes], data: st.DataObject
):
    folder, run, content = written
    place = data.draw(st.integers(0, len(content) - 1))
    other = data.draw(st.binary(max_size=3).filter(lambda b: b != content[place : place + 1]))
    cut = data.draw(st.booleans())
    torn = content[:place] + (b"" if cut else other + content[place + 1 :])
    file = checkpoints.file_of(folder, run.id)
    file.write_bytes(torn)
    try:
        # Of some bits of the header nothing hangs: a blank more or less.
        assert same(checkpoints.read(folder, run), checkpoint_of(run))
    except CheckpointError as error:
        assert error.message.startswith(f"{file}: ") and "\n" not in error.message
    finally:
        file.write_bytes(content)


def test_a_file_of_another_run_or_format_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run, other = run_of(), run_of(seed=5)
    file = checkpoints.write(checkpoint_of(run), tmp_path)
    file.rename(checkpoints.file_of(tmp_path, other.id))
    with pytest.raises(CheckpointError, match="is of another run than its name says"):
        checkpoints.read(tmp_path, other)
    with pytest.raises(CheckpointError, match="cannot be read: No such file"):
        checkpoints.read(tmp_path, run)
    checkpoints.write(checkpoint_of(run), tmp_path)
    monkeypatch.setattr(checkpoints, "FORMAT", "reluprobe/checkpoint/9")
    with pytest.raises(CheckpointError, match="is of another reluprobe; this one reads"):
        checkpoints.read(tmp_path, run)


def test_begun_are_those_with_a_file_and_removed_are_those_named(tmp_path: Path):
    runs = [run_of(seed=seed) for seed in range(4)]
    assert checkpoints.begun(tmp_path, runs) == []
    for run in runs[:3]:
        checkpoints.write(checkpoint_of(run), tmp_path)
    (tmp_path / RUNS / f".{runs[3].id}{checkpoints.SUFFIX}.a1b2").touch()
    assert checkpoints.begun(tmp_path, runs) == runs[:3]
    checkpoints.remove(tmp_path, {runs[0].id, runs[3].id})
    assert checkpoints.begun(tmp_path, runs) == runs[1:3]


def test_a_folder_of_unfinished_runs_alone_is_told_from_an_empty_one(tmp_path: Path):
    (tmp_path / RUNS).mkdir()
    with pytest.raises(ReluprobeError) as refused:
        open_all([tmp_path])
    assert "quickstart" in (refused.value.hint or "")
    (tmp_path / RUNS / f"r0123456789ab{checkpoints.SUFFIX}").write_bytes(b"")
    with pytest.raises(ReluprobeError) as refused:
        open_all([tmp_path])
    assert "resumes" in (refused.value.hint or "")

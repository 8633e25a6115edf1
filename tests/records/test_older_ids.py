"""Ids of an older reluprobe, digits without a letter: found, resumed, and never beside the new."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plain_records import BASE, record_of
from reluprobe import records
from reluprobe.config import SweepConfig, parse_sweep, sweep_toml
from reluprobe.plan.runs import Run, expand, without_letter
from reluprobe.records import resume, saved_activations
from reluprobe.records.folder import open_all, stream_records
from reluprobe.records.ownership import Claim, occupied
from reluprobe.report.export import files

SWEEP = parse_sweep({"name": "s", "seeds": 3, "base": BASE, "save_activations": True})
RUNS = list(expand(SWEEP).runs)


def write_as_before(run: Run, folder: Path, **other: Any) -> Path:
    """The files of a run as an older reluprobe named them, and as its record named it."""
    made = records.write(record_of(run, **other), folder)
    made.write_text(made.read_text().replace(run.id, without_letter(run.id)))
    saved = saved_activations.write([np.zeros((4, 2), np.float32)], folder, run.id)
    for file in (made, saved):
        file.rename(records.older(file))
    return records.older(made)


def names_in(folder: Path) -> set[str]:
    return {file.name for file in (folder / "runs").iterdir()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sweep that an older reluprobe has run."""
    place = tmp_path / "s"
    for run in RUNS:
        write_as_before(run, place)
    (place / "sweep.toml").write_text(sweep_toml(SWEEP))
    return place


def test_older_ids_are_read_with_their_letter(folder: Path):
    (archive,) = open_all([folder])
    assert [record.id for record in archive.records] == [run.id for run in RUNS]
    assert (archive.missing, archive.faults) == (0, ())
    streamed = [record.id for _, record in stream_records([folder], [], [])]
    assert streamed == [run.id for run in RUNS]


def test_runs_under_their_older_names_are_not_run_again(folder: Path):
    standing = resume.progress_of(folder, RUNS, with_activations=True)
    assert list(standing.records) == [run.id for run in RUNS]
    assert standing.missing == () == standing.damaged
    saved = saved_activations.read(folder, RUNS[0].id)
    assert saved is not None and saved[0].shape == (4, 2)
    with occupied(Claim(folder, SWEEP, RUNS)):  # the same plan, not another one
        pass


def test_a_run_that_is_run_again_leaves_nothing_under_its_older_name(folder: Path):
    retried, *rest = RUNS
    saved_activations.write([np.ones((4, 2), np.float32)], folder, retried.id)
    records.write(record_of(retried), folder)
    older = {f"{without_letter(run.id)}{end}" for run in rest for end in (".json", ".npz")}
    assert names_in(folder) == older | {f"{retried.id}.json", f"{retried.id}.npz"}
    assert len(open_all([folder])[0].records) == 3


def test_what_a_kill_between_the_two_names_left_counts_once(folder: Path):
    file = records.write(record_of(RUNS[0], seconds=7.0), folder)
    write_as_before(RUNS[0], folder, seconds=1.0)
    records.older(file).rename(folder / "aside")
    records.write(record_of(RUNS[0], seconds=7.0), folder)
    (folder / "aside").rename(records.older(file))
    assert {file.name, records.older(file).name} <= names_in(folder)
    (archive,) = open_all([folder])
    assert [record.seconds for record in archive.records] == [7.0, 0.1, 0.1]
    assert archive.missing == 0
    assert len(list(stream_records([folder], [], []))) == 3


@pytest.mark.parametrize("extended", [False, True])
def test_a_record_is_found_by_either_name(folder: Path, extended: bool):
    run = RUNS[0]
    if extended:
        records.write(record_of(run), folder)
    for id_ in (run.id, without_letter(run.id)):
        (archive,) = open_all([folder / "runs" / f"{id_}.json"])
        assert [record.id for record in archive.records] == [run.id]


def test_exports_join_on_ids_that_are_no_numbers(tmp_path: Path):
    number: SweepConfig = parse_sweep({"name": "n", "base": BASE, "seeds": [529]})
    (run,) = expand(number).runs
    file = write_as_before(run, tmp_path / "n")
    assert json.loads(file.read_text())["id"] == "5606009e8319"  # infinite, to some readers
    files.write(stream_records([file], [], []), tmp_path / "out", ["csv"])
    for table in ("runs", "layers"):
        head, *rows = (tmp_path / "out" / f"{table}.csv").read_text().splitlines()
        place = head.split(",").index("id")
        assert {row.split(",")[place] for row in rows} == {"r5606009e8319"}

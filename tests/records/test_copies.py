"""Copies: a run counts once a sweep, and files that repeat it are named."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

import reluprobe
from command_in_process import run
from plain_records import record_of, write_sweep
from reluprobe import records
from reluprobe.analysis.compare import pool
from reluprobe.plan.runs import Run, without_letter
from reluprobe.records.folder import open_all, stream_records


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "results" / "s"


@pytest.fixture
def runs(folder: Path) -> list[Run]:
    return write_sweep(folder, seeds=3)


def file_of(folder: Path, run_: Run) -> Path:
    return folder / "runs" / f"{run_.id}.json"


def ids_by(folder: Path) -> list[list[str]]:
    """The ids that each way of reading gives."""
    (archive,) = open_all([folder])
    streamed = [record.id for _, record in stream_records([folder], [], [])]
    loaded = [record.id for record in reluprobe.load(folder)]
    return [[record.id for record in archive.records], streamed, loaded]


@pytest.mark.parametrize("name", ["{}.sync-conflict-1", "a", "zz", "copy of {}"])
def test_a_copy_is_named_and_counts_once(name: str, folder: Path, runs: list[Run]):
    own = file_of(folder, runs[1])
    again = own.with_stem(name.format(own.stem))
    shutil.copy(own, again)
    assert all(ids == [r.id for r in runs] for ids in ids_by(folder))
    line = f"{again}, a copy of run {runs[1].id}"
    assert reluprobe.load(folder).copies == (line,)
    for command in (["report", folder, "--no-figures"], ["export", folder, "--csv"]):
        out = ["--out", folder.parent / "out"] if command[0] == "export" else []
        code, text = run(*command, *out)
        assert code == 0 and f"left out: {line}" in text
    rows = csv.DictReader((folder.parent / "out" / "runs.csv").read_text().splitlines())
    assert sorted(row["id"] for row in rows) == sorted(r.id for r in runs)
    document = json.loads(run("report", folder, "--json")[1].splitlines()[0])
    assert document["sweeps"][0]["copies"] == [line]
    assert document["sweeps"][0]["runs"] == 3


def test_many_links_of_one_run_are_one_run_and_one_line(folder: Path, runs: list[Run]):
    own = file_of(folder, runs[0])
    for n in range(200):
        (own.parent / f"{n}.json").symlink_to(own)
    assert all(ids == [r.id for r in runs] for ids in ids_by(folder))
    (line,) = open_all([folder])[0].copies
    assert line.endswith(f"0.json and 199 more, copies of run {runs[0].id}")


def test_the_file_that_is_called_by_the_id_counts(folder: Path, runs: list[Run]):
    own = file_of(folder, runs[0])
    records.write(record_of(runs[0], seconds=7.0), folder)
    # Its own name is one of a run that comes before it in the plan, or of no run at all.
    for other in (own.with_stem("a"), file_of(folder, runs[1])):
        other.write_text(records.to_json(record_of(runs[0], seconds=1.0)))
    (archive,) = open_all([folder])
    assert [(r.id, r.seconds) for r in archive.records] == [(runs[0].id, 7.0), (runs[2].id, 0.1)]
    assert (archive.missing, len(archive.copies)) == (1, 1)


def test_a_copy_stands_in_for_a_record_that_is_damaged_or_gone(folder: Path, runs: list[Run]):
    for run_ in runs[:2]:
        shutil.copy(file_of(folder, run_), folder / "runs" / f"kept-{run_.id}.json")
    file_of(folder, runs[0]).write_text("{")
    file_of(folder, runs[1]).unlink()
    assert all(set(ids) == {r.id for r in runs} for ids in ids_by(folder))
    (archive,) = open_all([folder])
    assert (len(archive.faults), archive.copies, archive.missing) == (1, (), 0)


def test_an_older_ids_file_stands_in_too(folder: Path, runs: list[Run]):
    own = file_of(folder, runs[0])
    older = own.with_stem(without_letter(own.stem))
    older.write_text(own.read_text().replace(own.stem, older.stem))
    (archive,) = open_all([folder])
    assert len(archive.records) == 3
    assert archive.copies == (f"{older}, a copy of run {runs[0].id}",)
    own.write_text("{")
    assert all(set(ids) == {r.id for r in runs} for ids in ids_by(folder))


def test_a_run_in_two_sweeps_is_in_each_and_pooled_once(folder: Path, runs: list[Run]):
    other = folder.with_name("other")
    shutil.copytree(folder, other)
    shutil.copy(file_of(folder, runs[0]), folder / "runs" / "a.json")
    archives = open_all([folder, other])
    assert [len(archive.records) for archive in archives] == [3, 3]
    pooled, again = pool(archives)
    assert (len(pooled), again) == (3, 3)  # the copy is none of another folder
    assert len(list(stream_records([folder, other], [], []))) == 6


def test_a_folder_given_twice_is_read_once(folder: Path, runs: list[Run]):
    link = folder.with_name("link")
    link.symlink_to(folder)
    spellings = [folder, folder / ".." / "s", link, folder / "runs", file_of(folder, runs[0])]
    (archive,) = open_all(spellings)
    assert [record.id for record in archive.records] == [r.id for r in runs]
    assert (archive.copies, archive.missing) == ((), 0)
    assert len(list(stream_records(spellings, [], []))) == 3

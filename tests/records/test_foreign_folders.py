"""Folders of foreign runs: their order, what was set aside, runs of ours beside them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from foreign_records import foreign_record
from plain_records import record_of, write_sweep
from reluprobe.config import make_run
from reluprobe.errors import InputError
from reluprobe.plan.runs import as_run
from reluprobe.records import RunRecord, folder, write
from reluprobe.records.foreign_claim import claim_foreign
from reluprobe.records.ownership import Claim, occupied

LOOKS = [["x...", ".."], ["xx..", "x."]]


def opened(path: Path) -> folder.Archive:
    (archive,) = folder.open_all([path])
    return archive


def streamed(path: Path) -> list[RunRecord]:
    return [record for _, record in folder.stream_records([path], [], [])]


def test_runs_stand_by_name_settings_and_seed_whatever_their_settings(tmp_path: Path):
    given = [{"lr": 0.1}, {"lr": "cosine"}, {"lr": 1}, {"decay": 0.5}, {"lr": None}]
    for settings in given:
        for seed in (1, 0):
            write(foreign_record(LOOKS, settings=settings, seed=seed), tmp_path)
    write(foreign_record(LOOKS, name="a"), tmp_path)
    archive = opened(tmp_path)
    names = [record.settings["name"] for record in archive.records]
    assert (names[0], set(names[1:])) == ("a", {"cnn"})
    assert [record.seed for record in archive.records[1:]] == [0, 1] * len(given)
    rates = [r.settings["lr"] for r in archive.records if r.settings.get("lr") is not None]
    assert rates == [0.1, 0.1, 1, 1, "cosine", "cosine"]
    assert not archive.missing and not archive.faults


def test_what_was_set_aside_is_read_only_where_it_is_asked_for(tmp_path: Path):
    record = foreign_record(LOOKS)
    assert record.foreign is not None
    write(record, tmp_path)
    claim_foreign(tmp_path, record.foreign, fresh=True)
    write(record, tmp_path)
    assert [archive.folder for archive in folder.open_all([tmp_path])] == [tmp_path]
    assert opened(tmp_path / "old-1").records == (record,)


def test_in_a_planned_sweep_foreign_runs_are_named_and_left_out(tmp_path: Path):
    write_sweep(tmp_path / "ours", seeds=2)
    stranger = write(foreign_record(LOOKS), tmp_path / "ours")
    archive = opened(tmp_path / "ours")
    assert [record.ours is not None for record in archive.records] == [True, True]
    assert archive.faults == (
        f"{stranger}: is of somebody's own network, in a folder of runs trained by reluprobe",
    )
    assert len(streamed(tmp_path / "ours")) == 2


def test_without_a_plan_the_first_record_says_what_the_folder_holds(tmp_path: Path):
    ours = record_of(as_run(make_run({"depth": 1, "width": 4, "epochs": 1})))
    for record in (ours, *(foreign_record(LOOKS, seed=n) for n in range(3))):
        write(record, tmp_path)
    archive = opened(tmp_path)
    kinds = {record.ours is None for record in archive.records}
    assert len(kinds) == 1 and len(archive.records) + len(archive.faults) == 4
    assert {r.id for r in streamed(tmp_path)} == {r.id for r in archive.records}


def test_a_sweep_takes_no_folder_of_foreign_runs(tmp_path: Path):
    runs = write_sweep(tmp_path / "ours", seeds=1)
    plan = folder.read_plan(tmp_path / "ours")
    shutil.rmtree(tmp_path / "ours")
    file = write(foreign_record(LOOKS), tmp_path / "ours")
    claim = Claim(tmp_path / "ours", plan, runs)
    with pytest.raises(InputError, match="somebody's own network"), occupied(claim):
        pass
    assert [p for p in (tmp_path / "ours").rglob("*") if p.is_file()] == [file]

"""A claim that fails before the first record: the folder is as it was, or not there."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import pytest

from plain_records import BASE, record_of, write_sweep
from reluprobe import records
from reluprobe.config import parse_sweep
from reluprobe.errors import DatasetError, ReluprobeError
from reluprobe.files import locks
from reluprobe.plan.runs import expand
from reluprobe.records import lock
from reluprobe.records.ownership import Claim, Way, occupied


def claim(folder: Path, way: Way = "refuse", part: tuple[int, int] = (1, 1), seeds: int = 3):
    reference = {"reference": "mnist_study"}
    sweep = parse_sweep({"name": "s", "seeds": seeds, "base": BASE | {"width": 8}} | reference)
    return Claim(folder, sweep, expand(sweep).runs, part, way)


def fail(asked: Claim) -> None:
    """Have it end as one whose dataset cannot be had."""
    with pytest.raises(DatasetError), occupied(asked):
        raise DatasetError("no such dataset")


def content(folder: Path) -> dict[Path, bytes | None]:
    return {f: f.read_bytes() if f.is_file() else None for f in folder.rglob("*")}


def test_nothing_is_left_of_folders_that_were_not_there(tmp_path: Path):
    fail(claim(tmp_path / "results" / "deep" / "s"))
    assert list(tmp_path.iterdir()) == []


def test_folders_above_that_others_use_stay(tmp_path: Path):
    (tmp_path / "results").mkdir()
    fail(claim(tmp_path / "results" / "s"))
    assert list(tmp_path.rglob("*")) == [tmp_path / "results"]


@pytest.mark.parametrize("way", ["fresh", "extend"])
def test_a_folder_with_another_plan_is_as_it_was(tmp_path: Path, way: Way):
    write_sweep(tmp_path / "s")
    (tmp_path / "s" / "old-1").mkdir()
    (tmp_path / "s" / "reference.json").write_text("{}")
    before = content(tmp_path)
    fail(claim(tmp_path / "s", way))
    assert content(tmp_path) == before


def test_a_plan_that_is_refused_leaves_no_lock(tmp_path: Path):
    write_sweep(tmp_path / "s")
    before = content(tmp_path)
    with pytest.raises(ReluprobeError, match="another plan"), occupied(claim(tmp_path / "s")):
        pass
    assert content(tmp_path) == before


def test_what_has_come_of_a_session_stays_with_its_plan(tmp_path: Path):
    asked = claim(tmp_path / "s")
    with pytest.raises(ReluprobeError), occupied(asked):
        records.write(record_of(asked.runs[0]), asked.folder)
        raise ReluprobeError("the disk is full")
    assert (tmp_path / "s" / "sweep.toml").exists()
    assert len(list((tmp_path / "s" / "runs").iterdir())) == 1


def test_a_slice_that_fails_leaves_its_neighbours_their_plan(tmp_path: Path):
    first, second = (claim(tmp_path / "s", part=(n, 2)) for n in (1, 2))
    with occupied(second):
        fail(first)
        assert {f.name for f in (tmp_path / "s").iterdir()} == {
            lock.GATE, ".lock-2-of-2", "sweep.toml",
        }  # fmt: skip


def test_ctrl_c_leaves_what_it_can_resume(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt), occupied(claim(tmp_path / "s")):
        raise KeyboardInterrupt
    assert (tmp_path / "s" / "sweep.toml").exists()


def test_whoever_waits_at_a_gate_that_is_cleared_away_takes_the_new_one(tmp_path: Path):
    # A handle on a file that has lost its name locks nothing for those who open the name anew.
    file = tmp_path / lock.GATE

    def enter() -> bool:
        with lock._gate(tmp_path):
            new = locks.open_lock(file)
            holder = locks.try_lock(new, file)
            locks.drop(new)
            return holder == "others"

    old = locks.open_lock(file)
    assert locks.try_lock(old, file) == "we"
    with ThreadPoolExecutor() as pool, mock.patch.object(lock.time, "sleep") as waits:
        waiting = threading.Event()
        waits.side_effect = lambda _: waiting.set()
        entered = pool.submit(enter)
        assert waiting.wait(60)
        file.unlink()
        locks.drop(old)
        assert entered.result(60)

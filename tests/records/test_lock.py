"""Lock on a sweep's folder: one owner at a time, or slices of one division."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reluprobe.errors import InputError, ReluprobeError
from reluprobe.records import lock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "results" / "s"


HOLDER = """
import sys
from pathlib import Path
from reluprobe.records import lock
with lock.held(Path(sys.argv[1]), (int(sys.argv[2]), int(sys.argv[3])), lambda crowded: None):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def holder(folder: Path, part: tuple[int, int] = (1, 1)) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds a part of the folder until it is killed."""
    args = [sys.executable, "-c", HOLDER, str(folder), *map(str, part)]
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with subprocess.Popen(args, **pipes) as other:  # type: ignore[call-overload]
        try:
            assert other.stdout.readline() == "held\n"
            yield other
        finally:
            other.kill()


def enter(folder: Path, part: tuple[int, int] = (1, 1)) -> None:
    with lock.held(folder, part, lambda crowded: None):
        pass


def test_the_second_is_refused_with_the_firsts_name_and_a_kill_frees_the_folder(folder: Path):
    with holder(folder) as other:
        for part in ((1, 1), (2, 3)):
            with pytest.raises(ReluprobeError) as caught:
                enter(folder, part)
            assert f"in use by process {other.pid} on " in caught.value.message
            assert caught.value.exit_code == 1
        other.send_signal(signal.SIGKILL)
        other.wait()
        enter(folder)
    assert {file.name for file in folder.iterdir()} == {".lock"}


def test_slices_of_one_division_go_side_by_side_and_nothing_else_does(folder: Path):
    with holder(folder, (2, 3)):
        with (
            lock.held(folder, (1, 3), lambda crowded: None),
            pytest.raises(ReluprobeError, match="with slice 1/3"),
        ):
            enter(folder, (1, 3))
        for part in ((2, 3), (1, 2), (1, 1)):
            with pytest.raises(ReluprobeError, match="with slice 2/3"):
                enter(folder, part)
    enter(folder, (1, 2))


def test_whoever_enters_knows_whether_others_are_at_work(folder: Path):
    crowded: list[bool] = []
    with lock.held(folder, (1, 2), crowded.append), lock.held(folder, (2, 2), crowded.append):
        pass
    with lock.held(folder, (1, 1), crowded.append):
        pass
    assert crowded == [False, True, False]


def test_a_lock_whose_entry_failed_is_free_again(folder: Path):
    def fail(crowded: bool) -> None:
        raise InputError("another plan")

    with pytest.raises(InputError), lock.held(folder, (1, 1), fail):
        pass
    enter(folder)


def test_a_file_system_without_locks_is_told_and_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def flock(*_: Any) -> None:
        raise OSError(lock.errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    enter(folder)
    assert "no locks" in caplog.text


def test_a_lock_file_that_cannot_be_read_still_gives_a_message(folder: Path):
    with holder(folder):
        (folder / ".lock-1-of-1").write_text(json.dumps([os.getpid()]))
        with pytest.raises(ReluprobeError, match="in use by another process"):
            enter(folder)

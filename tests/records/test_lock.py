"""Lock on a sweep's folder: one owner at a time, or slices of one division."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reluprobe.errors import InputError, ReluprobeError
from reluprobe.records import lock, signs


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


def fail(crowded: bool) -> None:
    raise InputError("another plan")


def test_a_lock_whose_entry_failed_is_free_again(folder: Path):
    with pytest.raises(InputError), lock.held(folder, (1, 1), fail):
        pass
    enter(folder)


@pytest.fixture
def flock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Has ``flock`` answer with an error."""

    def answer(number: int) -> None:
        def raises(*_: Any) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fcntl, "flock", raises)

    return answer


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, 524])
def test_a_file_system_without_locks_is_told_once_and_used(
    folder: Path, flock: Callable[[int], None], caplog: pytest.LogCaptureFixture, number: int
):
    flock(number)
    enter(folder)
    enter(folder)
    assert [record.message for record in caplog.records] == [
        f"{folder} has no file locks: see to it that nothing else writes there"
    ]
    assert {file.name for file in folder.iterdir()} == {".lock"}


@pytest.mark.parametrize("number", [errno.EIO, errno.EBADF, errno.EPERM])
def test_any_other_answer_to_a_lock_is_one_sentence(
    folder: Path, flock: Callable[[int], None], number: int
):
    flock(number)
    with pytest.raises(ReluprobeError) as caught:
        enter(folder)
    assert caught.value.message == f"cannot lock {folder / '.lock'}: {os.strerror(number)}"
    assert "--out" in (caught.value.hint or "")


@pytest.mark.parametrize("name", [".lock", ".lock-1-of-1", ".lock-7-of-9"])
@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_a_lock_file_that_is_a_link_is_refused_and_its_target_stays(
    folder: Path, tmp_path: Path, name: str, link: Any
):
    target = tmp_path / "thesis.tex"
    target.write_text("years of work")
    folder.mkdir(parents=True)
    link(folder / name, target)
    with pytest.raises(ReluprobeError, match=f"cannot write .*{name}: it is .*; remove it"):
        enter(folder)
    assert target.read_text() == "years of work"


# --- machines that do not see each other's locks -----------------------------------------------


def leave_sign(folder: Path, name: str = ".lock-1-of-1", host: str = "node7") -> Path:
    """A lock file as a process on another machine has it; its lock is not seen here."""
    folder.mkdir(parents=True, exist_ok=True)
    sign = {"pid": 12, "host": host, "since": "2026-11-27 12:00:00+00:00", "beat": "000000000"}
    (folder / name).write_text(" " + json.dumps(sign))
    return folder / name


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Has something happen while signs are watched, in no time."""

    def during(happens: Callable[[], Any]) -> None:
        monkeypatch.setattr(signs.time, "sleep", lambda _: happens())

    return during


def test_a_holder_on_another_machine_whose_lock_is_not_seen_is_seen_by_its_sign(
    folder: Path, meanwhile: Any, caplog: pytest.LogCaptureFixture
):
    file = leave_sign(folder)
    meanwhile(lambda: file.write_text(file.read_text().replace("0" * 9, "000000001")))
    with pytest.raises(ReluprobeError, match="in use by process 12 on node7 since 2026-11-27"):
        enter(folder)
    assert file.exists()
    assert "looking for up to 20 s whether process 12 on node7" in caplog.text


def test_slices_on_other_machines_whose_locks_are_not_seen_are_known_to_be_at_work(
    folder: Path, meanwhile: Any
):
    file, crowded = leave_sign(folder, ".lock-2-of-3"), []
    meanwhile(lambda: file.write_text(file.read_text().replace("0" * 9, "000000001")))
    with lock.held(folder, (1, 3), crowded.append):
        pass
    assert crowded == [True] and file.exists()


@pytest.mark.parametrize("name", [".lock-1-of-1", ".lock-3-of-4"])
def test_what_a_process_killed_on_another_machine_has_left_is_cleared_after_a_look(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    leave_sign(folder, name)
    monkeypatch.setattr(signs, "WATCH", 0.0)
    enter(folder)
    assert {file.name for file in folder.iterdir()} == {".lock"}


def test_a_process_killed_on_this_machine_is_not_looked_for(folder: Path, meanwhile: Any):
    leave_sign(folder, host=signs.socket.gethostname())
    meanwhile(lambda: pytest.fail("waited"))
    enter(folder)


def test_without_any_locks_a_holder_on_this_machine_is_seen_by_its_sign(
    folder: Path, meanwhile: Any, flock: Callable[[int], None]
):
    flock(errno.ENOLCK)
    file = leave_sign(folder, host=signs.socket.gethostname())
    meanwhile(lambda: file.write_text(file.read_text().replace("0" * 9, "000000001")))
    with pytest.raises(ReluprobeError, match="in use by process 12"):
        enter(folder)


def test_a_holder_renews_its_sign_until_it_ends(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(signs, "BEAT", 0.001)
    monkeypatch.setattr(signs, "PAUSE", 0.01)
    with lock.held(folder, (1, 1), lambda crowded: None):
        before = threads()
        assert signs.renewed([folder / ".lock-1-of-1"]) == [folder / ".lock-1-of-1"]
    assert len(before) == 1 and not threads()


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "lock"]


# --- other systems -----------------------------------------------------------------------------


def test_where_an_open_file_cannot_be_removed_nothing_is_left_either(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    def unlink(file: Path, missing_ok: bool = False) -> None:
        handles = [f"/proc/self/fd/{n}" for n in os.listdir("/proc/self/fd")]
        if any(os.path.exists(h) and os.path.samefile(h, file) for h in handles):
            raise PermissionError(errno.EACCES, "it is open in another process", str(file))
        os.unlink(file)

    with holder(folder) as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
    monkeypatch.setattr(Path, "unlink", unlink)
    enter(folder)
    with pytest.raises(InputError), lock.held(folder, (1, 1), fail):
        pass
    assert {file.name for file in folder.iterdir()} == {".lock"}


def test_a_lock_file_that_cannot_be_read_still_gives_a_message(folder: Path):
    with holder(folder):
        (folder / ".lock-1-of-1").write_text(json.dumps([os.getpid()]))
        with pytest.raises(ReluprobeError, match="in use by another process"):
            enter(folder)

"""Real processes: kills, signals, full and closed disks."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import pytest

from killed_sweeps import KILLS, SWEEP, record_files
from reluprobe import records


@pytest.fixture(scope="module")
def harness(tmp_path_factory):
    """An undisturbed sweep in a process of its own, and its programs for those to come."""
    return KILLS.Harness(tmp_path_factory.mktemp("kills"), 1, SWEEP.replace("4", "12"), span=5.0)


@pytest.mark.slow
def test_records_survive_kill_9(harness):
    while harness.seen["kills"] < 3:
        harness.kill(aimed=harness.seen["kills"] == 1)
    harness.finish()
    assert harness.seen["records compared"] >= 24


@pytest.mark.slow
def test_long_runs_that_are_saved_on_their_way_survive_kill_9(tmp_path):
    sweep = KILLS.LONG.replace("seeds = 4", "seeds = 2")
    harness = KILLS.Harness(tmp_path, 1, sweep, saving=True)
    while harness.seen["kills"] < 3:
        harness.kill(aimed=harness.seen["kills"] == 1)
    harness.finish()
    assert harness.seen["saved runs read"] >= 2


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_one_signal_has_train_save_and_say_how_to_go_on(tmp_path, number, code):
    train = [sys.executable, "-m", "reluprobe", "train", "--out", str(tmp_path)]
    run = ["--dataset", "blobs", "--depth", "1", "--width", "8", "--epochs", "100000"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*train, *run], text=True, **pipes) as process:
        assert process.stdout is not None
        while not (line := process.stdout.readline()).startswith("    3 "):
            assert line, process.stderr and process.stderr.read()
        process.send_signal(number)
        _, err = process.communicate(timeout=120)
    assert process.returncode == code
    notice, end = err.splitlines()
    assert notice.startswith("stopping at the end of this epoch")
    assert end.startswith("stopped after epoch ") and "to resume: reluprobe train" in end
    (folder,) = tmp_path.iterdir()
    left = sorted(f.name for f in folder.rglob("*") if f.is_file())
    saved = f"{folder.name.removeprefix('train-')}.unfinished.safetensors"
    assert left == sorted([".lock", "sweep.toml", saved])


def child(harness: Any, *more: str, before: Sequence[str] = ()) -> subprocess.Popen[str]:
    """A sweep in a process of its own; its events are read from its stdout."""
    command = [a for a in KILLS.command(harness.place) if a != "--quiet"]
    return subprocess.Popen(
        [*before, *command, "--json", *more], env=harness.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def heard(process: subprocess.Popen[str], kind: str) -> dict[str, Any]:
    """The next event of this kind."""
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == kind:
            return event
    raise AssertionError(f"no {kind}: {process.stderr and process.stderr.read()}")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_one_signal_ends_the_epoch_says_what_remains_and_how_to_resume(harness, number, code):
    shutil.rmtree(harness.folder, ignore_errors=True)
    long = ("--set", "epochs=40")
    with child(harness, *long) as process:
        heard(process, "run")
        process.send_signal(number)
        if number == signal.SIGTERM:  # as a scheduler repeats it
            process.send_signal(number)
        _, err = process.communicate(timeout=120)
    assert process.returncode == code
    done = len(record_files(harness.folder))
    assert 0 < done < 24
    assert "stopping at the end of this epoch" in err
    assert not [f for f in harness.folder.rglob(".*") if f.name != ".lock"]
    for name in record_files(harness.folder):
        assert records.read(harness.folder / "runs" / name).status == "ok"


@pytest.mark.slow
def test_a_second_ctrl_c_ends_it_at_once_even_while_xla_computes(harness):
    shutil.rmtree(harness.folder, ignore_errors=True)
    # One epoch of this takes minutes: a stop at its end would not be seen here.
    slow = ("--set", "epochs=1", "--set", "depth=40", "--set", "width=512")
    with child(harness, *slow) as process:
        heard(process, "start")
        assert process.stderr is not None
        time.sleep(harness.span)  # into compiling or computing, where no Python runs
        process.send_signal(signal.SIGINT)
        assert "again stops at once" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    with child(harness, "--dry-run") as process:
        assert process.wait() == 0


@pytest.mark.slow
def test_a_full_disk_is_named_and_what_is_written_stays(harness):
    if (
        shutil.which("unshare") is None
        or subprocess.run(
            ["unshare", "-Urm", "mount", "-t", "tmpfs", "none", str(harness.place)],
            capture_output=True,
        ).returncode
    ):
        pytest.skip("needs a mount namespace for a disk of 100 kB")
    full = harness.place / "full"
    (full / "copied").mkdir(parents=True)
    (full / "disk").mkdir()
    # The disk is gone with its namespace, so what it holds at the end is copied out.
    script = 'd=$1; shift; mount -t tmpfs -o size=100k none $d/disk; "$@" --out $d/disk; '
    script += "code=$?; cp -a $d/disk/. $d/copied; exit $code"
    with child(harness, before=["unshare", "-Urm", "sh", "-c", script, "sh", str(full)]) as process:
        _, err = process.communicate(timeout=120)
    assert process.returncode == 1, err
    assert f"cannot write {full}/disk/kill/runs/" in err
    assert "No space left on device" in err and "To resume: reluprobe sweep" in err
    assert "Traceback" not in err
    written = record_files(full / "copied" / "kill")
    assert 0 < len(written) < 24
    assert not any(name.startswith(".") for name in written)
    for name, record in written.items():
        assert KILLS.content(record) == harness.expected[name]


@pytest.mark.slow
def test_a_folder_made_read_only_is_named_and_what_is_written_stays(harness):
    shutil.rmtree(harness.folder, ignore_errors=True)
    runs = harness.folder / "runs"
    with child(harness) as process:
        heard(process, "run")
        # To root a folder's mode says nothing; a file system's flag does.
        closed = ["chattr", "+i", str(runs)] if os.geteuid() == 0 else ["chmod", "a-w", str(runs)]
        if (
            shutil.which(closed[0]) is None
            or subprocess.run(closed, capture_output=True).returncode
        ):
            process.kill()
            pytest.skip("cannot make a folder read-only here")
        try:
            _, err = process.communicate(timeout=120)
        finally:
            opened = [word.replace("+i", "-i").replace("a-w", "u+w") for word in closed]
            subprocess.run(opened, check=True)
    assert process.returncode == 1
    assert f"cannot write {runs}/" in err and "Traceback" not in err
    before = record_files(harness.folder)
    assert 0 < len(before) < 24
    harness.finish()

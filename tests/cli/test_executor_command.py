"""``sweep --executor``: what it means locally, it means on many machines."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from killed_sweeps import SWEEP
from reluprobe.cli import executor_options, signals
from simulated_machines import Engine, Machine

HOST = os.uname().nodename
RAY = ("sweep", "grid.toml", "--executor", "ray")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    return Engine().put(monkeypatch)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    """What ``--executor ray`` reaches, in a place with a sweep."""
    (tmp_path / "grid.toml").write_text(SWEEP)
    reached = Machine()
    monkeypatch.setattr(executor_options, "_ray", lambda place, silent: reached)
    monkeypatch.setattr(executor_options.importlib.util, "find_spec", lambda name: name)
    return reached


def records_in(folder: Path) -> dict[str, Any]:
    """Records but for what no two sweeps share."""
    records = {file.name: json.loads(file.read_text()) for file in (folder / "runs").glob("*.json")}
    for fields in records.values():
        del fields["seconds"]
    return records


def test_a_sweep_on_machines_leaves_what_a_local_one_leaves(machine, reluprobe, tmp_path):
    result = reluprobe(*RAY, "--json")
    assert result.code == 0
    events = [json.loads(line) for line in result.out.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[:2] == ["plan", "start"] and kinds[-1] == "done"
    assert kinds.count("run") == 8 and kinds.count("epoch") == 8 * 3
    assert events[-1]["written"] == 8 and events[-1]["compiling"] is None
    assert reluprobe("sweep", "grid.toml", "--out", "plain").code == 0
    assert records_in(tmp_path / "results/grid") == records_in(tmp_path / "plain/grid")
    assert {p.name for p in (tmp_path / "results/grid").iterdir()} == {
        ".lock", "runs", "sweep.toml",
    }  # fmt: skip
    machine.tried.clear()
    again = reluprobe(*RAY)
    assert again.code == 0 and "nothing was run" in again.out and machine.tried == []


def test_failures_are_counted_and_retried_as_in_a_local_sweep(machine, reluprobe, engine):
    engine.failing = (0, 1, 2, 3)
    result = reluprobe(*RAY, "--max-failures", "2")
    assert result.code == 3 and len(machine.tried) < 8
    assert "to resume: reluprobe sweep grid.toml --executor ray" in result.err
    machine.cancelled, engine.failing = False, ()
    result = reluprobe(*RAY, "--retry-failed", "--quiet")
    assert result.code == 0 and result.out.startswith("wrote 8 records to results/grid/runs in ")
    assert "compiling" not in result.out and result.err == ""


def test_one_ctrl_c_cancels_says_what_remains_and_leaves_with_130(
    machine, reluprobe, engine, monkeypatch
):
    known, real = threading.Event(), signals.Stopping.heard
    monkeypatch.setattr(signals.Stopping, "heard", lambda *given: (real(*given), known.set()))

    def interrupt() -> None:
        if len(machine.tried) == 3:
            os.kill(os.getpid(), signal.SIGINT)
            known.wait(60)

    machine.before = interrupt
    result = reluprobe(*RAY)
    assert result.code == 130 and len(machine.tried) == 3
    assert "of 8 runs done, 5 missing; to resume: reluprobe sweep grid.toml --exec" in result.err


def test_a_process_that_died_is_named_on_stderr(machine, reluprobe, engine):
    machine.retries, engine.deadly = 1, {2: 1}
    result = reluprobe(*RAY, "--quiet")
    assert result.code == 0
    assert result.err == f"a process or its machine has died: {HOST} begins its 1 run again\n"


def test_a_slice_is_driven_like_the_whole(machine, reluprobe, engine, tmp_path):
    for number in (1, 2):
        machine.cancelled = False
        assert reluprobe(*RAY, "--chunk", f"{number}/2", "--quiet").code == 0
    assert len(records_in(tmp_path / "results/grid")) == 8


@pytest.mark.parametrize(
    ("args", "code", "part"),
    [
        (("--address", "head:6379"), 2, "--address goes with --executor ray"),
        (("--executor", "ray"), 1, 'pip install ".[ray]"'),
        (("--executor", "dask"), 2, "'dask' is not one of"),
        (("--devices", "0"), 2, "--devices"),
        (("--devices", "99"), 2, "--devices 99: allowed is 1 to 2; here are 2 × cpu"),
    ],
)
def test_what_cannot_be_is_refused(reluprobe, tmp_path, monkeypatch, args, code, part):
    (tmp_path / "grid.toml").write_text(SWEEP)
    monkeypatch.setattr(executor_options.importlib.util, "find_spec", lambda name: None)
    result = reluprobe("sweep", "grid.toml", *args)
    assert result.code == code and part in " ".join(result.err.split())
    assert not list((tmp_path / "results").rglob("*.json"))

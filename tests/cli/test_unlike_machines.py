"""Half a sweep from one machine and half from another: every reader is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from plain_records import record_of, write_sweep
from reluprobe import records
from reluprobe.report.terminal.mishaps import UNLIKE

ENVIRONMENT = {"jax": "0.10.2", "device": "cpu", "devices": 2, "backend": "cpu"}


@pytest.fixture
def halves(tmp_path: Path) -> Path:
    """Two sweeps, of which the first was moved to another JAX on its way."""
    for sweep, processors in (("a", "xxyy"), ("b", "yyyy")):
        runs = write_sweep(tmp_path / sweep, activation=["relu", "elu"])
        for run, processor in zip(runs, processors, strict=True):
            environment = {**ENVIRONMENT, "processor": processor}
            records.write(record_of(run, environment=environment), tmp_path / sweep)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["report", "a", "--no-figures"], "processor x (2 runs), y (2 runs)"),
        (["report", "a", "b", "--no-figures"], "processor x (2 runs), y (6 runs)"),
        (["compare", "a", "--baseline", "activation=relu"], "processor x (2 runs), y (2 runs)"),
        (["export", "a", "b", "--csv"], "processor x (2 runs), y (6 runs)"),
        (["export", "a", "--latex"], "processor x (2 runs), y (2 runs)"),
    ],
)
def test_runs_of_unlike_machines_are_told(halves: Path, reluprobe: Callable, command, said):
    result = reluprobe(*command)
    assert result.code == 0
    shown = result.err if command[0] == "export" else result.out
    assert f"{UNLIKE}: {said}" in " ".join(shown.split())


@pytest.mark.parametrize("command", [["report", "b", "--no-figures"], ["export", "b", "--csv"]])
def test_runs_of_one_kind_of_machine_are_not(halves: Path, reluprobe: Callable, command):
    result = reluprobe(*command)
    assert UNLIKE not in result.out + result.err


def test_machines_are_told_too(halves: Path, reluprobe: Callable):
    both = json.loads(reluprobe("report", "a", "b", "--json").out)
    assert [s["environments"] for s in both["sweeps"]] == [{"processor": {"x": 2, "y": 2}}, {}]
    assert both["side_by_side"]["environments"] == {"processor": {"x": 2, "y": 6}}
    compared = json.loads(reluprobe("compare", "a", "--baseline", "activation=relu", "--json").out)
    assert compared["environments"] == {"processor": {"x": 2, "y": 2}}

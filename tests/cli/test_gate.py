"""``--max-dead`` on finished runs: an exit code of its own, and the layers named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import reluprobe as rp
from command_in_process import run
from paired_runs import runs_of
from reluprobe import records


@pytest.fixture
def looks(tmp_path: Path) -> Path:
    """A monitor's folder: at the end 1 unit of 4 is dead in fc1, and 3 of 4 in fc2."""
    monitor = rp.Monitor(tmp_path / "mine", name="mine")
    alive = np.ones((5, 4), np.float32)
    one, three = alive.copy(), alive.copy()
    one[:, 0] = three[:, 1:] = -1
    monitor.see(0, {"fc1": (-alive, "relu"), "fc2": (alive, "relu")})
    monitor.see(9, {"fc1": (one, "relu"), "fc2": (three, "relu")})
    monitor.close()
    return tmp_path / "mine"


@pytest.mark.parametrize("most, code", [("20", 4), ("60", 4), ("75", 0), ("100", 0)])
def test_the_last_look_decides(looks, most, code):
    left, text = run("report", looks, "--no-figures", "--max-dead", most)
    assert left == code
    assert ("fc2 of mine 75.0%" in text) == (code == 4)
    assert ("fc1 of mine 25.0%" in text) == (most == "20")
    assert ("all layers of mine 50.0%" in text) == (most == "20")


def test_configurations_of_ours_are_named_by_their_settings(tmp_path):
    for record in [*runs_of("relu", [0.4, 0.5]), *runs_of("elu", [0.1, 0.1])]:
        records.write(record, tmp_path / "sweep")
    code, text = run("report", tmp_path / "sweep", "--no-figures", "--max-dead", "30")
    assert code == 4
    complaint = text.splitlines()[-1]
    assert complaint.startswith("more than 30.0% dead: ") and " elu" not in complaint
    assert run("report", tmp_path / "sweep", "--no-figures", "--max-dead", "60")[0] == 0


def test_runs_without_numbers_pass_no_gate(tmp_path):
    for record in runs_of("relu", [0.1, 0.1]):
        lost = replace(record, status="failed", history=(), samples=(), error="out of luck")
        records.write(lost, tmp_path / "sweep")
    code, text = run("report", tmp_path / "sweep", "--no-figures", "--max-dead", "60")
    assert code == 4 and "no dead units known of" in text


def test_a_percentage_that_is_none_is_refused_before_anything_is_read():
    code, text = run("report", "nowhere", "--max-dead", "many")
    assert code == 2 and "percentage from 0 to 100" in text

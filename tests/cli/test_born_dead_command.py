"""``reluprobe born-dead`` whose result cannot be written: known first, and nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reluprobe.born import count, result
from reluprobe.errors import ReluprobeError

SMALL = ("born-dead", "--depth", "2", "--width", "2", "--networks", "50", "--examples", "10")


@pytest.fixture
def blocked(tmp_path: Path) -> Path:
    """A path where no folder can be made."""
    (tmp_path / "file").write_text("not a folder")
    return tmp_path / "file" / "results"


def test_a_folder_that_cannot_be_written_is_known_before_anything_is_drawn(
    reluprobe: Any, blocked: Path, monkeypatch: pytest.MonkeyPatch
):
    def drawn(*args: object) -> None:
        raise AssertionError("networks were drawn")

    monkeypatch.setattr(count, "measure", drawn)
    output = reluprobe(*SMALL, "--out", str(blocked))
    assert output.code == 1 and f"cannot write {blocked}" in output.err
    assert "Traceback" not in output.err


def test_nothing_is_left_of_the_look(reluprobe: Any, tmp_path: Path):
    bad = reluprobe(*SMALL, "--out", str(tmp_path / "a/b"), "--init", "nonsense")
    assert bad.code == 2 and not (tmp_path / "a").exists()


def test_a_disk_that_is_full_by_then_costs_no_result(
    reluprobe: Any, monkeypatch: pytest.MonkeyPatch
):
    def full(*args: object) -> None:
        raise ReluprobeError("cannot write results/born-dead: No space left on device")

    monkeypatch.setattr(result, "write", full)
    output = reluprobe(*SMALL)
    assert output.code == 1 and "No space left on device" in output.err
    assert "born dead %" in output.out

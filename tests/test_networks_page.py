"""docs/networks.md: its network is written, its sweep run, and its commands are plans."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

import reluprobe as rp
from reluprobe.config import documents, make_run, parse_sweep
from reluprobe.plan.runs import expand

PAGE = Path(__file__).parents[1] / "docs" / "networks.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)


def test_the_residual_network_is_swept(
    reluprobe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (module,) = blocks("python")
    Path("nets.py").write_text(module)
    _, sweep = blocks("toml")
    Path("residual.toml").write_text(sweep)
    *_, command = blocks("sh")
    _, *args = shlex.split(command)
    result = reluprobe(*args)
    assert result.code == 0, result.err
    runs = rp.load(tmp_path / "results" / "residual").records
    assert len(runs) == 8 and {run.status for run in runs} == {"ok"}
    by_blocks = {run.settings["blocks"]: run for run in runs}
    assert [layer.name for layer in by_blocks[3].layers] == [f"blocks.{n}.up" for n in range(3)]
    assert {layer.units for layer in by_blocks[3].layers} == {64}
    assert "blocks" in result.out and "lr" in result.out


def test_its_widths_are_three_networks_and_its_commands_are_plans():
    first, _ = blocks("toml")
    plan = expand(parse_sweep(documents.from_toml(first)))
    assert [run.config.sizes for run in plan.runs] == [(128, 64, 32), (64, 64), (256,) * 5]
    for command in blocks("sh")[:2]:
        _, _, *flags = shlex.split(command)
        pairs = dict(zip((f.lstrip("-") for f in flags[::2]), flags[1::2], strict=True))
        assert make_run({k: int(v) if v.isdigit() else v for k, v in pairs.items()}).sizes

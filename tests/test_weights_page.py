"""docs/weights.md: every command and call is run, and prints what the page shows."""

from __future__ import annotations

import doctest
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "weights.md"
TEXT = PAGE.read_text("utf-8")
ID = "r2e5cdeca48d5"


def words(text: str) -> list[str]:
    """What stays of a text on whatever processor: no number, and no break of a line."""
    return re.sub(r"[-+]?\d[\d.,]*(e-?\d+)?|[kM]?B\b|min\b", "#", text).split()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.M | re.S)


def test_every_command_prints_what_the_page_shows(reluprobe: Callable[..., Any]):
    train, inspect, prune = (shlex.split(block)[1:] for block in blocks("sh"))
    after_training, after_pruning = blocks("text")
    done = reluprobe(*train)
    assert f"results/first/runs/{ID}.json" in done.out
    assert words(done.out)[-len(words(after_training)) :] == words(after_training)
    looked = reluprobe(*inspect)
    assert looked.code == 0 and f"run {ID}: " in looked.out and "hidden.4  relu" in looked.out
    pruned = reluprobe(*prune)
    assert words(pruned.out) == words(after_pruning), pruned.err


def test_every_call_gives_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    text = re.sub(r"^```\w*$", "", TEXT, flags=re.M)
    parsed = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    assert len(parsed.examples) == 9
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(parsed)
    assert runner.failures == 0, capsys.readouterr().out

"""Results of born-dead on disk: what does not fit together is named, and a copy counts once."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from command_in_process import run
from plain_records import write_sweep
from reluprobe.born import result
from reluprobe.born.result import Cell, Result
from reluprobe.config import make_born_dead
from reluprobe.records import RecordError

CONFIG = make_born_dead({"depth": [1, 2], "width": [3], "networks": 10})
CELLS = tuple(Cell(depth, 3, 10, 2, 0.2, 0.1, 0.3, 0.0, None, 0.5) for depth in (1, 2))
WHOLE = Result(result.result_id(CONFIG), CONFIG, {"jax": "0"}, CELLS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return result.write(WHOLE, tmp_path)


WRONG: list[tuple[str, Any, str]] = [
    ("id", "b000000000000", "id: is"),
    ("config.depth", [], "config.depth"),
    ("config.width", [10**30], "config"),
    ("config.init", "he", "config.init"),
    ("cells", [], "cells"),
    ("cells.0.depth", 2, "cells"),
    ("cells.0.dead", 11, "cells.0"),
    ("cells.0.dead", -1, "cells.0"),
    ("cells.0.networks", 0, "cells.0"),
    ("cells.0.probability", 0.9, "cells.0.probability"),
    ("cells.0.low", 0.25, "cells.0"),
    ("cells.0.upper", 1e308, "cells.0"),
]


@pytest.mark.parametrize(("path", "value", "word"), WRONG)
def test_a_result_that_contradicts_itself_is_named_and_spoils_no_report(
    path: str, value: Any, word: str, file: Path
):
    fields = container = json.loads(file.read_text())
    *steps, last = path.split(".")
    for step in steps:
        container = container[int(step) if step.isdigit() else step]
    container[last] = value
    odd = file.with_name("odd.json")
    odd.write_text(json.dumps(fields))
    with pytest.raises(RecordError) as caught:
        result.read(odd)
    assert word in caught.value.message.removeprefix(f"{odd}: ")
    write_sweep(file.parents[1] / "s")
    for more in ([], ["--json"]):
        code, text = run("report", file.parents[1], "--no-figures", *more)
        assert code == 1 and f"left out: {odd}" in text
        assert "born" in text and "10" in text


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes among files")
def test_a_copy_and_a_pipe_are_named(file: Path):
    shutil.copy(file, file.with_name("a.json"))
    os.mkfifo(file.with_name("x.json"))
    results, faults, copies = result.read_all([file.parents[1]])
    assert results == {file: WHOLE}
    assert copies == [f"{file.with_name('a.json')}, a copy of result {WHOLE.id}"]
    assert faults == [f"{file.with_name('x.json')}: cannot be read: is no regular file"]

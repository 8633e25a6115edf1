"""docs/your-data.md: its file is made, its command run, and it prints what the page shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from reluprobe.config import documents, parse_sweep
from reluprobe.plan.digests import with_digests
from reluprobe.plan.runs import expand
from test_library_page import WithinAFewPercent

PAGE = Path(__file__).parents[1] / "docs" / "your-data.md"


def block(language: str) -> str:
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    return text


def test_the_example_prints_what_the_page_shows(reluprobe: Any) -> None:
    exec(compile(block("python"), PAGE.name, "exec"), {})
    _, *args = shlex.split(block("sh"))
    result = reluprobe(*args)
    assert result.code == 0, result.err
    # How long it was waited for the compiler is the machine's.
    said = re.sub(r"^compiling .* s$", "", result.err, flags=re.M)
    shown = " ".join((said + result.out).split())
    ending, _, _ = shown.partition(" usual: ")
    assert WithinAFewPercent().check_output(" ".join(block("text").split()), ending, 0), shown
    plan = expand(with_digests(parse_sweep(documents.from_toml(block("toml")))))
    assert len(plan.runs) == 20 and len({run.config.data_sha256 for run in plan.runs} - {""}) == 1

"""Compiled programs on disk: a second process reads them, another processor has its own folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import jaxlib
import pytest

from reluprobe.engine import compile_cache

PROGRAM = """
import jax, sys
from pathlib import Path
from reluprobe.engine import compile_cache

hits = []
jax.monitoring.register_event_listener(lambda name, **_: hits.append(name))
compile_cache.enable(Path(sys.argv[1]))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
print(jax.jit(lambda x: (x @ x.T).sum())(jax.numpy.ones((7, 3))))
print(sum(name.endswith("cache_hits") for name in hits))
"""


def run(folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
    )
    return done.stdout.split()


def test_a_second_process_reads_what_the_first_has_compiled(tmp_path: Path):
    value, hits = run(tmp_path)
    assert (value, hits) == ("147.0", "0")
    again, hits = run(tmp_path)
    assert again == "147.0" and int(hits) > 0
    (folder,) = (tmp_path / "programs").iterdir()
    assert re.fullmatch(rf"jaxlib-{re.escape(jaxlib.__version__)}-[0-9a-f]{{8}}", folder.name)


def test_another_processor_has_another_folder(tmp_path: Path):
    info = "processor\t: 0\nflags\t\t: fpu avx\ncpu MHz\t\t: 2000.5\n\nprocessor\t: 1\n"
    files = {}
    for name, text in {
        "this": info,
        "slower": info.replace("2000.5", "1000"),
        "newer": info.replace("avx", "avx avx512f"),
    }.items():
        files[name] = tmp_path / name
        files[name].write_text(text)
    processors = {name: compile_cache.processor(file) for name, file in files.items()}
    assert processors["this"] == processors["slower"] != processors["newer"]
    assert compile_cache.processor(tmp_path / "missing") != processors["this"]


def test_only_who_asks_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[Path | None] = []
    monkeypatch.setattr(compile_cache, "enable", asked.append)
    for value in ("", "0", "1", str(tmp_path)):
        monkeypatch.setenv(compile_cache.VARIABLE, value)
        compile_cache.enable_if_asked()
    monkeypatch.delenv(compile_cache.VARIABLE)
    compile_cache.enable_if_asked()
    assert asked == [None, tmp_path]

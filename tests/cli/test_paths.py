"""Paths: ``~`` is the home folder wherever one is given, and what can be no path is refused."""

from __future__ import annotations

import importlib
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

import reluprobe as rp
from plain_records import write_sweep
from reluprobe.cli.app import app
from reluprobe.cli.lazy import COMMANDS
from reluprobe.config import parse_sweep
from reluprobe.data import cache
from reluprobe.engine import compile_cache


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_argument_that_is_a_path_spells_out_the_home(home: Path, name: str):
    module = importlib.import_module(f"reluprobe.cli.commands.{COMMANDS[name][0]}")
    kinds = typing.get_type_hints(module.command)
    paths = {n for n, kind in kinds.items() if kind in (Path, Path | None, list[Path])}
    group = typer.main.get_command(app)
    command = group.get_command(None, name)  # type: ignore[attr-defined]
    given = [parameter for parameter in command.params if parameter.name in paths]
    words = [f"{p.opts[0]}=~/x" if p.opts[0].startswith("-") else "~/x" for p in given]
    # What else it needs to be read at all.
    words += ["x" for p in command.params if p.required and p.name not in paths]
    read = command.make_context(name, words).params
    assert len(given) == len(paths)
    assert all(read[name] in (home / "x", [home / "x"]) for name in paths)


def test_no_folder_is_called_tilde(home: Path, tmp_path: Path, reluprobe: Callable):
    write_sweep(home / "results" / "s")
    assert reluprobe("new", "x", "--out=~/x.toml").code == 0
    assert reluprobe("export", "~/results", "--csv", "--out=~/tables").code == 0
    assert reluprobe("export", "~/results/s", "--markdown", "--out=~/s.md").code == 0
    assert {path.name for path in home.iterdir()} == {"results", "x.toml", "tables", "s.md"}
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_the_library_and_a_sweep_file_know_the_home_too(home: Path, tmp_path: Path):
    write_sweep(home / "results" / "s")
    assert len(rp.load("~/results")) == 2
    published = rp.__path__[0] + "/config/references/mnist_study.json"
    (home / "mine.json").write_bytes(Path(published).read_bytes())
    sweep = parse_sweep({"reference": "~/mine.json"}, folder=tmp_path)
    assert sweep.reference == str(home / "mine.json")


def test_the_environments_paths_know_the_home_too(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "~/cache")
    assert cache.root(None).is_relative_to(home)
    monkeypatch.setenv(compile_cache.VARIABLE, "~/programs")
    programs = compile_cache.opened()
    assert programs is not None and programs.place == home / "programs" / "programs"


@pytest.mark.parametrize("path", ["", "~nobody-of-this-name/x", "a" * 300])
def test_what_can_be_no_path_is_refused_in_words(reluprobe: Callable, path: str):
    for command in (["report", path], ["new", f"--out={path}"]):
        result = reluprobe(*command)
        assert result.code == 2 and "bad path" in result.err and "Traceback" not in result.err

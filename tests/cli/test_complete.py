"""Shell completion: the names that Tab offers, and what is imported to find them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from python_processes import run_python
from reluprobe.cli.app import app
from reluprobe.cli.lazy import COMMANDS
from reluprobe.config import SETTINGS, choices
from reluprobe.data import BUILT_IN, TFDS_WITHOUT_TENSORFLOW


@pytest.fixture
def tab(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[[str], list[str]]:
    """The completions of a line of bash, whose last word is the one to complete."""
    monkeypatch.chdir(tmp_path)

    def complete(line: str) -> list[str]:
        monkeypatch.setenv("_RELUPROBE_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        with pytest.raises(SystemExit):
            app(prog_name="reluprobe")
        return capsys.readouterr().out.split()

    return complete


def test_commands(tab: Any):
    assert tab("reluprobe ") == list(COMMANDS)
    assert tab("reluprobe re") == ["report"]


def test_options_of_a_command(tab: Any):
    assert tab("reluprobe train --le") == ["--leaky-slope", "--learning-rate"]
    assert tab("reluprobe export x --ma") == ["--markdown"]
    every = tab("reluprobe train --")
    assert {f"--{name.replace('_', '-')}" for name in SETTINGS} <= set(every)


@pytest.mark.parametrize(
    ("line", "completions"),
    [
        ("train --act ", choices.ACTIVATIONS),
        ("train --activation le", ("leaky_relu",)),
        ("train --init ", choices.INITS),
        ("born-dead --init he", ("he_uniform", "he_normal")),
        ("train --optimizer ", choices.OPTIMIZERS),
        ("train --dataset ", (*BUILT_IN, *TFDS_WITHOUT_TENSORFLOW)),
        ("train --dataset emnist/b", ("emnist/byclass", "emnist/bymerge", "emnist/balanced")),
        ("train --revive-definition d", ("dead", "dormant")),
        ("train --probe-examples ", ("all",)),
        ("train --depth 3 --norm ", choices.NORMS),
        ("report results -d ", choices.DEFINITIONS),
        ("compare results --on ", choices.SPLITS),
        ("report results --by init", ("init", "init_scale")),
        ("compare results --within wi", ("width",)),
        ("train --act xyz", ()),
        # Left to the shell, which knows files.
        ("report ", ()),
        ("train --out ", ()),
    ],
)
def test_names(tab: Any, line: str, completions: tuple[str, ...]):
    assert tab(f"reluprobe {line}") == [*completions]


def test_sweep_files(tab: Any, tmp_path: Path):
    for file in ("grid.toml", "sweeps/bias.toml", "sweeps/slopes.toml", "sweeps/notes.md"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    (tmp_path / "two words.toml").touch()
    assert tab("reluprobe sweep ") == ["grid.toml", "sweeps/bias.toml", "sweeps/slopes.toml"]
    assert tab("reluprobe sweep sw") == ["sweeps/bias.toml", "sweeps/slopes.toml"]
    assert tab("reluprobe sweep sweeps/s") == ["sweeps/slopes.toml"]
    assert tab(f"reluprobe sweep {tmp_path}/g") == [f"{tmp_path}/grid.toml"]
    assert tab("reluprobe sweep ./g") == ["./grid.toml"]
    assert tab("reluprobe sweep nowhere/") == []


def test_files_of_data(tab: Any, tmp_path: Path):
    for name in ("houses.csv", "blobs.npz", "notes.txt"):
        (tmp_path / name).touch()
    assert tab("reluprobe train --dataset h") == ["houses.csv"]
    assert tab("reluprobe train --dataset bl") == ["blobs", "blobs.npz"]
    assert tab("reluprobe train --dataset ./n") == []


#: Runs the command line, and at its end says what it has imported.
WATCHED = """if 1:
    import atexit, sys
    sys.argv[0] = "reluprobe"
    atexit.register(lambda: print(*sys.modules, file=sys.stderr))
    from reluprobe.cli import main
    main()"""
HEAVY = {"jax", "flax", "optax", "scipy", "altair", "vl_convert", "pyarrow", "tensorflow_datasets"}
OURS = {f"reluprobe.cli.commands.{module}" for module, _ in COMMANDS.values()}
OURS |= {"reluprobe.config"}


@pytest.mark.parametrize(
    ("line", "completions", "imported"),
    [
        ("reluprobe b", ["born-dead"], set()),
        ("reluprobe train --optimizer ad", ["adam", "adamw"], {"reluprobe.cli.commands.train"}),
    ],
)
def test_completing_imports_the_one_command_and_nothing_heavy(
    monkeypatch: pytest.MonkeyPatch, line: str, completions: list[str], imported: set[str]
):
    monkeypatch.setenv("_RELUPROBE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    with run_python(WATCHED) as process:
        out, err = process.communicate()
    assert out.split() == completions, err
    seen = set(err.split()) & (HEAVY | OURS)
    assert seen == (imported | {"reluprobe.config"} if imported else set())


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here to complete in")
def test_a_real_bash_completes_once_it_is_installed(tmp_path: Path):
    program = tmp_path / "bin" / "reluprobe"
    program.parent.mkdir()
    start = "import sys; sys.argv[0] = 'reluprobe'; from reluprobe.cli import main; main()"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{start}" "$@"\n')
    program.chmod(0o755)
    # Twice: what a shell reads at its start must not grow.
    script = """
        reluprobe --install-completion; reluprobe --install-completion
        source ~/.bashrc
        COMP_WORDS=(reluprobe train --act lea) COMP_CWORD=3
        $(complete -p reluprobe | sed 's/.*-F \\([^ ]*\\).*/\\1/') reluprobe lea --act
        echo "completed: ${COMPREPLY[*]}"
        grep -c reluprobe ~/.bashrc
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, check=True,
        env=os.environ | {"HOME": str(tmp_path), "PATH": f"{program.parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.stdout.splitlines()[-2:] == ["completed: leaky_relu", "1"], (
        done.stdout + done.stderr
    )

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
from reluprobe.cli import main
from reluprobe.cli import tab as tab_module
from reluprobe.cli.app import app
from reluprobe.cli.lazy import COMMANDS
from reluprobe.config import SETTINGS, choices
from reluprobe.data import BUILT_IN, TFDS_WITHOUT_TENSORFLOW

Ask = Callable[..., str]

#: Lines whose last word is to be completed.
LINES = [
    *("", "re", "nothing", "-", "--ver", "--version ", "train x ", "new ", "prune ", "schema -"),
    *("train -", "train --le", "train --act ", "train --act le", "train --lr 5e-3 --l"),
    *("train --activation relu --a", "train --lr -1 --o", "train 'a b' --out", "train --nowhere "),
    *("train --nesterov --no-n", "train --no-nesterov --no-n", "train --help --he", "train -- "),
    *("train --act=", "train --act=re", "train --dataset ", "train --dataset emnist/"),
    *("sweep ", "sweep g", "sweep g.toml ", "sweep ./", "sweep sw", "sweep g.toml --set "),
    *("report ", "report a b ", "report a -d ", "report a -d dead -", "report a --by init"),
    *("report a --by init --b", "compare a ", "born-dead --init he", "inspect m.onnx --data x"),
    *(f"{command} --" for command in COMMANDS),
]
WAYS = ("complete_bash", "complete_zsh", "get-args", "is-args")


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Ask:
    """What a shell is answered that asks in one of the ways; the exit code behind it.

    The line's last word is to be completed, in a folder with a few files.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["reluprobe"])

    def asked(line: str, way: str = "complete_bash", program: Callable[[], object] = main) -> str:
        fish = "args" in way
        monkeypatch.setenv("_RELUPROBE_COMPLETE", "complete_fish" if fish else way)
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", way)
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        code = 0
        try:
            program()
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr().out
        return f"{said.replace('((', '(( ').replace('))', ' ))')}{code}"

    return asked


@pytest.fixture
def tab(ask: Ask) -> Callable[[str], list[str]]:
    """The completions of a line of bash."""
    return lambda line: ask(line).split()[:-1]


@pytest.mark.parametrize("way", WAYS)
def test_the_table_answers_as_typer_does(ask: Ask, tmp_path: Path, way: str):
    """But for the lines that Typer breaks a help into, and for commands' helps, which it cuts."""
    for file in ("grid.toml", "houses.csv", "sweeps/bias.toml"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    for words in LINES:
        line = f"reluprobe {words}"
        by_typer = ask(line, way, lambda: app(prog_name="reluprobe")).split()
        if words.isalpha() or not words:
            assert set(by_typer) - {*ask(line, way).split()} <= {w for w in by_typer if "..." in w}
        else:
            assert sorted(ask(line, way).split()) == sorted(by_typer), line  # -h, --help: no order


@pytest.mark.parametrize("words", ["", "train --", "train --act ", "sweep ", "report a --by "])
def test_the_table_is_asked_and_not_typer(ask: Ask, monkeypatch: pytest.MonkeyPatch, words: str):
    monkeypatch.setitem(sys.modules, "reluprobe.cli.app", None)
    for way in WAYS:
        assert ask(f"reluprobe {words}", way)[-1] in "01"


def test_behind_a_command_that_is_none_nothing_is_offered(ask: Ask):
    assert ask("reluprobe nowhere ").split() == ["0"]
    assert ask("reluprobe --help nowhere ")  # by Typer, which had told the shell of a usage error


def test_helps_are_told_in_whatever_encoding():
    asks = {"_RELUPROBE_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "reluprobe train --"}
    start = "import sys; sys.argv[0] = 'reluprobe'; from reluprobe.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", start], capture_output=True, text=True, check=True,
        env=os.environ | asks | {"PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert "--l2-init" in done.stdout and not tab_module.TABLE.read_text("utf-8").isascii()


def test_a_shell_that_breaks_lines_gets_one_an_option(ask: Ask):
    lines = ask("reluprobe train --", "get-args").splitlines()[:-1]
    assert all(line.startswith("--") for line in lines)
    assert any(len(line) > 100 for line in lines)


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
        ("reluprobe train --optimizer ad", ["adam", "adamw"], set()),
        # What the table does not hold, the command itself is asked for.
        ("reluprobe train -- --optimizer ad", ["adam", "adamw"], {"reluprobe.cli.commands.train"}),
    ],
)
def test_completing_imports_the_one_command_at_most_and_nothing_heavy(
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

"""Standard streams: readers that go, disks that are full, streams that are closed, any encoding."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import reluprobe
from plain_records import write_sweep
from reluprobe.cli import streams
from reluprobe.config.schema import sweep_schema
from reluprobe.errors import ReluprobeError

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
COMMAND = (sys.executable, "-m", "reluprobe")


def shell(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """A shell's script in which ``$R`` is the command line; with its exit code and outputs."""
    paths = {"PYTHONPATH": str(Path(reluprobe.__file__).parents[1]), "R": " ".join(COMMAND)}
    env = {**os.environ, **paths, **variables}
    return subprocess.run(["bash", "-c", script], cwd=folder, env=env, capture_output=True)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sweep ``s``."""
    place = tmp_path_factory.mktemp("swept")
    write_sweep(place / "s", seeds=1)
    return place


# --- what cannot be written --------------------------------------------------------------------


@needs_full
@pytest.mark.parametrize("command", ["report s --json", "report s --no-figures", "--help"])
def test_a_full_disk_is_one_line_and_no_traceback(swept: Path, command: str):
    done = shell(f"$R {command} > /dev/full", swept)
    said = b"error: cannot write standard output: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_a_reader_that_goes_ends_a_report_in_silence(swept: Path):
    # The reader is gone before the first line: else a short report is written before it goes.
    done = shell("$R report s --no-figures | (exec 0<&-); exit ${PIPESTATUS[0]}", swept)
    assert (done.returncode, done.stdout, done.stderr) == (streams.READER_GONE, b"", b"")


def test_a_sweep_ends_as_it_would_with_a_reader(swept: Path):
    # All of it is done: what is left to do is to print.
    command = "$R sweep s/sweep.toml --out . | head -1; exit ${PIPESTATUS[0]}"
    done = shell(command, swept)
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        b"s: 1 run in 1 compiled group\n",
        b"",
    )


def test_closed_streams_are_nobodys_loss(swept: Path):
    done = shell("$R report s --json >&- 2>&- <&-", swept)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_no_file_is_opened_where_a_closed_stream_was():
    # What C code prints to descriptor 2 would stand in a record.
    code = "from reluprobe.cli import streams; streams.guard(); print(open('x', 'w').fileno() > 2)"
    run = f'cd $(mktemp -d) && {sys.executable} -c "{code}" 2>&- <&-'
    assert shell(run, Path.cwd()).stdout == b"True\n"


@contextmanager
def piped(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Standard output that is a pipe, guarded; gives what lets its reader go.

    Within a test: between its phases pytest has a stream of its own.
    """
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(streams, "_out", None)
        streams.guard()
        yield lambda: os.close(reader)


def test_work_goes_on_without_a_reader(monkeypatch: pytest.MonkeyPatch):
    with piped(monkeypatch) as reader_goes:
        reader_goes()
        streams.work_goes_on()
        for _ in range(3):
            print("an event", flush=True)
        streams.settle()


def test_a_reader_that_goes_is_known_by_the_next_write(monkeypatch: pytest.MonkeyPatch):
    with piped(monkeypatch) as reader_goes:
        reader_goes()
        with pytest.raises(streams.ReaderGoneError):
            print("an event", flush=True)


def test_a_reader_that_goes_before_the_last_flush_is_known(monkeypatch: pytest.MonkeyPatch):
    with piped(monkeypatch) as reader_goes:
        print("held back")
        reader_goes()
        with pytest.raises(streams.ReaderGoneError):
            streams.settle()
        streams.settle()  # and known once


@needs_full
def test_what_else_could_not_be_written_while_work_went_on_is_told_at_its_end(
    monkeypatch: pytest.MonkeyPatch,
):
    with FULL.open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        streams.guard()
        streams.work_goes_on()
        print("an event", flush=True)
        with pytest.raises(ReluprobeError, match="No space left on device") as caught:
            streams.settle()
    assert caught.value.exit_code == 1


# --- what machines read ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variables", [{"PYTHONIOENCODING": "cp1252"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}]
)
def test_the_schema_is_utf_8_whatever_the_locale(tmp_path: Path, variables: dict[str, str]):
    done = shell("$R schema", tmp_path, PYTHONCOERCECLOCALE="0", **variables)
    assert done.returncode == 0 and "…" in done.stdout.decode("utf-8")
    assert json.loads(done.stdout) == json.loads(json.dumps(sweep_schema()))


def test_a_table_for_a_paper_is_utf_8_and_one_for_a_terminal_what_that_can_show(swept: Path):
    done = shell(
        "$R export s --markdown; $R report s --no-figures --full", swept, PYTHONIOENCODING="ascii"
    )
    markdown, table = done.stdout.split(b"\ns\n")
    assert "f′(z) = 0" in markdown.decode("utf-8")
    assert b"f'(z) = 0" in table and table.isascii()


# --- widths ------------------------------------------------------------------------------------


def report(reluprobe: Callable, swept: Path, monkeypatch: pytest.MonkeyPatch, width: str) -> str:
    from reluprobe.cli import console

    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.setenv("LINES", width)
    console.settle_size()
    return reluprobe("report", str(swept / "s"), "--no-figures", "--full").out


@pytest.mark.parametrize("width", ["0", "-5", "", "wide", "²"])
def test_a_width_that_is_none_is_80(reluprobe, swept, monkeypatch, width: str):
    shown = report(reluprobe, swept, monkeypatch, width)
    assert shown == report(reluprobe, swept, monkeypatch, "80") and "test acc %" in shown


def test_a_width_of_0_in_the_environment_is_seen_before_there_is_a_console(swept: Path):
    done = shell("$R report s --no-figures --full", swept, COLUMNS="0", LINES="0")
    assert done.returncode == 0 and b"test acc %" in done.stdout


@pytest.mark.parametrize("width", ["1", "20"])
def test_a_tiny_width_shows_whole_words(reluprobe, swept, monkeypatch, width: str):
    shown = report(reluprobe, swept, monkeypatch, width)
    assert "dead %  test acc %" in shown and max(map(len, shown.splitlines()[:9])) <= 40


@pytest.mark.parametrize("width", ["0", "wide"])
def test_help_has_a_width_too(reluprobe, monkeypatch, width: str):
    from reluprobe.cli import console

    monkeypatch.setenv("TERMINAL_WIDTH", width)
    console.settle_size()
    assert "TERMINAL_WIDTH" not in os.environ

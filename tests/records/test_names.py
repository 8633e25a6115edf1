"""Names of folders and files: read back whatever they are, shown in characters that print."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pyarrow import csv as arrow_csv

from plain_records import write_sweep
from reluprobe.config import parse_sweep
from reluprobe.errors import InputError
from reluprobe.files.printable import printable
from reluprobe.plan.runs import expand
from reluprobe.records.folder import open_all
from reluprobe.records.ownership import Claim, occupied


def claim(folder: Path, name: str) -> Claim:
    sweep = parse_sweep({"name": name, "base": {"dataset": "blobs"}})
    return Claim(folder / name, sweep, expand(sweep).runs)


def can_be(name: bytes, folder: Path) -> bool:
    """Whether the file system has such names."""
    try:
        os.mkdir(os.path.join(os.fsencode(folder), name))
    except OSError:
        return False
    return True


# --- shown -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain größe 学習", "plain größe 学習"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("two\nlines\ttab", r"two\nlines\ttab"),
        ("b\udcff", r"b\xff"),
        ("turned \u202e round", r"turned \u202e round"),
    ],
)
def test_what_does_not_print_is_spelled_out(text: str, shown: str):
    assert printable(text) == printable(Path(text)) == shown
    assert shown.isprintable() and printable(shown) == shown


@pytest.mark.parametrize("name", [b"\x1b[31mred\x07", b"two\nlines", b"b\xff"])
def test_no_name_reaches_the_terminal_the_page_or_a_table_as_it_is(
    tmp_path: Path, reluprobe: Callable, name: bytes
):
    if not can_be(name, tmp_path):
        pytest.skip("this file system refuses such a name")
    folder = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)))
    write_sweep(folder)
    shown = printable(os.fsdecode(name))
    report = reluprobe("report", str(folder), "--no-figures")
    assert report.code == 0 and report.out.splitlines()[0] == shown
    assert all(line.isprintable() for line in report.out.splitlines())
    content = json.loads(reluprobe("report", str(tmp_path), "--json").out)
    assert [sweep["name"] for sweep in content["sweeps"]] == [shown]
    assert content["sweeps"][0]["folder"] == printable(folder)
    exported = reluprobe("export", str(tmp_path), "--csv", "--parquet", "--out", "x")
    assert exported.code == 0, exported.err
    table = arrow_csv.read_csv(tmp_path / "x" / "runs.csv")
    assert set(table["sweep"].to_pylist()) == {shown}
    assert reluprobe("export", str(folder), "--markdown").out.startswith("### ")


def test_a_file_that_cannot_be_read_is_named_in_one_line(tmp_path: Path):
    write_sweep(tmp_path / "a\nb\x1b[2J")
    (tmp_path / "a\nb\x1b[2J" / "runs" / "broken.json").write_text("{")
    (archive,) = open_all([tmp_path])
    (fault,) = archive.faults
    assert fault.isprintable() and r"a\nb\x1b[2J" in fault


def test_a_sweep_file_of_no_utf_8_name_is_refused_before_a_folder_is_made(
    tmp_path: Path, reluprobe: Callable
):
    file = os.path.join(os.fsencode(tmp_path), b"n\xff.toml")
    try:
        with open(file, "w") as opened:
            opened.write('[base]\ndataset = "blobs"')
    except OSError:
        pytest.skip("this file system refuses such a name")
    result = reluprobe("sweep", os.fsdecode(file))
    assert result.code == 2 and "Traceback" not in result.err
    assert r"n\xff.toml" in result.err and 'name = "…" in the file' in result.err
    assert os.listdir(os.fsencode(tmp_path)) == [b"n\xff.toml"]


# --- read back ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["report", "export", "old-1", "chunks", "sweep", "1e5", "a b"])
def test_sweeps_of_any_name_are_read_back(tmp_path: Path, name: str):
    write_sweep(tmp_path / name)
    for path in (tmp_path, tmp_path / name, tmp_path / name / "runs"):
        (archive,) = open_all([path])
        assert (archive.name, len(archive.records), archive.faults) == (name, 2, ())


@pytest.mark.parametrize("name", ["runs", "=sum(a1)", "a:b"])
def test_sweeps_of_names_that_are_refused_by_now_are_read_still(tmp_path: Path, name: str):
    write_sweep(tmp_path / name)
    file = tmp_path / name / "sweep.toml"
    file.write_text(file.read_text().replace('name = "s"', f'name = "{name}"'))
    for path in (tmp_path, tmp_path / name):
        (archive,) = open_all([path])
        assert (archive.name, len(archive.records)) == (name, 2)
        assert (archive.faults, archive.missing) == ((), 0)


def test_a_folder_of_results_may_be_called_as_those_within(tmp_path: Path, reluprobe: Callable):
    for name in ("runs", "born-dead"):
        write_sweep(tmp_path / name / "s")
        result = reluprobe("report", str(tmp_path / name), "--json")
        assert [s["name"] for s in json.loads(result.out)["sweeps"]] == ["s"], result.err


@pytest.mark.parametrize(("name", "other"), [("Grid", "grid"), ("caf\u00e9", "cafe\u0301")])
def test_a_name_that_another_system_takes_for_a_neighbours_is_refused(
    tmp_path: Path, name: str, other: str
):
    with occupied(claim(tmp_path, name)):
        pass
    with pytest.raises(InputError, match="macOS and Windows"), occupied(claim(tmp_path, other)):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [name]
    if not can_be(other.encode(), tmp_path):
        return  # there is but one of them here
    with occupied(claim(tmp_path, other)):  # what is there is gone on with
        pass

"""Atomic writes: permissions, and what a failure leaves."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from reluprobe import files


def test_permissions_follow_the_umask_which_is_the_processs_and_never_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(mask: int) -> int:
        raise AssertionError(f"umask({mask:o}) was called")

    before = os.umask(0o027)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(os, "umask", refuse)
            files.write_atomically(tmp_path / "new.txt", "é")
    finally:
        os.umask(before)
    assert (tmp_path / "new.txt").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "new.txt").read_bytes() == "é".encode()
    assert [file.name for file in tmp_path.iterdir()] == ["new.txt"]


def test_a_file_being_written_has_a_hidden_name_that_starts_as_its_own(tmp_path: Path):
    path = tmp_path / "deep" / "a.json"
    with files.replacing(path) as first, files.replacing(path) as second:
        first.write(b"1")
        second.write(b"2")
        assert len(list(path.parent.glob(".a.json.*"))) == 2 and not path.exists()
    assert path.read_bytes() == b"1"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_is_replaced_whole_or_stays_as_it_was(tmp_path: Path):
    folder = tmp_path / "set"
    (tmp_path / ".set.killed.part").mkdir()
    for text in ("old", "new"):
        with files.replacing_folder(folder) as part:
            (part / "file").write_text(text)
    with pytest.raises(ZeroDivisionError), files.replacing_folder(folder) as part:
        (part / "file").write_text("half")
        raise ZeroDivisionError
    assert (folder / "file").read_text() == "new"
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_is_replaced_where_none_can_be_opened_as_on_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    real = os.open

    def open_(path: Any, *rest: Any, **more: Any) -> int:
        if Path(path).is_dir():
            raise PermissionError(13, "Permission denied", path)
        return real(path, *rest, **more)

    monkeypatch.setattr(os, "open", open_)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "win32")
        with files.replacing_folder(tmp_path / "set") as part:
            (part / "file").write_text("whole")
    assert (tmp_path / "set" / "file").read_text() == "whole"


def test_a_link_where_a_file_is_written_is_replaced_and_its_target_stays(tmp_path: Path):
    target, link = tmp_path / "thesis.tex", tmp_path / "report.html"
    target.write_text("years of work")
    link.symlink_to(target)
    files.write_atomically(link, "new")
    assert (target.read_text(), link.read_text()) == ("years of work", "new")
    assert not link.is_symlink()


def test_folders_made_for_a_file_that_does_not_come_to_be_go_again(tmp_path: Path):
    (tmp_path / "there").mkdir()
    with pytest.raises(KeyError), files.replacing(tmp_path / "there" / "new" / "newer" / "file"):
        raise KeyError
    assert list(tmp_path.rglob("*")) == [tmp_path / "there"]


def test_folders_in_which_others_have_begun_stay(tmp_path: Path):
    with pytest.raises(KeyError), files.replacing(tmp_path / "new" / "newer" / "file"):
        (tmp_path / "new" / "other").touch()
        raise KeyError
    assert sorted(f.name for f in tmp_path.rglob("*")) == ["new", "other"]

"""SHA-256 of files and folders, as the usual tools take it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from reluprobe import data
from reluprobe.data.own import raw
from reluprobe.errors import InputError


def test_a_files_is_that_of_its_bytes_and_follows_its_changes(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    for text in (b"a,b\n1,2\n", b"a,b\n1,3\n", b""):
        file.write_bytes(text)
        # A clock may be coarser than two writes.
        os.utime(file, ns=(0, len(text) * 7 + text.count(b"3")))
        assert data.sha256(file, "a.csv") == hashlib.sha256(text).hexdigest()


def test_a_folders_is_that_of_the_list_of_its_files(tmp_path: Path) -> None:
    for name in ("train/b.png", "train/a.png", "test/é.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / ".DS_Store").write_bytes(b"of a Mac")
    listed = "".join(
        f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n"
        for name in ("test/é.png", "train/a.png", "train/b.png")
    )
    expected = hashlib.sha256(listed.encode()).hexdigest()
    assert data.sha256(tmp_path, "own/") == expected
    (tmp_path / "train/a.png").rename(tmp_path / "train/c.png")
    assert data.sha256(tmp_path, "own/") != expected


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.touch(mode=0)
    with pytest.raises(InputError, match=r"cannot read a\.csv: Permission denied"):
        data.sha256(file, "a.csv")


def test_memory_is_known_or_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    free = raw.available_memory()
    assert free is None or free > 1 << 20
    monkeypatch.setattr(Path, "read_text", lambda *_: "MemTotal: 8 kB\nMemAvailable:    3 kB\n")
    assert raw.available_memory() == 3072
    monkeypatch.setattr(Path, "read_text", lambda *_: "")
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 5, "SC_PAGE_SIZE": 100}.__getitem__)
    assert raw.available_memory() == 500
    monkeypatch.delattr(os, "sysconf")
    assert raw.available_memory() is None
    raw.check_memory("a.csv", 1 << 60)  # where nobody says, nobody refuses
    assert np.inf > 1

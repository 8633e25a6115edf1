"""Cache of decoded datasets: what is damaged or half built is built again."""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from python_processes import run_python
from reluprobe import data
from reluprobe.data import cache
from reluprobe.data.dataset import ARRAYS
from reluprobe.errors import DatasetError
from small_datasets import assert_same, flip, small, truncate


def no_build() -> data.Dataset:
    raise AssertionError("built although the cache holds it")


def test_what_was_cached_comes_back(tmp_path: Path) -> None:
    assert cache.read(tmp_path, "some/set") is None
    assert_same(cache.build(tmp_path, "some/set", small), small())
    got = cache.read(tmp_path, "some/set")
    assert got is not None
    assert_same(got, small())
    assert all(getattr(got, a).flags.c_contiguous for a in ARRAYS)
    assert not any(getattr(got, a).flags.writeable for a in ARRAYS)
    assert_same(cache.build(tmp_path, "some/set", no_build), small())


def more_classes(path: Path) -> None:
    if path.suffix == ".json":
        path.write_text(path.read_text().replace('"classes": 3', '"classes": 4'))
    else:
        np.save(path, np.zeros((20, 12), np.uint8))


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [flip, truncate, more_classes, empty, Path.unlink])
@pytest.mark.parametrize("file", ["train_inputs.npy", "test_targets.npy", "manifest.json"])
def test_a_damaged_cache_is_built_again_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Any, file: str
) -> None:
    cache.build(tmp_path, "some/set", small)
    damage(tmp_path / "arrays" / "some--set" / file)
    assert cache.read(tmp_path, "some/set") is None
    [record] = caplog.records
    assert (record.name, record.levelno) == ("reluprobe", logging.WARNING)
    assert "some/set" in record.message and "building it again" in record.message
    other = small(shift=1)
    assert_same(cache.build(tmp_path, "some/set", lambda: other), other)
    assert_same(cache.build(tmp_path, "some/set", no_build), other)


def test_a_cache_of_another_dataset_is_not_taken_for_this_one(tmp_path: Path) -> None:
    cache.build(tmp_path, "one", lambda: small("one"))
    (tmp_path / "arrays" / "one").rename(tmp_path / "arrays" / "two")
    assert cache.read(tmp_path, "two") is None


def test_a_cache_of_an_older_reluprobe_is_built_again_in_silence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache.build(tmp_path, "some/set", small)
    file = tmp_path / "arrays" / "some--set" / "manifest.json"
    manifest = json.loads(file.read_text())
    del manifest["crc32"], manifest["shape"]  # as it was written before
    manifest["format"] = 1
    manifest["crc32"] = zlib.crc32(json.dumps(manifest, sort_keys=True).encode())
    file.write_text(json.dumps(manifest))
    assert cache.read(tmp_path, "some/set") is None
    assert_same(cache.build(tmp_path, "some/set", lambda: small(shift=1)), small(shift=1))
    assert_same(cache.build(tmp_path, "some/set", no_build), small(shift=1))
    assert caplog.text == ""


def test_a_build_killed_half_way_leaves_nothing_that_is_believed(tmp_path: Path) -> None:
    code = """if 1:
        import os, sys
        from pathlib import Path
        import numpy as np
        from reluprobe.data import Dataset, cache
        a = np.zeros((4, 2), np.uint8)
        cache._seal = lambda manifest: os._exit(9)  # the arrays are written, the manifest is not
        cache.build(Path(sys.argv[1]), "half", lambda: Dataset("half", a, a, a, a, 2))"""
    process = run_python(code, tmp_path)
    assert process.communicate() == ("", "") and process.returncode == 9
    left = [p.name for p in (tmp_path / "arrays").iterdir() if p.is_dir()]
    assert len(left) == 1 and left[0].endswith(".part")
    assert cache.read(tmp_path, "half") is None
    half = small("half")
    assert_same(cache.build(tmp_path, "half", lambda: half), half)
    assert [p.name for p in (tmp_path / "arrays").iterdir() if p.is_dir()] == ["half"]


def test_processes_that_build_at_once_build_once(tmp_path: Path) -> None:
    code = """if 1:
        import sys, time
        from pathlib import Path
        import numpy as np
        from reluprobe.data import Dataset, cache
        root = Path(sys.argv[1])
        def make():
            with open(root / "log", "a") as log:
                log.write("built\\n")
            time.sleep(0.5)  # long enough for the others to arrive at the lock
            a = np.arange(8, dtype=np.uint8).reshape(4, 2)
            return Dataset("set", a, a, a, a, 2)
        print(cache.build(root, "set", make).train_inputs.sum())"""
    processes = [run_python(code, tmp_path) for _ in range(3)]
    assert [p.communicate() for p in processes] == [("28\n", "")] * 3
    assert (tmp_path / "log").read_text() == "built\n"


def test_a_cache_that_cannot_be_written_is_a_dataset_error(tmp_path: Path) -> None:
    (tmp_path / "arrays").write_text("a file where the folder should be")
    with pytest.raises(DatasetError, match="the cache folder .* failed") as e:
        cache.build(tmp_path, "some/set", small)
    assert "XDG_CACHE_HOME" in str(e.value.hint)


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, 524])
def test_a_file_system_without_locks_is_told_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    def flock(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    assert_same(cache.build(tmp_path, "some/set", small), small())
    assert f"{tmp_path / 'arrays'} has no file locks" in caplog.text
    monkeypatch.setattr(fcntl, "flock", lambda *_: os.stat(tmp_path / "gone"))
    with pytest.raises(DatasetError, match="the cache folder .* failed"):
        cache.build(tmp_path, "other/set", small)


def test_a_lock_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "arrays").mkdir()
    (tmp_path / "arrays" / ".set.lock").symlink_to(tmp_path / "thesis.tex")
    with pytest.raises(DatasetError, match="it is a symbolic link; remove it"):
        cache.build(tmp_path, "set", small)
    assert not (tmp_path / "thesis.tex").exists()


def test_the_cache_is_in_the_users_cache_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert cache.root(None) == tmp_path / "reluprobe"
    assert cache.root(tmp_path / "mine") == tmp_path / "mine"

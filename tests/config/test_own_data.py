"""Which names of datasets are paths, whatever lies on this disk."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reluprobe.config import make_run, own_data, phases
from reluprobe.data.names import TFDS_WITHOUT_TENSORFLOW
from reluprobe.errors import InputError


@pytest.mark.parametrize(
    "path",
    [
        *("houses.csv", "HOUSES.CSV", "a b.parquet", "data/own.npz", "./cats", "../cats", "/cats"),
        *("~/cats", "cats/", "x.npy", "C:\\cats", ".\\cats", "c:/cats", "a\nb.csv"),
    ],
)
def test_a_path_is_told_by_how_it_begins_or_ends(path: str) -> None:
    assert own_data.is_path(path) and path in own_data.PATHS


@pytest.mark.parametrize(
    "name", ["mnist", "blobs", "cats", "csv", "cifar10", *TFDS_WITHOUT_TENSORFLOW, "a/csv", "", 3]
)
def test_any_other_name_is_looked_up_whatever_lies_here(
    name: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cats").mkdir()
    assert not own_data.is_path(name) and name not in own_data.PATHS


def test_settings_of_files_are_idle_beside_a_name() -> None:
    of_files = {
        **{"target": "a", "task": "regression", "test_share": 0.5, "split_seed": 3},
        **{"standardize": True, "data_sha256": "a" * 64},
    }
    assert tuple(of_files) == own_data.SETTINGS
    assert make_run({"dataset": "blobs", **of_files}) == make_run({"dataset": "blobs"})
    own = make_run({"dataset": "a.csv", **of_files})
    assert all(getattr(own, name) == value for name, value in of_files.items())


@pytest.mark.parametrize("digest", ["a" * 63, "A" * 64, "g" * 64, "a" * 65])
def test_a_sha256_is_64_digits(digest: str) -> None:
    assert re.fullmatch(own_data.SHA256.pattern, digest) is None
    with pytest.raises(InputError, match="64 hexadecimal digits"):
        make_run({"dataset": "a.csv", "data_sha256": digest})


@pytest.mark.parametrize("text", ["other.csv", "./cats", "same,other.npz+permuted_pixels@2"])
def test_a_phase_on_a_file_is_refused_with_the_reason(text: str) -> None:
    assert "a phase's dataset cannot be a file" in str(phases.fault(text))
    _, faults = phases.written({"dataset": "other.csv"})
    assert len(faults) == 1 and "a phase's dataset cannot be a file" in faults[0]

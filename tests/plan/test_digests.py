"""Files in plans: ids hang on what a file holds, not on where it lies."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from reluprobe.config import make_run, parse_sweep, read_sweep, sweep_toml
from reluprobe.errors import InputError
from reluprobe.plan.digests import with_digest, with_digests
from reluprobe.plan.runs import checked_run, expand, run_id

TEXTS = {"a.csv": "x,y\n1,2\n", "b.csv": "x,y\n1,3\n", "copy.csv": "x,y\n1,2\n"}
SHA256 = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in TEXTS.items()}


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in TEXTS.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def planned(written: dict[str, Any]) -> list[Any]:
    return list(expand(with_digests(parse_sweep(written))).runs)


def test_a_run_has_the_digest_of_its_file_in_its_settings_and_in_its_id(files: Path) -> None:
    ids = {}
    for name in TEXTS:
        run = checked_run(with_digest({"dataset": name, "target": "y"}))
        assert run.config.data_sha256 == SHA256[name]
        ids[name] = run.id
    assert ids["a.csv"] == ids["copy.csv"] != ids["b.csv"]
    (files / "below").mkdir()
    (files / "a.csv").rename(files / "below" / "moved.csv")
    moved = with_digest({"dataset": "below/moved.csv", "target": "y"})
    assert checked_run(moved).id == ids["a.csv"]
    assert checked_run({**moved, "standardize": True}).id != ids["a.csv"]


def test_named_datasets_keep_their_ids() -> None:
    assert with_digest({"dataset": "blobs"}) == {"dataset": "blobs"}
    # As the ids of records that were written before there were files.
    assert run_id(make_run({})) == "r44136fa355b3"  # SHA-256 of {}
    assert run_id(make_run({"dataset": "blobs"})) == (
        "r" + hashlib.sha256(b'{"dataset":"blobs"}').hexdigest()[:12]
    )


def test_files_may_be_an_axis_each_with_its_digest(files: Path) -> None:
    written = {
        "base": {"target": "y"},
        "grid": {"dataset": ["a.csv", "mnist", "b.csv"], "standardize": [True, False]},
    }
    runs = planned(written)
    assert [(r.config.dataset, r.config.data_sha256) for r in runs] == [
        *[("a.csv", SHA256["a.csv"])] * 2,
        ("mnist", ""),
        *[("b.csv", SHA256["b.csv"])] * 2,
    ]
    # What is written beside results gives the same runs, whatever the files are by then.
    sweep = with_digests(parse_sweep(written))
    (files / "sweep.toml").write_text(sweep_toml(sweep))
    for name in TEXTS:
        (files / name).unlink()
    again = read_sweep(files / "sweep.toml")
    assert again.data_sha256 == {n: SHA256[n] for n in ("a.csv", "b.csv")}
    assert list(expand(with_digests(again)).runs) == runs


def test_two_paths_of_one_file_are_one_run() -> None:
    plan = expand(
        with_digests(
            parse_sweep({"base": {"target": "y"}, "grid": {"dataset": ["a.csv", "copy.csv"]}})
        )
    )
    assert [run.config.dataset for run in plan.runs] == ["a.csv"] and plan.folded == 1


def test_an_include_may_bring_a_file() -> None:
    runs = planned({"grid": {"depth": [1]}, "include": [{"dataset": "b.csv", "target": "y"}]})
    assert [run.config.data_sha256 for run in runs] == ["", SHA256["b.csv"]]


@pytest.mark.parametrize(
    "written",
    [
        {"base": {"target": "y"}},
        {"base": {"dataset": "blobs"}, "grid": {"standardize": [True, False]}},
        {"grid": {"dataset": ["mnist", "blobs"]}, "include": [{"split_seed": 3}]},
    ],
)
def test_settings_of_files_are_refused_where_there_is_none(written: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        planned(written)
    assert caught.value.message == "a setting without an effect"
    assert "only where dataset is a file or folder" in caught.value.faults[0]


def test_a_file_that_is_not_there_is_known_when_a_plan_is_made() -> None:
    with pytest.raises(InputError, match=r"no such file or folder: c.csv; did you mean '[ab].csv'"):
        planned({"base": {"dataset": "c.csv", "target": "y"}})
    with pytest.raises(InputError, match=r"allowed is .path. = 64 hexadecimal digits") as caught:
        parse_sweep({"data_sha256": {"a.csv": "none"}})
    assert caught.value.exit_code == 2

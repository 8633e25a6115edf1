"""Files of the user's on the command line: trained on, stopped, moved, changed, gone."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reluprobe as rp
from killed_sweeps import record_files
from reluprobe import data
from reluprobe.executor import chunks
from reluprobe.executor.worker import work
from reluprobe.plan.digests import with_digest
from reluprobe.plan.runs import checked_run
from reluprobe.records import read

SMALL = dict(depth=1, width=8, epochs=2, optimizer="sgd", learning_rate=0.1, probe_examples=200)
FLAGS = ("--depth", "1", "--width", "8", "--epochs", "4")
CSV = ("train", "--dataset", "houses.csv", "--target", "price", "--standardize", *FLAGS)
SWEEP = """
[base]
dataset = "houses.csv"
target = "price"
standardize = true
depth = 1
width = 8
epochs = 4
[grid]
seed = [0, 1]
"""


def write_houses(folder: Path, shift: float = 0.0) -> Path:
    rng = np.random.default_rng(1)
    rooms, area = rng.integers(1, 8, 300), rng.normal(90, 30, 300)
    price = 1500 * area + 20_000 * rooms + shift
    rows = (f"{a},{b:.1f},{c:.2f}\n" for a, b, c in zip(rooms, area, price, strict=True))
    (folder / "houses.csv").write_text("rooms,area,price\n" + "".join(rows))
    return folder / "houses.csv"


@pytest.mark.parametrize("name", ["blobs", "abs"])
def test_a_file_trains_as_the_same_data_by_name(tmp_path: Path, name: str) -> None:
    named = data.load(name)
    names = ("x_train", "y_train", "x_test", "y_test")
    arrays = (named.train_inputs, named.train_targets, named.test_inputs, named.test_targets)
    np.savez(tmp_path / "own.npz", **dict(zip(names, arrays, strict=True)))
    more: dict[str, Any] = {**SMALL, "phases": "permuted_pixels@1,shuffled_labels@1"}
    expected, got = (rp.train(dataset=d, **more) for d in (name, str(tmp_path / "own.npz")))
    assert got.status == "ok" and got.history == expected.history
    assert got.samples == expected.samples
    own = str(tmp_path / "own.npz")
    assert len(got.phases) == 3
    assert got.phases == tuple(replace(phase, dataset=own) for phase in expected.phases)
    assert got.ours is not None and got.ours.data_sha256 == data.sha256(Path(own), own)


def test_train_says_what_it_trains_on_and_resumes(
    reluprobe: Any, tmp_path: Path, stopped_after: Any
) -> None:
    write_houses(tmp_path)
    whole = reluprobe(*CSV, "--out", "whole")
    assert whole.code == 0, whole.err
    said = " ".join(whole.err.split())
    assert "houses.csv: 240 training and 60 test examples of 2 features; regression" in said
    assert "on up to 1,000 training examples" in " ".join(whole.out.split())
    assert "are dead on 240 training examples" in " ".join(whole.out.split())
    stopped_after(4)
    assert reluprobe(*CSV).code == 143
    (tmp_path / "data").mkdir()
    (tmp_path / "houses.csv").rename(tmp_path / "data" / "houses.csv")
    gone = reluprobe(*CSV)
    assert gone.code == 2 and "no such file or folder: houses.csv" in gone.err
    stopped_after(-9)
    moved = [word.replace("houses.csv", "data/houses.csv") for word in CSV]
    again = reluprobe(*moved)
    assert again.code == 0, again.err
    (folder,) = (tmp_path / "results").iterdir()
    (whole_folder,) = (tmp_path / "whole").iterdir()
    # The same file at another place: the same folder, the same run, gone on with.
    assert folder.name == whole_folder.name
    (id_,) = record_files(folder)
    ours, theirs = (read(f / "runs" / id_) for f in (folder, whole_folder))
    assert ours.history == theirs.history and ours.samples == theirs.samples


def test_a_sweep_notices_a_file_that_changed_before_it_trains(
    reluprobe: Any, tmp_path: Path, stopped_after: Any
) -> None:
    write_houses(tmp_path)
    (tmp_path / "grid.toml").write_text(SWEEP)
    stopped_after(3)
    assert reluprobe("sweep", "grid.toml").code == 143
    folder = tmp_path / "results" / "grid"
    before = {f.name: f.read_bytes() for f in sorted((folder / "runs").iterdir())}
    kept = (tmp_path / "houses.csv").read_bytes()
    write_houses(tmp_path, shift=1.0)
    stopped_after(-9)
    # By its own file: another plan than the folder's.
    other = reluprobe("sweep", "grid.toml")
    assert other.code == 2
    assert "the data have changed: SHA-256 " in other.err and "--fresh" in other.err
    # By the plan beside the results, which pins the file.
    shutil.copy(folder / "sweep.toml", tmp_path / "again.toml")
    pinned = reluprobe("sweep", "again.toml")
    assert pinned.code == 2 and "it has changed: the runs were planned with SHA-256" in pinned.err
    assert {f.name: f.read_bytes() for f in sorted((folder / "runs").iterdir())} == before
    (tmp_path / "houses.csv").write_bytes(kept)
    assert reluprobe("sweep", "grid.toml").code == 0
    assert len(record_files(folder)) == 2


def test_a_moved_file_is_one_dataset_in_a_report(
    reluprobe: Any, tmp_path: Path, stopped_after: Any
) -> None:
    write_houses(tmp_path)
    (tmp_path / "grid.toml").write_text(SWEEP.replace("seed = [0, 1]", "seed = [0, 1, 2]"))
    assert reluprobe("sweep", "grid.toml").code == 0
    folder = tmp_path / "results" / "grid"
    first, *_ = record_files(folder)
    (folder / "runs" / first).unlink()
    (tmp_path / "houses.csv").rename(tmp_path / "villas.csv")
    (tmp_path / "grid.toml").write_text(
        (tmp_path / "grid.toml").read_text().replace("houses", "villas")
    )
    assert reluprobe("sweep", "grid.toml").code == 0
    written = [json.loads(raw)["config"]["dataset"] for raw in record_files(folder).values()]
    assert sorted(written) == ["houses.csv", "houses.csv", "villas.csv"]
    results = rp.load(folder)
    (row,) = results.summary().to_pylist()
    assert row["runs"] == 3


def test_two_files_are_told_apart_by_their_names_alone(tmp_path: Path) -> None:
    houses = write_houses(tmp_path)
    villas = houses.rename(tmp_path / "villas.csv")
    settings = {**SMALL, "target": "price", "standardize": True, "epochs": 0}
    sweep = {"base": settings, "grid": {"dataset": [str(write_houses(tmp_path, 1.0)), str(villas)]}}
    summary = rp.sweep(sweep, out=None).summary()
    assert summary.column_names[0] == "dataset" and summary.num_rows == 2
    assert "data_sha256" not in summary.column_names


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "which column is to be predicted? It has rooms, area, price"),
        (("--target", "prize"), "it has no column 'prize'; did you mean 'price'?"),
        (
            ("--target", "price", "--probe-examples", "5000"),
            "allowed with houses.csv is an integer",
        ),
        (("--target", "price", "--label-noise", "0.1"), "label_noise needs classes"),
        (("--target", "price", "--data-sha256", "0" * 64), "it has changed"),
    ],
)
def test_what_cannot_be_trained_on_leaves_nothing_behind(
    reluprobe: Any, tmp_path: Path, flags: tuple[str, ...], said: str
) -> None:
    write_houses(tmp_path)
    result = reluprobe("train", "--dataset", "houses.csv", *FLAGS, *flags)
    assert result.code == 2 and said in " ".join(result.err.split())
    assert "Traceback" not in result.err and os.listdir(tmp_path) == ["houses.csv"]


def test_settings_of_files_beside_a_name_are_refused(reluprobe: Any, tmp_path: Path) -> None:
    result = reluprobe("train", "--dataset", "blobs", "--standardize")
    assert result.code == 2 and "standardize has an effect only with dataset = a file" in result.err
    (tmp_path / "cats").mkdir()
    result = reluprobe("train", "--dataset", "cats")
    assert result.code == 2 and "a path begins with . / or ~" in " ".join(result.err.split())
    assert os.listdir(tmp_path) == ["cats"]


def test_another_machine_finds_a_relative_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_houses(tmp_path)
    monkeypatch.chdir(tmp_path)
    settings = {"dataset": "houses.csv", "target": "price", "standardize": True, **SMALL}
    run = checked_run(with_digest(settings))
    folder = tmp_path / "results" / "grid"
    chunk = chunks.Chunk(chunks.__version__, False, False, (), None, str(tmp_path), (run,))
    file = chunks.write(chunk, folder, (1, 1))
    monkeypatch.chdir("/")
    work(file, lambda _: None)
    assert read(folder / "runs" / f"{run.id}.json").config == run.config


def test_numbers_whose_squares_are_infinite_are_left_out_of_a_record(tmp_path: Path) -> None:
    settings = {**SMALL, "dataset": str(write_houses(tmp_path)), "target": "price"}
    record = rp.train(out=tmp_path / "results", **settings)
    # Unscaled, a step of 0.1 throws every unit far out: finite, dead, and its square is not.
    last = record.history[-1]
    assert record.status == "ok" and [layer.dead for layer in last.layers] == [1.0]
    assert [layer.activations for layer in last.layers] == [None]
    assert all(layer.activations for layer in record.history[0].layers)

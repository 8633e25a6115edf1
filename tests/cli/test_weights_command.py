"""--save-weights, prune and inspect of saved weights, as they are typed."""

from __future__ import annotations

import json
import re
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from killed_sweeps import record_files, same_records
from reluprobe import records
from reluprobe.cli import weights_on_disk
from reluprobe.engine.events import EpochDone, Resumed, Saved
from reluprobe.executor import local
from reluprobe.files import atomic
from reluprobe.plan.runs import Run
from reluprobe.records import saved_weights

SWEEP = """
seeds = 2
[base]
dataset = "blobs"
width = 8
depth = 2
epochs = 2
optimizer = "sgd"
learning_rate = 0.1
bias_init = -2.0
probe_examples = 200
"""


@pytest.fixture(scope="module")
def saved_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("saved") / "results"


@pytest.fixture
def saved(reluprobe: Callable[..., Any], tmp_path: Path, saved_results: Path) -> Path:
    """A sweep of two runs with weights after every epoch."""
    (tmp_path / "grid.toml").write_text(SWEEP)
    if not saved_results.exists():
        out = "--out", str(saved_results)
        result = reluprobe("sweep", "grid.toml", "--save-weights-every", *out)
        assert result.code == 0, result.err
        assert "to be saved: 6 files of weights, " in result.out
        assert "weights: 6 files, 2" in result.out
        assert f"to delete them: rm {saved_results}/grid/runs/*.safetensors" in result.out
    shutil.copytree(saved_results, tmp_path / "results")
    return tmp_path / "results" / "grid"


@pytest.fixture
def swept(saved: Path) -> Path:
    """The same without weights."""
    for file in (saved / "runs").glob("*.safetensors"):
        file.unlink()
    return saved


def weights_in(folder: Path) -> dict[str, bytes]:
    return {f.name: f.read_bytes() for f in sorted((folder / "runs").glob("*.safetensors"))}


def ids_in(folder: Path) -> list[str]:
    return sorted(file.stem for file in (folder / "runs").glob("*.json"))


# --- a sweep -------------------------------------------------------------------------------------


def test_runs_that_ended_without_weights_are_named_and_run_again(saved, reluprobe):
    before, records_before, ids = weights_in(saved), record_files(saved), ids_in(saved)
    ends = {name: content for name, content in before.items() if "-e" not in name}
    for file in (saved / "runs").glob("*.safetensors"):
        file.unlink()
    result = reluprobe("sweep", "grid.toml", "--save-weights")
    assert f"run again: 2 runs had ended without their weights: {', '.join(ids)}" in result.err
    assert weights_in(saved) == ends and same_records(record_files(saved), records_before)
    assert "nothing was run" in reluprobe("sweep", "grid.toml", "--save-weights").out
    # Who does not ask for them loses none.
    assert "nothing was run" in reluprobe("sweep", "grid.toml").out
    assert weights_in(saved) == ends


def test_of_lost_files_those_runs_alone_are_run_again_to_the_same_bits(saved, reluprobe):
    before, (first, second) = weights_in(saved), ids_in(saved)
    (saved / "runs" / f"{second}-e1.safetensors").unlink()
    result = reluprobe("sweep", "grid.toml", "--save-weights-every")
    assert f"run again: 1 run had ended without its weights: {second}" in result.err
    assert "wrote 1 record" in result.out and first not in result.err
    assert weights_in(saved) == before


def test_the_sweep_file_asks_for_them_and_a_slice_writes_its_own(saved, reluprobe, tmp_path):
    before = weights_in(saved)
    shutil.rmtree(saved)
    (tmp_path / "grid.toml").write_text('save_weights = "every"\n' + SWEEP)
    half = reluprobe("sweep", "grid.toml", "--chunk", "1/2")
    assert half.code == 0 and "3 files of weights" in half.out
    assert "rm " not in half.out  # another slice may be at work there
    assert len(weights_in(saved)) == 3
    assert reluprobe("sweep", "grid.toml", "--chunk", "2/2", "--quiet").code == 0
    assert weights_in(saved) == before
    assert 'save_weights = "every"' in (saved / "sweep.toml").read_text()


def test_events_say_which_weights_were_taken(saved, reluprobe):
    reluprobe("sweep", "grid.toml", "--fresh", "--quiet", "--set", "epochs=0")  # puts all aside
    assert (saved / "old-1" / "runs").is_dir()
    out = reluprobe("sweep", "grid.toml", "--save-weights-every", "--json", "--fresh").out
    events = [json.loads(line) for line in out.splitlines()]
    taken = [(e["id"], e["epoch"]) for e in events if e["event"] == "weights"]
    assert sorted(taken) == [(id_, epoch) for id_ in ids_in(saved) for epoch in (0, 1)]
    (told,) = [event for event in events if event["event"] == "to_be_saved"]
    size = sum(map(len, weights_in(saved).values()))
    assert told["files"] == 6 and size <= told["bytes"] <= 2 * size
    (start,) = [event for event in events if event["event"] == "start"]
    assert start["weightless"] == []


def test_a_dry_run_says_what_they_would_take(saved, reluprobe):
    size = sum(map(len, weights_in(saved).values())) / 1000

    def told(*args: str) -> str:
        return reluprobe("sweep", "grid.toml", *args, "--dry-run").out.splitlines()[-1]

    form = r"to be saved: 6 files of weights, about \S+ kB each, (\S+) kB in all"
    match = re.fullmatch(form, told("--save-weights-every"))
    assert match is not None and size - 1 <= float(match[1]) <= 2 * size
    others = told("--save-weights", "--set", "dataset=kmnist")
    assert others.endswith("2 files of weights, whose size hangs on data that are not loaded yet")
    assert "to be saved" not in told()


def test_where_there_is_no_room_nothing_is_trained(swept, reluprobe, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(weights_on_disk.shutil, "disk_usage", lambda path: usage(0, 0, 1000))
    before = record_files(swept)
    result = reluprobe("sweep", "grid.toml", "--save-weights")
    assert result.code == 1
    assert "no room for 2 files of weights, " in result.err
    assert "in all: results/grid has 1.0 kB free" in result.err
    assert record_files(swept) == before and not weights_in(swept)
    trained = reluprobe("train", "--dataset", "blobs", "--save-weights", "--name", "a")
    assert "no room for 1 file of weights, about 1.1 MB: results/a has 1.0 kB free" in trained.err
    assert trained.code == 1 and not Path("results/a").exists()


def test_a_write_that_fails_leaves_no_half_file_and_no_record(saved, reluprobe, monkeypatch):
    shutil.rmtree(saved)
    real = atomic.sync

    def full(file: Any) -> None:
        if ".safetensors" in file.name and "-e" not in file.name:
            raise OSError(28, "No space left on device")
        real(file)

    monkeypatch.setattr(atomic, "sync", full)
    result = reluprobe("sweep", "grid.toml", "--save-weights-every")
    assert result.code == 1 and "No space left on device" in result.err
    assert [f for f in (saved / "runs").iterdir() if f.suffix == ".json"] == []
    assert all(name.endswith(("-e0.safetensors", "-e1.safetensors")) for name in weights_in(saved))
    assert not [*(saved / "runs").glob(".*")]


@pytest.mark.parametrize("lost", [False, True])
def test_a_stopped_run_goes_on_with_its_weights_or_starts_over_without(saved, caplog, lost):
    before, id_ = weights_in(saved), ids_in(saved)[0]
    run = Run(id_, records.read(saved / "runs" / f"{id_}.json").ours)  # type: ignore[arg-type]
    folder, epochs = Path("stopped"), []

    def events(stop: Callable[[], bool]) -> list[Any]:
        steps = local.start(folder, [run], None, stop, save_weights="every")
        seen = []
        for event, _ in steps:
            seen.append(event)
            epochs.extend([event] if isinstance(event, EpochDone) else [])
        return seen

    first = events(lambda: len(epochs) == 2)
    assert isinstance(first[-1], Saved)
    endings = ("-e0.safetensors", "-e1.safetensors", ".unfinished.safetensors")
    assert [*weights_in(folder)] == [f"{id_}{ending}" for ending in endings]
    if lost:
        (folder / "runs" / f"{id_}-e0.safetensors").unlink()
    second = events(lambda: False)
    assert any(isinstance(event, Resumed) for event in second) != lost
    warned = f"run {id_} starts over: its weights were not saved so far"
    assert (warned in caplog.text) == lost
    assert weights_in(folder) == {n: w for n, w in before.items() if n.startswith(id_)}


def test_reports_exports_and_comparisons_do_not_stumble_over_the_files(saved, reluprobe):
    (saved / "runs" / f"{ids_in(saved)[0]}-pruned.safetensors").write_bytes(b"half a file")
    for line in (
        ["report", "results", "--no-figures"],
        ["compare", "results", "--baseline", "seed=0"],
        ["export", "results", "--out", "t.csv"],
    ):
        result = reluprobe(*line)
        assert "safetensors" not in result.out + result.err, line
    assert "2 runs" in reluprobe("report", "results", "--no-figures").out


# --- train, inspect, prune -----------------------------------------------------------------------


def test_train_tells_before_and_after(reluprobe, tmp_path):
    tiny = ["--dataset", "blobs", "--depth", "1", "--width", "8", "--epochs", "0", "--name", "s"]
    result = reluprobe("train", *tiny, "--save-weights")
    assert result.code == 0
    (file,) = (tmp_path / "results/s/runs").glob("*.safetensors")
    assert f"weights: 1 file, {file.stat().st_size / 1000:.1f} kB: results/s/runs/" in result.out
    assert "to be saved: 1 file of weights, " in result.out
    assert f"without its dead units: reluprobe prune results/s/runs/{file.stem}.json" in result.out
    assert "weights" not in reluprobe("train", *tiny).out
    kept = reluprobe("train", *tiny, "--norm", "layer", "--save-weights", "--name", "t").out
    assert "weights: 1 file" in kept and "reluprobe prune" not in kept  # it would be refused


def test_inspect_looks_at_saved_weights_on_the_runs_training_set(saved, reluprobe):
    id_ = ids_in(saved)[0]
    file = saved / "runs" / f"{id_}.safetensors"
    looked = json.loads(reluprobe("inspect", str(file), "--json").out)
    record = records.read(file.with_suffix(".json"))
    train = next(s for s in record.samples if s.sample == "train")
    assert [layer["dead"] for layer in looked["layers"]] == [layer.dead for layer in train.layers]
    np.save("few.npy", np.zeros((5, 32), np.float32))
    few = reluprobe("inspect", str(file), "--data", "few.npy")
    assert few.code == 0 and "on 5 examples" in few.out


def test_prune_writes_the_smaller_network_beside_the_record(saved, reluprobe):
    id_ = ids_in(saved)[0]
    result = reluprobe("prune", f"results/grid/runs/{id_}.json")
    assert result.code == 0, result.err
    small = saved / "runs" / f"{id_}-pruned.safetensors"
    assert result.out.startswith("took out ")
    assert f"wrote results/grid/runs/{small.name}" in result.out
    notes = saved_weights.read(small).notes
    assert notes.pruned is not None and sum(notes.pruned.removed) > 0
    written = json.loads(reluprobe("prune", str(small), "--json").out)
    assert written["units"] == [sum(notes.config.sizes), 0] and written["path"] is None
    named = reluprobe("prune", f"results/grid/runs/{id_}.json", "--out", "small.safetensors")
    assert Path("small.safetensors").read_bytes() == small.read_bytes(), named.err


def test_prune_of_a_run_without_weights_says_how_to_have_them(swept, reluprobe):
    id_ = ids_in(swept)[0]
    result = reluprobe("prune", f"results/grid/runs/{id_}.json")
    assert result.code == 2 and result.out == ""
    assert result.err == (
        f"error: results/grid/runs/{id_}.json: this run saved no weights\n"
        "try: reluprobe sweep results/grid/sweep.toml --save-weights  (runs it again)\n"
    )
    # And so it is.
    assert reluprobe("sweep", "results/grid/sweep.toml", "--save-weights", "-q").code == 0
    assert reluprobe("prune", f"results/grid/runs/{id_}.json").code == 0


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        (["results/none.json"], "cannot load a network: results/none.json: no such file"),
        (["results"], "cannot load a network: results: is no record of a run"),
        (["RUN", "--on", "test"], "on = 'test': allowed is one of train, certified"),
        (["RUN", "--out", "a.npz"], "cannot write a.npz: allowed is a name that ends in"),
        (["bad.safetensors"], "bad.safetensors: is no whole safetensors file"),
    ],
)
def test_what_prune_refuses(saved, reluprobe, args, fault):
    Path("bad.safetensors").write_bytes(b"bad")
    run = f"results/grid/runs/{ids_in(saved)[0]}.json"
    result = reluprobe("prune", *(run if arg == "RUN" else arg for arg in args))
    assert result.code in (1, 2) and fault in result.err and result.out == ""
    assert "Traceback" not in result.err

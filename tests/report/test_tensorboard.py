"""Log folders for TensorBoard hold the records' numbers, and leave alone what is not theirs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from event_files import Events, read
from foreign_records import foreign_record, layer_record
from plain_records import record_of, write_sweep
from reluprobe import records
from reluprobe.config import make_run
from reluprobe.errors import ReluprobeError
from reluprobe.plan.runs import as_run
from reluprobe.records import EpochRecord, RunRecord, StepRecord
from reluprobe.report.export import tensorboard_events, tensorboard_log
from reluprobe.report.export.tensorboard_log import FILE

pytest.importorskip("tensorboardX")
LOST = records.LayerRecord(8, *[None] * 6, dead_units=None)


def epoch(number: int, *dead: str) -> EpochRecord:
    layers = tuple(map(layer_record, dead))
    trained = (0.25, 0.75) if number else (None, None)
    return EpochRecord(number, *trained, 1 / (1 + number), number / 10, layers, 10 * number)


def run(history: Sequence[EpochRecord], settings: Any = None, **more: Any) -> RunRecord:
    depth = len(history[0].layers) if history else 1
    made = as_run(make_run({"depth": depth, "width": 8, **(settings or {})}))
    return record_of(made, history=tuple(history), seconds=8.0, **more)


TWO = [epoch(0, "x.......", "........"), epoch(1, "xx......", "xxxx....")]


def written(
    folder: Path, *runs: RunRecord, home: Path = Path("s"), **more: Any
) -> dict[str, Events]:
    tensorboard_log.write([(home, record) for record in runs], folder, **more)
    files = sorted(folder.rglob("*tfevents*"))
    return {str(file.parent.relative_to(folder)): read(file) for file in files}


def test_a_run_has_a_curve_of_each_share_accuracy_and_loss(tmp_path: Path):
    (events,) = written(tmp_path / "logs", run(TWO)).values()
    assert events.curves.keys() == {
        *("dead/network", "dead_by_layer/L1", "dead_by_layer/L2"),
        *("accuracy/test", "accuracy/train", "loss/test", "loss/train"),
    }
    assert events.curves["dead/network"] == [(0, 1 / 16), (1, 6 / 16)]
    assert events.curves["dead_by_layer/L2"] == [(0, 0.0), (1, 0.5)]
    assert events.values("accuracy/test") == [0, 0.1] and events.values("loss/test") == [1, 0.5]
    # Before the first step there is no training loss, which is no 0.
    assert events.curves["loss/train"] == [(1, 0.25)]
    # Time is what the run took.
    assert (min(events.seconds), max(events.seconds)) == (0, 8)
    assert events.status == "STATUS_SUCCESS"


def test_another_definition_can_be_counted(tmp_path: Path):
    (events,) = written(tmp_path / "logs", run(TWO), definition="silent").values()
    assert "silent/network" in events.curves and "dead/network" not in events.curves
    (events,) = written(tmp_path / "logs", run(TWO), definition="saturated").values()
    assert "saturated/network" not in events.curves  # of no unbounded activation


def test_hyperparameters_are_the_settings_in_which_runs_differ(tmp_path: Path):
    settings = [
        {"activation": "relu", "learning_rate": 0.1, "use_bias": True, "seed": 1},
        {"activation": "leaky_relu", "leaky_slope": 0.1, "learning_rate": 0.1, "use_bias": False},
        {"activation": "leaky_relu", "leaky_slope": 0.3, "learning_rate": 0.1, "use_bias": False},
    ]
    logs = written(tmp_path / "logs", *(run(TWO, s) for s in settings))
    assert [*logs] == [
        "leaky_relu(0.1), no bias, seed 42",
        "leaky_relu(0.3), no bias, seed 42",
        "relu, bias, seed 1",
    ]
    plain = {"activation": "relu", "use_bias": True, "seed": 1}
    assert logs["relu, bias, seed 1"].settings == plain
    assert logs["leaky_relu(0.3), no bias, seed 42"].settings["leaky_slope"] == 0.3
    (experiment,) = [e.experiment for e in logs.values() if e.experiment is not None]
    domains = {info.name: list(info.domain_discrete.values) for info in experiment.hparam_infos}
    assert [v.string_value for v in domains["activation"]] == ["leaky_relu", "relu"]
    assert [v.number_value for v in domains["leaky_slope"]] == [0.1, 0.3]
    assert [v.bool_value for v in domains["use_bias"]] == [False, True]
    assert [m.name.tag for m in experiment.metric_infos] == [
        "dead/network", "accuracy/test", "loss/test", "accuracy/train", "loss/train",
    ]  # fmt: skip


def test_many_numbers_are_an_interval_and_a_run_alone_has_its_seed(tmp_path: Path):
    runs = [run(TWO, {"learning_rate": 0.01 * n}) for n in range(1, 13)]
    (experiment,) = [e.experiment for e in written(tmp_path / "a", *runs).values() if e.experiment]
    (info,) = experiment.hparam_infos
    assert (info.domain_interval.min_value, info.domain_interval.max_value) == (0.01, 0.12)
    (events,) = written(tmp_path / "b", run(TWO, {"seed": 7})).values()
    assert events.settings == {"seed": 7}


def test_from_divergence_on_curves_are_nan_and_the_run_has_failed(tmp_path: Path):
    lost = EpochRecord(2, None, None, None, None, (LOST, LOST), 20)
    logs = written(
        tmp_path / "logs",
        run([*TWO, lost], {"seed": 0}, status="diverged"),
        run(TWO, {"seed": 1}, status="diverged"),  # between its last whole epoch and its end
        run([], {"seed": 2}, status="failed"),
    )
    for seed in (0, 1):
        events = logs[f"seed {seed}" if f"seed {seed}" in logs else f"depth 2, seed {seed}"]
        assert events.values("dead/network") == [0.0625, 0.375, "nan"]
        assert events.values("loss/test") == [1, 0.5, "nan"]
        assert events.curves["dead/network"][-1][0] == 2 and events.status == "STATUS_FAILURE"
    failed = next(e for name, e in logs.items() if name.endswith("seed 2"))
    assert failed.curves == {} and failed.status == "STATUS_FAILURE"


def test_looks_between_epochs_are_there_and_all_curves_go_by_steps(tmp_path: Path):
    between = StepRecord(4, TWO[1].layers)
    logs = written(
        tmp_path / "logs", run(TWO, {"seed": 0}, steps=(between,)), run(TWO, {"seed": 1})
    )
    assert [step for step, _ in logs["seed 0"].curves["dead/network"]] == [0, 4, 10]
    assert [step for step, _ in logs["seed 0"].curves["loss/test"]] == [0, 10]
    assert [step for step, _ in logs["seed 1"].curves["dead/network"]] == [0, 10]
    assert "by steps" in logs["seed 0"].experiment.description


def test_foreign_runs_have_their_layers_and_their_owners_measures(tmp_path: Path):
    looks = [["x..", "...."], ["xx.", "...x"]]
    runs = [
        foreign_record(looks, ["a/conv", "fc"], seed=s, settings={"lr": 0.1}, accuracy=(0.1, 0.9))
        for s in range(2)
    ]
    logs = written(tmp_path / "logs", *runs)
    events = logs["seed 1"]
    assert events.curves["dead_by_layer/a/conv"] == [
        (0, pytest.approx(1 / 3)),
        (10, pytest.approx(2 / 3)),
    ]
    assert events.values("accuracy") == [0.1, 0.9] and "loss" not in events.curves


def test_names_are_folders_everywhere_and_no_two_runs_share_one(tmp_path: Path):
    odd = ["../../x", "a/b", "a:b", "con. ", "x" * 150, "x" * 151]
    runs = [foreign_record([["x."]], ["fc"], settings={"kind": value}) for value in odd]
    logs = written(tmp_path / "logs", *runs)
    assert len(logs) == 6 and {Path(name).parent for name in logs} == {Path(".")}
    assert not any(set(name) & set('/\\:*?"<>|') or len(name) > 140 for name in logs)
    assert not any(name.endswith((".", " ")) for name in logs)
    assert {p.name for p in tmp_path.iterdir()} == {"logs"}
    # a/b and a:b are told apart by the run.
    ids = {record.id for record in runs}
    assert sum(name.split()[-1] in ids for name in logs) == 4


def test_runs_of_several_sweeps_lie_in_folders_of_their_own(tmp_path: Path):
    pairs = [(tmp_path / name, run(TWO)) for name in ("one", "two")]
    tensorboard_log.write(pairs, tmp_path / "logs")
    files = sorted((tmp_path / "logs").rglob("*tfevents*"))
    assert [str(f.parent.relative_to(tmp_path / "logs")) for f in files] == [
        "one/seed 42", "two/seed 42",
    ]  # fmt: skip
    assert [read(file).settings["sweep"] for file in files] == ["one", "two"]


# --- what lies there -----------------------------------------------------------------------------


def test_an_export_replaces_an_earlier_one_and_nothing_else(tmp_path: Path):
    logs = tmp_path / "logs"
    written(logs, run(TWO, {"seed": 0}), run(TWO, {"seed": 1}))
    theirs = [logs / "seed 0" / "notes.txt", logs / "own" / "events.out.tfevents.1.host"]
    for file in theirs:
        file.parent.mkdir(exist_ok=True)
        file.write_text("theirs")
    log = tensorboard_log.write([(Path("s"), run(TWO, {"seed": s})) for s in (1, 2)], logs)
    assert (log.runs, log.replaced) == (2, 2)
    left = {str(f.relative_to(logs)) for f in logs.rglob("*") if f.is_file()}
    assert left == {
        f"seed 1/{FILE}", f"seed 2/{FILE}", "seed 0/notes.txt", "own/events.out.tfevents.1.host",
    }  # fmt: skip
    assert all(file.read_text() == "theirs" for file in theirs)


def test_the_same_records_make_the_same_bytes(tmp_path: Path):
    settings = [{"activation": f, "learning_rate": r} for f in ("relu", "elu") for r in (0.1, 1.0)]
    runs = [run(TWO, s) for s in settings]
    for name in ("a", "b"):
        written(tmp_path / name, *runs)
    first, second = (
        {f.relative_to(tmp_path / n): f.read_bytes() for f in (tmp_path / n).rglob(FILE)}
        for n in ("a", "b")
    )
    assert first == second and len(first) == 4


def test_what_ends_halfway_leaves_the_earlier_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    logs = tmp_path / "logs"
    written(logs, run(TWO))
    before = {f: f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()}
    calls: list[int] = []

    def full(*_: Any) -> None:
        calls.append(1)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tensorboard_events.EventFile, "end", full)
    runs = [run(TWO, {"seed": s}) for s in range(3)]
    with pytest.raises(ReluprobeError, match="No space left"):
        written(logs, *runs)
    assert {f: f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()} == before
    calls.clear()
    with pytest.raises(ReluprobeError, match="No space left"):
        written(tmp_path / "new" / "logs", *runs)
    assert not (tmp_path / "new").exists()


def test_what_is_in_the_way_is_named_and_stays(tmp_path: Path):
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "seed 1").write_text("theirs")
    with pytest.raises(ReluprobeError, match="seed 1 is in the way"):
        written(logs, run(TWO, {"seed": 0}), run(TWO, {"seed": 1}))
    assert [p.name for p in tmp_path.rglob("*")] == ["logs", "seed 1"]


def test_without_the_package_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        tensorboard_events, "_tensorboardx", tensorboard_events._tensorboardx.__wrapped__
    )
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ReluprobeError) as refused:
        written(tmp_path / "logs", run(TWO))
    assert refused.value.hint == 'pip install "reluprobe[tensorboard]"'
    assert not (tmp_path / "logs").exists()


def test_the_environment_stays_as_it_was(monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.startswith("tensorboardX")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delenv("CRC32C_SW_MODE", raising=False)  # what its first import has left here
    before = dict(os.environ)
    tensorboard_events._tensorboardx.__wrapped__()
    assert dict(os.environ) == before


# --- the command, the library, and TensorBoard itself --------------------------------------------


def test_the_command_says_what_it_wrote_and_how_to_look_at_it(reluprobe: Any, tmp_path: Path):
    write_sweep(tmp_path / "r" / "s", learning_rate=[0.1, 0.2])
    output = reluprobe("export", "r", "--tensorboard", "my logs")
    assert output.code == 0
    assert output.out == "wrote my logs  (4 runs)\nnext: tensorboard --logdir 'my logs'\n"
    again = reluprobe("export", "r", "--tensorboard", "my logs", "-d", "silent")
    assert "(4 runs, in the place of an earlier export's)" in again.out
    assert "silent/network" in read(next(Path("my logs").rglob(FILE))).curves


def test_the_library_writes_the_same(tmp_path: Path):
    import reluprobe as rp

    write_sweep(tmp_path / "r" / "s", learning_rate=[0.1, 0.2])
    results = rp.load(tmp_path / "r")
    assert results.tensorboard(str(tmp_path / "logs")) == tmp_path / "logs"
    assert len([*(tmp_path / "logs").rglob(FILE)]) == 4
    with pytest.raises(rp.InputError, match="definition = 'ded'"):
        results.tensorboard(tmp_path / "logs", definition="ded")


def test_tensorboards_own_reader_has_the_same_numbers(tmp_path: Path):
    """With the package ``tensorboard``, which shows what is written; nothing else needs it."""
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="tensorboard is not installed",
    )
    written(tmp_path / "logs", run(TWO))
    reader = accumulator.EventAccumulator(str(tmp_path / "logs" / "seed 42"))
    reader.Reload()
    shown = [(e.step, e.value) for e in reader.Scalars("dead/network")]
    assert shown == [(0, 1 / 16), (1, 6 / 16)]

"""A sweep typed again, failed, added to, sliced; and what it says meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from rich.console import Console

from killed_sweeps import KILLS, SWEEP, record_files, same_records
from python_processes import imported_by
from reluprobe import records
from reluprobe.cli import console, progress
from reluprobe.engine import program_spec, runner
from reluprobe.engine.events import Resumed
from reluprobe.records.folder import open_all


@pytest.fixture
def poisoned(monkeypatch) -> Callable[[Callable[[Any], bool]], None]:
    """Make the start of some runs raise."""

    def poison(bad: Callable[[Any], bool]) -> None:
        real = program_spec.init_lane

        def init_lane(config: Any, *rest: Any, **more: Any) -> Any:
            if bad(config):
                raise FloatingPointError(f"seed {config.seed} is cursed")
            return real(config, *rest, **more)

        monkeypatch.setattr(program_spec, "init_lane", init_lane)

    return poison


# --- typing the same command again -------------------------------------------------------------


@pytest.fixture
def swept(sweep_once):
    return sweep_once(SWEEP)


def test_only_what_is_missing_or_damaged_is_run_again(swept, reluprobe):
    before = record_files(swept)
    gone, torn, *untouched = before
    (swept / "runs" / gone).unlink()
    (swept / "runs" / torn).write_bytes(before[torn][:999])
    (swept / "runs" / f".{gone}.a1b2c3").write_bytes(before[gone][:99])
    result = reluprobe("sweep", "grid.toml")
    assert result.code == 0
    assert "results/grid: 6 of 8 runs done, 2 missing" in result.out
    assert "wrote 2 records" in result.out and "8 runs of blobs" in result.out
    assert f"{torn}: is not whole JSON" in result.err
    after = record_files(swept)
    assert same_records(before, after)
    assert all(before[name] == after[name] for name in untouched)
    assert set(swept.iterdir()) == {swept / n for n in (".lock", "runs", "sweep.toml")}


def test_where_all_is_done_the_tables_are_shown_without_jax(swept, reluprobe, tmp_path):
    modules, out = imported_by("sweep", "grid.toml")
    assert "results/grid/runs: 8 of 8 runs done; nothing was run" in out
    assert "8 runs of blobs" in out
    assert "jax" not in modules


def test_slices_fill_one_folder_like_a_whole_sweep(swept, reluprobe, tmp_path):
    for number in (2, 3, 1):
        result = reluprobe("sweep", "grid.toml", "--chunk", f"{number}/3", "--out", "sliced")
        assert result.code == 0, result.err
    assert f"of which slice {number}/3 is 2 runs" in result.out
    assert same_records(record_files(tmp_path / "sliced/grid"), record_files(swept))
    assert (tmp_path / "sliced/grid/sweep.toml").read_text() == (swept / "sweep.toml").read_text()
    assert "8 runs of blobs" in reluprobe("report", "sliced", "--no-figures").out


def test_another_plan_is_refused_until_fresh_or_extend_says_otherwise(swept, reluprobe):
    before = record_files(swept)
    more = ("sweep", "grid.toml", "--set", "seeds=5")
    result = reluprobe(*more)
    assert result.code == 2
    assert "8 runs there, 10 asked for, 8 in both" in result.err
    assert "seed: only asked for 4" in result.err
    assert record_files(swept) == before
    result = reluprobe(*more, "--extend")
    assert result.code == 0 and "wrote 2 records" in result.out
    assert before.items() <= record_files(swept).items()
    result = reluprobe("sweep", "grid.toml", "--fresh")
    assert result.code == 0 and "wrote 8 records" in result.out
    assert same_records(record_files(swept), before)
    assert before.items() <= record_files(swept / "old-1").items()


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (["--chunk", "0/4"], "an index from 0 wants 1 added"),
        (["--chunk", "5/4"], "1 <= I <= N"),
        (["--chunk", "two"], "got 'two'"),
        (["--fresh", "--extend"], "--fresh does not go with --extend"),
        (["--fresh", "--chunk", "1/2"], "--fresh does not go with --chunk"),
        (["--max-failures", "0"], "--max-failures"),
    ],
)
def test_flags_that_cannot_be_are_refused(reluprobe, tmp_path, args, part):
    (tmp_path / "grid.toml").write_text(SWEEP)
    result = reluprobe("sweep", "grid.toml", *args)
    assert result.code == 2 and part in " ".join(result.err.split())
    assert not (tmp_path / "results").exists()


def test_train_trains_again_and_leaves_a_sweeps_folder_alone(swept, reluprobe):
    tiny = ["--dataset", "blobs", "--depth", "1", "--width", "8", "--epochs", "2"]
    tiny += ["--probe-examples", "200", "--optimizer", "sgd", "--lr", "0.1"]
    first, again = (reluprobe("train", *tiny, "--name", "t") for _ in range(2))
    assert first.code == again.code == 0
    assert [t for t in first.out.splitlines() if t[:6].strip() == "2"] == [
        t for t in again.out.splitlines() if t[:6].strip() == "2"
    ]
    before = record_files(swept)
    result = reluprobe("train", *tiny, "--name", "grid")
    assert result.code == 2 and "another --name" in result.err
    assert record_files(swept) == before


# --- failures ----------------------------------------------------------------------------------


def test_a_failure_is_recorded_left_alone_and_retried_when_asked(reluprobe, tmp_path, poisoned):
    (tmp_path / "grid.toml").write_text(SWEEP)
    real = program_spec.init_lane
    poisoned(lambda config: config.seed == 2 and config.activation == "tanh")
    result = reluprobe("sweep", "grid.toml")
    assert result.code == 3
    assert "seed 2 is cursed" in result.err and "seed 2 is cursed" in result.out
    assert "7 of 8 runs done, 1 failed; to try them again:" in " ".join(result.err.split())
    assert result.err.rstrip().endswith("reluprobe sweep grid.toml --retry-failed")
    folder = tmp_path / "results" / "grid"
    ended = [records.read(folder / "runs" / name) for name in record_files(folder)]
    (bad,) = [record for record in ended if record.status != "ok"]
    assert (bad.status, bad.config.seed, bad.config.activation) == ("failed", 2, "tanh")
    assert bad.error is not None and bad.error.startswith("FloatingPointError: seed 2 is cursed")
    before = record_files(folder)
    result = reluprobe("sweep", "grid.toml")
    assert result.code == 3 and "nothing was run" in result.out
    assert record_files(folder) == before
    with mock.patch.object(program_spec, "init_lane", real):
        result = reluprobe("sweep", "grid.toml", "--retry-failed")
    assert result.code == 0 and "wrote 1 record " in result.out
    (sweep,) = open_all([folder])
    assert [r.status for r in sweep.records] == ["ok"] * 8


def test_max_failures_stops_and_says_what_remains(reluprobe, tmp_path, poisoned):
    (tmp_path / "grid.toml").write_text(SWEEP)
    poisoned(lambda config: config.activation == "relu")
    result = reluprobe("sweep", "grid.toml", "--max-failures", "2")
    assert result.code == 3
    # Seed by seed: between the failures of relu's first two seeds tanh's first one ends.
    assert "1 of 8 runs done, 2 failed, 5 missing; to resume: reluprobe sweep" in result.err
    assert len(record_files(tmp_path / "results/grid")) == 3


def test_a_failed_run_that_was_not_retried_yet_is_failed_and_not_missing(
    reluprobe, tmp_path, poisoned
):
    (tmp_path / "grid.toml").write_text(SWEEP)
    poisoned(lambda config: config.activation == "relu")
    assert reluprobe("sweep", "grid.toml", "--max-failures", "2").code == 3
    result = reluprobe("sweep", "grid.toml", "--retry-failed", "--max-failures", "1")
    assert result.code == 3
    assert "1 of 8 runs done, 2 failed, 5 missing; to resume: reluprobe sweep" in result.err


def test_a_failed_train_says_so(reluprobe, poisoned):
    poisoned(lambda config: True)
    result = reluprobe("train", "--dataset", "blobs", "--depth", "1", "--width", "8")
    assert result.code == 3
    assert "failed: FloatingPointError: seed 42 is cursed" in result.out


# --- stopped on the way ------------------------------------------------------------------------


TRAIN = ("train", "--dataset", "blobs", "--depth", "1", "--width", "8", "--epochs", "4")


def test_train_goes_on_where_it_was_stopped_and_says_how_far_it_came(
    reluprobe, stopped_after, tmp_path
):
    whole = reluprobe(*TRAIN, "--out", "whole")
    stopped_after(4)  # before the chunk, and before each of three epochs
    result = reluprobe(*TRAIN)
    assert result.code == 143
    again = "reluprobe " + " ".join(TRAIN)
    assert result.err == f"stopped after epoch 2 of 4, and saved; to resume: {again}\n"
    (folder,) = (tmp_path / "results").iterdir()
    assert [f.name for f in (folder / "runs").iterdir()] == [
        f"{folder.name.removeprefix('train-')}.unfinished.safetensors"
    ]
    stopped_after(0)
    result = reluprobe(*TRAIN)
    assert result.code == 143
    assert result.err == f"stopped before the first epoch; to resume: {again}\n"
    stopped_after(-9)
    result = reluprobe(*TRAIN)
    assert result.code == 0 and result.err == ""
    rows = [line for line in whole.out.splitlines() if line[:5].strip().isdecimal()]
    assert rows == [line for line in result.out.splitlines() if line[:5].strip().isdecimal()]
    assert len(rows) == 5
    assert same_records(record_files(tmp_path / "whole" / folder.name), record_files(folder))


def test_a_damaged_checkpoint_means_starting_over_with_a_word(reluprobe, stopped_after, tmp_path):
    stopped_after(4)
    assert reluprobe(*TRAIN).code == 143
    (file,) = (tmp_path / "results").rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-9])
    stopped_after(-9)
    result = reluprobe(*TRAIN)
    assert result.code == 0
    said = " ".join(result.err.split())
    assert "starts over: " in said and "is damaged" in said
    assert len(list((tmp_path / "results").rglob("runs/*.json"))) == 1


def test_a_sweep_goes_on_where_its_runs_were_stopped(reluprobe, swept, stopped_after, tmp_path):
    command = ("sweep", "grid.toml", "--out", "cut")
    stopped_after(3)
    result = reluprobe(*command)
    assert result.code == 143
    assert "0 of 8 runs done, 8 missing (2 of them begun); to resume: reluprobe sweep" in result.err
    stopped_after(-9)
    result = reluprobe(*command, "--json")
    events = [json.loads(line) for line in result.out.splitlines()]
    assert [e["epoch"] for e in events if e["event"] == "resumed"] == [1, 1]
    assert sum(e["event"] == "epoch" for e in events) == 8 * 3 - 2 * 2
    assert result.code == 0
    assert same_records(record_files(tmp_path / "cut/grid"), record_files(swept))


def test_started_over_a_sweep_leaves_begun_runs_with_the_old_ones(
    reluprobe, stopped_after, tmp_path
):
    (tmp_path / "grid.toml").write_text(SWEEP)
    stopped_after(3)
    assert reluprobe("sweep", "grid.toml").code == 143
    stopped_after(0)
    other = reluprobe("sweep", "grid.toml", "--set", "epochs=1")
    assert other.code == 2 and "holds another plan" in other.err
    assert reluprobe("sweep", "grid.toml", "--fresh").code == 143
    assert not list((tmp_path / "results/grid").glob("runs/*"))
    assert len(list((tmp_path / "results/grid/old-1").glob("runs/*.safetensors"))) == 2


# --- what is said meanwhile --------------------------------------------------------------------


def test_json_is_one_event_a_line_and_nothing_else(reluprobe, tmp_path, poisoned):
    (tmp_path / "grid.toml").write_text(SWEEP)
    poisoned(lambda config: config.seed == 3 and config.activation == "relu")
    result = reluprobe("sweep", "grid.toml", "--json")
    assert result.code == 3
    events = [json.loads(line) for line in result.out.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[:2] == ["plan", "start"] and kinds[-1] == "done"
    assert kinds.count("run") == 7 and kinds.count("failed") == 1
    epochs = {(e["id"], e["epoch"]) for e in events if e["event"] == "epoch"}
    ran = {e["id"]: e for e in events if e["event"] == "run"}
    assert epochs >= {(id_, epoch) for id_ in ran for epoch in range(3)}
    for id_, event in ran.items():
        last = records.read(Path(event["path"])).final
        (final,) = {
            (e["test_loss"], *e["dead"])
            for e in events
            if e["event"] == "epoch" and (e["id"], e["epoch"]) == (id_, 2)
        }
        assert final == (last.test_loss, last.layers[0].dead)
    (failed,) = [e for e in events if e["event"] == "failed"]
    assert "cursed" in failed["error"] and Path(failed["path"]).exists()
    end = events[-1]
    counts = {name: end[name] for name in ("ok", "diverged", "failed", "missing", "exit")}
    assert counts == {"ok": 7, "diverged": 0, "failed": 1, "missing": 0, "exit": 3}
    assert result.err == ""


def test_quiet_is_one_line(reluprobe, tmp_path):
    (tmp_path / "grid.toml").write_text(SWEEP)
    result = reluprobe("sweep", "grid.toml", "--quiet")
    (line,) = result.out.splitlines()
    assert line.startswith("wrote 8 records to results/grid/runs")
    assert result.err == ""


def test_while_a_program_compiles_progress_says_so_and_how_large_it_is(run_of):
    runs = [run_of(), run_of(depth=1000, width=32)]
    tally = progress.Progress(runs, done=0)
    assert tally.line().endswith(" · loading and compiling")
    epoch = records.EpochRecord(0, None, None, 2.0, 0.5, ())
    tally.see(runner.EpochDone(runs[0], epoch, False))
    tally.see(runner.Compiling(runs[1], 1))
    assert tally.line().endswith(" · compiling 1,000 × 32")


def test_off_a_terminal_a_plain_line_says_what_train_waits_for(capsys):
    wait = progress.Wait("loading", every=0.01)
    wait.begin()
    lines = ""
    for what in ("loading", "compiling 1,000 × 32"):
        wait.what = what
        while lines.count(what) < 3:
            time.sleep(0.01)
            lines += capsys.readouterr().err
    wait.end()
    assert "\x1b" not in lines
    assert lines.splitlines()[-1].startswith("compiling 1,000 × 32 · 0.")
    time.sleep(0.03)
    capsys.readouterr()
    time.sleep(0.03)
    assert capsys.readouterr().err == ""


def test_off_a_terminal_a_plain_line_comes_again_and_again(run_of, capsys):
    runs = [run_of(norm="batch"), run_of(norm="layer"), run_of(norm="layer", seed=3)]
    tally = progress.Progress(runs, done=9)
    layer = records.LayerRecord(4, *[0.0] * 5, None, "00")
    with progress.shown(tally, every=0.01):
        tally.see(runner.Compiled(2, 0.5))
        for n in (0, 1):
            epoch = records.EpochRecord(n, None, None, 2.0, 0.5, (layer,))
            tally.see(runner.EpochDone(runs[0], epoch, False))
        lines = ""
        while lines.count("epoch 1/2") < 3:
            time.sleep(0.01)
            lines += capsys.readouterr().err
    assert "\x1b" not in lines
    last = lines.splitlines()[-1]
    assert last.startswith("9/12 runs · ") and " left · " in last
    assert last.endswith(" · norm batch · seed 7, epoch 1/2")


def test_epochs_of_an_earlier_command_tell_nothing_of_the_time_that_is_left(run_of, monkeypatch):
    run, layer = run_of(epochs=9), records.LayerRecord(4, *[0.0] * 5, None, "00")
    epochs = [records.EpochRecord(n, None, None, 2.0, 0.5, (layer,)) for n in range(10)]
    tally = progress.Progress([run], 0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: tally.began + 60)
    tally.see(Resumed(run, tuple(epochs[:6])))
    assert "left" not in tally.line()
    tally.see(runner.EpochDone(run, epochs[6], False))
    assert "about 3 min 00 s left" in tally.line()  # three more like the one that was trained


@pytest.mark.parametrize(
    ("term", "terminal", "lively"),
    [
        ("xterm", True, True),
        ("dumb", True, False),
        ("unknown", True, False),
        ("xterm", False, False),
    ],
)
def test_a_bar_is_drawn_on_a_terminal_that_can_and_nowhere_else(
    run_of, monkeypatch, capsys, term, terminal, lively
):
    terminal_console = Console(stderr=True, force_terminal=terminal, _environ={"TERM": term})
    monkeypatch.setattr(console, "err", terminal_console)
    assert console.lively() == lively
    tally, lines = progress.Progress([run_of()], 0), ""
    with progress.shown(tally, every=0.01):
        while "0/1 runs" not in lines:
            time.sleep(0.01)
            lines += capsys.readouterr().err
    assert ("\x1b[" in lines) == lively
    with progress.shown(tally, silent=True):
        pass
    assert capsys.readouterr().err == "" or lively


def test_no_color_is_respected(swept):
    command = [*KILLS.command(swept.parents[1])[:3], "sweep", "grid.toml"]
    env = os.environ | {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    plain, coloured = (
        subprocess.run(command, capture_output=True, env=env | more, check=True).stdout
        for more in ({"NO_COLOR": "1"}, {})
    )
    colour = b"\x1b[1;36m"  # the headline's bold cyan
    assert colour in coloured and colour not in plain


def test_a_clock_that_is_set_back_and_forth_changes_nothing(reluprobe, tmp_path, monkeypatch):
    (tmp_path / "grid.toml").write_text(SWEEP)
    jumps = iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: 1e9 - 1e6 * next(jumps) * (-1) ** next(jumps))
    result = reluprobe("sweep", "grid.toml")
    assert result.code == 0
    for name in record_files(tmp_path / "results/grid"):
        assert 0 <= records.read(tmp_path / "results/grid/runs" / name).seconds < 600

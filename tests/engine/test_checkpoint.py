"""Runs that are stopped and go on: their records are those of runs that were not."""

from __future__ import annotations

import dataclasses
import itertools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from reluprobe import data, records
from reluprobe.engine import checkpoint, runner
from reluprobe.engine.recorder import Recorder
from reluprobe.plan.runs import Run
from reluprobe.records import checkpoints
from sweep_events import execute, records_in

Checkpoints = dict[str, checkpoints.Checkpoint]


def plain(record: records.RunRecord) -> records.RunRecord:
    return dataclasses.replace(record, seconds=0.0)


def in_pieces(
    runs: Sequence[Run], calls: int, folder: Path
) -> tuple[dict[str, records.RunRecord], list[Any]]:
    """Stop after so many calls, and go on from what is on disk, until every run has a record."""
    ended: dict[str, records.RunRecord] = {}
    events: list[Any] = []
    for _ in range(99):
        left = [run for run in runs if run.id not in ended]
        if not left:
            return ended, events
        begun = {r.id: checkpoints.read(folder, r) for r in checkpoints.begun(folder, left)}
        # It is asked before the chunk, and before each call.
        asked = itertools.chain([False] * (1 + calls), itertools.repeat(True))
        now = list(runner.execute(left, data.load, lambda a=asked: next(a), unfinished=begun))
        for event in now:
            if isinstance(event, runner.Saved):
                checkpoints.write(event.checkpoint, folder)
        ended |= records_in(now)
        checkpoints.remove(folder, ended)
        events += now
    raise AssertionError("it does not end")


#: What training carries from one step to the next, in two programs.
CARRIED = {
    "redo, phases, probes within epochs, a history of deaths, the start's weights": dict(
        revive="redo",
        phases="permuted_pixels,shuffled_labels",
        probe_every=17,
        optimizer="adam",
        label_noise=0.1,
        l2_init=1e-3,
    ),
    "learned slopes, running averages, dropout, a schedule": dict(
        activation="prelu",
        norm="batch",
        dropout=0.2,
        optimizer="adamw",
        weight_decay=1e-3,
        schedule="cosine",
        warmup_steps=5,
        freeze_layers=1,
        epochs=4,
    ),
}


@pytest.mark.parametrize("name", CARRIED)
def test_a_run_that_is_stopped_again_and_again_ends_with_the_record_of_one_that_is_not(
    run_of: Any, tmp_path: Path, name: str
):
    settings: dict[str, Any] = CARRIED[name]
    rates = {1: 0.1, 2: 1e30, 3: 0.1}
    runs = [run_of(**settings, seed=seed, learning_rate=rate) for seed, rate in rates.items()]
    expected = records_in(execute(*runs))
    assert [expected[run.id].status for run in runs] == ["ok", "diverged", "ok"]
    ended, events = in_pieces(runs, 2, tmp_path)
    for run in runs:
        assert plain(ended[run.id]) == plain(expected[run.id])
    assert checkpoints.begun(tmp_path, runs) == []
    # Each epoch is trained once: what was done before comes as history.
    epochs = [(e.run.id, e.epoch.epoch) for e in events if isinstance(e, runner.EpochDone)]
    assert len(epochs) == len(set(epochs)) == sum(len(r.history) for r in ended.values())
    resumed = [e for e in events if isinstance(e, runner.Resumed)]
    assert resumed and all(
        e.history == expected[e.run.id].history[: len(e.history)] for e in resumed
    )


def test_runs_that_were_stopped_apart_go_on_together_with_one_that_was_not_begun(
    run_of: Any, tmp_path: Path
):
    runs = [run_of(seed=seed) for seed in (1, 2, 3)]
    expected = records_in(execute(*runs))
    for run, calls in zip(runs, (1, 2), strict=False):
        asked = iter([False] * (1 + calls))
        events = list(
            runner.execute([run], data.load, lambda a=asked: next(a, True), unfinished={})
        )
        (saved,) = [e.checkpoint for e in events if isinstance(e, runner.Saved)]
        checkpoints.write(saved, tmp_path)
    ended, events = in_pieces(runs, 99, tmp_path)
    assert {id_: plain(r) for id_, r in ended.items()} == {i: plain(r) for i, r in expected.items()}
    assert [len(e.history) for e in events if isinstance(e, runner.Resumed)] == [2, 1]


def test_seconds_are_those_of_all_parts(run_of: Any, tmp_path: Path):
    run = run_of()
    asked = iter([False] * 2)
    events = list(runner.execute([run], data.load, lambda: next(asked, True), unfinished={}))
    (saved,) = [e.checkpoint for e in events if isinstance(e, runner.Saved)]
    long_ago = dataclasses.replace(saved.record, seconds=5000.0)
    begun = {run.id: dataclasses.replace(saved, record=long_ago)}
    (record,) = records_in(runner.execute([run], data.load, unfinished=begun)).values()
    assert record.seconds >= 5000


def test_where_nobody_keeps_them_no_run_is_saved(run_of: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    assert not [e for e in execute(run_of()) if isinstance(e, runner.Saved)]


def test_all_that_a_recorder_gathers_is_saved(run_of: Any, blobs: data.Dataset):
    """Whoever gives the recorder more to remember has to save that too (``resume_recorder``)."""
    saved = {"nonfinite", "history", "steps", "samples", "phases", "starts", "dead", "states"}
    assert vars(Recorder([run_of()], blobs)).keys() == saved | {"runs", "dataset", "targets", "own"}


@pytest.fixture
def origin(blobs: data.Dataset) -> checkpoint.Origin:
    names = ("reluprobe", *checkpoint.environment.PACKAGES, "backend", "device")
    return checkpoint.Origin({"blobs": blobs}, dict.fromkeys(names, "1"), "map")


@pytest.mark.parametrize("other", ["jaxlib", "processor", "code", "data", "lanes"])
def test_what_was_begun_with_something_else_starts_over_and_says_so(
    run_of: Any, origin: checkpoint.Origin, caplog: pytest.LogCaptureFixture, other: str
):
    run = run_of()
    made_with = origin.made_with(run.config)
    record: Any = None
    alike = {run.id: checkpoints.Checkpoint(record, 1, made_with, None, {})}
    assert checkpoint.usable([run], alike, origin) == alike
    changed = dataclasses.replace(alike[run.id], made_with=made_with | {other: "another"})
    with caplog.at_level(logging.WARNING):
        assert checkpoint.usable([run], {run.id: changed}, origin) == {}
    assert caplog.messages == [f"run {run.id} starts over: it was begun with other {other}"]


def test_data_of_the_same_name_with_one_other_value_are_other_data(
    run_of: Any, blobs: data.Dataset, origin: checkpoint.Origin
):
    inputs = blobs.train_inputs.copy()
    inputs[5, 5] += 1
    changed = dataclasses.replace(blobs, train_inputs=inputs)
    other = checkpoint.Origin({"blobs": changed}, origin.versions, "map")
    config = run_of().config
    one, two = origin.made_with(config), other.made_with(config)
    assert {n for n in one if one[n] != two[n]} == {"data"}


def test_runs_are_saved_every_so_often_and_more_rarely_where_it_takes_long(
    monkeypatch: pytest.MonkeyPatch,
):
    now = [0.0]
    monkeypatch.setattr(checkpoint.time, "perf_counter", lambda: now[0])
    pace = checkpoint.Pace()

    def first_due(step: float = 1.0) -> float:
        began = now[0]
        while not pace.due():
            now[0] += step
        return now[0] - began

    assert first_due() == checkpoint.EVERY
    with pace.saving():
        now[0] += 0.1
    assert first_due() == checkpoint.EVERY
    with pace.saving():
        now[0] += 2.0
    assert first_due() == pytest.approx(2.0 / checkpoint.SHARE)

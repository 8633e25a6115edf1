"""When units are revived, and what a run records of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reluprobe import data, records
from reluprobe.config import make_run, phases
from reluprobe.engine import runner, schedule
from reluprobe.plan.runs import Run
from sweep_events import records_in

# --- when --------------------------------------------------------------------------------------


def revived_before(**changed: Any) -> list[int]:
    """Before which steps of the run, counted from 0, units are revived."""
    config = make_run(dict(batch_size=10, epochs=4, revive="redo", probe_examples=1) | changed)
    segments = list(schedule.segments(config, 95))  # ten steps an epoch
    return [int(s.epoch - 1) * 10 + int(s.first) for s in segments if s.revives]


@pytest.mark.parametrize(
    ("at", "changed", "steps"),
    [
        ("epochs", {}, [10, 20, 30]),
        ("1,3", {}, [10, 30]),
        ("3,1", {}, [10, 30]),
        ("2", {}, [20]),
        ("25 steps", {}, [25]),
        ("1 step", {"epochs": 1}, list(range(1, 10))),
        ("10 steps", {}, [10, 20, 30]),
        ("13 steps", {"probe_every": 7}, [13, 26, 39]),
        ("1,3", {"probe_every": 3}, [10, 30]),
        ("phases", {"phases": "same@2,permuted_pixels"}, [40, 60]),
        ("epochs", {"phases": "same", "epochs": 2}, [10, 20, 30]),
        ("2,3", {"phases": "same", "epochs": 2}, [20, 30]),
        ("15 steps", {"phases": "same", "epochs": 2}, [15, 30]),
        ("epochs", {"epochs": 1}, []),
        ("epochs", {"epochs": 0}, []),
        ("epochs", {"revive": "none"}, []),
    ],
)
def test_units_are_revived_at_these_steps_and_no_others(at: str, changed: Any, steps: list[int]):
    changed = changed if changed.get("revive") == "none" else {"revive_at": at} | changed
    assert revived_before(**changed) == steps


@settings(max_examples=40)
@given(
    at=st.sampled_from(["epochs", "phases", "1,3", "2", "7 steps", "25 steps"]),
    epochs=st.integers(0, 4),
    further=st.sampled_from(["none", "same", "same@2*2", "permuted_pixels@1*3"]),
    every=st.integers(0, 12),
)
def test_never_before_the_first_step_nor_after_the_last(
    at: str, epochs: int, further: str, every: int
):
    if epochs == 0:
        further = "none"
    more = dict(revive_at=at, epochs=epochs, phases=further, probe_every=every)
    steps = revived_before(**more)
    config = make_run(more)
    last = phases.stretches(config.phases, config.epochs)[-1].last * 10
    assert all(0 < step < last for step in steps) and steps == sorted(set(steps))


# --- end to end --------------------------------------------------------------------------------


HARSH: dict[str, Any] = dict(optimizer="adam", learning_rate=0.05, bias_init=-3.0, init="he_normal")
STEPS = 41


def records_of(runs: Sequence[Run]) -> dict[str, records.RunRecord]:
    return records_in(runner.execute(runs, data.load))


@pytest.fixture(scope="module")
def redone(run_of: Any) -> Any:
    """Three seeds in two chunks, then the first seed alone."""
    common = HARSH | dict(revive="redo", revive_at="25 steps", epochs=3)
    runs = [run_of(**common, seed=seed) for seed in (7, 8, 9)]
    return runs, records_of(runs), records_of(runs[2:])


@pytest.fixture(scope="module")
def chosen_at_random(run_of: Any) -> Any:
    how = dict(revive="random", revive_at="1,3", revive_definition="dormant", revive_threshold=1.0)
    run = run_of(**HARSH, **how, activation="crelu", epochs=4)
    return records_of([run])[run.id]


def counts(layers: Any, definition: str) -> list[int]:
    return [round(getattr(layer, definition) * layer.units) for layer in layers]


def looks(record: records.RunRecord) -> list[tuple[int, Any]]:
    return [(round(at * STEPS), layers) for at, layers in record.timeline()]


def units_of(mask: str | None) -> int:
    """How many bits of a mask are set."""
    return int(mask or "0", 16).bit_count()


def drawn_after(record: records.RunRecord, marked: Callable[[Any], list[int]]) -> dict[int, int]:
    """Steps after which units were drawn anew: always as many as the look there had marked."""
    seen = looks(record)
    assert all(layer.revived == 0 for layer in seen[0][1])
    redrawn = {}
    for (step, before), (_, after) in itertools.pairwise(seen):
        drawn = [layer.revived for layer in after]
        assert drawn == [units_of(layer.revived_units) for layer in after]
        if any(drawn):
            assert drawn == marked(before)
            redrawn[step] = sum(drawn)
    return redrawn


def test_every_25_steps_the_dead_of_that_look_are_drawn_anew(redone: Any):
    runs, by_id, _ = redone
    for run in runs:
        record = by_id[run.id]
        assert record.status == "ok"
        marked = {step: counts(layers, "dead") for step, layers in looks(record)}
        expected = {s: sum(n) for s, n in marked.items() if s % 25 == 0 and s and sum(n)}
        assert drawn_after(record, lambda layers: counts(layers, "dead")) == expected
    assert expected


def test_deaths_of_a_probe_are_units_dead_now_and_alive_or_drawn_anew_since_the_last(redone: Any):
    runs, by_id, _ = redone
    again = 0
    for run in runs:
        for (_, before), (_, after) in itertools.pairwise(looks(by_id[run.id])):
            for old, new in zip(before, after, strict=True):
                was, drawn, dead = (
                    int(mask, 16) for mask in (old.dead_units, new.revived_units, new.dead_units)
                )
                assert new.deaths == (dead & ~(was & ~drawn)).bit_count()
                assert new.revived == 0 or drawn == was
                again += (dead & drawn).bit_count()
    assert again


def test_after_epochs_1_and_3_units_are_drawn_anew_and_at_no_other_time(chosen_at_random: Any):
    pairs = itertools.pairwise(looks(chosen_at_random))
    when = {step for (step, _), (_, after) in pairs if any(layer.revived for layer in after)}
    assert when == {STEPS, 3 * STEPS}
    text = records.to_json(chosen_at_random)
    assert records.ADAPTER.validate_json(text) == chosen_at_random


def test_a_revived_run_is_the_same_alone_and_in_a_sweep(redone: Any):
    runs, by_id, alone = redone
    one, other = by_id[runs[2].id], alone[runs[2].id]
    assert (one.history, one.steps, one.samples) == (other.history, other.steps, other.samples)
    assert by_id[runs[0].id].history != by_id[runs[1].id].history

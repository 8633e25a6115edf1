"""What is said of runs without usable numbers, of which a record may know little."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given

import study_runs
from any_record import records
from reluprobe.analysis.environments import differences
from reluprobe.report.terminal import mishaps
from reluprobe.report.terminal.live_rows import train_headline

FINITE = study_runs.record(epochs=2)


def lost_from(epoch):
    """A record of a run that diverged in this epoch."""
    history = [
        dataclasses.replace(e, test_loss=None) if e.epoch >= epoch else e for e in FINITE.history
    ]
    return dataclasses.replace(FINITE, status="diverged", history=tuple(history))


@pytest.mark.parametrize(
    ("record", "in_table", "in_headline"),
    [
        (lost_from(1), "diverged in epoch 1", "diverged: not finite from epoch 1 on"),
        (lost_from(9), *[mishaps.DIVERGED_LATE] * 2),
        (dataclasses.replace(lost_from(1), history=()), *[mishaps.DIVERGED_LATE] * 2),
        (dataclasses.replace(FINITE, status="failed", error="boom"), *["failed: boom"] * 2),
        (dataclasses.replace(FINITE, status="failed", history=()), *["failed"] * 2),
    ],
)  # fmt: skip
def test_a_lost_run_is_told_by_what_its_record_knows(record, in_table, in_headline):
    heading, line = study_runs.text(mishaps.lost([FINITE, record]), 200).splitlines()
    assert heading.strip() == "1 failed or diverged run:"
    assert line.startswith(f"  {record.id}  {in_table}  relu")
    assert train_headline(record).plain == in_headline


def test_diverged_late_claims_no_epoch():
    assert mishaps.DIVERGED_LATE == "diverged after the last whole epoch"


def test_runs_that_ended_are_not_among_the_lost():
    assert mishaps.lost([FINITE]) is None


@given(records())
def test_any_record_has_a_headline(record):
    assert train_headline(record).plain
    assert train_headline(dataclasses.replace(record, history=())).plain


# --- unlike machines ---------------------------------------------------------------------------


def trained_with(**environment):
    return dataclasses.replace(FINITE, environment={**FINITE.environment, **environment})


def test_runs_of_unlike_machines_are_told_in_one_line_by_what_differs():
    runs = [trained_with(jax="1"), trained_with(jax="1"), trained_with(jax="2", processor="x")]
    runs += [trained_with(jax="1", processor="y\x1b[31m")]
    line = mishaps.unlike(differences(runs))
    assert line is not None and line.plain == (
        "not all trained alike, so that small differences may be the machines': "
        r"jax 1 (3 runs), 2 (1 run); processor x (1 run), y\x1b[31m (1 run)"
    )


def test_what_a_record_does_not_tell_cannot_differ():
    older = dataclasses.replace(FINITE, environment={"reluprobe": "0", "jax": "1"})
    assert differences([older, dataclasses.replace(FINITE, environment={})]) == {}
    assert mishaps.unlike(differences([older, older])) is None
    newer = {"reluprobe": "0", "jax": "1", "processor": "x"}
    assert differences([older, dataclasses.replace(FINITE, environment=newer)]) == {}


def test_the_processor_beside_a_gpu_changes_no_bits():
    gpus = [trained_with(backend="gpu", processor=name) for name in ("x", "y")]
    assert differences(gpus) == {}


def test_how_many_devices_there_were_and_on_which_system_changes_no_bits():
    assert differences([trained_with(devices=1), trained_with(devices=8, platform="other")]) == {}

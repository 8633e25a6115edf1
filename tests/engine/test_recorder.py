"""From a report to a record: masks, fractions, deaths, and what does not apply."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reluprobe import data, records
from reluprobe.config import make_run
from reluprobe.config.choices import ACTIVATIONS, BOUNDED, REVIVALS
from reluprobe.engine import recorder
from reluprobe.engine.state import Segment
from reluprobe.engine.train_step import Report
from reluprobe.measures.activation_stats import BINS, ActivationStats
from reluprobe.measures.attribution import Causes
from reluprobe.measures.definitions import UnitStatistics
from reluprobe.measures.tallies import UnitRates
from reluprobe.plan.runs import Run, as_run
from reluprobe.records import READABLE


def report_of(units: np.ndarray, finite: bool = True, revived: np.ndarray | None = None) -> Any:
    """A report of one lane, ``units`` of ``(layer, unit)`` being every definition's answer."""
    depth, _ = units.shape
    value, three = np.array([0.5], np.float32), np.full((1, 3), 0.5, np.float32)
    answers = np.broadcast_to(units, (1, 3, *units.shape))
    zeros, bins = np.zeros((1, depth)), np.zeros((1, depth, BINS), int)
    return Report(
        train_loss=value,
        train_accuracy=value,
        loss=three,
        accuracy=three,
        finite=np.array([finite]),
        units=UnitStatistics(*[answers] * 8),
        rates=UnitRates(
            *[np.zeros(answers.shape, np.uint32)] * 2,
            np.zeros(answers.shape, np.float32),
            np.full((1, 3, depth), 1000, np.uint32),
            np.zeros((1, 3, depth), np.float32),
        ),
        moved=np.zeros((1, *units.shape), np.float32),
        certified=units[None],
        causes=Causes(*[np.ones((1, *units.shape))] * 3),
        stats=ActivationStats(*[zeros] * 6, bins),
        revived=(np.zeros_like(units) if revived is None else revived)[None],
    )


def see(run: Run, units: np.ndarray, epoch: int = 1, classes: int | None = 10) -> Any:
    """The record of one epoch of a run."""
    ((_, record),) = watch_of(run, classes).add_segment(moment(epoch), report_of(units))
    return record


def watch_of(run: Run, classes: int | None = 10) -> recorder.Recorder:
    some = np.zeros((1000, 1), np.float32)
    return recorder.Recorder(
        [run], data.Dataset("made", some, some[:, 0], some, some[:, 0], classes)
    )


def moment(epoch: int) -> Segment:
    """The end of an epoch, not the run's last."""
    hyper = epoch, 0, 8 if epoch else 0, True, False, 1000, 1000
    return Segment(*map(np.asarray, hyper))


unit_answers = hnp.arrays(bool, st.tuples(st.integers(1, 3), st.integers(1, 40)))


@settings(max_examples=50)
@given(units=unit_answers)
def test_the_mask_of_dead_units_decodes_to_them_and_to_their_fraction(units: np.ndarray):
    depth, width = units.shape
    run = as_run(make_run({"depth": depth, "width": width}))
    epoch = see(run, units)
    for layer, answers in zip(epoch.layers, units, strict=True):
        packed = np.frombuffer(bytes.fromhex(layer.dead_units or ""), np.uint8)
        bits = np.unpackbits(packed).astype(bool)
        np.testing.assert_array_equal(bits[:width], answers)
        assert len(bits) - width < 8 and not bits[width:].any()
        assert layer.dead == pytest.approx(answers.mean(), abs=1e-12)
        assert layer.units == width


def test_unit_zero_is_the_highest_bit_of_the_first_digit():
    run = as_run(make_run({"depth": 1, "width": 11}))
    units = np.zeros((1, 11), bool)
    units[0, 0] = units[0, 10] = True
    epoch = see(run, units)
    assert epoch.layers[0].dead_units == "8020"


def test_a_run_once_lost_stays_lost():
    run = as_run(make_run({"depth": 1, "width": 8}))
    watch = watch_of(run)
    units = np.ones((1, 8), bool)
    seen = [
        next(watch.add_segment(moment(n), report_of(units, finite)))[1]
        for n, finite in enumerate((True, False, True))
    ]
    assert [epoch.test_loss for epoch in seen] == [0.5, None, None]
    assert [epoch.layers[0].dead for epoch in seen] == [1.0, None, None]
    assert watch.record(run, 1.0, {}).status == "diverged"
    assert watch.live(3).tolist() == [False] * 3


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_saturation_is_null_where_it_does_not_apply(name: str):
    run = as_run(make_run({"depth": 1, "width": 8, "activation": name}))
    epoch = see(run, np.zeros((1, 8), bool))
    bounded = ("tanh", "sigmoid", "relu6", "hard_tanh")
    assert epoch.layers[0].saturated == (0.0 if name in bounded else None)
    assert bool(name in bounded) == (name in BOUNDED)


def test_what_does_not_apply_is_null_at_epoch_zero_and_in_a_regression():
    run = as_run(make_run({"depth": 1, "width": 8}))
    for classes, expected in ((10, (None, None, 0.5, 0.5)), (None, (None, None, 0.5, None))):
        epoch = see(run, np.zeros((1, 8), bool), epoch=0, classes=classes)
        values = (epoch.train_loss, epoch.train_accuracy, epoch.test_loss, epoch.test_accuracy)
        assert values == expected


def test_new_records_are_of_the_newest_schema():
    run = as_run(make_run({"depth": 1, "width": 8}))
    assert watch_of(run).record(run, 1.0, {}).schema == READABLE[0] == "reluprobe/run/7"


def test_a_record_says_what_products_were_computed_in_while_training():
    for more in ({}, {"precision": "tf32"}):
        run = as_run(make_run({"depth": 1, "width": 8} | more))
        record = watch_of(run).record(run, 1.0, {"device": "made"})
        assert record.environment == {"device": "made", "precision": run.config.precision}


@pytest.mark.parametrize("revive", REVIVALS)
def test_revived_units_are_counted_and_named_where_units_are_picked_out(revive: str):
    run = as_run(make_run({"depth": 2, "width": 11, "revive": revive}))
    drawn = np.zeros((2, 11), bool)
    drawn[0, [0, 2, 10]] = True
    ((_, epoch),) = watch_of(run).add_segment(
        moment(1), report_of(np.zeros((2, 11), bool), revived=drawn)
    )
    got = [(layer.revived, layer.revived_units) for layer in epoch.layers]
    picks = revive in ("redo", "random")
    assert got == ([(3, "a020"), (0, "0000")] if picks else [(None, None)] * 2)


def test_a_unit_dead_drawn_anew_and_dead_again_has_died_again():
    run = as_run(make_run({"depth": 1, "width": 4, "revive": "redo"}))
    watch = watch_of(run)
    # Unit 0 is drawn anew and dies, 1 is and lives, 2 stays dead, 3 dies.
    looks = [([1, 1, 1, 0], [0, 0, 0, 0]), ([1, 0, 1, 1], [1, 1, 0, 0])]
    seen = [
        next(
            watch.add_segment(
                moment(n), report_of(np.array([x], bool), revived=np.array([y], bool))
            )
        )
        for n, (x, y) in enumerate(looks)
    ]
    last = seen[-1][1].layers[0]
    assert (last.deaths, last.revived, last.revived_units) == (2, 2, "c0")
    assert last.causes == records.CausesRecord(2.0, 2.0, 2.0)
    # Unit 2 alone was dead as one and the same unit: how far drawing moved 0 is no movement of it.
    assert last.movement.dead.units == 1 and last.movement.healthy is None


def test_deaths_are_of_units_alive_at_the_last_probe_and_causes_sum_over_them():
    run = as_run(make_run({"depth": 1, "width": 8}))
    watch = watch_of(run)
    masks = np.array([[1, 0, 0, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0, 0], [0, 1, 1, 0, 0, 0, 0, 0]])
    seen = [
        next(watch.add_segment(moment(n), report_of(m[None].astype(bool))))
        for n, m in enumerate(masks)
    ]
    layers = [epoch.layers[0] for _, epoch in seen]
    assert [layer.deaths for layer in layers] == [None, 2, 0]
    assert [layer.causes for layer in layers] == [None, records.CausesRecord(2.0, 2.0, 2.0), None]

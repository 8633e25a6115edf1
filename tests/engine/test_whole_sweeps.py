"""Whole sweeps: a run is the same in any company, and trouble stays with the one who has it."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from reluprobe import records
from reluprobe.config.choices import DEFINITIONS
from reluprobe.engine import events, runner
from reluprobe.plan.runs import Run, run_id
from sweep_events import compiled_in, execute, records_in

pytestmark = pytest.mark.usefixtures("as_for_users")


@pytest.fixture(scope="module")
def target(run_of: Any) -> Run:
    """A ReLU net with dead units from the start; more die as it trains."""
    return run_of(bias_init=-8.0, init="normal", init_scale=1.0)


@pytest.fixture(scope="module")
def doomed(run_of: Any) -> Run:
    return run_of(learning_rate=1e30)


@pytest.fixture(scope="module")
def others(run_of: Any) -> list[Run]:
    names = ("tanh", "relu6", "leaky_relu")
    return [run_of(activation=name, init="he_normal", learning_rate=0.05) for name in names]


@pytest.fixture(scope="module")
def alone(target: Run) -> list[runner.Event]:
    return execute(target)


@pytest.fixture(scope="module")
def crowd(target: Run, doomed: Run, others: list[Run]) -> list[runner.Event]:
    """Five runs on two devices: the target first, beside one that diverges; the last is padded."""
    return execute(target, doomed, *others)


@pytest.fixture(scope="module")
def calm(crowd: Any, target: Run, others: list[Run]) -> list[runner.Event]:
    """The same without the one that diverges, the target last; with the crowd's program."""
    return execute(*others, target)


# --- the same run, whatever is beside it -------------------------------------------------------


def test_the_target_is_worth_comparing(alone: Any, target: Run):
    history = records_in(alone)[target.id].history
    assert len({epoch.test_loss for epoch in history}) == len(history)
    second = [float(epoch.layers[1].dead or 0) for epoch in history]
    assert second == sorted(set(second)) and second[0] > 0 and second[-1] < 1


def test_a_run_is_the_same_bit_for_bit_alone_first_and_last(
    alone: Any, crowd: Any, calm: Any, target: Run
):
    one, first, last = (records_in(events)[target.id] for events in (alone, crowd, calm))
    assert one.history == first.history == last.history
    assert one.samples == first.samples == last.samples
    assert (one.status, first.status, last.status) == ("ok", "ok", "ok")


def test_a_run_is_the_same_bit_for_bit_whatever_activations_share_its_program(
    crowd: Any, others: list[Run]
):
    # ReLU is compiled in, as above; tanh rounds, and has a branch also where it is alone.
    tanh = others[0]
    events = execute(tanh)
    assert compiled_in(events) == [1]
    one, among = (records_in(sweep)[tanh.id] for sweep in (events, crowd))
    assert one.history == among.history
    assert one.samples == among.samples


def test_a_diverging_neighbour_changes_no_bit_of_the_others(
    crowd: Any, calm: Any, others: list[Run]
):
    for run in others:
        beside, apart = records_in(crowd)[run.id], records_in(calm)[run.id]
        assert beside.history == apart.history
        assert beside.status == "ok"


def test_a_run_that_diverges_is_null_from_then_on(crowd: Any, doomed: Run):
    record = records_in(crowd)[doomed.id]
    start, *rest = record.history
    assert record.status == "diverged"
    assert start.test_loss is not None and start.layers[0].dead is not None
    for epoch in rest:
        losses = (epoch.train_loss, epoch.train_accuracy, epoch.test_loss, epoch.test_accuracy)
        assert losses == (None,) * 4
        for layer in epoch.layers:
            assert layer == records.LayerRecord(11, **dict.fromkeys(DEFINITIONS), dead_units=None)


def test_divergence_is_announced_with_the_epoch_it_happens_in(crowd: Any, doomed: Run):
    done = [e for e in crowd if isinstance(e, runner.EpochDone)]
    announced = [(e.run.id, e.epoch.epoch) for e in done if e.diverged]
    assert announced == [(doomed.id, 1), (doomed.id, 2)]


def test_four_activations_share_a_program_and_met_again_it_is_not_compiled_again(
    crowd: Any, calm: Any
):
    assert compiled_in(crowd) == [2]  # two lanes in its first chunk
    assert compiled_in(calm) == []


def test_events_come_in_order_and_every_run_ends_once(crowd: Any, target: Run, doomed: Run):
    compiling, compiled, *others = crowd
    assert isinstance(compiling, events.Compiling) and compiling.runs == 2
    assert isinstance(compiled, runner.Compiled)
    first = [e for e in others if isinstance(e, runner.EpochDone)][:6]
    expected = [(run.id, epoch) for epoch in range(3) for run in (target, doomed)]
    assert [(e.run.id, e.epoch.epoch) for e in first] == expected
    ended = [e.run.id for e in crowd if isinstance(e, runner.RunDone)]
    assert len(ended) == len(set(ended)) == 5
    for run, record in ((e.run, e.record) for e in crowd if isinstance(e, runner.RunDone)):
        assert record.id == run.id == run_id(record.config)
        assert list(record.history) == [
            e.epoch for e in crowd if isinstance(e, runner.EpochDone) and e.run == run
        ]


def test_records_hold_their_definitions_promises(crowd: Any, target: Run, others: list[Run]):
    for run in (target, *others):
        for layer in (layer for e in records_in(crowd)[run.id].history for layer in e.layers):
            bits = np.unpackbits(np.frombuffer(bytes.fromhex(layer.dead_units or ""), np.uint8))
            assert layer.dead is not None and layer.dead == np.float64(bits[:11].mean())
            bounded = run.config.activation in ("tanh", "relu6")
            assert (layer.saturated is not None) == bounded
            if run is target:
                assert layer.dead == layer.silent == layer.never_positive


def test_the_environment_names_two_cpu_devices(alone: Any, target: Run):
    environment = records_in(alone)[target.id].environment
    assert (environment["backend"], environment["devices"]) == ("cpu", 2)
    assert environment["jax"] == jax.__version__

"""Whole sweeps: a run is the same in any company, and trouble stays with the one who has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

import jax
import numpy as np
import pytest

from reluprobe import data, grid, programs, records, sweep
from reluprobe.config.names import DEFINITIONS
from reluprobe.errors import InputError
from reluprobe.grid import Run
from sweeping import SideBySide, records_in

pytestmark = pytest.mark.usefixtures("as_for_users")


def execute(*runs: Run) -> list[sweep.Event]:
    return list(sweep.execute(runs, data.load))


def compile_and_execute(*runs: Run) -> list[sweep.Event]:
    """As in a new process: with no program left over from another sweep."""
    with mock.patch.dict(programs.PROGRAMS, clear=True):
        return execute(*runs)


def compiled_in(events: Sequence[sweep.Event]) -> list[int]:
    return [e.runs for e in events if isinstance(e, sweep.Compiled)]


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
def alone(target: Run) -> list[sweep.Event]:
    return execute(target)


@pytest.fixture(scope="module")
def crowd(target: Run, doomed: Run, others: list[Run]) -> list[sweep.Event]:
    """Five runs on two devices: the target first, beside one that diverges; the last is padded."""
    return execute(target, doomed, *others)


@pytest.fixture(scope="module")
def calm(crowd: Any, target: Run, others: list[Run]) -> list[sweep.Event]:
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


def test_a_run_is_the_same_bit_for_bit_whatever_activations_share_its_program(run_of: Any):
    # ReLU is compiled in, as above; GELU rounds, and has a branch also where it is alone.
    mine, silu, elu = (run_of(activation=f, init="he_normal") for f in ("gelu", "silu", "elu"))
    found = [
        records_in(compile_and_execute(*runs))[mine.id] for runs in ([mine], [elu, silu, mine])
    ]
    assert found[0].history == found[1].history
    assert found[0].samples == found[1].samples


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
            assert layer == records.LayerRecord(11, *[None] * len(DEFINITIONS), dead_units=None)


def test_divergence_is_announced_with_the_epoch_it_happens_in(crowd: Any, doomed: Run):
    done = [e for e in crowd if isinstance(e, sweep.EpochDone)]
    announced = [(e.run.id, e.epoch.epoch) for e in done if e.diverged]
    assert announced == [(doomed.id, 1), (doomed.id, 2)]


def test_what_is_a_number_or_an_activation_shares_a_program_and_depths_do_not(
    run_of: Any, crowd: Any
):
    assert compiled_in(crowd) == [2]  # two lanes in its first chunk
    alike = [
        dict(init="orthogonal"),
        dict(activation="tanh", init="he_normal", learning_rate=3.0),
        dict(activation="relu6", init="uniform", bias_init=0.5, seed=1),
        dict(activation="leaky_relu(0.3)"),
    ]
    runs = [run_of(epochs=0, depth=depth, **settings) for depth in (2, 1) for settings in alike]
    events = execute(*runs)
    assert compiled_in(events) == [2]  # those of depth 2 share the crowd's
    for run in runs:
        (only,) = records_in(events)[run.id].history
        assert (only.epoch, only.train_loss, only.train_accuracy) == (0, None, None)
        assert only.test_loss is not None and len(only.layers) == run.config.depth


def test_a_group_met_again_is_not_compiled_again(calm: Any):
    assert compiled_in(calm) == []


def test_events_come_in_order_and_every_run_ends_once(crowd: Any, target: Run, doomed: Run):
    assert isinstance(crowd[0], sweep.Compiled)
    first = [e for e in crowd[1:] if isinstance(e, sweep.EpochDone)][:6]
    expected = [(run.id, epoch) for epoch in range(3) for run in (target, doomed)]
    assert [(e.run.id, e.epoch.epoch) for e in first] == expected
    ended = [e.run.id for e in crowd if isinstance(e, sweep.RunDone)]
    assert len(ended) == len(set(ended)) == 5
    for run, record in ((e.run, e.record) for e in crowd if isinstance(e, sweep.RunDone)):
        assert record.id == run.id == grid.run_id(record.config)
        assert list(record.history) == [
            e.epoch for e in crowd if isinstance(e, sweep.EpochDone) and e.run == run
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


# --- lanes side by side ------------------------------------------------------------------------


def test_vmapped_lanes_agree_with_lanes_one_by_one(
    monkeypatch: pytest.MonkeyPatch, run_of: Any, crowd: Any, target: Run, doomed: Run, others: Any
):
    monkeypatch.setattr(sweep, "_Engine", SideBySide)
    monkeypatch.setattr(programs, "PROGRAMS", {})
    monkeypatch.setattr(sweep, "MOST_LANES", 2)
    tanh = others[0]
    # Five ReLUs at two lanes a device are a chunk of four, and one padded with three.
    more = [run_of(seed=seed) for seed in (1, 2, 3)]
    events = execute(doomed, tanh, *more, target)
    assert len(compiled_in(events)) == 2  # each activation has its own program
    found = records_in(events)
    assert {run.id: found[run.id].status for run in (doomed, tanh, *more, target)} == {
        doomed.id: "diverged",
        **{run.id: "ok" for run in (tanh, *more, target)},
    }
    for run in (target, tanh):
        for one, other in zip(
            found[run.id].history, records_in(crowd)[run.id].history, strict=True
        ):
            assert one.test_loss == pytest.approx(other.test_loss, rel=1e-4)
            for layer, layer2 in zip(one.layers, other.layers, strict=True):
                assert layer.dead_units == layer2.dead_units
    expected = records_in(crowd)[doomed.id].history[1:]
    assert found[doomed.id].history[1:] == expected


# --- data, learning, refusal -------------------------------------------------------------------


def test_blobs_are_learned_almost_as_well_as_the_nearest_class_mean_does(
    run_of: Any, blobs: data.Dataset, crowd: Any
):
    classes = range(10)
    means = np.stack([blobs.train_inputs[blobs.train_targets == c].mean(axis=0) for c in classes])
    distances = ((blobs.test_inputs[:, None] - means) ** 2).sum(axis=2)
    # For equal round Gaussians the nearest mean is the best there is: 85% here, chance being 10%.
    best = (distances.argmin(axis=1) == blobs.test_targets).mean()
    run = run_of(activation="leaky_relu", learning_rate=0.2, epochs=12)
    start, *_, last = records_in(execute(run))[run.id].history
    assert start.test_accuracy is not None and start.test_accuracy < 0.3
    assert last.test_accuracy is not None and best - 0.06 < last.test_accuracy < best + 0.03
    assert last.train_loss is not None and last.train_loss < 0.7


def test_a_regression_has_squared_loss_and_no_accuracy(run_of: Any):
    targets = data.load("abs").test_targets
    run = run_of(dataset="abs", init="normal", init_scale=0.0, bias_init=0.5, epochs=1)
    start, last = records_in(execute(run))[run.id].history
    # With all weights 0 the network says 0, and E[x²] = 1.
    assert start.test_loss == pytest.approx((targets**2).mean(), rel=1e-5)
    assert start.test_loss == pytest.approx(1, abs=0.1)
    assert last.train_loss is not None and last.train_loss > 0
    for epoch in (start, last):
        assert epoch.train_accuracy is None and epoch.test_accuracy is None


def test_a_probe_larger_than_the_training_set_is_refused(run_of: Any):
    with pytest.raises(InputError) as caught:
        execute(run_of(probe_examples=4097))
    (fault,) = caught.value.faults
    assert "4097" in fault and "<= 4096" in fault and "blobs" in fault
    assert caught.value.exit_code == 2


def test_a_dataset_is_loaded_once_for_all_groups_in_a_row(
    run_of: Any, blobs: data.Dataset, alone: Any
):
    asked: list[str] = []

    def load(name: str) -> data.Dataset:
        asked.append(name)
        return replace(blobs, name=name)

    # Three groups that the program of one ReLU serves.
    runs = [run_of(epochs=0), run_of(epochs=1), run_of(epochs=0, dataset="abs")]
    events = list(sweep.execute(runs, load))
    assert (len(records_in(events)), compiled_in(events)) == (3, [])
    assert asked == ["blobs", "abs"]

"""The engine: which runs share a program, lanes side by side, data loaded, learned and refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
import pytest

from reluprobe import data
from reluprobe.engine import compiler, placement, program_spec, runner
from reluprobe.errors import InputError
from reluprobe.plan.runs import Run
from sweep_events import compiled_in, execute, records_in


@pytest.fixture(scope="module", autouse=True)
def no_programs_yet() -> Iterator[None]:
    with mock.patch.dict(compiler.PROGRAMS, clear=True):
        yield


@pytest.fixture(scope="module")
def runs(run_of: Any) -> dict[str, Run]:
    """A ReLU net with dead units from the start, more dying as it trains, and its company."""
    return {
        "doomed": run_of(learning_rate=1e30),
        "tanh": run_of(activation="tanh", init="he_normal", learning_rate=0.05),
        **{f"other {seed}": run_of(seed=seed) for seed in (1, 2, 3)},
        "target": run_of(bias_init=-8.0, init="normal", init_scale=1.0),
    }


@pytest.fixture(scope="module")
def crowd(runs: dict[str, Run]) -> list[runner.Event]:
    return execute(*runs.values())


# --- programs ----------------------------------------------------------------------------------


def test_what_is_a_number_or_an_activation_shares_a_program_and_depths_do_not(
    run_of: Any, crowd: Any
):
    assert compiled_in(crowd) == [2]  # two lanes in its first chunk
    alike = [
        dict(init="orthogonal"),
        dict(activation="tanh", init="he_normal", learning_rate=3.0),
        dict(init="uniform", bias_init=0.5, seed=1),
    ]
    runs = [run_of(epochs=0, depth=depth, **settings) for depth in (2, 1) for settings in alike]
    events = execute(*runs)
    assert compiled_in(events) == [2]  # those of depth 2 share the crowd's
    for run in runs:
        (only,) = records_in(events)[run.id].history
        assert (only.epoch, only.train_loss, only.train_accuracy) == (0, None, None)
        assert only.test_loss is not None and len(only.layers) == run.config.depth


# --- lanes side by side ------------------------------------------------------------------------


def test_vmapped_lanes_agree_with_lanes_one_by_one(
    monkeypatch: pytest.MonkeyPatch, runs: dict[str, Run], crowd: Any
):
    monkeypatch.setattr(compiler, "PROGRAMS", {})
    monkeypatch.setattr(placement, "MOST_LANES", 2)
    draw = mock.Mock(wraps=program_spec._draw_compiled)
    monkeypatch.setattr(program_spec, "_draw_compiled", draw)
    # Five ReLUs at two lanes a device are a chunk of four, and one padded with three.
    events = list(runner.execute([*runs.values()], data.load, lanes="vmap"))
    assert len(compiled_in(events)) == 2  # each activation has its own program
    assert draw.call_count >= len(runs)  # not op by op
    by_id, expected = records_in(events), records_in(crowd)
    for name, run in runs.items():
        assert by_id[run.id].status == ("diverged" if name == "doomed" else "ok")
    for run in (runs["target"], runs["tanh"]):
        for one, other in zip(by_id[run.id].history, expected[run.id].history, strict=True):
            assert one.test_loss == pytest.approx(other.test_loss, rel=1e-4)
            for layer, layer2 in zip(one.layers, other.layers, strict=True):
                assert layer.dead_units == layer2.dead_units
    doomed = runs["doomed"].id
    assert by_id[doomed].history[1:] == expected[doomed].history[1:]


# --- data, learning, refusal -------------------------------------------------------------------


def test_blobs_are_learned_almost_as_well_as_the_nearest_class_mean_does(
    run_of: Any, blobs: data.Dataset
):
    classes = range(10)
    means = np.stack([blobs.train_inputs[blobs.train_targets == c].mean(axis=0) for c in classes])
    distances = ((blobs.test_inputs[:, None] - means) ** 2).sum(axis=2)
    # For equal round Gaussians the nearest mean is the best there is: 85% here, chance being 10%.
    best = (distances.argmin(axis=1) == blobs.test_targets).mean()
    run = run_of(learning_rate=0.2, epochs=12)
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


def test_a_regression_has_r2_and_rmse_on_each_split(run_of: Any):
    dataset = data.load("abs")
    # With all weights 0 the network says 0 whatever it sees.
    run = run_of(dataset="abs", init="normal", init_scale=0.0, bias_init=0.0, epochs=0)
    record = records_in(execute(run))[run.id]
    train = dataset.train_targets
    targets = {"probe": train[:200], "test": dataset.test_targets, "train": train}
    assert record.probe.examples == 200
    for sample in record.samples:
        truth = targets[sample.sample].astype(np.float64)
        assert sample.r2 == pytest.approx(1 - (truth**2).mean() / truth.var(), rel=1e-5)
        assert sample.rmse == pytest.approx(np.sqrt((truth**2).mean()), rel=1e-5)
    test = record.samples[1]
    assert (record.final.r2, record.final.rmse) == (test.r2, test.rmse)


def test_r2_rises_as_a_regression_learns_and_a_classification_has_none(run_of: Any):
    regression = run_of(dataset="abs", epochs=2, learning_rate=0.1)
    classes = run_of(epochs=1)
    by_id = records_in(execute(regression, classes))
    start, *_, last = by_id[regression.id].history
    variance = data.load("abs").test_targets.astype(np.float64).var()
    for epoch in (start, last):
        assert epoch.r2 == pytest.approx(1 - epoch.test_loss / variance)
        assert epoch.rmse == pytest.approx(epoch.test_loss**0.5)
    assert start.r2 < last.r2 and last.r2 > 0.5
    known = by_id[classes.id]
    assert {(e.r2, e.rmse) for e in known.history} == {(s.r2, s.rmse) for s in known.samples}
    assert known.final.r2 is known.final.rmse is None


def test_a_probe_larger_than_the_training_set_is_refused(run_of: Any):
    with pytest.raises(InputError) as caught:
        execute(run_of(probe_examples=4097))
    (fault,) = caught.value.faults
    assert "4097" in fault and "<= 4096" in fault and "blobs" in fault
    assert caught.value.exit_code == 2


def test_a_dataset_is_loaded_once_for_all_groups_in_a_row(run_of: Any, blobs: data.Dataset):
    asked: list[str] = []

    def load(name: str) -> data.Dataset:
        asked.append(name)
        return replace(blobs, name=name)

    # Three groups that one program serves.
    runs = [run_of(epochs=0), run_of(epochs=1), run_of(epochs=0, dataset="abs")]
    events = list(runner.execute(runs, load))
    assert len(records_in(events)) == 3 and len(compiled_in(events)) <= 1
    assert asked == ["blobs", "abs"]

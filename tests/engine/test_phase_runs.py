"""What a run through phases records: fifty of them in one program."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reluprobe import data, records
from reluprobe.engine import compiler, runner
from reluprobe.plan.runs import Run
from sweep_events import records_in
from training_segments import start_of

# --- fifty phases, one program -----------------------------------------------------------------


MANY = "permuted_pixels,shuffled_labels@2,other,permuted_pixels*47"
LAST = 1 + 1 + 2 + 1 + 47
LONG: dict[str, Any] = dict(epochs=1, batch_size=1024, phases=MANY, init="he_normal", bias_init=-2)
Records = dict[str, records.RunRecord]

pytestmark = pytest.mark.usefixtures("as_for_users")


@pytest.fixture(scope="module")
def load(blobs: data.Dataset) -> Callable[[str], data.Dataset]:
    # The same inputs, further out, with labels of their own.
    labels = blobs.train_targets[::-1].copy()
    other = replace(blobs, name="other", train_inputs=2 * blobs.train_inputs, train_targets=labels)
    return {"blobs": blobs, "other": other}.__getitem__


@pytest.fixture(scope="module")
def crowd(run_of: Any) -> dict[str, Run]:
    return {
        "one": run_of(**LONG, seed=1),
        "doomed": run_of(**LONG, seed=1, learning_rate=1e30),
        "two": run_of(**LONG, seed=2),
        "still": run_of(**LONG, seed=3, learning_rate=1e-30),
        "still_too": run_of(**LONG, seed=4, learning_rate=1e-30),
    }


@pytest.fixture(scope="module")
def long(crowd: dict[str, Run], load: Any) -> Records:
    """Every run's record, by its name in the crowd."""
    events = list(runner.execute(list(crowd.values()), load))
    assert [e.runs for e in events if isinstance(e, runner.Compiled)] == [2]
    assert len(compiler.PROGRAMS) == 1
    by_id = records_in(events)
    epochs = [e.epoch.epoch for e in events if isinstance(e, runner.EpochDone)]
    assert sorted(epochs) == sorted(list(range(LAST + 1)) * len(crowd))
    return {name: by_id[run.id] for name, run in crowd.items()}


def masks(layers: Any) -> list[str | None]:
    return [layer.dead_units for layer in layers]


def test_the_history_goes_on_through_the_phases(long: Records):
    for record in long.values():
        assert [e.epoch for e in record.history] == list(range(LAST + 1))
        assert [e.step for e in record.history] == list(range(0, 4 * LAST + 1, 4))
        assert record.steps == ()


def test_every_phase_has_its_record(long: Records):
    for name in ("one", "two", "still"):
        phases = long[name].phases
        assert [p.phase for p in phases] == list(range(51))
        spans = [(p.first_epoch, p.last_epoch) for p in phases]
        assert spans[:4] == [(1, 1), (2, 2), (3, 4), (5, 5)] and spans[-1] == (LAST, LAST)
        what = [(p.dataset, p.task) for p in phases]
        assert what[:4] == [
            ("blobs", "same"),
            ("blobs", "permuted_pixels"),
            ("blobs", "shuffled_labels"),
            ("other", "same"),
        ]
        assert set(what[4:]) == {("blobs", "permuted_pixels")}
        assert phases[0].start is None
        for p in phases:
            for sample in (p.reference, p.start) if p.phase else (p.reference,):
                assert sample is not None
                assert (sample.sample, sample.examples) == ("probe", 200)
        text = records.to_json(long[name])
        assert records.ADAPTER.validate_json(text) == long[name]


def test_at_the_first_phases_end_its_reference_is_the_history(long: Records):
    record = long["one"]
    assert masks(record.phases[0].reference.layers) == masks(record.history[1].layers)


def test_without_learning_the_reference_is_the_start(long: Records):
    for name in ("still", "still_too"):
        record = long[name]
        begun = masks(record.history[0].layers)
        assert any(int(mask or "0", 16) for mask in begun)
        first = record.phases[0].reference
        for p in record.phases:
            assert masks(p.reference.layers) == begun and p.reference == first
            if p.start is not None:
                # Shuffled targets change nothing about who is dead; a permuted input does.
                at = record.history[p.first_epoch].layers
                assert masks(p.start.layers) == masks(at)
                assert (p.start.loss == first.loss) == (p.task == "same" and p.dataset == "blobs")
        shuffled = record.phases[2].start
        assert shuffled is not None and masks(shuffled.layers) == begun
        # Who is dead on the new data from the start has not died there.
        assert all(layer.deaths == 0 for e in record.history[1:] for layer in e.layers)
    starts = [[masks(p.start.layers) for p in long["still"].phases if p.start]]
    assert len({tuple(map(str, m)) for m in starts[0]}) > 3


def test_each_lane_has_the_permutations_of_its_seed(
    long: Records, crowd: dict[str, Run], load: Any, layers_of: Any, forward: Any
):
    """The loss at a phase's start, by NumPy, of two networks that do not learn."""
    blobs = load("blobs")
    for name in ("still", "still_too"):
        config = crowd[name].config
        lane, _, spec = start_of(config, 32, 10, 4096)
        from flax import nnx

        layers = layers_of(nnx.merge(spec.graph, lane.weights))
        for p in (1, 2, 50):
            rng = np.random.default_rng([config.seed, p])
            inputs, labels = blobs.train_inputs, blobs.train_targets
            if p == 2:
                labels = labels[rng.permutation(4096)]
            else:
                inputs = inputs[:, rng.permutation(32)]
            logits, _ = forward(layers, inputs[:200], lambda z: np.maximum(z, 0))
            shifted = logits - logits.max(axis=1, keepdims=True)
            entropy = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(200), labels[:200]]
            start = long[name].phases[p].start
            assert start is not None
            assert start.loss == pytest.approx(entropy.mean(), rel=1e-4)


def test_a_run_that_diverges_is_null_from_then_on_and_its_neighbour_goes_on(
    long: Records, crowd: dict[str, Run], load: Any
):
    record = long["doomed"]
    assert record.status == "diverged" and record.samples == ()
    assert record.history[0].test_loss is not None
    assert all(e.test_loss is None and e.layers[0].dead is None for e in record.history[1:])
    assert record.phases == ()
    assert [long[name].status for name in ("one", "two", "still")] == ["ok"] * 3
    alone = records_in(list(runner.execute([crowd["one"]], load)))[crowd["one"].id]
    one = long["one"]
    assert (alone.history, alone.phases, alone.samples) == (one.history, one.phases, one.samples)
    assert len(compiler.PROGRAMS) == 1


@pytest.mark.slow
def test_lanes_side_by_side_agree_with_lanes_one_by_one(
    long: Records, crowd: dict[str, Run], load: Any
):
    events = list(runner.execute([crowd[n] for n in ("one", "doomed", "two")], load, lanes="vmap"))
    assert sum(isinstance(e, runner.Compiled) for e in events) == 1
    by_id = records_in(events)
    assert by_id[crowd["doomed"].id].history[1:] == long["doomed"].history[1:]
    for name in ("one", "two"):
        mine, theirs = by_id[crowd[name].id], long[name]
        for a, b in zip(mine.history[:8], theirs.history[:8], strict=True):
            assert a.test_loss == pytest.approx(b.test_loss, rel=1e-3)
        for a, b in zip(mine.phases[:5], theirs.phases[:5], strict=True):
            assert replace(a, start=None, reference=b.reference) == replace(b, start=None)
            assert a.reference.loss == pytest.approx(b.reference.loss, rel=1e-3)
            if b.start is not None:
                assert a.start is not None
                assert a.start.loss == pytest.approx(b.start.loss, rel=1e-3)


# --- the same data again -----------------------------------------------------------------------


def test_looks_between_phases_change_no_bit_of_the_run(run_of: Any, load: Any):
    """CReLU, as its program is the fastest to compile; Adam, momenta included."""
    common = dict(activation="crelu", optimizer="adam", learning_rate=0.01, batch_size=256)
    parted, whole = run_of(**common, epochs=1, phases="same@2"), run_of(**common, epochs=3)
    by_id = records_in(list(runner.execute([parted, whole], load)))
    a, b = by_id[parted.id], by_id[whole.id]
    assert len({e.test_loss for e in b.history}) == 4
    assert (a.history, a.samples) == (b.history, b.samples)
    assert b.phases == () and [p.phase for p in a.phases] == [0, 1]
    assert a.phases[1].start is not None and a.phases[0].reference == a.phases[1].start
    assert dataclasses.replace(a.phases[1].reference) == a.samples[0]
    assert all(layer.revived is None for e in a.history for layer in e.layers)

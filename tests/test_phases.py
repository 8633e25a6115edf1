"""Phases: their text, what they do to the data, and what a run through them records."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reluprobe import blueprint, data, fit, grid, records, state, sweep
from reluprobe.config import make_run, names, parse_sweep, phases, sweep_toml
from reluprobe.config.phases import Phase
from reluprobe.errors import InputError

# --- the text ----------------------------------------------------------------------------------

TABLES = st.fixed_dictionaries(
    {},
    optional=dict(
        dataset=st.sampled_from(["mnist", "fashion_mnist", "emnist/letters", "a/b.c-d:1.0.0"]),
        task=st.sampled_from(names.TASKS),
        epochs=st.integers(1, 10**6),
        repeat=st.integers(1, 50),
    ),
)


@given(tables=st.lists(TABLES, min_size=1, max_size=4))
def test_a_table_as_text_is_read_as_the_table(tables: list[dict[str, Any]]):
    texts, faults = zip(*map(phases.written, tables), strict=True)
    assert not any(faults)
    text = ", ".join(texts)
    assert phases.fault(text) is None
    expected = [
        Phase(t.get("dataset"), t.get("task", "same"), t.get("epochs"))
        for t in tables
        for _ in range(t.get("repeat", 1))
    ]
    assert list(phases.parse(text)) == expected
    # A run has them written in one way, which says the same and is its own normal form.
    normal = make_run({"phases": text}).phases
    assert list(phases.parse(normal)) == expected and phases.normal(normal) == normal
    assert phases.total_epochs(text, 3) == 3 + sum(p.epochs or 3 for p in expected)


def test_phases_are_numbered_and_follow_each_other():
    config = make_run(dict(epochs=3, phases="permuted_pixels@2*2,blobs+shuffled_labels"))
    found = [
        (s.index, s.first, s.last, s.phase) for s in phases.stretches(config.phases, config.epochs)
    ]
    assert found == [
        (0, 1, 3, Phase()),
        (1, 4, 5, Phase(None, "permuted_pixels", 2)),
        (2, 6, 7, Phase(None, "permuted_pixels", 2)),
        (3, 8, 10, Phase("blobs", "shuffled_labels", None)),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot read ''"),
        ("same,", "cannot read ''"),
        ("same@", "cannot read 'same@'"),
        ("same@x", "cannot read 'same@x'"),
        ("same@-1", "cannot read 'same@-1'"),
        ("same@1.5", "cannot read 'same@1.5'"),
        ("same*2@3", "cannot read 'same*2@3'"),
        ("same same", "cannot read 'same same'"),
        ("same@0", "'same@0': a phase has at least one epoch"),
        ("same*0", "'same*0': a phase is run at least once"),
        ("blobs+permuted_pixel", "did you mean 'permuted_pixels'?"),
        ("blobs+relu", "allowed after a dataset's + is same, permuted_pixels, shuffled_labels"),
        ("same+permuted_pixels", "'same+permuted_pixels': allowed after a dataset's +"),
        ("permuted_pixel", "did you mean 'permuted_pixels'?"),
        ("shufled_labels@2", "did you mean 'shuffled_labels'?"),
        ("none,same", "none stands alone"),
        ("same,none@2", "none stands alone"),
        ("same*100001", "100,001 phases; allowed are at most 100,000"),
        ("same*60000,same*60000", "120,000 phases; allowed are at most 100,000"),
        ("same*99999999999999999999", "allowed are at most 100,000"),
    ],
)
def test_a_text_that_names_no_phases_is_refused_in_these_words(text: str, said: str):
    assert said in str(phases.fault(text))
    with pytest.raises(InputError) as caught:
        make_run({"phases": text})
    (fault,) = caught.value.faults
    assert fault.startswith(f"phases = {text!r}: ") and said in fault


def test_as_many_phases_as_are_allowed_are_read():
    assert phases.fault(f"same*{phases.MOST}") is None
    assert phases.parse(phases.NONE) == ()
    assert phases.fault(phases.NONE) is None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"taks": "same"}, "unknown key 'taks'; did you mean 'task'?"),
        ({"task": "permute_pixels"}, "did you mean 'permuted_pixels'?"),
        ({"task": 3}, "task = 3"),
        ({"task": ["same"]}, "task = ['same']"),
        ({"epochs": 0}, "epochs = 0: allowed is an integer >= 1"),
        ({"epochs": True}, "epochs = True"),
        ({"epochs": 1.0}, "epochs = 1.0"),
        ({"repeat": "2"}, "repeat = '2'"),
        ({"dataset": 3}, "dataset = 3"),
        ({"dataset": ""}, "dataset = ''"),
        ({"dataset": "none"}, "dataset = 'none'"),
        ({"dataset": "permuted_pixels"}, "dataset = 'permuted_pixels'"),
        ({"dataset": "mnist,blobs"}, "dataset = 'mnist,blobs'"),
        ({"dataset": "mnist@3"}, "dataset = 'mnist@3'"),
        ({"dataset": "mnist*3"}, "dataset = 'mnist*3'"),
        ({"dataset": "mnist+same"}, "dataset = 'mnist+same'"),
        ({"repeat": 100_001}, "100,001 phases"),
    ],
)
def test_a_table_that_is_no_phase_is_refused_in_these_words(table: dict[str, Any], said: str):
    _, faults = phases.written(table)
    assert len(faults) == 1 and said in faults[0]
    with pytest.raises(InputError) as caught:
        parse_sweep({"base": {}, "phase": [{"task": "same"}, table]})
    assert caught.value.faults == (f"[[phase]] 2: {faults[0]}",)


# --- in a sweep file ---------------------------------------------------------------------------


def test_blocks_of_phases_are_the_setting():
    blocks = [{"dataset": "fashion_mnist", "epochs": 2}, {"task": "permuted_pixels", "repeat": 3}]
    text = "fashion_mnist@2,permuted_pixels*3"
    one, other = parse_sweep({"phase": blocks}), parse_sweep({"base": {"phases": text}})
    assert one == other and one.base["phases"] == text
    assert grid.expand(one) == grid.expand(other)


def test_blocks_beside_the_setting_are_refused():
    for more in ({"base": {"phases": "same"}}, {"grid": {"phases": ["same", "none"]}}):
        with pytest.raises(InputError) as caught:
            parse_sweep({"phase": [{"task": "same"}]} | more)
        assert len(caught.value.faults) == 1 and "phases" in caught.value.faults[0]
    with pytest.raises(InputError, match="fault"):
        parse_sweep({"phase": [{"task": "same"}]}, overrides={"phases": "same"})
    with pytest.raises(InputError) as caught:
        parse_sweep({"phase": {"task": "same"}})
    assert "double brackets" in caught.value.faults[0]


@given(tables=st.lists(TABLES, min_size=1, max_size=3), seeds=st.integers(1, 3))
def test_the_resolved_sweep_gives_the_same_runs(tables: list[dict[str, Any]], seeds: int):
    import tomllib

    written = {"phase": tables, "seeds": seeds, "grid": {"activation": ["relu", "elu(2)"]}}
    once = parse_sweep(written)
    twice = parse_sweep(tomllib.loads(sweep_toml(once)))
    assert grid.expand(once) == grid.expand(twice)


# --- the data ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found(blobs: data.Dataset) -> dict[str, data.Dataset]:
    return {"blobs": blobs, "other": replace(blobs, name="other"), "abs": data.load("abs")}


BOTH = "permuted_pixels,shuffled_labels,permuted_pixels"


def tasks(found: Any, seed: int) -> list[state.Task]:
    config = make_run({"dataset": "blobs", "phases": BOTH, "seed": seed})
    order = ("same", "permuted_pixels", "shuffled_labels", "permuted_pixels")
    return [fit.task(config, n, name, found) for n, name in enumerate(order)]


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_tasks_permutations_depend_on_seed_and_phase_alone(found: Any, seed: int):
    mine, again, other = tasks(found, seed), tasks(found, seed), tasks(found, seed ^ 1)
    features, targets = np.arange(32), np.arange(4096 + 1024)
    for task, same in zip(mine, again, strict=True):
        jax.tree.map(np.testing.assert_array_equal, task, same)
        np.testing.assert_array_equal(np.sort(task.pixels), features)
        np.testing.assert_array_equal(np.sort(task.targets[:4096]), targets[:4096])
        np.testing.assert_array_equal(task.targets[4096:], targets[4096:])
    for n, (pixels, labels) in enumerate(mine):
        assert (pixels != features).any() == (n in (1, 3))
        assert (labels != targets).any() == (n == 2)
    assert (mine[1].pixels != mine[3].pixels).any()
    assert (mine[1].pixels != other[1].pixels).any()
    assert (mine[2].targets != other[2].targets).any()


def test_what_no_phase_permutes_has_no_permutation(found: Any):
    for text, there in (
        ("none", (False, False)),
        ("same", (False, False)),
        ("permuted_pixels", (True, False)),
        ("shuffled_labels,same", (False, True)),
    ):
        config = make_run({"dataset": "blobs", "phases": text})
        assert tuple(p is not None for p in fit.task(config, 0, "same", found)) == there


@pytest.mark.parametrize("pixels", names.PIXELS)
def test_the_network_sees_permuted_inputs_and_learns_shuffled_targets(found: Any, pixels: str):
    blobs = found["blobs"]
    inputs = np.concatenate([blobs.train_inputs, blobs.test_inputs])
    targets = np.concatenate([blobs.train_targets, blobs.test_targets])
    arrays = state.arrays(inputs, targets, 4096)
    config = make_run(dict(dataset="blobs", phases=BOTH, depth=1, width=2, pixels=pixels))
    _, numbers, plan = blueprint.init_lane(config, 32, 10, 4096)
    chosen = np.array([0, 5, 4095, 4096, 5119])  # of both sets
    plain = None
    for task in tasks(found, config.seed):
        now = numbers._replace(task=task)
        seen = np.asarray(plan.inputs(arrays, now, chosen))
        plain = seen if plain is None else plain  # the first phase's
        np.testing.assert_array_equal(seen, plain[:, task.pixels])
        learned = np.asarray(plan.targets(arrays, now, chosen))
        np.testing.assert_array_equal(learned, targets[task.targets[chosen]])
        np.testing.assert_array_equal(learned[3:], targets[chosen[3:]])
    if pixels == "unit":
        np.testing.assert_array_equal(plain, inputs[chosen])


def test_a_dataset_of_another_shape_is_refused_with_the_reason(found: Any, run_of: Any):
    fit.check([run_of(phases="other+permuted_pixels,same")], found)
    run = run_of(phases="other,abs@2")
    assert fit.datasets(run.config) == ["blobs", "other", "abs"]
    for go in (lambda: fit.check([run], found), lambda: list(sweep.execute([run], found.get))):
        with pytest.raises(InputError) as caught:
            go()
        (fault,) = caught.value.faults
        assert fault.startswith(
            "phases: abs is 4,096 + 1,024 examples of 1 features in no classes, and blobs is "
            "4,096 + 1,024 examples of 32 features in 10 classes"
        )


@pytest.mark.parametrize("changed", ["dtype", "fewer", "classes"])
def test_a_dataset_that_differs_in_one_thing_is_refused(found: Any, run_of: Any, changed: str):
    blobs = found["blobs"]
    other = {
        "dtype": lambda: replace(blobs, train_inputs=blobs.train_inputs.astype(np.uint8)),
        "fewer": lambda: replace(blobs, test_inputs=blobs.test_inputs[:5]),
        "classes": lambda: replace(blobs, classes=11),
    }[changed]()
    with pytest.raises(InputError):
        fit.check([run_of(phases="other")], found | {"other": replace(other, name="other")})


# --- a hundred phases, one program -------------------------------------------------------------

MANY = "permuted_pixels,shuffled_labels@2,other,permuted_pixels*97"
LAST = 1 + 1 + 2 + 1 + 97
LONG: dict[str, Any] = dict(epochs=1, batch_size=1024, phases=MANY, init="he_normal", bias_init=-2)
Records = dict[str, records.RunRecord]


@pytest.fixture(scope="module", autouse=True)
def no_programs_yet() -> Iterator[None]:
    with mock.patch.dict(sweep.PROGRAMS, clear=True):
        yield


def ended(events: Sequence[sweep.Event]) -> Records:
    return {e.run.id: e.record for e in events if isinstance(e, sweep.RunDone)}


@pytest.fixture(scope="module")
def load(found: Any) -> Callable[[str], data.Dataset]:
    # The same inputs, further out, with labels of their own.
    blobs = found["blobs"]
    labels = blobs.train_targets[::-1].copy()
    other = replace(blobs, name="other", train_inputs=2 * blobs.train_inputs, train_targets=labels)
    return {"blobs": blobs, "other": other}.__getitem__


@pytest.fixture(scope="module")
def crowd(run_of: Any) -> dict[str, grid.Run]:
    return {
        "one": run_of(**LONG, seed=1),
        "doomed": run_of(**LONG, seed=1, learning_rate=1e30),
        "two": run_of(**LONG, seed=2),
        "still": run_of(**LONG, seed=3, learning_rate=1e-30),
        "still_too": run_of(**LONG, seed=4, learning_rate=1e-30),
    }


@pytest.fixture(scope="module")
def long(crowd: dict[str, grid.Run], load: Any) -> Records:
    """Every run's record, by its name in the crowd."""
    events = list(sweep.execute(list(crowd.values()), load))
    assert [e.runs for e in events if isinstance(e, sweep.Compiled)] == [2]
    assert len(sweep.PROGRAMS) == 1
    by_id = ended(events)
    epochs = [e.epoch.epoch for e in events if isinstance(e, sweep.EpochDone)]
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
        found = long[name].phases
        assert [p.phase for p in found] == list(range(101))
        spans = [(p.first_epoch, p.last_epoch) for p in found]
        assert spans[:4] == [(1, 1), (2, 2), (3, 4), (5, 5)] and spans[-1] == (LAST, LAST)
        what = [(p.dataset, p.task) for p in found]
        assert what[:4] == [
            ("blobs", "same"),
            ("blobs", "permuted_pixels"),
            ("blobs", "shuffled_labels"),
            ("other", "same"),
        ]
        assert set(what[4:]) == {("blobs", "permuted_pixels")}
        assert found[0].start is None
        for p in found:
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
    long: Records, crowd: dict[str, grid.Run], load: Any, layers_of: Any, forward: Any
):
    """The loss at a phase's start, by NumPy, of two networks that do not learn."""
    blobs = load("blobs")
    for name in ("still", "still_too"):
        config = crowd[name].config
        lane, _, plan = blueprint.init_lane(config, 32, 10, 4096)
        from flax import nnx

        layers = layers_of(nnx.merge(plan.graph, lane.weights))
        for p in (1, 2, 50):
            dice = np.random.default_rng([config.seed, p])
            inputs, labels = blobs.train_inputs, blobs.train_targets
            if p == 2:
                labels = labels[dice.permutation(4096)]
            else:
                inputs = inputs[:, dice.permutation(32)]
            logits, _ = forward(layers, inputs[:200], lambda z: np.maximum(z, 0))
            shifted = logits - logits.max(axis=1, keepdims=True)
            entropy = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(200), labels[:200]]
            start = long[name].phases[p].start
            assert start is not None
            assert start.loss == pytest.approx(entropy.mean(), rel=1e-4)


def test_a_run_that_diverges_is_null_from_then_on_and_its_neighbour_goes_on(
    long: Records, crowd: dict[str, grid.Run], load: Any
):
    record = long["doomed"]
    assert record.status == "diverged" and record.samples == ()
    assert record.history[0].test_loss is not None
    assert all(e.test_loss is None and e.layers[0].dead is None for e in record.history[1:])
    assert record.phases == ()
    assert [long[name].status for name in ("one", "two", "still")] == ["ok"] * 3
    alone = ended(list(sweep.execute([crowd["one"]], load)))[crowd["one"].id]
    one = long["one"]
    assert (alone.history, alone.phases, alone.samples) == (one.history, one.phases, one.samples)
    assert len(sweep.PROGRAMS) == 1


@pytest.mark.slow
def test_lanes_side_by_side_agree_with_lanes_one_by_one(
    monkeypatch: pytest.MonkeyPatch, long: Records, crowd: dict[str, grid.Run], load: Any
):
    class SideBySide(sweep._Engine):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            self.one_by_one = False

    monkeypatch.setattr(sweep, "_Engine", SideBySide)
    events = list(sweep.execute([crowd[n] for n in ("one", "doomed", "two")], load))
    assert sum(isinstance(e, sweep.Compiled) for e in events) == 1
    by_id = ended(events)
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
    by_id = ended(list(sweep.execute([parted, whole], load)))
    a, b = by_id[parted.id], by_id[whole.id]
    assert len({e.test_loss for e in b.history}) == 4
    assert (a.history, a.samples) == (b.history, b.samples)
    assert b.phases == () and [p.phase for p in a.phases] == [0, 1]
    assert a.phases[1].start is not None and a.phases[0].reference == a.phases[1].start
    assert dataclasses.replace(a.phases[1].reference) == a.samples[0]
    assert all(layer.revived is None for e in a.history for layer in e.layers)

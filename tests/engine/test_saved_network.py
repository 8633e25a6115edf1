"""Saved networks: the weights are those that were trained, and the network of them the same one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reluprobe as rp
from plain_records import record_of
from reluprobe import data, records
from reluprobe.config import make_run
from reluprobe.engine import program_spec, runner, saved_network, weight_names
from reluprobe.engine.events import RunDone, WeightsTaken
from reluprobe.engine.tasks import draw_task
from reluprobe.errors import InputError
from reluprobe.plan.runs import Run, as_run
from reluprobe.records import saved_weights
from reluprobe.records.saved_weights import Notes, SavedWeights

Saved = dict[tuple[str, int], SavedWeights]


def saved_of(runs: Sequence[Run], when: Any, dataset: data.Dataset | None = None) -> Saved:
    """Weights by a run's id and the epochs behind them, and the records beside them."""

    def taken() -> Iterator[SavedWeights]:
        load = data.load if dataset is None else lambda name: dataset
        for event in runner.execute(runs, load, save_weights=when):
            if isinstance(event, WeightsTaken | RunDone) and event.weights is not None:
                yield event.weights

    return {(saved.notes.run, saved.notes.epoch): saved for saved in taken()}


def ended(run: Run, dataset: data.Dataset | None = None) -> tuple[Any, records.RunRecord]:
    """A run's network at its end, and its record."""
    load = data.load if dataset is None else lambda name: dataset
    *_, event = runner.execute([run], load, save_weights="end")
    assert isinstance(event, RunDone) and event.weights is not None
    return saved_network.network_of(event.weights), event.record


def bits(saved: SavedWeights) -> dict[str, bytes]:
    return {name: np.asarray(array).tobytes() for name, array in saved.weights.items()}


def cross_entropy(logits: Any, targets: Any) -> float:
    logits = np.float64(logits) - logits.max(axis=1, keepdims=True)
    chosen = logits[np.arange(len(targets)), targets]
    return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - chosen))


# --- what is saved -------------------------------------------------------------------------------


def test_weights_after_every_epoch_are_those_of_a_shorter_run_to_the_bit(run_of, blobs):
    two = [run_of(seed=seed) for seed in (1, 2)]
    every = saved_of(two, "every", blobs)
    assert [*every] == [(run.id, epoch) for epoch in (0, 1, 2) for run in two]
    for epoch in (0, 1):
        shorter = [run_of(seed=seed, epochs=epoch) for seed in (1, 2)]
        alone = saved_of(shorter, "end", blobs)
        for run, short in zip(two, shorter, strict=True):
            assert bits(every[run.id, epoch]) == bits(alone[short.id, epoch])
    (first, second) = (every[run.id, 2] for run in two)
    assert bits(first) != bits(second) != bits(every[two[1].id, 1])
    assert {(s.notes.epoch, s.notes.config.seed) for s in (first, second)} == {(2, 1), (2, 2)}


def test_before_the_first_step_they_are_those_that_the_seed_draws(run_of, blobs):
    run = run_of(epochs=0)
    spec = program_spec.spec_of(run.config, blobs.shape, 10, 9)
    drawn = weight_names.by_name(program_spec.init_lane(run.config, spec)[0].weights)
    (saved,) = saved_of([run], "end", blobs).values()
    assert bits(saved) == {name: np.asarray(array).tobytes() for name, array in drawn.items()}


def test_unasked_nothing_is_saved_and_the_record_is_the_same(run_of, blobs):
    run = run_of()
    assert saved_of([run], None, blobs) == {}
    *_, plain = runner.execute([run], lambda name: blobs)
    *_, saving = runner.execute([run], lambda name: blobs, save_weights="every")
    alike = [dataclasses.replace(event.record, seconds=0.0) for event in (plain, saving)]  # type: ignore[union-attr]
    assert alike[0] == alike[1]


def test_a_run_that_diverges_keeps_what_it_had_before(run_of, blobs):
    saved = saved_of([run_of(learning_rate=1e30)], "every", blobs)
    assert [epoch for _, epoch in saved] == [0]


# --- what the network gives out ------------------------------------------------------------------


def test_outputs_are_those_of_a_forward_pass_in_numpy(run_of, blobs, layers_of, forward, value):
    network, _ = ended(run_of(activation="elu", elu_alpha=0.5, depth=3), blobs)
    inputs = blobs.test_inputs[:1500]  # one and a half batches
    outputs, _ = forward(layers_of(network.module), inputs, lambda z: value("elu", z, 0.5))
    np.testing.assert_allclose(network(inputs), outputs, rtol=1e-4, atol=1e-5)
    by_layer = [(layer["kernel"], layer["bias"]) for layer in network.layers.values()]
    named, _ = forward(by_layer, inputs, lambda z: value("elu", z, 0.5))
    np.testing.assert_allclose(network(inputs), named, rtol=1e-4, atol=1e-5)


KINDS: dict[str, dict[str, Any]] = {
    "batch norm, standardized": {"norm": "batch", "pixels": "standardized"},
    "learned slopes, centred, dropout": {
        "activation": "prelu",
        "pixels": "centred",
        "dropout": 0.3,
    },
    "two outputs a unit, no biases": {"activation": "crelu", "use_bias": False},
    "layer norm, residual, drawn slopes": {
        "norm": "layer",
        "residual": True,
        "activation": "rrelu",
    },
    "widths": {"width": "9,5,7"},
    "stacked, batch norm": {"depth": 22, "width": 6, "norm": "batch", "epochs": 1},
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_record_says_of_the_test_set_follows_from_the_weights(run_of, blobs, kind):
    network, record = ended(run_of(**KINDS[kind]), blobs)
    outputs = network(blobs.test_inputs)
    right = float((outputs.argmax(axis=1) == blobs.test_targets).mean())
    assert right == pytest.approx(record.final.test_accuracy, abs=1.5 / len(blobs.test_targets))
    loss = cross_entropy(outputs, blobs.test_targets)
    assert loss == pytest.approx(record.final.test_loss, rel=1e-4)
    rebuilt = weight_names.stacked(
        weight_names.unstacked(network.weights, network.config), network.config
    )
    assert {n: a.tobytes() for n, a in rebuilt.items()} == bits(network.saved)


def test_the_last_phases_pixels_are_permuted_for_whoever_calls(run_of, blobs):
    run = run_of(phases="permuted_pixels", pixels="centred", epochs=1)
    network, record = ended(run, blobs)
    order = draw_task(run.config, 1, "permuted_pixels", {"blobs": blobs}).pixels
    assert network.saved.inputs["order"].tolist() == np.asarray(order).tolist()
    loss = cross_entropy(network(blobs.test_inputs), blobs.test_targets)
    assert loss == pytest.approx(record.final.test_loss, rel=1e-4)


def test_a_regression_gives_out_its_value():
    run = as_run(make_run({"dataset": "abs", "depth": 2, "width": 5, "epochs": 1}))
    network, record = ended(run)
    abs_ = data.load("abs")
    outputs = network(abs_.test_inputs)
    assert outputs.shape == (len(abs_.test_inputs), 1)
    loss = float(np.mean((outputs[:, 0] - abs_.test_targets) ** 2))
    assert loss == pytest.approx(record.final.test_loss, rel=1e-4)


# --- raw examples --------------------------------------------------------------------------------


def by_hand(shape: tuple[int, ...] = (2, 2), dtype: str = "uint8", **settings: Any) -> Any:
    """A network of one ReLU for each of four inputs, and their sum as the second output."""
    config = make_run({"depth": 1, "width": 4, **settings})
    kernel = np.zeros((4, 2), np.float32)
    kernel[:, 1] = 1
    weights = {"hidden.0.kernel": np.eye(4), "hidden.0.bias": np.zeros(4)}
    weights |= {"output.kernel": kernel, "output.bias": np.array([0.5, 0.0])}
    arrays = {name: np.float32(array) for name, array in weights.items()}
    notes = Notes("r0", 1, config, shape, dtype, 2)
    return saved_network.network_of(SavedWeights(notes, arrays, {}))


def test_pixels_are_scaled_and_an_example_keeps_its_shape_or_is_flat():
    images = np.array([[[255, 0], [51, 0]], [[0, 0], [0, 102]]])
    network = by_hand()
    for raw in (images.astype(np.uint8), images, images.reshape(2, 4), images.tolist()):
        np.testing.assert_allclose(network(raw), [[0.5, 1.2], [0.5, 0.4]], rtol=1e-6)
    assert network(np.zeros((0, 4), np.uint8)).shape == (0, 2)
    floats = by_hand(dtype="float32")
    np.testing.assert_allclose(floats([[1.0, -3.0, 0.5, 2.0]]), [[0.5, 3.5]])


WRONG: dict[str, tuple[Any, str]] = {
    "scaled already": (np.ones((2, 4), np.float32), "got float32; it was trained on uint8 pixels"),
    "beyond a byte": (np.full((1, 4), 256), "got int64; it was trained on uint8 pixels"),
    "below 0": (np.full((1, 4), -1), "got int64; it was trained on uint8 pixels"),
    "too few": (np.ones((3, 3), np.uint8), r"got shape \(3, 3\); allowed is \(example, 2, 2\)"),
    "one example": (np.ones(4, np.uint8), r"got shape \(4,\); allowed is \(example, 2, 2\)"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_other_examples_are_refused(wrong: str):
    raw, fault = WRONG[wrong]
    with pytest.raises(InputError, match=fault):
        by_hand()(raw)


def test_a_network_says_what_it_is():
    assert repr(by_hand()) == (
        "<network of run r0 after epoch 1: relu · lr 5e-3 · adam · glorot_uniform · 1 × 4 · "
        "mnist · seed 42; 30 parameters>"
    )


# --- loading -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda w: w.pop("output.bias"), "lacks output.bias, unlike a network of its settings"),
        (lambda w: w.update(extra=w["output.bias"]), "has extra, unlike a network of its settings"),
        (
            lambda w: w.update({"output.bias": np.zeros(3, np.float32)}),
            "output.bias is (3,); by its settings it is (2,)",
        ),
    ],
)
def test_arrays_of_another_network_are_named(change: Any, fault: str):
    saved = by_hand().saved
    weights = dict(saved.weights)
    change(weights)
    with pytest.raises(records.RecordError) as refused:
        saved_network.network_of(dataclasses.replace(saved, weights=weights), "w.safetensors")
    assert refused.value.message == f"w.safetensors: {fault}"


@pytest.fixture
def kept(tmp_path: Path, run_of: Any, blobs: Any) -> tuple[Path, Run]:
    """A sweep's folder with a run of two epochs and its weights after each."""
    folder, run = tmp_path / "results" / "s", run_of()
    for event in runner.execute([run], lambda name: blobs, save_weights="every"):
        if isinstance(event, WeightsTaken):
            place = saved_weights.file_of(folder, run.id, event.weights.notes.epoch)
            saved_weights.write(event.weights, place)
        if isinstance(event, RunDone):
            assert event.weights is not None
            saved_weights.write(event.weights, saved_weights.file_of(folder, run.id))
            records.write(event.record, folder)
    return folder, run


def test_a_run_is_found_by_its_record_or_its_file_and_after_any_epoch(kept, blobs):
    folder, run = kept
    path = folder / "runs" / f"{run.id}.json"
    networks = [
        rp.load_network(path),
        rp.load_network(str(path), epoch=2),
        rp.load_network(path.with_suffix(".safetensors")),
        rp.load_network(records.read(path), folder=folder),
    ]
    assert len({tuple(bits(network.saved).items()) for network in networks}) == 1
    assert [rp.load_network(path, epoch=n).notes.epoch for n in (0, 1, 2)] == [0, 1, 2]
    right = (networks[0](blobs.test_inputs).argmax(axis=1) == blobs.test_targets).mean()
    assert right == records.read(path).final.test_accuracy


def test_where_there_are_no_weights_the_error_says_how_to_have_them(kept):
    folder, run = kept
    path = folder / "runs" / f"{run.id}.json"
    path.with_suffix(".safetensors").unlink()
    with pytest.raises(InputError) as refused:
        rp.load_network(path)
    assert refused.value.message == f"{path}: this run saved no weights"
    assert refused.value.hint == (
        f"reluprobe sweep {folder}/sweep.toml --out {folder.parent} --save-weights  (runs it again)"
    )
    with pytest.raises(InputError, match=f"{run.id}: this run saved no weights after epoch 7"):
        rp.load_network(records.read(path), folder=folder, epoch=7)


def test_what_is_no_network_is_refused(tmp_path: Path, kept: Any):
    folder, run = kept
    record = records.read(folder / "runs" / f"{run.id}.json")
    cases: list[tuple[Any, str]] = [
        (record, "a record does not say where its weights lie"),
        (3, "cannot load a network"),
        (tmp_path / "none.json", "none.json: no such file"),
        (tmp_path / "none.safetensors", "no such file: .*none.safetensors"),
        (folder, "s: is no record of a run"),
    ]
    for given, fault in cases:
        with pytest.raises(InputError, match=fault):
            rp.load_network(given)


@pytest.mark.parametrize("status", ["failed", "diverged"])
def test_of_a_run_without_finite_numbers_there_is_no_network(tmp_path: Path, status: str):
    run = as_run(make_run({"dataset": "blobs", "depth": 1, "width": 4, "epochs": 1}))
    path = records.write(record_of(run, status=status), tmp_path)
    with pytest.raises(InputError, match=f"has {status}; only a run that ended keeps its weights"):
        rp.load_network(path)


def test_a_file_is_about_as_large_as_it_is_said_to_be(kept, run_of):
    folder, run = kept
    size = saved_weights.file_of(folder, run.id).stat().st_size
    told = weight_names.file_bytes(run.config, (32,), 10)
    assert size <= told <= size + 3000
    wide = run_of(width=300, depth=4).config
    floats = 32 * 300 + 3 * 300 * 300 + 4 * 300 + 300 * 10 + 10
    assert weight_names.file_bytes(wide, (32,), 10) == pytest.approx(4 * floats, rel=0.01)

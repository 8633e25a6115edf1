"""When a run is looked at, on which samples, and what its record then says of deaths."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reluprobe import data, records
from reluprobe.config import make_run
from reluprobe.config.choices import DEFINITIONS
from reluprobe.engine import compiler, runner, schedule
from sweep_events import records_in

WIDTH, COUNT, TESTED, STEPS, EPOCHS = 11, 2500, 400, 25, 3
Layers = tuple[records.LayerRecord, ...]
Records = dict[str, records.RunRecord]

# --- the segments of a run ---------------------------------------------------------------------


@settings(max_examples=60)
@given(
    examples=st.integers(1, 60),
    batch=st.integers(1, 20),
    epochs=st.integers(0, 4),
    every=st.integers(0, 30),
)
def test_sections_tile_the_run_and_stop_at_the_multiples(
    examples: int, batch: int, epochs: int, every: int
):
    config = make_run(dict(batch_size=batch, epochs=epochs, probe_every=every, probe_examples=1))
    start, *rest = schedule.segments(config, examples)
    assert (start.epoch, start.first, start.last, start.closes) == (0, 0, 0, True)
    assert start.ends == (epochs == 0)
    steps = -(-examples // batch)
    assert steps == schedule.steps_per_epoch(config, examples)
    spans = [(int(s.epoch - 1) * steps + int(s.first), int(s.last - s.first)) for s in rest]
    visited = [first + i for first, length in spans for i in range(length)]
    assert visited == list(range(epochs * steps))
    stops = {first + length for first, length in spans if length}
    multiples = set(range(every, epochs * steps + 1, every)) if every else set()
    assert stops == multiples | {steps * e for e in range(1, epochs + 1)}
    assert len(stops) == len(rest)  # never one of no step, nor two that stop at one place
    for s in rest:
        assert s.closes == (s.last == steps)
        assert s.ends == (s.closes and s.epoch == epochs)


def test_all_means_every_training_example_and_no_causes():
    for size, expected in (("all", (70, 0)), (30, (30, 30)), (70, (70, 70))):
        config = make_run(dict(probe_examples=size, epochs=1))
        assert {(int(s.probed), int(s.explained)) for s in schedule.segments(config, 70)} == {
            expected
        }


# --- one crowd for the file: every run here shares one compiled program ------------------------


def made_up(name: str) -> data.Dataset:
    """Few features of both signs: units of both layers die on all of it, and come back."""
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((COUNT + TESTED, 3)).astype(np.float32)
    labels = (np.abs(inputs).argmax(axis=1) + 3 * (inputs[:, 0] > 0)).astype(np.int32)
    made = data.load("blobs")
    made = replace(made, train_inputs=inputs[:COUNT], train_targets=labels[:COUNT], shape=(3,))
    made = replace(made, test_inputs=inputs[COUNT:], test_targets=labels[COUNT:])
    return replace(made, name=name, classes=6)


COMMON = dict(width=WIDTH, batch_size=100, epochs=EPOCHS, bias_init=-2.0, init="normal")
COMMON |= dict(init_scale=1.0, learning_rate=2.0, seed=1, probe_examples=1500)
RUNS: dict[str, dict[str, Any]] = {
    "plain": {},  # two batches of a thousand, the second half full
    "often": {"probe_every": 7},
    "other": {"probe_every": 7, "seed": 0},
    "zero": {"probe_every": 7, "bias_init": 0.0, "init": "he_normal", "init_scale": 0.05},
    "every": {"probe_every": 7, "probe_examples": "all"},
    "every_too": {"probe_every": 7, "probe_examples": "all", "seed": 0},
    "counted": {"probe_every": 7, "probe_examples": COUNT},
    "doomed": {"probe_every": 7, "learning_rate": 1e30},
    "nan": {"probe_every": 7, "init_scale": 1e38},
    "relu6": {"probe_every": 7, "activation": "relu6", "learning_rate": 1.0},
    "leaky_relu": {"activation": "leaky_relu"},
    "elu": {"activation": "elu", "learning_rate": 0.1},
    "tanh": {"activation": "tanh", "learning_rate": 0.1},
}
RELUS = ("plain", "often", "other", "zero", "every", "every_too", "counted")


@pytest.fixture(scope="module")
def by_name(run_of: Any, as_for_users: None) -> Records:
    """Every run's record, by its name in ``RUNS``."""
    runs = {name: run_of(**{**COMMON, **changed}) for name, changed in RUNS.items()}
    compiler.PROGRAMS.clear()  # another test may have compiled it
    events = list(runner.execute(list(runs.values()), made_up))
    assert sum(isinstance(e, runner.Compiled) for e in events) == 1
    by_id = records_in(events)
    return {name: by_id[run.id] for name, run in runs.items()}


def mask(layer: records.LayerRecord) -> np.ndarray:
    assert layer.dead_units is not None
    return np.unpackbits(np.frombuffer(bytes.fromhex(layer.dead_units), np.uint8))[:WIDTH] > 0


def masks(record: records.RunRecord) -> np.ndarray:
    """Who is dead at each probe, ``(probe, layer, unit)``."""
    return np.stack([[mask(layer) for layer in layers] for _, layers in record.timeline()])


def without(layers: Layers, *names: str) -> Layers:
    return tuple(replace(layer, **dict.fromkeys(names)) for layer in layers)


# --- the schedule ------------------------------------------------------------------------------


def test_the_steps_recorded_are_the_multiples_that_end_no_epoch(by_name: Records):
    assert by_name["plain"].steps == ()
    for name in ("often", "every", "doomed", "relu6"):
        steps = [s.step for s in by_name[name].steps]
        assert steps == [n for n in range(7, EPOCHS * STEPS, 7) if n % STEPS]
        assert [e.step for e in by_name[name].history] == [STEPS * e for e in range(EPOCHS + 1)]
        times = [at for at, _ in by_name[name].timeline()]
        assert times == sorted(n / STEPS for n in {*steps, *range(0, EPOCHS * STEPS + 1, STEPS)})


def test_looking_more_often_changes_no_bit_of_the_history(by_name: Records):
    since = ("deaths", "causes", "movement")  # these count from the last probe
    for plain, often in zip(by_name["plain"].history, by_name["often"].history, strict=True):
        assert replace(plain, layers=without(plain.layers, *since)) == replace(
            often, layers=without(often.layers, *since)
        )
    assert by_name["plain"].samples == by_name["often"].samples


def test_deaths_between_epochs_are_at_least_the_deaths_from_epoch_to_epoch(by_name: Records):
    more = 0
    for epoch in range(1, EPOCHS + 1):
        for layer in range(2):
            net = by_name["plain"].history[epoch].layers[layer].deaths
            inside = [
                layers[layer].deaths
                for at, layers in by_name["often"].timeline()
                if epoch - 1 < at <= epoch
            ]
            assert net is not None and sum(n or 0 for n in inside) >= net
            more += sum(n or 0 for n in inside) - net
    assert more > 0  # some died and came back unseen from one epoch's end to the next


# --- deaths and causes -------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*RELUS, "relu6", "tanh"])
def test_deaths_are_the_bits_newly_set(name: str, by_name: Records):
    who, probes = masks(by_name[name]), [layers for _, layers in by_name[name].timeline()]
    assert all(layer.deaths is None and layer.causes is None for layer in probes[0])
    died = (who[1:] & ~who[:-1]).sum(axis=2)
    assert [[layer.deaths for layer in layers] for layers in probes[1:]] == died.tolist()
    if name in RELUS:
        assert died.sum() > 0


@pytest.mark.parametrize("name", [name for name in RELUS if "every" not in name])
def test_where_relus_died_their_peaks_fell(name: str, by_name: Records):
    explained = 0
    for _, layers in by_name[name].timeline()[1:]:
        for i, layer in enumerate(layers):
            assert (layer.causes is None) == (layer.deaths == 0)
            if layer.causes is None:
                continue
            explained += 1
            causes = layer.causes
            assert causes.weights + causes.bias + causes.upstream < 1e-4
            assert i or causes.upstream == 0
    assert explained > 0


def test_causes_are_told_of_relus_on_a_sample_alone(by_name: Records):
    for name in ("every", "every_too", "relu6", "leaky_relu", "elu", "tanh"):
        for _, layers in by_name[name].timeline():
            assert all(layer.causes is None for layer in layers)


def test_on_all_data_layer_one_never_revives_and_layer_two_does(by_name: Records):
    revived = died = np.zeros(2, int)
    for name in ("every", "every_too", "counted"):
        who = masks(by_name[name])
        revived = revived + (who[:-1] & ~who[1:]).sum(axis=(0, 2))
        died = died + (who[1:] & ~who[:-1]).sum(axis=(0, 2))
    assert died[0] > 0
    assert revived[0] == 0 and revived[1] > 0


# --- samples -----------------------------------------------------------------------------------


def test_all_is_the_number_of_training_examples(by_name: Records):
    every, counted = by_name["every"], by_name["counted"]
    assert every.probe == counted.probe == records.ProbeRecord("train", COUNT)
    assert [at for at, _ in every.timeline()] == [at for at, _ in counted.timeline()]
    for (_, one), (_, other) in zip(every.timeline(), counted.timeline(), strict=True):
        assert one == without(other, "causes")
    assert every.samples == counted.samples


@pytest.mark.parametrize("name", [*RELUS, "relu6", "leaky_relu", "elu", "tanh"])
def test_samples_agree_with_the_last_epoch_and_with_each_other(name: str, by_name: Records):
    record = by_name[name]
    samples = {s.sample: s for s in record.samples}
    size = record.probe.examples
    sizes = {"probe": size, "test": TESTED, "train": COUNT}
    assert {n: s.examples for n, s in samples.items()} == sizes
    fields = (*DEFINITIONS, "dead_units", "units")
    for layer, last in zip(samples["probe"].layers, record.final.layers, strict=True):
        assert [getattr(layer, f) for f in fields] == [getattr(last, f) for f in fields]
    assert samples["test"].loss == record.final.test_loss
    assert samples["test"].accuracy == record.final.test_accuracy
    # The probe is part of the training set: who rests on all of it rests on the part.
    for whole, part in zip(samples["train"].layers, samples["probe"].layers, strict=True):
        assert not (mask(whole) & ~mask(part)).any()
        for definition in ("dead", "silent", "never_positive", "constant", "saturated"):
            more, fewer = getattr(part, definition), getattr(whole, definition)
            assert (more is None and fewer is None) or more >= fewer
    if size == COUNT:
        assert replace(samples["train"], sample="probe") == samples["probe"]


def test_relus_are_dead_silent_and_never_positive_on_every_sample(by_name: Records):
    for name in RELUS:
        layers = [layer for s in by_name[name].samples for layer in s.layers]
        layers += [layer for _, at in by_name[name].timeline() for layer in at]
        for layer in layers:
            assert layer.dead == layer.silent == layer.never_positive == mask(layer).mean()


# --- certificates and moments ------------------------------------------------------------------


def test_the_certified_are_dead_on_any_sample_of_the_box(by_name: Records):
    most = 0.0
    for name in (*RELUS, "relu6"):
        for _, layers in by_name[name].timeline():
            for layer in layers:
                assert layer.certified is not None and layer.dead is not None
                assert layer.certified <= layer.dead
                most = max(most, layer.certified)
        final, whole = by_name[name].final, by_name[name].samples[2]
        for layer, seen in zip(final.layers, whole.layers, strict=True):
            assert layer.certified is not None and layer.certified <= (seen.dead or 0)
    assert most > 0
    for name in ("leaky_relu", "elu", "tanh"):
        for _, layers in by_name[name].timeline():
            assert all(layer.certified is None for layer in layers)


def test_moments_are_taken_first_and_last_over_a_thousand_examples(by_name: Records):
    for name, record in by_name.items():
        if name in ("doomed", "nan"):
            continue
        first, *between, last = record.timeline()
        assert all(layer.activations is None for _, layers in between for layer in layers)
        for layer in (*first[1], *last[1]):
            assert layer.activations is not None
            assert sum(layer.activations.counts) == WIDTH * 1000
            assert layer.activations.low <= layer.activations.mean <= layer.activations.high


# --- what has gone non-finite ------------------------------------------------------------------


def nothing_said(layers: Layers) -> bool:
    blank = records.LayerRecord(WIDTH, **dict.fromkeys(DEFINITIONS), dead_units=None)
    return layers == (blank,) * 2


def losses(epoch: records.EpochRecord) -> tuple[float | None, ...]:
    return (epoch.train_loss, epoch.train_accuracy, epoch.test_loss, epoch.test_accuracy)


def test_a_lane_that_diverges_is_null_from_its_first_probe_on(by_name: Records):
    record = by_name["doomed"]
    assert record.status == "diverged" and record.samples == ()
    (_, first), *rest = record.timeline()
    assert all(layer.dead is not None for layer in first)
    assert len(rest) == len(by_name["often"].timeline()) - 1
    assert all(nothing_said(layers) for _, layers in rest)
    assert all(losses(epoch) == (None,) * 4 for epoch in record.history[1:])


def test_a_lane_that_starts_as_nan_is_null_throughout(by_name: Records):
    record = by_name["nan"]
    assert record.status == "diverged" and record.samples == ()
    assert len(record.timeline()) == len(by_name["often"].timeline())
    assert all(nothing_said(layers) for _, layers in record.timeline())
    assert all(losses(epoch) == (None,) * 4 for epoch in record.history)


def test_every_record_survives_json(by_name: Records, tmp_path: Any):
    for record in by_name.values():
        assert records.read(records.write(record, tmp_path)) == record

"""Replication: predictions, the runs nearest the protocol, differences from it."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reluprobe.analysis import aggregate, claims, replication
from reluprobe.config import load_reference
from reluprobe.report.terminal import claims as claims_table
from study_runs import STUDY, broken, record, seeds, text

# The published record


def test_the_shipped_record_is_what_the_study_printed():
    last = STUDY.runs["relu"][-1]
    assert (last.epoch, last.layers[0], last.layers[4]) == (12, 27.73, 65.62)
    assert {name: len(epochs) for name, epochs in STUDY.runs.items()} == {
        "relu": 12, "leaky_relu": 12, "elu": 12,
    }  # fmt: skip
    assert STUDY.runs["elu"][0].layers == (1.17, 0.0, 0.0, 3.12, 6.25)
    assert STUDY.runs["leaky_relu"][11].test_accuracy == 0.9746
    assert (STUDY.name, STUDY.definition) == ("mnist_study", "never_positive")


def test_the_default_run_is_the_protocols_and_what_cannot_be_compared_is_named():
    default = replication.compare([record()], STUDY)
    assert default.chosen["relu"].differences == ()
    assert STUDY.unchecked() == ["last_partial_batch"]
    other = replication.compare([record(pixels="centred", adam_epsilon=1e-8)], STUDY)
    assert other.chosen["relu"].differences == (
        "adam epsilon 1e-08 instead of 1e-07", "pixels centred instead of unit",
    )  # fmt: skip


# Beside ours


def test_a_prediction_is_wider_than_the_interval_of_the_mean_by_the_root_of_n_plus_1():
    values = [0.1, 0.4, 0.35, 0.2]
    prediction, mean = replication.predict([*values, None]), aggregate.estimate(values)
    assert prediction.mean == mean.mean
    assert (prediction.high - prediction.low) / 2 == pytest.approx(mean.half_width * math.sqrt(5))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_a_prediction_holds_the_interval_of_the_mean(values):
    prediction, mean = replication.predict(values), aggregate.estimate(values)
    assume(mean.half_width > 1e-7 * mean.mean)
    assert prediction.low <= mean.mean - mean.half_width + 1e-12
    assert prediction.high >= mean.mean + mean.half_width - 1e-12


def test_a_prediction_covers_one_new_value_95_percent_of_the_time():
    rng = np.random.default_rng(0)
    draws = rng.normal(3, 2, size=(2000, 6))
    hits = sum(replication.predict(draw[:5]).holds(draw[5]) for draw in draws)
    assert abs(hits / 2000 - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 2000)


def test_one_run_predicts_nothing_and_none_has_no_prediction():
    assert replication.predict([0.5]) == replication.Prediction(0.5, None, None, 1)
    assert replication.predict([0.5]).holds(0.5) is None
    assert replication.predict([None]) is None


def test_seeds_that_are_all_alike_predict_no_interval_and_nothing_is_inside_or_outside():
    alike = [record((0.25,) * 5, seed=seed) for seed in range(2)]
    rows = replication.compare(alike, STUDY).rows
    assert {(row.inside, row.ours.low, row.ours.high) for row in rows} == {(None, None, None)}
    shown = text(claims_table.table(replication.compare(alike, STUDY)))
    assert "25.0–25.0" not in shown and "outside" not in shown


def test_published_values_stand_beside_ours_by_the_references_criterion():
    never = (0.27, 0.25, 0.45, 0.59, 0.27)
    runs = seeds(activation="leaky_relu", dead=(0.0,) * 5, never=never)
    rows = replication.compare(runs, STUDY).rows
    assert [row.layer for row in rows] == [1, 2, 3, 4, 5, 0, None]
    assert rows[0].published == pytest.approx(0.2695)
    assert rows[0].ours.mean == pytest.approx(0.27)
    assert rows[0].dead.mean < 0.01
    assert rows[5].published == pytest.approx((26.95 + 25.0 + 44.92 + 59.38 + 27.34) / 500)
    assert rows[6].published == 0.9746


def test_inside_and_outside():
    published_layers = tuple(x / 100 for x in STUDY.runs["relu"][-1].layers)
    near = replication.compare(seeds(dead=published_layers), STUDY).rows
    far = replication.compare(seeds(dead=tuple(x + 0.1 for x in published_layers)), STUDY).rows
    assert [row.inside for row in near[:6]] == [True] * 6
    assert [row.inside for row in far[:6]] == [False] * 6
    assert [row.inside for row in replication.compare([record()], STUDY).rows] == [None] * 7


def test_shares_are_predicted_within_0_and_1():
    runs = [record((0.0, 1.0), seed=0, epochs=1), record((0.4, 0.6), seed=1, epochs=1)]
    first, second, *_ = replication.compare(runs, STUDY).rows
    assert (first.ours.low, second.ours.high) == (0.0, 1.0)


def test_differences_from_the_protocol_are_named_and_the_common_epoch_is_compared():
    compared = replication.compare(seeds(epochs=2, learning_rate=0.1), STUDY)
    chosen = compared.chosen["relu"]
    assert chosen.differences == (
        "learning rate 0.1 instead of 0.005", "epochs 2 instead of 12",
    )  # fmt: skip
    assert (chosen.epoch, chosen.entry.epoch) == (2, 2)
    shown = text(claims_table.heading(compared), 200)
    assert (
        "runs differ from the reference's protocol in: learning rate 0.1 instead of 0.005, "
        "epochs 2 instead of 12"
    ) in shown
    assert "elu: no such run in this sweep" in shown


def test_the_common_epoch_is_one_that_no_runs_history_skips():
    skipping = [
        dataclasses.replace(run, history=tuple(e for e in run.history if e.epoch != skipped))
        for run, skipped in zip(seeds(2), (12, 11), strict=True)
    ]
    chosen = replication.compare(skipping, STUDY).chosen["relu"]
    assert (chosen.epoch, len(chosen.ends()[0])) == (10, 2)
    without = dataclasses.replace(record(seed=9), history=())
    both = replication.compare([record(), without], STUDY)
    assert both.chosen["relu"].epoch == 12
    assert "relu: 1 failed or diverged run left out" in both.skipped


def test_of_a_grid_the_runs_nearest_the_protocol_are_compared():
    runs = [*seeds(learning_rate=0.1), *seeds(), *seeds(init="he_normal")]
    chosen = replication.compare(runs, STUDY).chosen["relu"]
    assert {r.config.learning_rate for r in chosen.runs} == {0.005}
    assert (len(chosen.runs), chosen.left_out, chosen.differences) == (5, 10, ())


def test_what_cannot_be_compared_is_skipped_with_a_word():
    lost = dataclasses.replace(record(activation="elu"), status="diverged")
    runs = [record(), record(seed=1, status="diverged"), record(activation="selu"), lost]
    compared = replication.compare(runs, STUDY)
    assert set(compared.chosen) == {"relu"}
    assert set(compared.skipped) == {
        "selu: not in the reference",
        "relu: 1 failed or diverged run left out",
        "leaky_relu: no such run in this sweep",
        "elu: no run ended with finite numbers",
    }


def test_any_reference_of_the_form_will_do(tmp_path):
    (tmp_path / "mine.json").write_text(broken(definition="dead"))
    mine = load_reference(str(tmp_path / "mine.json"))
    compared = replication.compare(seeds(dead=(0.1,), depth=1, epochs=2), mine)
    inside = [(row.layer, row.inside) for row in compared.rows]
    assert inside == [(1, True), (0, True), (None, None)]
    assert claims.judge_all(compared) == []
    assert "n/a" in text(claims_table.table(compared))


def test_without_a_common_epoch_both_are_named(tmp_path):
    late = {"relu": [{"epoch": 9, "layers": [10.0]}]}
    (tmp_path / "mine.json").write_text(broken(runs=late))
    compared = replication.compare(seeds(epochs=2), load_reference(str(tmp_path / "mine.json")))
    shown = text(claims_table.heading(compared))
    assert "no epoch in common; epoch 9 as published beside epoch 2 of ours" in shown


# Told apart by other settings than activations, and ranges

BY_RATE = {
    "lr=0.1": [{"epoch": 1, "layers": [[94, 97], [91, 100], 88], "test_accuracy": [0.1, 0.38]}],
    "lr=0.01": [{"epoch": 1, "layers": [16, [9, 16], 19]}],
}


@pytest.fixture
def by_rate(tmp_path):
    protocol = {"width": [128, 64, 32], "epochs": 1, "learning_rate": 7.0}
    (tmp_path / "rates.json").write_text(broken(runs=BY_RATE, protocol=protocol))
    return load_reference(str(tmp_path / "rates.json"))


def tutorial(*dead, **settings):
    return seeds(dead=dead, width="128-64-32", epochs=1, **settings)


def test_runs_are_chosen_by_the_settings_of_a_key_which_are_no_difference(by_rate):
    high, low = (
        tutorial(0.95, 0.9, 0.9, learning_rate=0.1),
        tutorial(0.2, 0.1, 0.2, learning_rate=0.01),
    )
    other = tutorial(0, 0, 0, learning_rate=0.5, init="he_normal")
    compared = replication.compare([*high, *low, *other], by_rate)
    assert [one.runs for one in compared.chosen.values()] == [tuple(high), tuple(low)]
    assert {one.differences for one in compared.chosen.values()} == {()}
    assert compared.skipped == ("lr 0.5: not in the reference",)
    assert claims.judge_all(compared) == []


def test_the_protocol_applies_to_what_a_key_does_not_name(by_rate):
    wrong = [record((0.9,) * 3, width=64, epochs=1, activation="elu", learning_rate=0.1)]
    compared = replication.compare(wrong, by_rate)
    assert compared.chosen["lr=0.1"].differences == (
        "activation elu instead of relu", "width 64 instead of 128-64-32",
    )  # fmt: skip
    assert compared.skipped == ("lr 0.01: no such run in this sweep",)


def test_a_range_is_inside_where_it_meets_the_interval_of_a_new_seed():
    prediction = replication.Prediction(0.5, 0.4, 0.6, 5)
    inside = {(0.1, 0.4): True, (0.6, 0.9): True, (0.45, 0.5): True, (0.1, 0.9): True}
    outside = {(0.1, 0.39): False, (0.61, 0.9): False, 0.39: False}
    for value, expected in {**inside, **outside, 0.4: True}.items():
        assert prediction.holds(value) is expected, value
    assert replication.Prediction(0.5, None, None, 1).holds((0.1, 0.9)) is None


def test_ranges_stand_beside_ours_and_their_mean_counts_units(by_rate):
    runs = tutorial(0.9, 0.95, 0.88, learning_rate=0.1, accuracy=0.2, spread=0.004)
    compared = replication.compare(runs, by_rate)
    assert [row.published for row in compared.rows[:3]] == [(0.94, 0.97), (0.91, 1.0), 0.88]
    least, greatest = (
        (94 * 128 + 91 * 64 + 88 * 32) / 22400,
        (97 * 128 + 100 * 64 + 88 * 32) / 22400,
    )
    assert compared.rows[3].published == pytest.approx((least, greatest))
    assert compared.rows[3].ours.mean == pytest.approx((0.9 * 128 + 0.95 * 64 + 0.88 * 32) / 224)
    # A new seed: ±2.776 · 0.004 · √2.5 · √1.2 about 0.9 does not reach 0.94.
    assert [row.inside for row in compared.rows[:3]] == [False, True, True]
    assert compared.rows[4].published == (0.1, 0.38)


def test_a_table_of_other_settings_names_them_and_shows_ranges(by_rate):
    compared = replication.compare(tutorial(0.95, 0.9, 0.9, learning_rate=0.1), by_rate)
    heading, shown = text(claims_table.heading(compared), 200), text(claims_table.table(compared))
    assert "is inside where the interval and it have a part in common" in heading
    assert shown.split()[:2] == ["runs", "of"]
    assert "lr 0.1  layer 1    94.0–97.0" in shown
    assert "test acc   10.0–38.0" in shown
    alone = replication.compare(tutorial(0.95, 0.9, 0.9, learning_rate=0.1)[:1], by_rate)
    assert "one run of each, all alike" in text(claims_table.heading(alone), 200)
    study = replication.compare(seeds(), STUDY)
    assert "part in common" not in text(claims_table.heading(study), 200)
    assert text(claims_table.table(study)).split()[:2] == ["activation", "of"]

"""Which measure says how good networks are: of classifications, of regressions, of both at once."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import paired_runs
import regression_runs
from regression_runs import BASE, ELU, SELU, fitted
from reluprobe.analysis import aggregate, compare, contrast, quality
from reluprobe.analysis.contrast import Question, verdict
from reluprobe.analysis.effects import effects
from reluprobe.analysis.quality import ACCURACY, R2
from reluprobe.analysis.side_by_side import difference, line_up
from reluprobe.analysis.sorting import extremes
from reluprobe.analysis.trained_badly import trained_badly

BOTH = regression_runs.of_both_kinds()
TANH = regression_runs.runs_of("tanh", [0.1, 0.12, 0.02, 0.2, 0.15], [0.8, 0.82, 0.78, 0.8, 0.81])
RELU = Question({"activation": "relu"})


def older(run):
    """The record of a regression from before records kept R²."""
    last = dataclasses.replace(run.final, r2=None, rmse=None)
    return dataclasses.replace(run, history=(*run.history[:-1], last))


def test_runs_have_the_measures_of_those_that_ended():
    classes, numbers = paired_runs.BASE, BASE
    assert quality.qualities(classes) == quality.qualities([]) == (ACCURACY,)
    assert quality.qualities(numbers) == (R2,)
    assert quality.qualities([*numbers, *classes]) == (ACCURACY, R2)
    lost = [dataclasses.replace(run, status="diverged") for run in classes]
    assert quality.qualities([*numbers, *lost]) == (R2,)
    # Nobody knows of an older record, whose targets are not there, what R² it had.
    assert quality.qualities(map(older, numbers)) == (ACCURACY,)
    # Of targets that are all the same there is no R², and yet they are no classes.
    same = dataclasses.replace(numbers[0].final, r2=None)
    assert quality.qualities([dataclasses.replace(numbers[0], history=(same,))]) == (R2,)


def test_each_kind_is_averaged_by_its_own_measure_and_no_loss_is_over_both():
    rows = {row.settings["activation"]: row for row in aggregate.summarize(BOTH, by=["activation"])}
    for activation, accuracy, r2 in (("relu", 0.9, 0.6), ("elu", 0.8, -0.2)):
        row = rows[activation]
        assert (row.accuracy.mean, row.accuracy.n) == (pytest.approx(accuracy), 4)
        assert (row.r2.mean, row.r2.n) == (pytest.approx(r2), 4)
        assert row.rmse.mean == pytest.approx(2 * math.sqrt(1 - r2))
        assert row.loss is row.train_loss is None
    for row in aggregate.summarize(BOTH, by=["dataset"]):
        one = row.settings["dataset"] == "abs"
        assert (row.accuracy is None) == one and (row.r2 is not None) == one
        assert row.loss is not None


def test_the_interval_of_r2_is_cut_at_1_alone():
    runs = [fitted("relu", s, 0.1, r2) for s, r2 in enumerate((0.99, -4.0))]
    (row,) = aggregate.summarize(runs, by=["activation"])
    assert row.r2.low < -4 and row.r2.high == 1 and row.r2.cut == (False, True)


def test_effects_are_of_each_measure_over_the_runs_that_have_it():
    computed = effects(BOTH)
    by_value = {effect.value: effect for effect in computed.effects}
    assert by_value["relu"].accuracy.mean == pytest.approx(0.9)
    assert by_value["elu"].r2.mean == pytest.approx(-0.2)
    assert by_value["blobs"].r2 is by_value["abs"].accuracy is None
    # Seeds of these runs are alike in both measures: the activation explains all of it.
    for shares in (computed.accuracy, computed.r2):
        assert {part.axes: part.share for part in shares}[("activation",)] == pytest.approx(1)


def test_where_no_unit_is_dead_r2_says_which_setting_matters():
    runs = [
        fitted(f, s, 0.0, r2 + (s - 1.5) / 1000, learning_rate=rate)
        for f, rate, r2 in (
            ("relu", 0.1, 0.9), ("relu", 0.2, -0.5), ("elu", 0.1, 0.8), ("elu", 0.2, 0.8),
        )
        for s in range(4)
    ]  # fmt: skip
    computed = effects(runs)
    assert not computed.dead and computed.axes[0] == "learning_rate"
    assert [str(pair) for pair in computed.interactions] == [
        "lr matters for relu (R² 0.900 → −0.500), not for elu"
    ]


def test_ties_of_dead_units_are_broken_by_r2_and_sorting_knows_the_measures():
    runs = [fitted("relu", 0, 0.0, r2, learning_rate=rate) for rate, r2 in ((1, 0.2), (2, 0.9))]
    rows = aggregate.summarize([*runs, fitted("relu", 0, 0.4, 0.5, learning_rate=3.0)])
    rates = [row.settings["learning_rate"] for row in aggregate.sort_summaries(rows, "dead")]
    assert rates == [2, 1, 3]
    fewest, most = extremes(rows, 1)
    assert [row.settings["learning_rate"] for row in (*fewest, *most)] == [2, 3]
    for key in ("r2", "rmse"):
        ordered = [row.r2.mean for row in aggregate.sort_summaries(rows, key)]
        assert ordered == sorted(ordered, reverse=True)


@pytest.mark.parametrize(
    ("runs", "said", "helps"),
    [
        (ELU, "fewer dead, higher R²", True),
        (SELU, "fewer dead, lower R²", False),
        (TANH, "fewer dead, no worse", True),
    ],
)  # fmt: skip
def test_a_change_of_a_regression_is_judged_by_r2(runs, said, helps):
    (group,) = compare.compare([*BASE, *runs], RELU).groups
    (row,) = group.rows
    assert (verdict(row), row.helps) == (said, helps)
    assert row.changes["accuracy"] is None and row.changes["rmse"] is not None
    gained = [a.final.r2 - b.final.r2 for a, b in zip(runs, BASE, strict=True)]
    assert row.changes["r2"].mean == pytest.approx(np.mean(gained))


def test_a_change_of_both_kinds_helps_only_where_it_spoils_neither():
    # Accuracy falls in all blocks, R² rises: one is no price for the other.
    worse, better = (0.90, 0.84), (0.5, 0.8)
    runs = [
        run
        for rate in (0.1, 0.2, 0.3, 0.4)
        for f, n, dead in (("relu", 0, 0.5), ("elu", 1, 0.1))
        for run in (
            paired_runs.record(
                f, 0, dead + rate / 10, worse[n] + rate / 100, 0.3,
                dataset="blobs", learning_rate=rate,
            ),
            fitted(f, 0, dead + rate / 10, better[n] + rate / 100, learning_rate=rate),
        )
    ]  # fmt: skip
    (group,) = compare.compare(runs, RELU).groups
    (row,) = group.rows
    assert row.changes["accuracy"].falls and row.changes["r2"].rises
    assert row.changes["loss"] is None and compare.level(group, "loss", RELU) is None
    assert verdict(row) == "fewer dead, less accurate, higher R²"
    assert row.worse and not row.better and not row.helps


def test_sweeps_side_by_side_differ_by_their_own_measure():
    (line,) = line_up([BASE, [fitted("relu", 0, 0.4, 0.3)]], by=["activation"]).lines
    apart = difference(line)
    assert apart.accuracy is None and apart.r2 == pytest.approx(0.3 - 0.804)


@pytest.mark.parametrize(("r2", "badly"), [(0.01, False), (0.0, True), (-0.126, True)])
def test_a_regression_no_better_than_the_mean_of_its_targets_trained_badly(r2, badly):
    run = fitted("relu", 0, 0.1, r2, epochs=3)
    how = trained_badly(run)
    assert (how is not None) == badly
    if how is not None:
        said = "−0.13" if r2 else "0"
        assert how.reason == f"R² {said} (0: no better than the mean of its targets)"
        assert how.r2 == r2 and how.accuracy is how.train_loss is None
    # One that was only looked at has not trained badly.
    assert trained_badly(fitted("relu", 0, 0.1, r2, epochs=0)) is None


def test_the_measures_of_a_comparison_are_fields_of_a_record():
    run = BASE[0]
    for name, field in contrast.ON_TEST_SET.items():
        assert contrast.measure(run, name, RELU) == getattr(run.final, field)

"""Compare: which configuration is the baseline, what it is compared with, in which order."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from paired_runs import BASE, ELU, RELU, SELU, TANH, only, record
from reluprobe.analysis import compare
from reluprobe.analysis.contrast import Question
from reluprobe.errors import InputError
from reluprobe.records.folder import Archive
from reluprobe.report.terminal import compare_text


def grid():
    return [
        record(a, s, learning_rate=r, depth=d)
        for a in ("relu", "elu") for r in (5e-3, 0.1) for d in (2, 3) for s in range(2)
    ]  # fmt: skip


def test_of_several_matches_the_one_at_the_defaults_is_the_baseline():
    runs = [record(a, s, learning_rate=r) for a in ("relu", "elu") for r in (0.1, 5e-3)
            for s in range(2)]  # fmt: skip
    comparison = compare.compare(runs, RELU)
    assert only(comparison).baseline.settings["learning_rate"] == 5e-3
    assert only(compare.compare(runs, Question())).baseline is not None
    assert [dict(row.differs) for row in only(comparison).rows] == [
        {"learning_rate": 0.1},
        {"activation": "elu", "learning_rate": 0.1},
        {"activation": "elu"},
    ]


def test_a_setting_without_effect_names_no_row():
    leaky = [record("leaky_relu", s, leaky_slope=0.1) for s in range(2)]
    comparison = compare.compare([*BASE, *leaky], Question(baseline={"activation": "leaky_relu"}))
    assert [dict(row.differs) for row in only(comparison).rows] == [{"activation": "relu"}]


def test_an_ambiguous_baseline_lists_what_there_is_and_what_to_name():
    with pytest.raises(InputError) as caught:
        compare.compare(grid(), RELU)  # depth is 2 or 3; its default is 5
    assert "4 match (activation=relu)" in caught.value.message
    assert "learning_rate=0.005,depth=2" in caught.value.faults
    assert caught.value.faults[-1] == "name one value of learning_rate and of depth"
    assert caught.value.hint == "--baseline activation=relu,learning_rate=0.005,depth=2"
    with pytest.raises(InputError, match=r"8 match \(no setting named\)"):
        compare.compare(grid(), Question())
    comparison = compare.compare(grid(), Question(baseline={"activation": "relu", "depth": 3}))
    assert only(comparison).baseline.settings["depth"] == 3


def test_a_long_list_of_candidates_is_cut():
    many = [record("relu", learning_rate=1 / n, depth=n % 3 + 1) for n in range(1, 40)]
    with pytest.raises(InputError) as caught:
        compare.compare(many, RELU)
    assert len(caught.value.faults) <= 15
    assert "… and 27 more" in caught.value.faults


def test_a_baseline_that_is_not_there_names_what_is():
    with pytest.raises(InputError) as caught:
        compare.compare(grid(), Question(baseline={"activation": "tanh"}))
    assert caught.value.faults == ("activation = tanh: these runs have elu, relu",)


def test_within_compares_apart_and_picks_the_baseline_in_each():
    question = Question({"activation": "relu"}, ("learning_rate", "depth"))
    comparison = compare.compare(grid()[:-2], question)  # elu at 0.1, depth 3 is not there
    assert [dict(g.within) for g in comparison.groups] == [
        {"learning_rate": r, "depth": d} for r in (5e-3, 0.1) for d in (2, 3)
    ]
    for group in comparison.groups:
        assert group.baseline.settings["activation"] == "relu"
        assert group.baseline.settings["depth"] == group.within["depth"]
    assert [len(g.rows) for g in comparison.groups] == [1, 1, 1, 0]
    assert dict(comparison.groups[0].rows[0].differs) == {"activation": "elu"}


def test_a_value_of_within_without_a_baseline_is_named():
    runs = [*grid(), record("elu", learning_rate=0.7)]
    question = Question({"activation": "relu", "depth": 2}, ("learning_rate",))
    comparison = compare.compare(runs, question)
    assert [dict(w) for w in comparison.without] == [{"learning_rate": 0.7}]
    lines = [line.plain for line in compare_text.missing(comparison, [], 0)]
    assert "no baseline at lr 0.7: left out" in lines


@pytest.mark.parametrize(
    ("question", "fault"),
    [
        (Question(within=("lerning_rate",)), "did you mean 'learning_rate'?"),
        (Question({"depth": 2}, ("depth",)), "depth is named both"),
        (Question({"seed": 2}), "seed: runs are paired by it"),
    ],
)
def test_questions_that_make_no_sense_are_refused(question, fault):
    with pytest.raises(InputError) as caught:
        compare.compare(grid(), question)
    assert fault in caught.value.faults[0]


def test_one_configuration_alone_is_nothing_to_compare():
    with pytest.raises(InputError, match="nothing to compare"):
        compare.compare(BASE, RELU)


def test_a_setting_to_look_within_is_one_that_has_a_baseline_at_several_values():
    question = Question({"activation": "relu", "depth": 2})
    assert compare.splits(grid(), question) == "learning_rate"
    within = dataclasses.replace(question, within=("learning_rate",))
    assert compare.splits(grid(), within) is None
    assert compare.splits([*BASE, *ELU], RELU) is None


def test_sorting_puts_the_best_first_and_what_has_no_change_last():
    lost = [record("gelu", s, status="diverged") for s in range(5)]
    rows = only(compare.compare([*BASE, *lost, *TANH, *SELU, *ELU], RELU)).rows

    def names(key):
        return [row.differs["activation"] for row in compare.sort_contrasts(rows, key)]

    # elu and selu leave as few dead: the more accurate of them comes first.
    assert names("dead") == ["elu", "selu", "tanh", "gelu"]
    assert names("accuracy") == ["tanh", "elu", "selu", "gelu"]
    with pytest.raises(InputError) as caught:
        compare.sort_contrasts(rows, "acuracy")
    assert "did you mean 'accuracy'?" in caught.value.faults[0]


def test_a_run_found_twice_counts_once_and_the_one_that_ended_counts():
    broken = record("relu", 0, status="failed")
    archives = [Archive("a", Path("a"), (broken, *BASE[1:])), Archive("b", Path("b"), tuple(BASE))]
    runs, again = compare.pool(archives)
    assert sorted(runs, key=lambda r: r.config.seed) == BASE
    assert again == 5

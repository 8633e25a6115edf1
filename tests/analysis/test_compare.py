"""Compare: which configuration is the baseline, what it is compared with, in which order."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from paired_runs import BASE, ELU, RELU, SELU, TANH, baseline_of, only, record
from reluprobe.analysis import compare
from reluprobe.analysis.axes import axes
from reluprobe.analysis.contrast import Question, verdict
from reluprobe.cli.commands.compare import parse_baseline
from reluprobe.config import settings_of
from reluprobe.errors import InputError
from reluprobe.records.folder import Archive
from reluprobe.report.terminal import compare_text
from reluprobe.results import Results


def grid():
    return [
        record(a, s, learning_rate=r, depth=d)
        for a in ("relu", "elu") for r in (5e-3, 0.1) for d in (2, 3) for s in range(2)
    ]  # fmt: skip


def test_of_several_matches_the_one_at_the_defaults_is_the_baseline():
    runs = [record("relu", s, learning_rate=r) for r in (0.1, 5e-3, 0.2) for s in range(2)]
    for question in (RELU, Question()):
        comparison = compare.compare(runs, question)
        assert baseline_of(comparison).settings["learning_rate"] == 5e-3
        assert [dict(row.differs) for row in only(comparison).rows] == [
            {"learning_rate": 0.1},
            {"learning_rate": 0.2},
        ]


def test_a_setting_without_effect_names_no_row():
    leaky = [record("leaky_relu", s, leaky_slope=0.1) for s in range(2)]
    comparison = compare.compare([*BASE, *leaky], Question(baseline={"activation": "leaky_relu"}))
    assert [dict(row.differs) for row in only(comparison).rows] == [{"activation": "relu"}]


def test_an_ambiguous_baseline_lists_what_there_is_and_what_to_name():
    with pytest.raises(InputError) as caught:
        compare.compare(grid(), Question())  # depth is 2 or 3; its default is 5
    # One of the rates and of the activations is at its default: neither is asked for.
    assert "2 match (no setting named)" in caught.value.message
    assert caught.value.faults == ("depth=2", "depth=3", "name one value of depth")
    assert caught.value.hint == "--baseline depth=2"
    comparison = compare.compare(grid(), Question(baseline={"depth": 3}))
    assert len(only(comparison).baselines) == 4
    apart = Question({"activation": "relu", "learning_rate": 5e-3, "depth": 3})
    assert baseline_of(compare.compare(grid(), apart)).settings["depth"] == 3


def test_what_most_matches_share_is_not_asked_for_though_it_is_not_the_default():
    alone = {"dropout": 0.1, "l2": 0.1, "clip_norm": 1.0, "residual": True}
    remedies = [record("relu", epochs=2, **{name: value}) for name, value in alone.items()]
    # No run has the default of epochs, and one has another value: of four settings none is asked.
    other = record("relu", epochs=3, weight_decay=0.1)
    runs = [*remedies, other, record("relu", epochs=2), record("elu", epochs=2)]
    comparison = compare.compare(runs, RELU)
    assert baseline_of(comparison).settings == settings_of_configuration(record("relu", epochs=2))
    assert len(only(comparison).rows) == 6


def test_where_no_match_has_the_default_most_of_them_say_what_is_usual():
    usual = [record("relu", epochs=2, **more) for more in ({}, {"dropout": 0.1}, {"l2": 0.1})]
    comparison = compare.compare([record("relu", epochs=3), *usual], RELU)
    assert baseline_of(comparison).settings["epochs"] == 2
    with pytest.raises(InputError) as caught:
        compare.compare([record("relu", epochs=epochs) for epochs in (2, 3)], RELU)
    assert caught.value.faults[-1] == "name one value of epochs"


def test_the_one_configuration_with_another_beside_it_is_the_baseline():
    runs = [record("relu", epochs=2), record("relu", epochs=3), record("elu", epochs=3)]
    assert baseline_of(compare.compare(runs, RELU)).settings["epochs"] == 3


def settings_of_configuration(run):
    settings = settings_of(run.config)
    del settings["seed"]
    return settings


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
        (baseline,) = group.baselines
        assert baseline.settings["activation"] == "relu"
        assert baseline.settings["depth"] == group.within["depth"]
    assert [len(g.rows) for g in comparison.groups] == [1, 1, 1, 0]
    assert dict(comparison.groups[0].rows[0].differs) == {"activation": "elu"}


# Blocks


def test_a_baseline_of_several_configurations_is_held_within_their_blocks():
    rows = only(compare.compare(grid(), RELU)).rows
    assert [dict(row.differs) for row in rows] == [{"activation": "elu"}]
    (row,) = rows
    for block in row.blocks:
        assert {k for k, v in block.other.settings.items() if v != block.baseline.settings[k]} == {
            "activation"
        }
    assert only(compare.compare(grid(), RELU)).same == ["learning_rate", "depth"]
    assert all(pair.other.config.seed == pair.baseline.config.seed for pair in row.pairs)
    assert (len(row.pairs), row.over, row.changes["dead"].n) == (8, "blocks", 4)


def blocks(changes, seeds=2, **settings):
    """Runs of relu and elu at a rate each, at which elu has so much more dead."""
    return [
        record(a, s, 0.4 + (a == "elu") * change + 0.01 * s, learning_rate=rate, **settings)
        for rate, change in changes.items()
        for a in ("relu", "elu")
        for s in range(seeds)
    ]


def test_seeds_are_averaged_within_a_block_and_the_interval_is_over_blocks():
    changes = {0.1: -0.1, 0.2: -0.3, 0.3: 0.1, 0.4: -0.2}
    one, ten = (only(compare.compare(blocks(changes, n), RELU)).rows[0] for n in (1, 10))
    for row in (one, ten):
        assert row.changes["dead"].n == 4
        assert row.changes["dead"].mean == pytest.approx(-0.125)
    # Ten times the seeds of the same blocks say no more of what the change does in others.
    assert ten.changes["dead"].low == pytest.approx(one.changes["dead"].low, abs=0.01)
    assert ten.levels["dead"] == pytest.approx(0.445 - 0.125)


def test_a_block_of_more_seeds_counts_no_more_than_another():
    runs = [*blocks({0.1: -0.2}, seeds=9), *blocks({0.2: 0.2}, seeds=1)]
    (row,) = only(compare.compare(runs, RELU)).rows
    assert row.changes["dead"].mean == pytest.approx(0)
    assert verdict(row) == "cannot tell: 2 blocks, 4 needed"


def test_one_block_alone_is_compared_over_its_seeds():
    rest = [record("selu", 0, learning_rate=0.3)]
    (row, *_) = only(compare.compare([*blocks({0.1: -0.2}, 4), *rest], RELU)).rows
    assert (row.over, row.changes["dead"].n) == ("seeds", 4)


def test_several_values_of_a_named_setting_have_a_row_each():
    runs = [record(a, learning_rate=r) for a in ("relu", "elu", "tanh") for r in (0.1, 0.2)]
    rows = only(compare.compare(runs, RELU)).rows
    assert [(dict(r.differs), len(r.blocks)) for r in rows] == [
        ({"activation": "elu"}, 2),
        ({"activation": "tanh"}, 2),
    ]


def test_what_a_change_brings_along_is_part_of_it():
    slopes = [
        record("leaky_relu", leaky_slope=slope, learning_rate=rate)
        for slope in (0.01, 0.1)
        for rate in (0.1, 0.2)
    ]
    runs = [*slopes, *(record("relu", learning_rate=rate) for rate in (0.1, 0.2))]
    rows = only(compare.compare(runs, RELU)).rows
    assert [(dict(r.differs), len(r.blocks)) for r in rows] == [
        ({"activation": "leaky_relu"}, 2),
        ({"activation": "leaky_relu", "leaky_slope": 0.1}, 2),
    ]
    # The other way round a relu stands beside the slope that it has none of: the default.
    turned = only(compare.compare(runs, Question({"activation": "leaky_relu"})))
    assert {block.baseline.settings["leaky_slope"] for block in turned.rows[0].blocks} == {0.01}
    assert {one.settings["leaky_slope"] for one in turned.alone} == {0.1}


def test_configurations_without_another_beside_them_are_counted():
    runs = [*grid(), record("relu", learning_rate=0.7), record("tanh", depth=4)]
    comparison = compare.compare(runs, RELU)
    assert len(only(comparison).alone) == 2
    lines = [line.plain for line in compare_text.missing(comparison, [], 0)]
    assert "2 configurations without another that differs in the change alone: left out" in lines


def test_runs_that_pair_with_nothing_are_counted_over_the_blocks():
    runs = [*grid()[:-1], record("elu", 9, learning_rate=0.1, depth=3)]
    lines = [line.plain for line in compare_text.missing(compare.compare(runs, RELU), [], 0)]
    assert lines == [
        "without 1 of the baseline's runs, with 1 run that the baseline lacks: elu",
    ]


def test_the_headline_says_what_the_change_alone_does_over_how_many_blocks():
    changes = {rate / 10: -0.2 - rate / 100 for rate in range(1, 6)}
    comparison = compare.compare(blocks(changes), RELU)
    text = compare_text.headline(comparison).plain
    assert "elu: −23.0 points dead" in text
    assert text.endswith("over 5 blocks of the same lr; 5 of 5 blocks agree")
    assert compare_text.title(only(comparison)).plain == (
        "baseline: relu; 5 blocks of the same lr a row"
    )


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
    # elu and tanh are as accurate: the one with fewer dead comes first.
    assert names("accuracy") == ["elu", "tanh", "selu", "gelu"]
    with pytest.raises(InputError) as caught:
        compare.sort_contrasts(rows, "acuracy")
    assert "did you mean 'accuracy'?" in caught.value.faults[0]


def test_a_run_found_twice_counts_once_and_the_one_that_ended_counts():
    broken = record("relu", 0, status="failed")
    archives = [Archive("a", Path("a"), (broken, *BASE[1:])), Archive("b", Path("b"), tuple(BASE))]
    runs, again = compare.pool(archives)
    assert sorted(runs, key=lambda r: r.config.seed) == BASE
    assert again == 5


def test_widths_that_are_lists_bring_their_depth_along_within_each_block():
    runs = []
    for activation, better in (("relu", 0.0), ("elu", 0.1)):
        for width, dead in (("10-5-5", 0.4), ("10-5", 0.2), (10, 0.6)):
            depth = {} if isinstance(width, str) else {"depth": 2}
            runs += [
                record(activation, seed, dead - better, width=width, **depth) for seed in (0, 1)
            ]
    assert axes(runs) == ["activation", "width"]
    (group,) = compare.compare(runs, Question(baseline={"width": "10-5-5"})).groups
    assert [row.differs for row in group.rows] == [{"width": "10-5"}, {"width": 10}]
    for row, moved in zip(group.rows, (-0.2, 0.2), strict=True):
        assert len(row.blocks) == 2, "relu beside relu, elu beside elu"
        assert row.changes["dead"].mean == pytest.approx(moved)


def test_a_depth_that_varies_at_one_width_is_an_axis_beside_lists_of_widths():
    sizes = ({"width": "10-5"}, {"width": 10, "depth": 2}, {"width": 10, "depth": 3})
    runs = [record(**{"depth": 2, **size}) for size in sizes]
    assert sorted(axes(runs)) == ["depth", "width"]


def test_a_setting_of_somebodys_own_network_is_a_baseline_too(tmp_path: Path):
    def own(seed: int, dead: float, blocks: int):
        return record("relu", seed, dead, network="nets:build", network_settings=f"blocks={blocks}")

    runs = [own(s, d, b) for s in range(5) for d, b in ((0.25, 1), (0.5, 2))]
    baseline = parse_baseline(["blocks=2"], runs)
    assert baseline == {"blocks": 2}
    assert parse_baseline(["blocks=2,act=relu"], runs) == {"activation": "relu", "blocks": 2}
    (row,) = only(compare.compare(runs, Question(baseline=baseline))).rows
    assert row.differs == {"blocks": 1} and row.changes["dead"].mean == pytest.approx(-0.25)
    table = Results((Archive("s", tmp_path, tuple(runs)),)).compare(baseline={"blocks": 2})
    assert table.column("dead_change").to_pylist() == [pytest.approx(-0.25)]
    with pytest.raises(InputError, match="no run has the baseline's settings") as refused:
        compare.compare(runs, Question(baseline=parse_baseline(["blocks=7"], runs)))
    assert "these runs have 1, 2" in str(refused.value)

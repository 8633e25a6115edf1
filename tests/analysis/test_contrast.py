"""Contrasts: runs pair by seed, verdicts follow from the intervals, no run is dropped unsaid."""

from __future__ import annotations

import dataclasses

import pytest

from paired_runs import (
    BASE,
    ELU,
    RELU,
    SELU,
    TANH,
    brute_force,
    only,
    record,
    rows_of,
    runs_of,
    seeds_of,
)
from reluprobe.analysis import bootstrap, compare
from reluprobe.analysis.contrast import Question, verdict
from reluprobe.report.terminal import compare_text

# Pairing.


def test_runs_pair_by_seed_and_not_by_order():
    plain = compare.compare([*BASE, *ELU], RELU)
    mixed = compare.compare([ELU[3], *BASE[::-1], ELU[0], ELU[4], ELU[2], ELU[1]], RELU)
    (row,), (again,) = only(plain).rows, only(mixed).rows
    # -0.30, -0.33, -0.33, -0.30, -0.27
    assert row.changes["dead"].mean == pytest.approx(-0.306)
    assert row.changes["dead"].low == pytest.approx(
        brute_force([-0.3, -0.33, -0.33, -0.3, -0.27])[0]
    )
    assert again.changes == row.changes
    assert seeds_of(again) == (0, 1, 2, 3, 4)


def test_seeds_on_one_side_only_are_left_out_and_said():
    comparison = compare.compare([*BASE[:4], *ELU[1:], record("elu", 9, 1.0)], RELU)
    (row,) = only(comparison).rows
    (block,) = row.blocks
    assert (seeds_of(row), block.lacking, block.extra) == ((1, 2, 3), (0,), (4, 9))
    assert row.changes["dead"].mean == pytest.approx(-0.32)
    (line,) = compare_text.missing(comparison, [], 0)
    assert line.plain == (
        "without the baseline's seed 0, with seeds 4, 9 that the baseline lacks: elu"
    )


def test_accuracy_and_loss_are_differences_too():
    other = [record("elu", s, 0.1, 0.9 + 0.01 * s, 0.4 - 0.02 * s) for s in range(5)]
    base = [record("relu", s, 0.1, 0.8, 0.5) for s in range(5)]
    (row,) = only(compare.compare([*other, *base], RELU)).rows
    assert row.changes["accuracy"].mean == pytest.approx(0.12)
    assert row.changes["loss"].mean == pytest.approx(-0.14)
    assert row.changes["loss"].falls
    assert row.changes["dead"].low == row.changes["dead"].high == 0


def test_lost_runs_are_counted_and_never_averaged():
    lost = [record("elu", 0, status="diverged"), record("elu", 1, status="failed"), *ELU[2:]]
    comparison = compare.compare([*BASE, *lost], RELU)
    (row,) = only(comparison).rows
    assert seeds_of(row) == (2, 3, 4)
    assert (row.lost, row.blocks[0].lacking) == (2, ())
    assert row.changes["dead"].mean == pytest.approx((-0.33 - 0.30 - 0.27) / 3)
    assert row.blocks[0].other.seeds("diverged") == [0]
    assert row.blocks[0].other.seeds("failed") == [1]


# Verdicts.


def test_verdicts_follow_from_the_intervals():
    better = runs_of("silu", [0.1, 0.12, 0.02, 0.2, 0.15], [0.95, 0.96, 0.94, 0.95, 0.96])
    alike = runs_of("gelu", [0.41, 0.44, 0.36, 0.49, 0.43])
    only_worse = runs_of("softplus", [0.41, 0.44, 0.36, 0.49, 0.43], [0.5, 0.51, 0.52, 0.5, 0.49])
    comparison = compare.compare([*BASE, *ELU, *SELU, *TANH, *better, *alike, *only_worse], RELU)
    verdicts = {n: verdict(r) for n, r in rows_of(comparison).items()}
    assert verdicts == {
        "elu": "fewer dead, no worse",
        "selu": "fewer dead, less accurate",
        "tanh": "more dead",
        "silu": "fewer dead, more accurate",
        "gelu": "no clear change",
        "softplus": "less accurate only",
    }
    assert {n for n, r in rows_of(comparison).items() if r.helps} == {"elu", "silu"}


def test_equal_to_the_last_digit_is_no_change():
    (row,) = only(compare.compare([*BASE, *(dataclasses.replace(
        record("elu", r.config.seed), history=r.history) for r in BASE)], RELU)).rows  # fmt: skip
    assert row.changes["dead"] == bootstrap.Change(0, 0, 0, 5)
    assert verdict(row) == "no clear change"
    assert not row.helps


def test_too_few_seeds_say_how_many_would_do():
    comparison = compare.compare([*BASE[:3], *ELU[:3]], RELU)
    (row,) = only(comparison).rows
    assert verdict(row) == "cannot tell: 3 seeds, 4 needed"
    assert not row.helps


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_what_never_ended_says_so_on_either_side(status):
    lost = [record("elu", s, status=status) for s in range(5)]
    comparison = compare.compare([*BASE, *lost], RELU)
    (row,) = only(comparison).rows
    assert verdict(row) == status
    assert not any(row.changes.values())
    turned = compare.compare([*BASE, *lost], Question(baseline={"activation": "elu"}))
    (row,) = only(turned).rows
    assert verdict(row) == f"baseline {status}"


def test_no_seed_in_common():
    comparison = compare.compare([*BASE[:2], *ELU[2:]], RELU)
    assert verdict(only(comparison).rows[0]) == "no common seed"


def test_a_change_that_loses_runs_is_no_help():
    sixth = [record("relu", 5), record("elu", 5, status="diverged")]
    comparison = compare.compare([*BASE, *ELU, *sixth], RELU)
    (row,) = only(comparison).rows
    assert verdict(row) == "fewer dead, no worse"
    assert not row.helps


def test_a_definition_that_does_not_apply_is_not_zero():
    question = dataclasses.replace(RELU, definition="saturated")
    comparison = compare.compare([*BASE, *ELU], question)
    (row,) = only(comparison).rows
    assert row.changes["dead"] is None
    assert row.changes["accuracy"] is not None
    assert verdict(row, "saturated") == "n/a"
    assert not row.helps


def test_without_classes_the_loss_stands_for_accuracy():
    base = [record("relu", s, 0.4 + s / 50, None, 0.5) for s in range(5)]
    worse = [record("elu", s, 0.1, None, 0.7 + s / 100) for s in range(5)]
    comparison = compare.compare([*base, *worse], RELU)
    (row,) = only(comparison).rows
    assert verdict(row) == "fewer dead, higher loss"
    assert not row.helps
    assert "no worse loss" in compare_text.headline(comparison).plain


def test_a_cross_entropy_is_not_subtracted_from_a_squared_error():
    with_classes = [record("relu", s, 0.4 + s / 50, dataset="blobs") for s in range(5)]
    without = [record("relu", s, 0.1, None, 0.7, dataset="abs") for s in range(5)]
    for one in ("blobs", "abs"):
        question = Question(baseline={"dataset": one})
        comparison = compare.compare([*with_classes, *without], question)
        (row,) = only(comparison).rows
        assert row.changes["loss"] is row.changes["accuracy"] is None and not row.qualities
        assert row.changes["dead"] is not None and not row.helps
        assert verdict(row) == "losses not comparable"


def test_dead_on_another_sample():
    comparison = compare.compare([*BASE, *ELU], dataclasses.replace(RELU, on="train"))
    assert only(comparison).rows[0].changes["dead"].mean == pytest.approx(-0.153)
    absent = compare.compare([*BASE, *ELU], dataclasses.replace(RELU, on="test"))
    assert only(absent).rows[0].changes["dead"] is None


def test_another_definition_counts():
    question = dataclasses.replace(RELU, definition="never_positive")
    (row,) = only(compare.compare([*BASE, *ELU], question)).rows
    assert row.changes["dead"].mean == 0


def test_an_interval_that_is_cut_is_said_to_be_so_and_no_other():
    tied = [record("elu", s, r.final.layers[0].dead - 0.1 * (s == 4)) for s, r in enumerate(BASE)]
    none, all_ = ([record(f, s, share) for s in range(5)] for f, share in (("relu", 0), ("elu", 1)))
    for runs, said in (
        ([*BASE, *tied], True),
        ([*BASE, *ELU], False),
        ([*none, *all_], False),  # as far as can be, and every seed says so
    ):
        comparison = compare.compare(runs, RELU)
        assert only(comparison).rows[0].changes["dead"].cut == said
        legend = compare_text.legend(comparison, runs)[-1].plain
        assert ("an interval is cut" in legend) == said

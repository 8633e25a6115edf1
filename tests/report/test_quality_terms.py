"""How good networks are, as the terminal says it: of regressions R² and RMSE."""

from __future__ import annotations

import dataclasses

import figure_runs
import paired_runs
import regression_runs
import study_runs
from regression_runs import BASE, ELU, SELU, fitted
from reluprobe.analysis import aggregate, compare, effects
from reluprobe.analysis.contrast import Question
from reluprobe.records import EpochRecord
from reluprobe.report import quality_terms
from reluprobe.report.terminal import answer, compare_text, effects_table, first_screen, one_change
from reluprobe.report.terminal import compare as compare_table
from reluprobe.report.terminal.live_rows import EpochRows, train_headline

BOTH = regression_runs.of_both_kinds()
RELU = Question({"activation": "relu"})
RATES = [
    fitted(f, s, dead + s / 100, r2 + s / 50, learning_rate=rate)
    for f, dead, r2 in (("relu", 0.5, 0.5), ("elu", 0.2, -0.2))
    for rate in (0.01, 0.1, 1.0)
    for s in range(2)
]


def screen(runs, width=80):
    rows = aggregate.summarize(runs)
    parts = first_screen.parts(figure_runs.archive(runs), rows, "dead", width)
    return study_runs.text(parts, width)


def test_rows_of_training_have_r2_where_a_classification_has_its_accuracy():
    run = fitted("relu", 0, 0.4, 0.91234)
    for regression, heading, cell in ((True, "test R²", "0.912"), (False, "test acc %", "n/a")):
        rows = EpochRows(len(run.final.layers), regression=regression)
        assert rows.heading().plain.split()[3:5] == [*heading.split(), "L1"][:2]
        assert cell in rows.row(run.final, False).plain
    diverged = EpochRecord(1, None, None, None, None, run.final.layers)
    assert "n/a" in EpochRows(len(run.final.layers), regression=True).row(diverged, True).plain
    assert train_headline(run).plain.endswith("; test R² 0.912, RMSE 0.592")
    same = EpochRecord(1, None, None, 0.25, None, run.final.layers, rmse=0.5)
    text = train_headline(dataclasses.replace(run, history=(same,))).plain
    assert text.endswith("; RMSE 0.5") and "R²" not in text


def test_the_first_screen_of_a_regression_says_r2_and_never_accuracy():
    text = screen(RATES)
    assert "accuracy" not in text and "acc %" not in text and "n/a" not in text
    assert "test R²" in text and max(map(len, text.splitlines())) <= 80
    # In the table of effects, in the pivot, in the sentence.
    assert text.count("50.5 (0.510)") == 3
    assert "test R²: activation explains" in text


def test_few_configurations_have_columns_of_r2_and_rmse():
    text = screen([*BASE, *ELU, *SELU], 100)
    heads = next(line for line in text.splitlines() if "RMSE" in line)
    assert " ".join(heads.split()) == "activation dead % test R² RMSE test loss train loss runs"
    elu = next(line for line in text.splitlines() if line.startswith("elu  "))
    mean = sum(run.final.rmse for run in ELU) / 5
    assert "0.918 ±0.030" in elu and f"{mean:.3f} ±" in elu
    assert "fewest" not in text and "elu 11.8% (R² 0.918)" in text


def test_a_sweep_of_both_kinds_shows_each_its_own_and_the_other_as_not_applicable():
    lines = screen(BOTH, 120).splitlines()
    heads = next(line for line in lines if line.startswith("setting"))
    assert " ".join(heads.split()) == "setting explains value dead % test acc % test R² runs"
    assert next(x for x in lines if x.strip().startswith("dataset")).count("n/a") == 1
    assert any("(0.600)" in line and "(90.0)" in line for line in lines)
    rows = aggregate.summarize(BOTH)
    table = study_runs.text(first_screen.tables.outcome(rows, "dead", 120), 120)
    cells = [line.split() for line in table.splitlines() if "blobs" in line or "abs" in line]
    assert len(cells) == 4
    for line in cells:
        # Accuracy, or R² and RMSE.
        assert line.count("n/a") == (3 if "blobs" in line else 2)


def test_a_measure_is_named_where_it_is_not_that_of_the_row_before():
    rows = aggregate.summarize(BOTH)
    assert quality_terms.named_once(rows) == [
        " (accuracy 90.0%)", " (80.0%)", " (R² 0.600)", " (−0.200)",
    ]  # fmt: skip
    assert quality_terms.between(rows) == "accuracy 80.0 to 90.0%, R² −0.200 to 0.600"
    assert answer.accuracies(rows) == (
        "accuracy 80.0% with elu · blobs to 90.0% with relu · blobs, "
        "R² −0.200 with elu · abs to 0.600 with relu · abs"
    )


def test_what_an_axis_explains_is_not_said_of_a_measure_beside_which_it_never_varies():
    rows = aggregate.summarize(BOTH)
    said = answer.sentences(rows, effects.effects(BOTH))
    of_accuracy = next(line for line in said if line.startswith("test accuracy %"))
    assert "activation explains 100%" in of_accuracy and "dataset" not in of_accuracy


def test_intervals_of_all_that_can_be_are_seen_in_the_table_of_effects():
    # Square brackets are no markup.
    runs = [
        paired_runs.record("relu", 0, 0.4, accuracy, learning_rate=rate, init=init)
        for init, accuracies in (("he_normal", (0.1, 0.9)), ("glorot_uniform", (0.9, 0.1)))
        for rate, accuracy in zip((0.1, 0.2), accuracies, strict=True)
    ]
    computed = effects.effects(runs)
    terms = quality_terms.terms_of_quality(runs)
    assert "50.0 [any]" in study_runs.text(effects_table.table(computed, "dead", terms, 120))


def test_a_comparison_of_regressions_is_of_r2_and_rmse():
    compared = compare.compare([*BASE, *ELU], RELU)
    (group,) = compared.groups
    text = study_runs.text(compare_table.table(group, group.rows, RELU, 160), 160)
    heads = " ".join(text.split())
    assert "test R² change [95%]" in heads and "RMSE change [95%]" in heads
    assert "+0.114 [" in text and "acc" not in text and "loss" not in text
    said = compare_text.headline(compared).plain
    assert "no worse R²; elu: −30.6 points dead" in said and ", R² +0.114 (+" in said
    legend = "\n".join(line.plain for line in compare_text.legend(compared, BASE))
    assert "; R² and RMSE on the test set" in legend and "no worse: R²'s is not" in legend


def test_one_change_at_a_time_is_told_by_r2():
    changed = [
        run
        for s in range(5)
        for run in (
            fitted("relu", s, 0.4 + s / 50, 0.8 + s / 100),
            fitted("elu", s, 0.1 + s / 40, 0.9 + s / 60),
            fitted("relu", s, 0.2 + s / 30, 0.85 + s / 45, learning_rate=0.01),
        )
    ]
    rows = aggregate.summarize(changed)
    changes_of = one_change.of_rows(rows, "dead")
    text = study_runs.text(one_change.parts(changes_of, "dead", 120), 120)
    assert "dead % and R²" in text and "test R² change [95%]" in " ".join(text.split())
    first = one_change.sentences(changes_of, "dead")
    assert "R² 0.820" in first[0] and "no worse R²" in first[0]
    assert first[1].startswith("fewer dead and better R²: ") and "(R² +0." in first[1]

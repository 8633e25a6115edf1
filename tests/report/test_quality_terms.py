"""How good networks are, wherever a report shows it: of regressions R² and RMSE."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import figure_runs
import paired_runs
import regression_runs
import study_runs
from chart_rows import channels, rows
from regression_runs import BASE, ELU, SELU, fitted
from reluprobe.analysis import aggregate, compare, effects
from reluprobe.analysis.contrast import Question
from reluprobe.records import EpochRecord
from reluprobe.report import figures, formatting, json_report, quality_terms, result_tables
from reluprobe.report.export import changes, configurations, formats
from reluprobe.report.export.columns import Run
from reluprobe.report.export.runs import RUNS
from reluprobe.report.figures.changes import figure
from reluprobe.report.page import configurations as page_table
from reluprobe.report.page import histories, html, model
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


# In the terminal


def test_rows_of_training_have_r2_where_a_classification_has_its_accuracy():
    run = fitted("relu", 0, 0.4, 0.91234)
    for regression, heading, cell in ((True, "test R²", "0.912"), (False, "test acc %", "n/a")):
        rows = EpochRows(run.config, regression=regression)
        assert rows.heading().plain.split()[3:5] == [*heading.split(), "L1"][:2]
        assert cell in rows.row(run.final, False).plain
    diverged = EpochRecord(1, None, None, None, None, run.final.layers)
    assert "n/a" in EpochRows(run.config, regression=True).row(diverged, True).plain
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


# Figures and the page


def drawn(runs, *names):
    archive = figure_runs.archive(runs)
    return {one.name: one for one in figures.drawn(archive, only=names)}


def test_figures_of_regressions_draw_what_r2_lacks_of_1_or_r2():
    by_name = drawn(
        RATES, "accuracy", "outcome", "learning_rate", "interaction", "effects", "heatmap"
    )
    assert by_name["accuracy"].title == "Dead units against R²"
    titles = {
        name: {how.get("title") for axis in "xy" for how in channels(one, axis)}
        for name, one in by_name.items()
    }
    for name in ("accuracy", "outcome", "learning_rate", "interaction", "effects"):
        assert "test R²" in titles[name], name
        assert "accuracy" not in f"{by_name[name].caption}{by_name[name].alt}"
    points = rows(by_name["accuracy"], "r2")
    assert sorted(row["r2"] for row in points) == pytest.approx(sorted(r.final.r2 for r in RATES))
    assert all(row["drawn"] == row["r2"] for row in points)
    good = drawn([*BASE, *ELU], "accuracy")["accuracy"]
    (axis,) = [how for how in channels(good, "y") if how.get("title")]
    assert axis["title"] == "1 − test R²" and axis["scale"]["type"] == "log"
    for row in rows(good, "r2"):
        assert row["drawn"] == pytest.approx(1 - row["r2"], rel=1e-3)
    cells = rows(by_name["heatmap"], "written")
    assert {"0.490", "1.190"} <= {row["written"] for row in cells}


def test_figures_of_both_kinds_have_a_panel_for_each():
    by_name = drawn(BOTH, "accuracy", "outcome", "effects", "parallel", "interaction")
    for name in ("accuracy", "outcome", "interaction"):
        titles = {how.get("title") for axis in "xy" for how in channels(by_name[name], axis)}
        assert {"test error %", "test R²"} <= titles, name
    points = by_name["accuracy"]
    assert len(rows(points, "accuracy")) == len(rows(points, "r2")) == 8
    for row in rows(by_name["parallel"], "at0"):
        assert (row["accuracy"] is None) != (row["r2"] is None)
        # A network worse than the mean of its targets meets the axis of R² at its lower end.
        *_, last = (row[key] for key in sorted(k for k in row if k.startswith("at")))
        assert last == (None if row["r2"] is None else max(0.0, row["r2"]))


def test_panels_of_a_measure_that_some_columns_lack_are_named():
    runs = [
        run
        for rate in (0.01, 0.1)
        for run in (
            paired_runs.record("relu", 0, rate, 0.7, 0.3, dataset="blobs", learning_rate=rate),
            paired_runs.record("elu", 0, 0.5, 0.6, 0.3, dataset="blobs", learning_rate=rate),
            fitted("relu", 0, 0.2 + rate, 0.7, learning_rate=rate),
            fitted("elu", 0, 0.1, 0.6, learning_rate=rate),
        )
    ]
    choices = figures.Choices(facet=("dataset",))
    (one,) = figures.drawn(figure_runs.archive(runs), choices=choices, only=["learning_rate"])
    panels = [part for part in one.spec["vconcat"] if "column" in part.get("facet", {})]
    assert len(panels) >= 3
    for part in panels[-2:]:
        assert part["facet"]["column"]["header"].get("labels") is not False


def test_one_far_interval_does_not_take_an_axis_of_r2():
    runs = [fitted("relu", s, 0.1, r2) for s, r2 in enumerate((0.5, 0.1))]
    runs += [fitted("elu", s, 0.4, r2) for s, r2 in enumerate((0.4, 0.3))]
    one = drawn(runs, "outcome")["outcome"]
    low, high = next(
        how["scale"]["domain"]
        for how in channels(one, "x")
        if how.get("title") == "test R²" and "scale" in how
    )
    assert -1 < low < 0.3 and 0.5 < high <= 1


def test_a_comparison_is_drawn_by_r2():
    compared = compare.compare([*BASE, *ELU], RELU)
    one = figure(compared, [*BASE, *ELU])
    assert {"change in dead, points", "change in test R²"} <= {
        how.get("title") for how in channels(one, "x")
    }
    assert "R² +0.114" in one.alt


@pytest.mark.parametrize("runs", [[*BASE, *ELU], BOTH, paired_runs.BASE])
def test_each_row_of_the_pages_table_has_a_cell_for_each_heading(runs):
    page = html(model(figure_runs.archive(runs)), lambda: "")
    table = page[page.index('<table id="table"') :]
    lines = table[: table.index("</table>")].split("<tr")[1:]
    assert len(lines) > 1 and len({len(re.findall(r"<t[hd]\b", line)) for line in lines}) == 1


def test_the_page_has_r2_and_rmse_in_its_table_its_cards_and_its_histories():
    runs = [*BASE, *ELU]
    table = page_table.table(aggregate.summarize(runs), "dead")
    assert table["ends"] == ["dead %", "test R²", "RMSE"]
    relu, elu = (row["ends"] for row in table["rows"])
    assert (relu[1]["value"], elu[1]["value"]) == (pytest.approx(0.804), pytest.approx(0.918))
    content = model(figure_runs.archive(runs))
    assert content["measures"] == "R²"
    assert {e["title"]: e["measures"]["test R²"] for e in content["ends"]} == {
        "Fewest dead and highest R²": "0.918 ±0.030", "Most dead": "0.804 ±0.014",
    }  # fmt: skip
    assert "; test R² is from 0.804 to 0.918." in " ".join(content["headline"])
    kept = histories.runs(runs, "dead")
    assert kept["measures"] == [["test R²", 3]]
    assert kept["runs"][ELU[0].id]["q"] == [[0.9]]


# Elsewhere


def test_exported_runs_and_tables_have_r2_and_rmse():
    columns = {column.name: column.value for column in RUNS}
    for run in (ELU[0], paired_runs.BASE[0]):
        row = {
            n: columns[n](Run(figure_runs.Path("x"), run)) for n in ("r2", "rmse", "test_accuracy")
        }
        assert row == {
            "r2": run.final.r2, "rmse": run.final.rmse, "test_accuracy": run.final.test_accuracy,
        }  # fmt: skip
    rows = aggregate.summarize([*BASE, *ELU])
    archive = figure_runs.archive([*BASE, *ELU])
    markdown = configurations.table(archive, rows).markdown()
    assert "| test R² | RMSE |" in markdown and "accuracy" not in markdown
    latex = configurations.table(archive, rows, names=["activation", "dead", "r2"]).latex()
    assert "test R$^2$" in latex and "²" not in latex
    compared = compare.compare([*BASE, *ELU], RELU)
    paper = changes.table(compared, BASE, "x").markdown()
    assert "| test R² | change in test R² |" in paper


def test_tables_of_the_library_and_json_have_both():
    rows = aggregate.summarize(BOTH)
    table = result_tables.summary(rows, "dead").to_pylist()
    assert [row["r2"] is None for row in table] == [
        row["test_accuracy"] is not None for row in table
    ]
    compared = compare.compare([*BASE, *ELU], RELU)
    (line,) = csv.DictReader(
        io.StringIO(formats.csv_text(result_tables.comparison(compared, "r2")))
    )
    assert float(line["r2_change"]) == pytest.approx(0.114)
    assert line["test_accuracy"] == "" and float(line["rmse_change"]) < 0
    document = json.loads(
        json.dumps(json_report.report([figure_runs.archive(BOTH)], "dead", None, None))
    )
    (sweep,) = document["sweeps"]
    by_value = {one["value"]: one for one in sweep["effects"]}
    assert by_value["abs"]["accuracy"] is None and by_value["abs"]["r2"] == pytest.approx(0.2)
    assert sweep["variance"]["r2"][0]["axes"] == ["activation"]
    # Of those with R² of −0.2 nobody thinks few dead units a merit.
    assert [one["r2"] for one in sweep["trained_badly"]] == [-0.2] * 4


# Numbers


@given(st.floats(-1e60, 1e60))
def test_r2_and_errors_are_written_near_what_they_are(value):
    for write, most in ((formatting.r2, 5e-4), (formatting.significant, 0.0)):
        text = write(value).replace("−", "-").replace(",", "")
        assert float(text) == pytest.approx(value, rel=6e-3, abs=most)
        assert not text.startswith("-0.000") and text != "-0"
    assert formatting.r2(None) == formatting.significant(None) == "n/a"


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([0.0117, 0.4968], ["0.0117", "0.4968"]),
        ([12345.6, 52300.0], ["12,346", "52,300"]),
        ([2.5, 31.25], ["2.50", "31.25"]),
        ([1e-7, 1.0], ["1e-7", "1"]),
        ([], []),
    ],
)
def test_errors_in_a_column_have_as_many_decimals_as_the_least_of_them_asks_for(values, written):
    write = formatting.alike(values)
    assert [write(value) for value in values] == written
    assert write(None) == "n/a"


@pytest.mark.parametrize(
    ("value", "r2", "rmse"),
    [
        (0.25, "+0.250", "+0.25"),
        (-0.25, "−0.250", "−0.25"),
        (0.0, "0.000", "0"),
        (None, "n/a", "n/a"),
    ],
)
def test_changes_have_their_sign(value, r2, rmse):
    assert (formatting.r2_change(value), formatting.rmse_change(value)) == (r2, rmse)

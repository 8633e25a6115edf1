"""How good networks are, as figures and the page show it: of regressions R² and RMSE."""

from __future__ import annotations

import re

import pytest

import figure_runs
import paired_runs
import regression_runs
from chart_rows import channels, rows
from regression_runs import BASE, ELU, fitted
from reluprobe.analysis import aggregate, compare
from reluprobe.analysis.contrast import Question
from reluprobe.report import figures
from reluprobe.report.figures.changes import figure
from reluprobe.report.page import configurations as page_table
from reluprobe.report.page import histories, html, model

BOTH = regression_runs.of_both_kinds()
RELU = Question({"activation": "relu"})
RATES = [
    fitted(f, s, dead + s / 100, r2 + s / 50, learning_rate=rate)
    for f, dead, r2 in (("relu", 0.5, 0.5), ("elu", 0.2, -0.2))
    for rate in (0.01, 0.1, 1.0)
    for s in range(2)
]


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
    # A title begins large, and keeps its letters.
    third = fitted("gelu", 0, 0.3, 0.99)
    titles = [e["title"] for e in model(figure_runs.archive([*runs, third]))["ends"]]
    assert titles == ["Fewest dead", "Most dead", "Highest R²"]
    kept = histories.runs(runs, "dead")
    assert kept["measures"] == [["test R²", 3]]
    assert kept["runs"][ELU[0].id]["q"] == [[0.9]]

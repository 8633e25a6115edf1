"""How good networks are, in files, in JSON and in the library: of regressions R² and RMSE."""

from __future__ import annotations

import csv
import io
import json

import pytest

import figure_runs
import paired_runs
import regression_runs
from regression_runs import BASE, ELU
from reluprobe.analysis import aggregate, compare
from reluprobe.analysis.contrast import Question
from reluprobe.report import json_report, result_tables
from reluprobe.report.export import changes, configurations, formats
from reluprobe.report.export.columns import Run
from reluprobe.report.export.runs import RUNS

BOTH = regression_runs.of_both_kinds()
RELU = Question({"activation": "relu"})


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

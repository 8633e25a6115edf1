"""The table of changes for a paper, and what compare writes: the numbers of the comparison."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import reluprobe as rp
from latex_tables import latex_rows
from paired_runs import BASE, ELU, RELU, SELU, TANH, brute_force, record, runs_of
from reluprobe import records
from reluprobe.analysis.compare import compare
from reluprobe.analysis.contrast import Question
from reluprobe.errors import InputError
from reluprobe.records import RunRecord
from reluprobe.report.export import changes
from reluprobe.report.figures import DrawnFigure
from reluprobe.report.figures import changes as changes_figure

RUNS = [*BASE, *ELU, *SELU, *TANH]
NUMBER = re.compile(r"[+−]?\d+(?:\.\d+)?")


def table(
    runs: Sequence[RunRecord], question: Question = RELU, columns: Sequence[str] | None = None
) -> Any:
    return changes.table(compare(runs, question), runs, "mine", names=columns)


def cells(made: Any) -> dict[str, list[str]]:
    return {name: [*column.cells] for name, column in made.columns.items()}


def test_a_change_has_its_mean_its_difference_and_the_ends_of_its_interval():
    made = table(RUNS)
    assert [*made.columns] == ["change", "dead", "dead_change", "accuracy", "accuracy_change"]
    shown = cells(made)
    assert shown["change"] == ["baseline", "elu", "selu", "tanh"]
    low, high = brute_force([-0.30, -0.33, -0.33, -0.30, -0.27])
    numbers = [float(n.replace("−", "-")) for n in NUMBER.findall(shown["dead_change"][1])]
    assert numbers == pytest.approx([-30.6, 100 * low, 100 * high], abs=0.05)
    assert shown["dead"][1] == "11.8" and shown["dead_change"][0] == ""
    # The baseline has its own.
    assert re.fullmatch(r"42\.4 \[[\d.]+, [\d.]+\]", shown["dead"][0])
    assert shown["accuracy_change"][2].startswith("−9.")
    assert made.columns["dead_change"].title == "change in dead (points)"


def test_the_caption_says_against_what_over_what_and_which_interval():
    caption = table(RUNS).caption
    assert caption.startswith("baseline: relu; dead: f′(z) = 0 on every probe example; mnist, ")
    assert "over 5 seeds; [ ]: its 95% bootstrap-t interval" in caption
    few = table([*BASE[:2], *ELU[:2]])
    assert "over 2 seeds, no interval" in few.caption
    assert cells(few)["dead_change"] == ["", "−31.5"]
    on = Question({"activation": "relu"}, on="train")
    assert "on every training example" in table(RUNS, on).caption


def test_a_comparison_within_a_setting_is_one_table_with_a_column_of_it():
    rates = [(1e-3, 0.4), (0.1, 0.6)]
    runs = [
        record(f, s, dead / (1 + (f == "elu")) + s / 100, learning_rate=rate)
        for rate, dead in rates
        for f in ("relu", "elu")
        for s in range(4)
    ]
    made = table(runs, Question({"activation": "relu"}, ("learning_rate",)))
    shown = cells(made)
    assert shown["learning_rate"] == ["1e-3", "1e-3", "1e-1", "1e-1"]
    assert shown["change"] == ["baseline", "elu"] * 2
    assert made.caption.startswith("baseline: relu, at each lr;")


def test_blocks_are_counted_where_the_intervals_are_over_them():
    runs = [
        record(f, 0, 0.1 * depth + 0.01 * (f == "relu"), learning_rate=rate, l2=depth / 100)
        for f in ("relu", "elu")
        for rate in (0.1, 0.2)
        for depth in (1, 2, 3)
    ]
    caption = table(runs).caption
    assert "over 6 blocks of the same lr and L2" in caption or "6 blocks" in caption


def test_pairs_have_a_column_where_rows_have_not_equally_many():
    made = table([*BASE, *ELU[:4], *TANH])
    assert cells(made)["pairs"] == ["", "4", "5"] and "over 4 to 5 seeds" in made.caption


def test_a_changed_settings_numbers_are_written_one_way():
    runs = [
        *BASE,
        *(r for rate in (0.1, 1e-4) for r in runs_of("relu", [0.1] * 4, learning_rate=rate)),
    ]
    made = table(runs, Question({"learning_rate": 5e-3}))
    assert sorted(cells(made)["change"]) == ["baseline", "lr 1e-1", "lr 1e-4"]


def test_columns_can_be_chosen_and_wrong_ones_are_refused():
    made = cells(table(RUNS, columns=["change", "verdict", "loss_change", "pairs"]))
    assert made["verdict"][1:] == ["fewer dead, no worse", "fewer dead, less accurate", "more dead"]
    assert made["loss_change"][1].startswith("0.0") and made["pairs"][1] == "5"
    with pytest.raises(InputError) as refused:
        table(RUNS, columns=["chang"])
    assert "did you mean 'change'" in refused.value.faults[0]


# --- the figure ----------------------------------------------------------------------------------


def drawn(runs: Sequence[RunRecord], question: Question = RELU, **more: Any) -> DrawnFigure:
    return changes_figure.figure(compare(runs, question), runs, **more)


def rows_of(figure: DrawnFigure) -> dict[str, list[dict[str, Any]]]:
    """The rows of each panel, by the title of its axis."""
    spec = figure.spec
    panels = spec.get("hconcat") or spec["vconcat"]
    titles = [panel.get("spec", panel)["layer"][2]["encoding"]["x"]["title"] for panel in panels]
    data = [spec["datasets"][panel["data"]["name"]] for panel in panels]
    return dict(zip(titles, data, strict=True))


def test_the_figure_has_each_change_and_the_ends_of_its_interval():
    figure = drawn(RUNS)
    panels = rows_of(figure)
    assert [*panels] == ["change in dead, points", "change in test accuracy, points"]
    elu, selu, tanh = panels["change in dead, points"]
    assert [row["change"] for row in (elu, selu, tanh)] == ["elu", "selu", "tanh"]
    low, high = brute_force([-0.30, -0.33, -0.33, -0.30, -0.27])
    assert [elu[end] for end in ("mean", "low", "high")] == pytest.approx(
        [-30.6, 100 * low, 100 * high], rel=1e-4
    )
    assert (elu["clear"], elu["verdict"]) == (True, "fewer dead, no worse")
    same, worse, _ = panels["change in test accuracy, points"]
    assert (same["clear"], worse["clear"], worse["mean"] < -9) == (False, True, True)
    assert "over 5 seeds; line: its 95% bootstrap-t interval. Filled:" in figure.caption
    assert figure.alt.startswith("elu: −30.6 points dead, accuracy 0.0; selu: ")


def test_without_an_interval_the_figure_has_a_point_alone():
    figure = drawn([*BASE[:2], *ELU[:2]])
    (row,) = rows_of(figure)["change in dead, points"]
    assert row["low"] == row["mean"] == row["high"] and not row["clear"]
    assert "no interval" in figure.caption


def test_of_a_regression_the_figure_has_the_loss():
    def unclassed(run: RunRecord, loss: float) -> RunRecord:
        last = dataclasses.replace(run.final, test_accuracy=None, test_loss=loss)
        return dataclasses.replace(run, history=(last,))

    runs = [unclassed(run, 2.0) for run in BASE] + [unclassed(run, 1.5) for run in ELU]
    (row,) = rows_of(drawn(runs))["change in test loss"]
    assert row["mean"] == -0.5 and row["clear"]


def test_within_a_setting_the_figure_has_a_row_of_panels_a_value(tmp_path: Path):
    runs = [
        record(f, s, 0.4 / (1 + (f == "elu")) + s / 100, learning_rate=rate)
        for rate in (1e-3, 0.1)
        for f in ("relu", "elu")
        for s in range(4)
    ]
    figure = drawn(runs, Question({"activation": "relu"}, ("learning_rate",)), width=350)
    rows = rows_of(figure)["change in dead, points"]
    assert [row["group"] for row in rows] == ["lr 1e-3", "lr 0.1"]
    assert "vconcat" in figure.spec  # in a column of a paper
    files = [figure.save(tmp_path / f"{n}.svg").read_bytes() for n in range(2)]
    assert files[0] == files[1] and b"lr 1e-3" in files[0]


# --- the command ---------------------------------------------------------------------------------


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for run in RUNS:
        records.write(run, tmp_path / "results" / "mine")
    return tmp_path / "results"


def test_compare_writes_latex_and_markdown_to_stdout_or_a_file(reluprobe: Any, results: Path):
    output = reluprobe("compare", "results", "--baseline", "activation=relu", "--latex")
    rows = latex_rows(output.out)
    assert output.code == 0 and [row[0] for row in rows] == [
        "change",
        "baseline",
        "elu",
        "selu",
        "tanh",
    ]
    same = reluprobe(
        "compare", "results", "-o", "t.md", "--baseline", "activation=relu", "--markdown"
    )
    assert same.out == "wrote t.md\n"
    lines = Path("t.md").read_text("utf-8").splitlines()
    assert lines[0] == "### mine" and lines[4].startswith("| change | dead (%) |")


def test_compare_writes_every_number_unrounded_as_csv(reluprobe: Any, results: Path):
    output = reluprobe("compare", "results", "--baseline", "activation=relu", "--csv")
    rows = [*csv.DictReader(io.StringIO(output.out))]
    elu = next(row for row in rows if row["change"] == "elu")
    assert float(elu["dead_change"]) == pytest.approx(-0.306, abs=1e-12)
    assert (elu["pairs"], elu["verdict"]) == ("5", "fewer dead, no worse")
    low, high = brute_force([-0.30, -0.33, -0.33, -0.30, -0.27])
    ends = [float(elu[f"dead_change_{end}"]) for end in ("low", "high")]
    assert ends == pytest.approx([low, high], rel=1e-9)


def test_the_figure_stands_beside_any_other_output(reluprobe: Any, results: Path):
    command = ("compare", "results", "--baseline", "activation=relu")
    output = reluprobe(*command, "--figure", "new/c.png")
    assert output.out.endswith("wrote new/c.png\n") and "baseline: relu" in output.out
    assert Path("new/c.png").read_bytes().startswith(b"\x89PNG")
    both = reluprobe(*command, "--figure", "c.svg", "--json")
    assert json.loads(both.out)["runs"] == 20 and "wrote c.svg" in both.err
    wrong = reluprobe(*command, "--figure", "c.jpeg")
    assert wrong.code == 2 and "allowed are .png" in wrong.err and wrong.out == ""


def test_the_library_has_the_same_table_and_figure(results: Path):
    loaded = rp.load(results)
    made = loaded.comparison_table({"activation": "relu"})
    assert made == table(RUNS)
    assert latex_rows(made.latex())[2][0] == "elu" and made.markdown().startswith("### mine")
    assert loaded.comparison_figure({"activation": "relu"}).alt == drawn(RUNS).alt
    assert [*loaded.table(columns=["activation", "silent"]).columns] == ["activation", "silent"]
    with pytest.raises(rp.InputError, match="'activatoin' is no setting"):
        loaded.table(by=["activatoin"])
    with pytest.raises(rp.InputError, match="cannot read the columns"):
        loaded.comparison_table({"activation": "relu"}, columns=["chang"])


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--csv", "--latex"], "do not go together"),
        (["--json", "--markdown"], "do not go together"),
        (["--csv", "--columns", "dead"], "--columns is for --markdown and --latex"),
        (["--out", "x.tex"], "--out is for --csv, --markdown and --latex"),
        (["--latex", "--columns", "verdic"], "mean 'verdict'?"),
    ],
)
def test_what_compare_cannot_write_is_refused(
    reluprobe: Any, results: Path, args: list[str], said: str
):
    output = reluprobe("compare", "results", "--baseline", "activation=relu", *args)
    assert output.code == 2 and said in output.err and output.out == ""
    assert not Path("x.tex").exists()

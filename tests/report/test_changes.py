"""The table of changes for a paper, and what compare writes: the numbers of the comparison."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from latex_tables import latex_rows
from paired_runs import BASE, ELU, RELU, SELU, TANH, brute_force, record, runs_of
from reluprobe import records
from reluprobe.analysis.compare import compare
from reluprobe.analysis.contrast import Question
from reluprobe.errors import InputError
from reluprobe.records import RunRecord
from reluprobe.report.export import changes

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
    assert "over 5 seeds; [ ]: ends of the 95% bootstrap-t interval" in caption
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

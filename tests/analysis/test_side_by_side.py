"""Sweeps side by side: which lines match, their differences, table and JSON."""

import json

import pytest

import study_runs
from reluprobe import records
from reluprobe.analysis import side_by_side
from reluprobe.report.terminal import side_by_side as side_by_side_table
from study_runs import seeds


def rows(beside):
    return [tuple(line.settings.values()) for line in beside.lines]


A = [*seeds(3, dead=(0.4,), depth=1), *seeds(3, dead=(0.0,), depth=1, activation="elu")]
B = [
    *seeds(3, dead=(0.6,), depth=1, learning_rate=0.01, accuracy=0.9),
    *seeds(3, dead=(0.2,), depth=1, learning_rate=0.01, activation="selu"),
]


def test_configurations_line_up_and_what_sets_sweeps_apart_is_told_apart():
    beside = side_by_side.line_up([A, B])
    assert beside.apart == {"learning_rate": (0.005, 0.01)}
    assert rows(beside) == [("relu",), ("elu",), ("selu",)]
    relu, elu, selu = beside.lines
    assert [line is not None for line in elu.sweeps] == [True, False]
    assert [line is not None for line in selu.sweeps] == [False, True]
    assert beside.shared == [relu]
    difference = side_by_side.difference(relu)
    assert difference.dead == pytest.approx(0.2)
    assert difference.accuracy == pytest.approx(-0.075)
    assert side_by_side.difference(elu) == side_by_side.Difference(None, None)
    assert side_by_side.common(relu) == (3, 0)


def test_an_axis_of_one_sweep_meets_the_fixed_value_of_the_other():
    rates = [run for r in (0.001, 0.01) for run in seeds(2, dead=(0.1,), depth=1, learning_rate=r)]
    beside = side_by_side.line_up([rates, B[:3]])
    assert (beside.apart, rows(beside)) == ({}, [(0.01,), (0.001,)])
    assert [len(line.present) for line in beside.lines] == [2, 1]


def test_two_single_configurations_make_one_line():
    beside = side_by_side.line_up([A[:3], B[3:]])
    assert beside.apart == {"learning_rate": (0.005, 0.01), "activation": ("relu", "selu")}
    assert rows(beside) == [()]
    shown = study_runs.text(side_by_side_table.table(beside, "dead", 80), 80)
    assert shown.splitlines()[1].split()[-2:] == ["−20.0", "0.0"]


def test_lines_are_sorted_as_reports_are_those_of_both_first():
    both = [*seeds(2, dead=(0.5,), depth=1, activation="tanh"), *A]
    beside = side_by_side.line_up([both, both[:4], B[3:]], sort="dead")
    assert rows(beside) == [("relu",), ("tanh",), ("elu",), ("selu",)]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("count", [2, 3, 7])
def test_every_number_is_there_at_any_width(width, count):
    sweeps = [A, B, *[B] * (count - 2)]
    beside = side_by_side.line_up(sweeps)
    shown = study_runs.text(side_by_side_table.table(beside, "dead", width), width)
    assert all(len(line.rstrip()) <= width for line in shown.splitlines())
    assert "…" not in shown
    lines = [line for line in shown.splitlines() if line.startswith("relu")]
    cells = [c for line in lines for c in line.split() if not c.startswith("±")]
    assert cells.count("60.0") == count - 1
    assert shown.count("absent") == 1 + 1 + (count - 2)


def test_what_diverged_is_a_word_and_no_number():
    lost = seeds(2, dead=(0.5,), depth=1, status="diverged", learning_rate=0.01)
    beside = side_by_side.line_up([A[:3], lost])
    shown = study_runs.text(side_by_side_table.table(beside, "dead", 80), 80)
    assert shown.splitlines()[1].split()[-4:] == ["diverged", "n/a", "n/a", "n/a"]
    assert side_by_side_table.lost(beside.lines[0].present[1:]).plain == "of its runs, 2 diverged"


def test_of_those_that_one_alone_has_only_some_are_listed():
    many = [run for n in range(20) for run in seeds(1, dead=(0.1,), depth=1, learning_rate=0.1 + n)]
    beside = side_by_side.line_up([many, many[:1]])
    assert len(side_by_side_table.shown(beside)) == 1 + side_by_side_table.MOST_ALONE
    assert "7 configurations" in side_by_side_table.rest(beside).plain
    assert side_by_side_table.rest(side_by_side.line_up([A, B])) is None


@pytest.fixture
def two(tmp_path):
    for name, runs in (("a", A), ("b", B)):
        for run in runs:
            records.write(run, tmp_path / "results" / name)


def test_report_puts_sweeps_side_by_side_and_names_the_paired_comparison(two, reluprobe):
    report = reluprobe("report", "results/a", "results/b", "--no-figures")
    assert report.code == 0, report.err
    text = " ".join(report.out.split())
    assert "A a: lr 5e-3" in text and "B b: lr 0.01" in text
    assert "1 configuration in both" in text
    commands = [line for line in report.out.splitlines() if line.startswith("next")]
    assert commands[:2] == ["next: reluprobe report results/a", "next: reluprobe report results/b"]
    assert "compare results/a results/b --baseline learning_rate=0.005" in commands[2]
    assert all(len(line) <= 80 for line in report.out.splitlines() if not line.startswith("next"))
    args = commands[2].removeprefix("next: reluprobe ").split("  ")[0].split()
    assert "lr 0.01" in reluprobe(*args).out
    whole = reluprobe("report", "results", "--lives", "--no-figures").out
    assert whole.count("lives of units:") == 2


def test_json_has_the_same_lines(two, reluprobe):
    document = json.loads(reluprobe("report", "results", "--json").out)["side_by_side"]
    assert document["apart"] == {"learning_rate": [0.005, 0.01]}
    relu, elu, _ = document["configurations"]
    assert relu["difference"]["dead"] == pytest.approx(0.2)
    assert relu["sweeps"][1]["test_accuracy"]["mean"] == pytest.approx(0.9)
    assert elu["sweeps"][1] is None
    assert elu["difference"] == {"dead": None, "accuracy": None, "r2": None}
    alone = json.loads(reluprobe("report", "results/a", "--json").out)
    assert "side_by_side" not in alone

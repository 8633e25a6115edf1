"""Compare: runs pair by seed, intervals cover, verdicts follow from them, nothing is dropped."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from reluprobe import cli, compare, compare_lines, paired, records
from reluprobe.archive import Archive
from reluprobe.config import make_run
from reluprobe.contrast import Question, verdict
from reluprobe.errors import InputError
from reluprobe.grid import make
from reluprobe.records import (
    SCHEMA,
    EpochRecord,
    LayerRecord,
    ProbeRecord,
    RunRecord,
    SampleRecord,
)

RELU = Question(baseline={"activation": "relu"})


def layers(dead):
    """Two layers of ten units, ``dead`` of all of them; never positive: all."""
    return tuple(LayerRecord(10, dead, dead, 1.0, dead, dead, None, "0000") for _ in range(2))


def record(activation="relu", seed=0, dead=0.4, accuracy=0.9, loss=0.5, status="ok", **settings):
    run = make(make_run({"activation": activation, "depth": 2, "width": 10, "seed": seed}
                        | settings))  # fmt: skip
    nothing = status != "ok"
    ends = (None, None) if nothing else (loss, accuracy)
    last = EpochRecord(1, None, None, *ends, layers(None if nothing else dead))
    train = SampleRecord("train", 60, 0.1, 0.9, layers(None if nothing else dead / 2))
    return RunRecord(
        SCHEMA, run.id, run.config, status, {"device": "cpu", "devices": 2, "jax": "0"}, 1.0,
        ProbeRecord("train", 1000), () if status == "failed" else (last,), samples=(train,),
        error="boom" if status == "failed" else None,
    )  # fmt: skip


def runs_of(activation, deads, accuracies=None, **settings):
    accuracies = accuracies or [0.9 + 0.001 * (s % 3) for s in range(len(deads))]
    both = zip(deads, accuracies, strict=True)
    return [record(activation, s, d, a, **settings) for s, (d, a) in enumerate(both)]


#: Five seeds of relu, and of three others: fewer dead and no worse; and worse; and more dead.
BASE = runs_of("relu", [0.40, 0.45, 0.35, 0.50, 0.42])
ELU = runs_of("elu", [0.10, 0.12, 0.02, 0.20, 0.15])
SELU = runs_of("selu", [0.10, 0.12, 0.02, 0.20, 0.15], [0.80, 0.81, 0.79, 0.80, 0.82])
TANH = runs_of("tanh", [0.70, 0.78, 0.66, 0.79, 0.73])


def only(found):
    (group,) = found.groups
    return group


def rows_of(found):
    return {row.differs["activation"]: row for row in only(found).rows}


# The interval.


def brute_force(x):
    """Bootstrap-t over all nⁿ draws, one by one."""
    n, m, s = len(x), np.mean(x), np.std(x)
    t = []
    for draw in itertools.product(x, repeat=n):
        if len(set(draw)) == 1:
            t.append(math.copysign(math.inf, draw[0] - m))
        else:
            t.append((np.mean(draw) - m) / np.std(draw))
    t.sort()
    k = math.ceil(0.025 * n**n) - 1
    return m - t[-1 - k] * s, m - t[k] * s


def test_the_interval_is_that_of_every_draw_one_by_one():
    x = [0.3, -0.1, 0.25, 0.8, 0.05]
    assert paired.interval(x) == pytest.approx(brute_force(x))
    assert paired.interval(x[:4]) == pytest.approx(brute_force(x[:4]))


@pytest.mark.parametrize("n", [4, 8, 9, 12])
def test_the_order_of_seeds_does_not_matter(n):
    x = np.random.default_rng(n).normal(size=n)
    assert paired.interval(x[::-1].tolist()) == paired.interval(x.tolist())


def test_swapping_the_sides_mirrors_the_interval():
    x = np.random.default_rng(1).exponential(size=6)
    low, high = paired.interval(x)
    assert paired.interval(-x) == pytest.approx((-high, -low))


def covered(draw, mean, n, times):
    rng = np.random.default_rng(n)
    found = (paired.interval(draw(rng, n).tolist()) for _ in range(times))
    return sum(low <= mean <= high for low, high in found) / times


@pytest.mark.parametrize(("n", "times"), [(4, 1500), (5, 1500), (8, 500), (10, 500)])
def test_of_normal_differences_95_percent_of_intervals_cover_the_mean(n, times):
    hits = covered(lambda rng, n: rng.normal(0.3, 1, n), 0.3, n, times)
    assert abs(hits - 0.95) < 3.5 * math.sqrt(0.95 * 0.05 / times)


@pytest.mark.parametrize("n", [5, 10])
def test_of_skewed_differences_hardly_fewer_do(n):
    # The percentile bootstrap covers 78% and 86% of these, Student's t 87% and 90%.
    times = 1500 if n < 9 else 500
    assert covered(lambda rng, n: rng.exponential(1, n), 1, n, times) > 0.91


def test_too_few_differences_have_a_mean_and_no_interval():
    found = paired.change([0.1, 0.2, 0.6])
    assert (found.mean, found.low, found.high, found.n) == (pytest.approx(0.3), None, None, 3)
    assert not (found.falls or found.rises or found.told)
    assert paired.change([None, None]) is None


def test_equal_differences_have_an_interval_without_width():
    assert paired.interval([0.0] * 5) == (0, 0)
    found = paired.change([0.975 - 0.97] * 5)
    assert found.low == found.high == pytest.approx(0.005)
    assert found.rises
    still = paired.change([0.0] * 5)
    assert not (still.falls or still.rises)


def test_ties_reach_as_far_as_a_difference_can_and_without_a_limit_there_is_no_interval():
    x = [0.0, 0.0, 0.0, 0.0, -0.1]
    assert paired.interval(x) is None
    low, high = paired.interval(x, paired.SHARES)
    assert low == -1
    assert -0.02 < high < 0.1


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
    assert again.pairs == (0, 1, 2, 3, 4)


def test_seeds_on_one_side_only_are_left_out_and_said():
    found = compare.compare([*BASE[:4], *ELU[1:], record("elu", 9, 1.0)], RELU)
    (row,) = only(found).rows
    assert (row.pairs, row.lacking, row.extra) == ((1, 2, 3), (0,), (4, 9))
    assert row.changes["dead"].mean == pytest.approx(-0.32)
    (line,) = compare_lines.missing(found, [], 0)
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
    found = compare.compare([*BASE, *lost], RELU)
    (row,) = only(found).rows
    assert row.pairs == (2, 3, 4)
    assert (row.lost, row.lacking) == (2, ())
    assert row.changes["dead"].mean == pytest.approx((-0.33 - 0.30 - 0.27) / 3)
    assert row.found.seeds("diverged") == [0]
    assert row.found.seeds("failed") == [1]


# Verdicts.


def test_verdicts_follow_from_the_intervals():
    better = runs_of("silu", [0.1, 0.12, 0.02, 0.2, 0.15], [0.95, 0.96, 0.94, 0.95, 0.96])
    alike = runs_of("gelu", [0.41, 0.44, 0.36, 0.49, 0.43])
    only_worse = runs_of("softplus", [0.41, 0.44, 0.36, 0.49, 0.43], [0.5, 0.51, 0.52, 0.5, 0.49])
    found = compare.compare([*BASE, *ELU, *SELU, *TANH, *better, *alike, *only_worse], RELU)
    told = {n: verdict(r, only(found).baseline) for n, r in rows_of(found).items()}
    assert told == {
        "elu": "fewer dead, no worse",
        "selu": "fewer dead, less accurate",
        "tanh": "more dead",
        "silu": "fewer dead, more accurate",
        "gelu": "no clear change",
        "softplus": "less accurate only",
    }
    assert {n for n, r in rows_of(found).items() if r.helps} == {"elu", "silu"}


def test_equal_to_the_last_digit_is_no_change():
    (row,) = only(compare.compare([*BASE, *(dataclasses.replace(
        record("elu", r.config.seed), history=r.history) for r in BASE)], RELU)).rows  # fmt: skip
    assert row.changes["dead"] == paired.Change(0, 0, 0, 5)
    assert verdict(row, only(compare.compare([*BASE, *ELU], RELU)).baseline) == "no clear change"
    assert not row.helps


def test_too_few_seeds_say_how_many_would_do():
    found = compare.compare([*BASE[:3], *ELU[:3]], RELU)
    (row,) = only(found).rows
    assert verdict(row, only(found).baseline) == "too few seeds (3 of 4)"
    assert not row.helps


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_what_never_ended_says_so_on_either_side(status):
    lost = [record("elu", s, status=status) for s in range(5)]
    found = compare.compare([*BASE, *lost], RELU)
    (row,) = only(found).rows
    assert verdict(row, only(found).baseline) == status
    assert row.changes == {"dead": None, "accuracy": None, "loss": None}
    turned = compare.compare([*BASE, *lost], Question(baseline={"activation": "elu"}))
    (row,) = only(turned).rows
    assert verdict(row, only(turned).baseline) == f"baseline {status}"


def test_no_seed_in_common():
    found = compare.compare([*BASE[:2], *ELU[2:]], RELU)
    assert verdict(only(found).rows[0], only(found).baseline) == "no common seed"


def test_a_change_that_loses_runs_is_no_help():
    found = compare.compare([*BASE, *ELU, record("relu", 5), record("elu", 5, status="diverged")],
                            RELU)  # fmt: skip
    (row,) = only(found).rows
    assert verdict(row, only(found).baseline) == "fewer dead, no worse"
    assert not row.helps


def test_a_definition_that_does_not_apply_is_not_zero():
    question = dataclasses.replace(RELU, definition="saturated")
    found = compare.compare([*BASE, *ELU], question)
    (row,) = only(found).rows
    assert row.changes["dead"] is None
    assert row.changes["accuracy"] is not None
    assert verdict(row, only(found).baseline, "saturated") == "n/a"
    assert not row.helps


def test_without_classes_the_loss_stands_for_accuracy():
    base = [record("relu", s, 0.4 + s / 50, None, 0.5) for s in range(5)]
    worse = [record("elu", s, 0.1, None, 0.7 + s / 100) for s in range(5)]
    found = compare.compare([*base, *worse], RELU)
    (row,) = only(found).rows
    assert verdict(row, only(found).baseline) == "fewer dead, higher loss"
    assert not row.helps
    assert "no worse loss" in compare_lines.headline(found).plain


def test_dead_on_another_sample():
    found = compare.compare([*BASE, *ELU], dataclasses.replace(RELU, on="train"))
    assert only(found).rows[0].changes["dead"].mean == pytest.approx(-0.153)
    absent = compare.compare([*BASE, *ELU], dataclasses.replace(RELU, on="test"))
    assert only(absent).rows[0].changes["dead"] is None


def test_another_definition_counts():
    question = dataclasses.replace(RELU, definition="never_positive")
    (row,) = only(compare.compare([*BASE, *ELU], question)).rows
    assert row.changes["dead"].mean == 0


# Baseline and groups.


def grid():
    return [
        record(a, s, learning_rate=r, depth=d)
        for a in ("relu", "elu") for r in (5e-3, 0.1) for d in (2, 3) for s in range(2)
    ]  # fmt: skip


def test_of_several_matches_the_one_at_the_defaults_is_the_baseline():
    runs = [record(a, s, learning_rate=r) for a in ("relu", "elu") for r in (0.1, 5e-3)
            for s in range(2)]  # fmt: skip
    found = compare.compare(runs, RELU)
    assert only(found).baseline.settings["learning_rate"] == 5e-3
    assert only(compare.compare(runs, Question())).baseline is not None
    assert [dict(row.differs) for row in only(found).rows] == [
        {"learning_rate": 0.1},
        {"activation": "elu", "learning_rate": 0.1},
        {"activation": "elu"},
    ]


def test_a_setting_without_effect_names_no_row():
    leaky = [record("leaky_relu", s, leaky_slope=0.1) for s in range(2)]
    found = compare.compare([*BASE, *leaky], Question(baseline={"activation": "leaky_relu"}))
    assert [dict(row.differs) for row in only(found).rows] == [{"activation": "relu"}]


def test_an_ambiguous_baseline_lists_what_there_is_and_what_to_name():
    with pytest.raises(InputError) as caught:
        compare.compare(grid(), RELU)  # depth is 2 or 3; its default is 5
    assert "4 match (activation=relu)" in caught.value.message
    assert "learning_rate=0.005,depth=2" in caught.value.faults
    assert caught.value.faults[-1] == "name one value of learning_rate and of depth"
    assert caught.value.hint == "--baseline activation=relu,learning_rate=0.005,depth=2"
    with pytest.raises(InputError, match=r"8 match \(no setting named\)"):
        compare.compare(grid(), Question())
    found = compare.compare(grid(), Question(baseline={"activation": "relu", "depth": 3}))
    assert only(found).baseline.settings["depth"] == 3


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
    found = compare.compare(grid()[:-2], question)  # elu at 0.1, depth 3 is not there
    assert [dict(g.within) for g in found.groups] == [
        {"learning_rate": r, "depth": d} for r in (5e-3, 0.1) for d in (2, 3)
    ]
    for group in found.groups:
        assert group.baseline.settings["activation"] == "relu"
        assert group.baseline.settings["depth"] == group.within["depth"]
    assert [len(g.rows) for g in found.groups] == [1, 1, 1, 0]
    assert dict(found.groups[0].rows[0].differs) == {"activation": "elu"}


def test_a_value_of_within_without_a_baseline_is_named():
    runs = [*grid(), record("elu", learning_rate=0.7)]
    found = compare.compare(runs, Question({"activation": "relu", "depth": 2}, ("learning_rate",)))
    assert [dict(w) for w in found.without] == [{"learning_rate": 0.7}]
    lines = [line.plain for line in compare_lines.missing(found, [], 0)]
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
        return [row.differs["activation"] for row in compare.ordered(rows, key)]

    # elu and selu leave as few dead: the more accurate of them comes first.
    assert names("dead") == ["elu", "selu", "tanh", "gelu"]
    assert names("accuracy") == ["tanh", "elu", "selu", "gelu"]
    with pytest.raises(InputError) as caught:
        compare.ordered(rows, "acuracy")
    assert "did you mean 'accuracy'?" in caught.value.faults[0]


def test_a_run_found_twice_counts_once_and_the_one_that_ended_counts():
    broken = record("relu", 0, status="failed")
    archives = [Archive("a", Path("a"), (broken, *BASE[1:])), Archive("b", Path("b"), tuple(BASE))]
    found, again = compare.pool(archives)
    assert sorted(found, key=lambda r: r.config.seed) == BASE
    assert again == 5


# The command.


@dataclass
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def reluprobe(monkeypatch, capsys, tmp_path):
    """Run the command line in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*args: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["reluprobe", *args])
        with pytest.raises(SystemExit) as left:
            cli.main()
            sys.exit(0)
        text = capsys.readouterr()
        return Result(int(left.value.code or 0), text.out, text.err)

    return run


def write(runs, name):
    for run in runs:
        records.write(run, Path("results") / name)


def test_the_headline_comes_first_and_80_columns_are_enough(reluprobe):
    write([*BASE, *ELU, *SELU], "one")
    write([*TANH, *runs_of("elu", [0.3, 0.3, 0.2, 0.4, 0.3], learning_rate=1e-4, init="he_normal")],
          "two")  # fmt: skip
    found = reluprobe("compare", "results", "--baseline", "activation=relu")
    assert found.code == 0, found.err
    lines = found.out.splitlines()
    assert lines[0] == "one, two"
    assert lines[1].startswith("of 4 changes, 2 leave fewer dead units and no worse accuracy;")
    text = " ".join(found.out.split())
    assert "best: elu, −30.6 points dead (95% interval −34.3 to −27.2)" in text
    assert all(len(line) <= 80 for line in lines if not line.startswith("next:"))
    at = next(i for i, line in enumerate(lines) if line.startswith("baseline  "))
    assert lines[at].split() == ["baseline", "42.4", "90.1"]
    assert lines[at + 1].split()[:3] == ["elu", "−30.6", "[−34.3,"]
    assert lines[at + 2].split() == ["to", "11.8", "to", "90.1", "no", "worse"]
    assert [line.split("  ")[0] for line in lines if "he_normal" in line] == ["· he_normal"]
    assert lines[-1] == "next: reluprobe compare results --baseline activation=relu --on train"


def test_a_wide_terminal_shows_losses_in_one_line_a_row(reluprobe, monkeypatch):
    write([*BASE, *ELU], "one")
    monkeypatch.setenv("COLUMNS", "200")
    found = reluprobe("compare", "results", "--baseline", "activation=relu")
    (row,) = [line for line in found.out.splitlines() if line.startswith("elu")]
    assert row.split()[1] == "11.8"
    assert "test loss" in found.out
    assert row.rstrip().endswith("5  fewer dead, no worse")


def test_defaults_quotes_short_names_and_lists_pick_the_baseline(reluprobe):
    write([*BASE, *ELU], "one")
    plain = reluprobe("compare", "results").out
    told = reluprobe("compare", "results", "--baseline", "act='relu',lr=5e-3").out
    assert plain.splitlines()[:-1] == told.splitlines()[:-1]
    twice = reluprobe("compare", "results", "--baseline", "act=elu", "--baseline", "depth=2")
    assert "baseline: elu" in twice.out


@pytest.mark.parametrize(
    ("args", "code", "parts"),
    [
        (["--baseline", "activaton=relu"], 2, ["'activaton'", "mean 'activation'?"]),
        (["--baseline", "activation=rleu"], 2, ["activation = 'rleu'", "mean 'relu'?"]),
        (["--baseline", "depth=three"], 2, ["depth = 'three'", "an integer >= 1"]),
        (["--baseline", "relu"], 2, ["got 'relu'; allowed is SETTING=VALUE"]),
        (["--baseline", "depth=2,depth=3"], 2, ["depth is named twice"]),
        (["--baseline", "activation=tanh"], 2, ["activation = tanh: these runs have elu, relu"]),
        (["--within", "dpeth"], 2, ["mean 'depth'?"]),
        (["--definition", "ded"], 2, ["mean 'dead'?"]),
        (["--on", "trian"], 2, ["--on trian", "mean 'train'?"]),
        (["--sort", "los"], 2, ["--sort los", "mean 'loss'?"]),
    ],
)
def test_bad_input_is_one_short_message_and_no_traceback(reluprobe, args, code, parts):
    write([*BASE, *ELU], "one")
    found = reluprobe("compare", "results", *args)
    assert found.code == code
    assert all(part in " ".join(found.err.split()) for part in parts)
    assert "Traceback" not in found.err
    assert found.out == ""


def test_partial_results_lost_runs_and_duplicates_are_named(reluprobe):
    write([*BASE, *ELU[:4]], "one")
    write([*BASE[:2], record("gelu", 0, status="failed"), record("gelu", 1, status="diverged")],
          "two")  # fmt: skip
    sweep = 'seeds = 6\n[base]\ndepth = 2\nwidth = 10\n[grid]\nactivation = ["relu", "elu"]\n'
    Path("results/one/sweep.toml").write_text(sweep)
    text = " ".join(reluprobe("compare", "results", "--baseline", "act=relu").out.split())
    assert "one: 9 of its sweep's 12 runs are here" in text
    assert "2 runs found again in another folder, counted once" in text
    assert "without the baseline's seed 4: elu" in text
    assert "without the baseline's seeds 2–4: gelu" in text
    assert "2 runs without an end:" in text
    assert "failed: boom" in text


def test_broken_files_are_left_out_with_code_1_after_the_table(reluprobe):
    write([*BASE, *ELU], "one")
    file = Path("results/one/runs") / f"{ELU[0].id}.json"
    file.write_text(file.read_text()[:99])
    found = reluprobe("compare", "results", "--baseline", "act=relu")
    assert found.code == 1
    assert f"left out: results/one/runs/{file.name}" in found.err
    assert "without the baseline's seed 0: elu" in found.out


def test_json_holds_every_number_unrounded_and_no_nan(reluprobe):
    lost = [record("gelu", s, status="diverged") for s in range(2)]
    write([*BASE, *ELU, *lost, record("tanh", 0, 0.9)], "one")
    found = reluprobe("compare", "results", "--baseline", "act=relu", "--json")
    assert found.code == 0, found.err

    def refuse(constant):
        raise AssertionError(constant)

    told = json.loads(found.out, parse_constant=refuse)
    (group,) = told["groups"]
    assert group["baseline"]["settings"]["activation"] == "relu"
    rows = {row["differs"]["activation"]: row for row in group["rows"]}
    assert list(rows) == ["elu", "tanh", "gelu"]
    elu = rows["elu"]
    assert elu["changes"]["dead"]["mean"] == pytest.approx(-0.306, abs=1e-12)
    sides = [(p["seed"], p["dead"]["other"] - p["dead"]["baseline"]) for p in elu["pairs"]]
    assert [seed for seed, _ in sides] == [0, 1, 2, 3, 4]
    assert sum(d for _, d in sides) / 5 == pytest.approx(elu["changes"]["dead"]["mean"])
    assert rows["gelu"]["verdict"] == "diverged"
    assert rows["gelu"]["changes"]["dead"] is None
    assert rows["gelu"]["diverged"] == [0, 1]
    assert rows["tanh"]["changes"]["dead"]["low"] is None
    assert len(told["lost"]) == 2


def test_definitions_that_do_not_apply_show_na(reluprobe):
    write([*BASE, *ELU], "one")
    found = reluprobe("compare", "results", "--baseline", "act=relu", "-d", "saturated")
    (row,) = [line for line in found.out.splitlines() if line.startswith("elu")]
    assert row.split()[1] == "n/a"
    assert "0.0 points" not in found.out


def test_compare_does_not_import_jax(tmp_path, reluprobe):
    write([*BASE, *ELU], "one")
    code = (
        "import sys\n"
        "from reluprobe.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(' '.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "compare", str(tmp_path / "results")],
        capture_output=True, text=True, check=True, env=os.environ | {"COLUMNS": "80"},
    )  # fmt: skip
    assert "of 1 change, 1 leaves fewer dead units" in done.stdout
    assert not {"jax", "flax", "optax"} & set(done.stderr.split())

"""``reluprobe compare``: its table, its JSON, what it says of bad input and of lost runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paired_runs import BASE, ELU, SELU, TANH, record, runs_of
from python_processes import imported_by
from reluprobe import records


def write(runs, name):
    for run in runs:
        records.write(run, Path("results") / name)


def test_the_headline_comes_first_and_80_columns_are_enough(reluprobe):
    write([*BASE, *ELU, *SELU], "one")
    write([*TANH, *runs_of("elu", [0.3, 0.3, 0.2, 0.4, 0.3], learning_rate=1e-4, init="he_normal")],
          "two")  # fmt: skip
    result = reluprobe("compare", "results", "--baseline", "activation=relu")
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert lines[0] == "one, two"
    assert lines[1].startswith(
        "of 4 changes, 2 alone leave fewer dead units and no worse accuracy;"
    )
    text = " ".join(result.out.split())
    assert "elu: −30.6 points dead (95% interval −34.3 to −27.2)" in text
    assert all(len(line) <= 80 for line in lines if not line.startswith("next:"))
    at = next(i for i, line in enumerate(lines) if line.startswith("baseline  "))
    assert lines[at].split()[:2] == ["baseline", "42.4"] and "90.1 [" in lines[at]
    assert lines[at + 1].split()[:3] == ["elu", "−30.6", "[−34.3,"]
    assert lines[at + 2].split() == ["to", "11.8", "to", "90.1", "no", "worse"]
    assert [line.split("  ")[0] for line in lines if "he_normal" in line] == ["· he_normal"]
    assert lines[-1] == "next: reluprobe compare results --baseline activation=relu --on train"


def test_a_wide_terminal_shows_losses_in_one_line_a_row(reluprobe, monkeypatch):
    write([*BASE, *ELU], "one")
    monkeypatch.setenv("COLUMNS", "200")
    result = reluprobe("compare", "results", "--baseline", "activation=relu")
    (row,) = [line for line in result.out.splitlines() if line.startswith("elu")]
    assert row.split()[1] == "11.8"
    assert "test loss" in result.out
    assert row.rstrip().endswith("5  fewer dead, no worse")


def test_defaults_quotes_short_names_and_lists_pick_the_baseline(reluprobe):
    write([*BASE, *ELU], "one")
    plain = reluprobe("compare", "results").out
    named = reluprobe("compare", "results", "--baseline", "act='relu',lr=5e-3").out
    assert plain.splitlines()[:-1] == named.splitlines()[:-1]
    twice = reluprobe("compare", "results", "--baseline", "act=elu", "--baseline", "depth=2")
    assert "baseline: elu" in twice.out


def test_the_next_command_writes_a_switch_as_it_is_read(reluprobe):
    write([*BASE, *runs_of("relu", [0.1] * 5, use_bias=False)], "one")
    result = reluprobe("compare", "results", "--baseline", "use_bias=true")
    following = result.out.splitlines()[-1].removeprefix("next: reluprobe ").split()
    assert following == ["compare", "results", "--baseline", "use_bias=true", "--on", "train"]
    assert reluprobe(*following).code == 0
    result = reluprobe("compare", "results", "--baseline", "use_bias=true,depth=3")
    assert "depth = 3: these runs have 2" in result.err
    result = reluprobe("compare", "results", "--baseline", "residual=true")
    assert "residual = true: these runs have false" in result.err


@pytest.mark.parametrize(
    ("args", "code", "parts"),
    [
        (["--baseline", "activaton=relu"], 2, ["'activaton'", "mean 'activation'?"]),
        (["--baseline", "activation=rleu"], 2, ["activation = 'rleu'", "mean 'relu'?"]),
        (["--baseline", "depth=three"], 2, ["depth = 'three'", "an integer >= 1"]),
        (["--baseline", "use_bias=True"], 2, ["use_bias = 'True'", "allowed is true or false"]),
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
    result = reluprobe("compare", "results", *args)
    assert result.code == code
    assert all(part in " ".join(result.err.split()) for part in parts)
    assert "Traceback" not in result.err
    assert result.out == ""


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
    assert "2 failed or diverged runs:" in text
    assert "failed: boom" in text


def test_broken_files_are_left_out_with_code_1_after_the_table(reluprobe):
    write([*BASE, *ELU], "one")
    file = Path("results/one/runs") / f"{ELU[0].id}.json"
    file.write_text(file.read_text()[:99])
    result = reluprobe("compare", "results", "--baseline", "act=relu")
    assert result.code == 1
    assert f"left out: results/one/runs/{file.name}" in result.err
    assert "without the baseline's seed 0: elu" in result.out


def test_json_holds_every_number_unrounded_and_no_nan(reluprobe):
    lost = [record("gelu", s, status="diverged") for s in range(2)]
    write([*BASE, *ELU, *lost, record("tanh", 0, 0.9)], "one")
    result = reluprobe("compare", "results", "--baseline", "act=relu", "--json")
    assert result.code == 0, result.err

    def refuse(constant):
        raise AssertionError(constant)

    content = json.loads(result.out, parse_constant=refuse)
    (group,) = content["groups"]
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
    assert len(content["lost"]) == 2


def test_definitions_that_do_not_apply_show_na(reluprobe):
    write([*BASE, *ELU], "one")
    result = reluprobe("compare", "results", "--baseline", "act=relu", "-d", "saturated")
    (row,) = [line for line in result.out.splitlines() if line.startswith("elu")]
    assert row.split()[1] == "n/a"
    assert "0.0 points" not in result.out


def test_compare_does_not_import_jax(tmp_path, reluprobe):
    write([*BASE, *ELU], "one")
    modules, out = imported_by("compare", str(tmp_path / "results"))
    assert "of 1 change, 1 alone leaves fewer dead units" in out
    assert not {"jax", "flax", "optax"} & modules

"""Report, compare and export of other people's networks: what is known is said, by their names."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from command_in_process import run
from foreign_records import foreign_record, layer_info, layer_record
from plain_records import write_sweep
from reluprobe.api import load
from reluprobe.errors import InputError
from reluprobe.records import (
    EpochRecord,
    LayerRecord,
    RunRecord,
    SampleRecord,
    to_json,
    write,
)

#: 2 of 8 units of conv die, one comes back; 1 of 2 of fc is dead from the first look on.
LIVES = [["........", "x."], ["xx......", "x."], [".x......", "x."]]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Two learning rates of two seeds each; at the higher one 4 of 10 units are dead, or 6."""
    for seed in (0, 1):
        low = foreign_record(
            LIVES,
            seed=seed,
            settings={"lr": 1e-3, "note": "base"},
            accuracy=[0.1, 0.5, 0.9 + seed / 100],
        )
        dead = "xxx....." if seed == 0 else "xxxxx..."
        high = foreign_record(
            [["........", ".."], [dead, "x."], [dead, "x."]],
            seed=seed,
            settings={"lr": 0.1, "note": "base", "decay": 1e-4},
            accuracy=[0.1, 0.3, 0.5],
        )
        for record in (low, high):
            write(record, tmp_path / "mine")
    return tmp_path / "mine"


def said(*arguments: Any) -> str:
    code, text = run(*arguments)
    assert code == 0, text
    return " ".join(text.split())


def write_one(record: RunRecord, folder: Path) -> Path:
    write(record, folder)
    return folder


def test_the_headline_says_which_network_how_many_units_and_when(tmp_path: Path):
    for seed in range(3):
        record = foreign_record(LIVES, seed=seed, accuracy=[0.1, 0.5, 0.971], steps=[0, 100, 1200])
        write(record, tmp_path / "one")
    text = said("report", tmp_path / "one", "--no-figures")
    assert "cnn: 20.0 ±0.0% of 10 units dead at step 1,200 (3 seeds; accuracy 97.1 ±0.0%)" in text
    assert "3 runs of cnn, 1,200 steps, probed on 100 examples; 4.5 s of looking" in text
    assert "mnist" not in text and "epoch" not in text and "hidden" not in text


def test_configurations_go_by_the_settings_that_were_given(mine: Path):
    text = said("report", mine, "--no-figures")
    assert "dead: lr 1e-3 20.0% (accuracy 90.5%), lr 0.1 · decay 1e-4 50.0% (50.0%)" in text
    assert "lr decay dead % acc % runs 1e-3 – 20.0 ±0.0" in text


def test_layers_have_a_row_each_with_name_activation_and_units(mine: Path):
    text = said("report", mine, "--by", "lr", "--no-figures")
    assert "layer activation units lr 1e-3 lr 0.1" in text
    assert "conv relu 8 12.5 ±0.0 50.0 [any] fc relu 2 50.0 ±0.0 50.0 ±0.0" in text


def test_lives_of_layers_of_several_widths(tmp_path: Path):
    folder = write_one(foreign_record(LIVES), tmp_path / "one")
    text = said("report", folder, "--no-figures", "--lives")
    # Of 8 units 2 are dead once and 1 at the end; of those two dead at the second look one is back.
    assert "conv 0.0 25.0 12.5 50.0 1 1 100.0" in text
    assert "fc 50.0 50.0 50.0 0.0 never 1 100.0" in text
    assert "steps 0–20" in text and "life of every unit, steps 0–20: seed 0" in text


def test_a_layer_that_no_example_reached_is_counted_nowhere(tmp_path: Path):
    whole = foreign_record(LIVES)
    never = LayerRecord(8, *[None] * 6, dead_units=None)
    looks = tuple(
        EpochRecord(e.epoch, None, None, None, None, (never, e.layers[1]), e.step)
        for e in whole.history
    )
    folder = write_one(RunRecord(**{**vars(whole), "history": looks}), tmp_path / "one")
    text = said("report", folder, "--no-figures", "--lives")
    assert "50.0% of 2 units dead at step 20" in text
    assert "conv relu 8 n/a" in text
    assert "conv 0.0" not in text


def test_units_that_were_not_finite_are_named(tmp_path: Path):
    whole = foreign_record(LIVES)
    last = (layer_record(".x......", not_finite=3), layer_record("x."))
    look = EpochRecord(3, None, None, None, None, last, 30)
    lost = RunRecord(**{**vars(whole), "history": (*whole.history, look)})
    folder = write_one(lost, tmp_path / "one")
    assert "units not finite dead % conv relu 8 3 12.5 fc relu 2 50.0" in said(
        "report", folder, "--no-figures"
    )


def test_of_many_layers_those_with_most_dead_are_shown(tmp_path: Path):
    names = [f"block{n}.conv" for n in range(40)]
    dead = ["x" * (n // 2) + "." * (20 - n // 2) for n in range(40)]
    folder = write_one(foreign_record([dead], names), tmp_path / "deep")
    text = said("report", folder, "--no-figures")
    assert "block39.conv relu 20 95.0" in text and "block21.conv" not in text
    assert "… and 22 layers more, with at most 50.0% dead" in text


def test_saturated_is_of_the_layers_to_which_it_applies(tmp_path: Path):
    whole = foreign_record([["....", "...."]], names=("relu", "tanh"))
    layers = (layer_record("...."), layer_record("....", saturated=0.25))
    look = EpochRecord(0, None, None, None, None, layers, 0)
    infos = (layer_info("relu", 4), layer_info("tanh", 4, "tanh"))
    mixed = RunRecord(**{**vars(whole), "history": (look,), "layers": infos})
    text = said("report", write_one(mixed, tmp_path / "one"), "-d", "saturated", "--no-figures")
    assert "cnn: 25.0% of 4 units saturated at step 0" in text
    assert "relu relu 4 n/a tanh tanh 4 25.0" in text


def test_what_was_not_counted_ends_the_report(tmp_path: Path):
    text = said("report", write_one(foreign_record(LIVES), tmp_path / "one"), "--no-figures")
    assert "batch norm: its averages" in text


def test_a_setting_is_compared_by_its_own_name_and_value(mine: Path):
    text = said("compare", mine, "--baseline", "lr=1e-3")
    assert "baseline: lr 1e-3; 2 pairs of runs a row" in text
    # 40 − 20 and 60 − 20 points.
    assert "lr 0.1" in text and "+30.0" in text
    back = said("compare", mine, "--baseline", "lr=.1,decay=0.0001")
    assert "−30.0" in back and "decay none" in back


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--baseline", "lrr=1"], "'lrr' is no setting; did you mean 'lr'?"),
        (["--baseline", "lr=0.2"], "lr = 0.2: these runs have 0.001, 0.1"),
        (
            ["--within", "depth"],
            "'depth' is no setting; these runs have name, lr, note, decay, seed",
        ),
        (["--on", "tast"], "unknown sample"),
    ],
)
def test_what_these_runs_do_not_have_is_refused(mine: Path, options: Sequence[str], named: str):
    code, text = run("compare", mine, *options)
    assert code == 2 and named in text


def test_samples_are_called_as_their_owner_calls_them(tmp_path: Path):
    for seed in (0, 1):
        for rate in (0.1, 0.2):
            whole = foreign_record(LIVES, seed=seed, settings={"lr": rate})
            seen = SampleRecord("val", 500, None, 0.5, tuple(map(layer_record, ("........", ".."))))
            write(RunRecord(**{**vars(whole), "samples": (seen,)}), tmp_path / "one")
    text = said("report", tmp_path / "one", "--no-figures", "--bounds")
    assert "by sample (probe 100, val 500 examples)" in text and "probe val 0.1 20.0" in text
    assert "on every val example (500)" in said(
        "compare", tmp_path / "one", "--baseline", "lr=0.1", "--on", "val"
    )


def test_export_counts_units_as_they_are_and_names_layers(mine: Path, tmp_path: Path):
    said("export", mine, "--csv", "--parquet", "--out", tmp_path / "tables")
    with (tmp_path / "tables" / "runs.csv").open() as file:
        runs = [*csv.DictReader(file)]
    assert {run["units"] for run in runs} == {"10"} and {run["name"] for run in runs} == {"cnn"}
    assert sorted(run["lr"] for run in runs) == ["0.001", "0.001", "0.1", "0.1"]
    assert {run["dataset"] for run in runs} == {""} and {run["last_step"] for run in runs} == {"20"}
    with (tmp_path / "tables" / "layers.csv").open() as file:
        layers = [*csv.DictReader(file)]
    assert len(layers) == 4 * 3 * 2
    assert {(row["layer_name"], row["layer_activation"], row["units"]) for row in layers} == {
        ("conv", "relu", "8"),
        ("fc", "relu", "2"),
    }
    assert "note" not in layers[0] and {"lr", "decay", "seed"} <= {*layers[0]}


def test_settings_that_are_called_as_columns_have_a_name_of_their_own(tmp_path: Path):
    settings = {"dead": 1, "learning_rate": 0.1, "depth": "deep", "formula": "=1+1"}
    folder = write_one(foreign_record(LIVES, settings=settings), tmp_path / "one")
    said("export", folder, "--csv", "--out", tmp_path / "tables")
    with (tmp_path / "tables" / "runs.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["dead"], row["setting_dead"]) == ("0.2", "1")
    assert row["learning_rate"] == "0.1" and "setting_learning_rate" not in row
    assert (row["depth"], row["setting_depth"], row["formula"]) == ("", "deep", "'=1+1")


def test_json_names_layers_and_says_what_was_counted(mine: Path):
    code, text = run("report", mine, "--json", "--lives", "--causes")
    assert code == 0
    (sweep,) = json.loads(text)["sweeps"]
    (first, _) = sweep["configurations"]
    assert first["settings"] == {"lr": 1e-3, "decay": None}
    assert first["layer_names"] == ["conv", "fc"]
    assert [layer["layer"] for layer in first["lives"]["layers"]] == ["conv", "fc"]
    network = next(iter(sweep["networks"].values()))
    assert network["steps"] == [0, 10, 20] and network["described"][0]["units"] == 8


def test_the_library_has_the_same_runs(mine: Path):
    results = load(mine)
    assert "20.0" in repr(results) and "mnist" not in repr(results)
    assert results.runs()["units"].to_pylist() == [10] * 4
    assert results.summary(by=["lr"])["conv"].to_pylist() == pytest.approx([0.125, 0.5])
    compared = results.compare({"lr": 1e-3})
    assert compared["dead_change"].to_pylist() == pytest.approx([0.3])
    with pytest.raises(InputError, match="did you mean 'lr'"):
        results.summary(by=["lrr"])
    with pytest.raises(InputError, match="no such setting"):
        results.compare({"activation": "relu"})


def test_runs_of_ours_and_foreign_ones_stand_apart(mine: Path, tmp_path: Path):
    write_sweep(tmp_path / "ours", seeds=2)
    text = said("report", mine, tmp_path / "ours", "--no-figures")
    assert "dead: lr 1e-3" in text and "side by side" not in text
    code, text = run("compare", mine, tmp_path / "ours")
    assert code == 2 and "cannot stand in one table" in text
    said("export", mine, tmp_path / "ours", "--csv", "--out", tmp_path / "tables")


def hostile(record: RunRecord, **changes: Any) -> str:
    return json.dumps(json.loads(to_json(record)) | changes)


def test_damaged_records_are_named_and_left_out(mine: Path):
    whole = foreign_record(LIVES, seed=7, settings={"lr": 1e-3, "note": "base"})
    layers = json.loads(to_json(whole))["layers"]
    texts = [
        hostile(whole, layers=[{**layers[0], "name": "\x1b[2J"}, layers[1]]),
        hostile(whole, layers=[{**layers[0], "units": 9}, layers[1]]),
        hostile(whole, layers=layers[:1]),
        hostile(whole, config={"name": "\x1b]0;x\x07", "seed": 7, "settings": {}}),
        to_json(whole).replace('"lr": 0.001', '"lr": 1e400'),
        to_json(whole).replace('"step": 20', '"step": 5'),
    ]
    for n, text in enumerate(texts):
        (mine / "runs" / f"r00000000000{n}.json").write_text(text)
    code, text = run("report", mine, "--no-figures")
    assert code == 1 and text.count("left out: ") == len(texts)
    assert "\x1b" not in text and "4 runs of cnn" in text


def test_figures_and_page_say_steps_and_names(mine: Path):
    said("report", mine, "--format", "svg")
    drawn = (mine / "report" / "layers.svg").read_text()
    texts = re.findall("<text[^>]*>([^<]*)</text>", drawn)
    assert {"conv", "step"} <= set(texts) and "epoch" not in drawn and "L1" not in texts
    page = (mine / "report" / "report.html").read_text()
    words = re.sub("<script.*?</script>", "", page, flags=re.DOTALL)
    assert "Which units of cnn die while it trains?" in words and "conv %" in words
    assert "mnist" not in words.lower().replace("mnist study", "") and "test accuracy" not in words


def test_false_and_0_stand_in_one_column_of_text(tmp_path: Path):
    for value in (False, 0):
        record = foreign_record([["00", "00"]], settings={"option": value})
        write(record, tmp_path / "mine")
    assert load(tmp_path).runs()["option"].to_pylist() == ["false", "0"]
    assert len(load(tmp_path).summary()) >= 1

"""Names of settings: short ones mean the full ones wherever a setting is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

import reluprobe as rp
from reluprobe.config import (
    SETTINGS,
    SHORT_NAMES,
    full_name,
    labels,
    make_run,
    parse_sweep,
    sweep_toml,
)
from reluprobe.config.schema import sweep_schema
from reluprobe.errors import InputError
from reluprobe.plan.runs import expand


def test_whatever_a_screen_calls_a_setting_is_understood_as_that_setting():
    for name in SETTINGS:
        for written in (name, labels.name(name), name.replace("_", "-"), f" --{name} "):
            assert full_name(written) == name
    assert {labels.name(full) for full in SHORT_NAMES.values()} >= {"lr", "L2", "bias"}
    assert not SHORT_NAMES.keys() & SETTINGS.keys()


@pytest.mark.parametrize(("text", "name"), [("lr", "learning_rate"), ("act", "activation")])
def test_a_name_that_the_runs_have_themselves_means_itself(text: str, name: str):
    assert full_name(text) == name
    assert full_name(text, [text, name]) == text
    assert full_name(text, ["depth"]) == text


SHORT = {
    "base": {"lr": 0.1, "bias": False},
    "grid": {"act": ["relu", "elu"]},
    "zip": [{"L2": [0.0, 0.1], "batch-size": [16, 32]}],
    "include": [{"lr": 0.2}],
    "exclude": [{"act": "elu", "L2": 0.1}],
}
FULL = {
    "base": {"learning_rate": 0.1, "use_bias": False},
    "grid": {"activation": ["relu", "elu"]},
    "zip": [{"l2": [0.0, 0.1], "batch_size": [16, 32]}],
    "include": [{"learning_rate": 0.2}],
    "exclude": [{"activation": "elu", "l2": 0.1}],
}


def test_a_file_of_short_names_is_the_same_sweep_and_is_written_with_full_ones():
    short, full = parse_sweep(SHORT), parse_sweep(FULL)
    assert short == full and sweep_toml(short) == sweep_toml(full)
    assert expand(short) == expand(full) and len(expand(short).runs) == 4


def test_overrides_may_be_short_and_go_before_what_the_file_calls_otherwise():
    written = {"base": {"learning_rate": 0.1}}
    assert parse_sweep(written, overrides={"lr": 0.5}).base == {"learning_rate": 0.5}
    with pytest.raises(InputError) as caught:
        parse_sweep({"grid": {"lr": [0.1, 0.2]}}, overrides={"learning_rate": 0.5})
    assert "learning_rate is an axis of this sweep" in caught.value.faults[0]


@pytest.mark.parametrize(
    ("written", "where"),
    [
        ({"base": {"lr": 1.0, "learning_rate": 2.0}}, "[base]"),
        ({"grid": {"act": ["relu"], "activation": ["elu"]}}, "[grid]"),
        ({"zip": [{"lr": [1.0], "learning-rate": [2.0]}]}, "[[zip]] 1"),
        ({"include": [{"depth": 2}, {"lr": 1.0, "learning_rate": 1.0}]}, "[[include]] 2"),
        ({"exclude": [{"bias": True, "use_bias": True}]}, "[[exclude]] 1"),
    ],
)
def test_two_names_of_one_setting_in_a_table_are_a_fault(written: dict[str, Any], where: str):
    with pytest.raises(InputError) as caught:
        parse_sweep(written)
    (fault,) = caught.value.faults
    assert fault.startswith(f"{where}: ") and fault.endswith(" are one setting; name it once")


@pytest.mark.parametrize(
    "table",
    [
        {"grid": {"lr": [1.0]}, "zip": [{"learning_rate": [1.0]}]},
        {"base": {"lr": 1.0}, "grid": {"learning_rate": [1.0]}},
    ],
)
def test_two_names_of_one_setting_in_two_tables_are_a_fault(table: dict[str, Any]):
    with pytest.raises(InputError, match="learning_rate is an axis"):
        parse_sweep(table)


def test_the_nearest_of_full_and_short_names_is_offered():
    for wrong, near in (("lrr", "'lr'"), ("learning_rat", "'learning_rate'"), ("bas", "'bias'")):
        with pytest.raises(InputError) as caught:
            parse_sweep({"base": {wrong: 1}})
        assert f"did you mean {near}?" in caught.value.faults[0]


def test_the_nearest_is_found_in_whatever_case():
    for key, wrong, near in (("activation", "ReLU", "relu"), ("precision", "BFLOAT16", "bfloat16")):
        with pytest.raises(InputError) as caught:
            parse_sweep({"base": {key: wrong}})
        assert caught.value.faults[0].endswith(f"did you mean '{near}'?")


def test_editors_complete_short_names_and_refuse_bad_values_of_theirs():
    schema = sweep_schema()
    for table in ("base", "grid"):
        properties = schema["properties"][table]["properties"]
        assert all(properties[short] == properties[full] for short, full in SHORT_NAMES.items())


def test_the_library_takes_short_names_and_records_full_ones():
    small = {"dataset": "blobs", "epochs": 0, "depth": 1, "width": 4}
    run = rp.train(lr=0.25, act="tanh", **small)
    assert (run.ours.learning_rate, run.ours.activation) == (0.25, "tanh")  # type: ignore[union-attr]
    with pytest.raises(InputError, match="lr and learning_rate are one setting"):
        rp.train(lr=0.25, learning_rate=0.25, **small)


def test_an_exclude_finds_the_value_that_a_table_prints(reluprobe: Any, tmp_path: Any):
    written = {"grid": {"lr": {"log": [1e-4, 1e-1], "num": 7}}, "exclude": [{"lr": 3.16e-4}]}
    left = [run.config.learning_rate for run in expand(parse_sweep(written)).runs]
    assert len(left) == 6 and 0.000316227766017 not in left
    several = {"grid": {"lr": [0.00031601, 0.00031602]}, "exclude": [{"lr": 3.16e-4}]}
    with pytest.raises(InputError) as caught:
        expand(parse_sweep(several))
    assert "2 values are printed so: 0.00031601, 0.00031602" in caught.value.faults[0]
    # As written it is one value, whatever else is printed so.
    exact = {"grid": {"lr": [3.16e-4, 0.00031602]}, "exclude": [{"lr": 3.16e-4}]}
    assert [r.config.learning_rate for r in expand(parse_sweep(exact)).runs] == [0.00031602]


def test_every_flag_that_names_a_setting_takes_short_names(reluprobe: Any, tmp_path: Any):
    (tmp_path / "s.toml").write_text(
        'seeds = 2\n[base]\ndataset = "blobs"\nepochs = 0\ndepth = 1\nwidth = 4\n'
        '[grid]\nlr = { log = [1e-4, 1e-3], num = 3 }\nact = ["relu", "elu"]\n'
    )
    assert reluprobe("sweep", "s.toml", "--quiet").code == 0
    content = json.loads(reluprobe("report", "results/s", "--by", "lr", "--json").out)
    (sweep,) = content["sweeps"]
    assert {*sweep["configurations"][0]["settings"]} == {"learning_rate"}
    same = [reluprobe("report", "results/s", "--no-figures", "--by", name, "--sort", name).out
            for name in ("lr", "learning_rate", "learning-rate")]  # fmt: skip
    assert same[0] == same[1] == same[2] and "3.16e-4" in same[0]
    for setting in ("lr=3.16e-4", "learning-rate=0.000316", "learning_rate=0.000316227766017"):
        content = json.loads(
            reluprobe(
                "compare", "results/s", "--baseline", setting, "--within", "act", "--json"
            ).out
        )
        for group in content["groups"]:
            assert list(group["within"]) == ["activation"]
            rate = group["baseline"]["settings"]["learning_rate"]
            assert rate == 0.000316227766017
    results = rp.load(tmp_path / "results/s")
    assert results.summary(by=["lr"]).column_names[0] == "learning_rate"
    table = results.compare({"lr": 3.16e-4}, within=["act"])
    assert table.equals(results.compare({"learning_rate": 0.000316227766017}, within="activation"))
    with pytest.raises(InputError, match="did you mean 'lr'"):
        results.summary(by=["lrr"])


def test_of_an_own_network_only_what_is_set_is_said():
    # It may have a tanh of its own, whatever the default of activation is.
    run = {"network": "nets:build", "dataset": "blobs", "seed": 0}
    assert labels.network(make_run(run)) == "lr 5e-3 · adam · nets:build · blobs · seed 0"
    said = labels.network(make_run({**run, "activation": "elu", "width": 7}))
    assert said.endswith("nets:build · blobs · seed 0 · elu · width 7")

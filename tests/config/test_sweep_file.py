"""Sweep files: faults named all at once, ranges, overrides, and the resolved file."""

import math
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reluprobe.config import (
    SETTINGS,
    RunConfig,
    idle_settings,
    make_run,
    parse_sweep,
    read_sweep,
    settings_of,
    sweep_toml,
)
from reluprobe.errors import InputError
from reluprobe.plan.runs import expand


def faults(written, **more):
    with pytest.raises(InputError) as caught:
        parse_sweep(written, **more)
    assert caught.value.exit_code == 2
    return caught.value.faults


def test_the_default_run_is_the_mnist_studys():
    c = RunConfig()
    assert (c.dataset, c.depth, c.width, c.activation, c.init) == (
        "mnist", 5, 256, "relu", "glorot_uniform",
    )  # fmt: skip
    assert (c.optimizer, c.learning_rate, c.batch_size, c.epochs) == ("adam", 5e-3, 128, 12)
    assert (c.probe_examples, c.bias_init) == (1000, 0.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", "3"), ("epochs", 3.0), ("epochs", True), ("epochs", -1), ("depth", 0),
        ("learning_rate", 0), ("learning_rate", -1e-3), ("learning_rate", math.inf),
        ("learning_rate", math.nan), ("learning_rate", "fast"), ("learning_rate", False),
        ("leaky_slope", math.nan), ("activation", "ReLU"), ("activation", 1), ("seed", 2**32),
        ("init", ["he_normal"]), ("elu_alpha", 0),
    ],
)  # fmt: skip
def test_a_value_that_may_not_stand_there_is_refused_by_name(name, value):
    with pytest.raises(InputError) as caught:
        make_run({name: value})
    (fault,) = caught.value.faults
    assert fault.startswith(f"{name} = {value!r}: allowed is {SETTINGS[name].allowed}")


def test_a_number_may_be_written_as_an_integer_and_is_kept_as_a_float():
    assert make_run({"learning_rate": 1}).learning_rate == 1.0
    assert isinstance(make_run({"bias_init": 0}).bias_init, float)


def test_the_nearest_name_is_offered():
    with pytest.raises(InputError) as caught:
        make_run({"activation": "leaky_rleu", "learning_rat": 0.1})
    assert any("did you mean 'leaky_relu'?" in f for f in caught.value.faults)
    assert any("did you mean 'learning_rate'?" in f for f in caught.value.faults)


def test_every_fault_of_a_file_is_reported_at_once(tmp_path):
    file = tmp_path / "bad.toml"
    file.write_text(
        'sedes = 3\n[base]\nepochs = "2"\nwdith = 3\n[grid]\nactivation = []\n'
        "learning_rate = { log = [0, 1], num = 3 }\ndepth = 3\n"
        '[[zip]]\ninit = ["he_normal"]\nbias_init = [0.0, 0.1]\n[[exclude]]\nactivaton = "elu"\n'
    )
    with pytest.raises(InputError) as caught:
        read_sweep(file)
    text = "\n".join(caught.value.faults)
    for part in (
        "unknown key 'sedes'; did you mean 'seeds'?",
        "[base]: epochs = '2': allowed is an integer >= 0",
        "[base]: unknown setting 'wdith'; did you mean 'width'?",
        "[grid]: activation = []: an axis needs at least one value",
        "log = [0, 1]: allowed are finite numbers > 0",
        "[grid]: depth = 3: an axis is a list",
        "[[zip]] 1: axes that move together must be equally long: init has 1, bias_init has 2",
        "[[exclude]] 1: unknown setting 'activaton'; did you mean 'activation'?",
    ):
        assert part in text
    assert str(file) in caught.value.message


def test_a_missing_file_and_a_file_that_is_not_toml_are_named(tmp_path):
    (tmp_path / "grid.toml").write_text("[base\n")
    with pytest.raises(InputError, match=r"no such sweep file: .*gird.toml; did you mean 'grid"):
        read_sweep(tmp_path / "gird.toml")
    with pytest.raises(InputError, match=r"grid.toml is not TOML: .*line 1"):
        read_sweep(tmp_path / "grid.toml")
    with pytest.raises(InputError, match="cannot read"):
        read_sweep(tmp_path)


@pytest.mark.parametrize(
    ("written", "part"),
    [
        ({"grid": {"depth": [2]}, "base": {"depth": 3}}, "depth is an axis too"),
        ({"grid": {"depth": [2]}, "zip": [{"depth": [3]}]}, "depth is an axis twice"),
        ({"seeds": 0}, "allowed is a count"),
        ({"seeds": True}, "allowed is a count"),
        ({"seeds": [1, "2"]}, "seed = '2'"),
        ({"seeds": 2, "base": {"seed": 1}}, "seed is set elsewhere too"),
        ({"name": "a/b"}, "no slash"),
        ({"name": ""}, "can name a folder"),
        ({"base": 3}, "allowed is a table"),
        ({"include": {"depth": 3}}, "double brackets"),
        ({"include": [{}]}, "is empty"),
        ({"network": {"n": [1, 2]}}, "has settings of your own network: set network"),
        ({"network": {"n": 1}, "base": {"network": "cnn"}}, "set network"),
        ({"depth": 3}, "settings go under [base]"),
        ({"grid": {"init": {"log": [1, 2], "num": 3}}}, "a range is for numbers"),
        ({"grid": {"depth": {"linear": [2, 3], "num": 3}}}, "depth = 2.5"),
        ({"grid": {"depth": {"linear": [2, 3], "num": 1}}}, "num = 1"),
        ({"grid": {"depth": {"linear": [2, 3]}}}, "a range"),
        ({"grid": {"depth": {"linear": 3, "num": 3}}}, "two numbers"),
    ],
)
def test_faults_of_a_sweep_are_named(written, part):
    assert any(part in f for f in faults(written))


def test_ranges_are_spelled_out_to_twelve_digits():
    sweep = parse_sweep(
        {
            "grid": {
                "learning_rate": {"log": [1e-4, 1e-1], "num": 7},
                "width": {"log": [16, 256], "num": 5},
                "bias_init": {"linear": [-0.1, 0.1], "num": 3},
            }
        }
    )
    assert sweep.grid["learning_rate"][::2] == (1e-4, 1e-3, 1e-2, 1e-1)
    assert sweep.grid["learning_rate"][1] == pytest.approx(10**-3.5)
    assert sweep.grid["width"] == (16, 32, 64, 128, 256)
    assert sweep.grid["bias_init"] == (-0.1, 0.0, 0.1)


def test_set_overrides_base_and_seeds_but_not_an_axis():
    written = {"base": {"epochs": 5}, "grid": {"depth": [2, 3]}}
    sweep = parse_sweep(written, overrides={"epochs": 2, "seeds": 3, "optimizer": "sgd"})
    assert (sweep.base, sweep.seeds) == ({"epochs": 2, "optimizer": "sgd"}, (0, 1, 2))
    assert any("depth is an axis" in f for f in faults(written, overrides={"depth": 4}))
    assert any("epochs = 'two'" in f for f in faults(written, overrides={"epochs": "two"}))


def test_a_setting_without_effect_goes_back_to_its_default_and_is_named():
    run = make_run({"activation": "relu", "leaky_slope": 0.3})
    assert run == RunConfig()
    assert make_run({"activation": "leaky_relu", "leaky_slope": 0.3}).leaky_slope == 0.3
    (reason,) = idle_settings({"leaky_slope": 0.3})
    assert "only with activation = leaky_relu, and activation is relu" in reason
    assert idle_settings({"activation": "leaky_relu", "leaky_slope": 0.3}) == []


AXES = {
    "activation": st.sampled_from(["relu", "elu", "leaky_relu"]),
    "learning_rate": st.floats(1e-6, 10),
    "depth": st.integers(1, 9),
    "bias_init": st.floats(-1, 1),
    "leaky_slope": st.floats(0, 1),
}


@given(st.data())
def test_a_resolved_sweep_gives_the_same_runs(data):
    names = data.draw(st.lists(st.sampled_from(sorted(AXES)), unique=True, max_size=4))
    cut = data.draw(st.integers(0, len(names)))
    written = {
        "grid": {n: data.draw(st.lists(AXES[n], min_size=1, max_size=3)) for n in names[:cut]},
        "base": {n: data.draw(AXES[n]) for n in names[cut:]},
        "seeds": data.draw(st.integers(1, 3)),
        "include": data.draw(st.lists(st.fixed_dictionaries({"init": st.just("he_normal")}))),
    }
    sweep = parse_sweep(written)
    again = parse_sweep(tomllib.loads(sweep_toml(sweep)))
    assert expand(again) == expand(sweep)


def test_resolved_toml_names_every_setting():
    text = sweep_toml(parse_sweep({"grid": {"depth": [2, 3]}}))
    table = tomllib.loads(text)
    assert set(table["base"]) | set(table["grid"]) == set(SETTINGS)
    assert {**table["base"], "depth": 5} == settings_of(RunConfig())

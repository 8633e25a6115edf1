"""Settings: parameters in brackets, booleans, those without effect, flags."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reluprobe.cli import options
from reluprobe.cli.commands.compare import parse_baseline
from reluprobe.config import (
    SETTINGS,
    choices,
    idle_settings,
    make_run,
    parse_sweep,
    sweep_toml,
)
from reluprobe.config.run_config import GROUPS
from reluprobe.errors import InputError
from reluprobe.plan.runs import Run, expand, run_id


def faults(written: dict[str, Any], **more: Any) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        parse_sweep(written, **more)
    return caught.value.faults


def of_run(settings: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        make_run(settings)
    return caught.value.faults


# --- parameters in brackets --------------------------------------------------------------------

WRITTEN = {
    "leaky_relu(0.1)": ("leaky_relu", "leaky_slope", 0.1),
    " leaky_relu ( -1e-3 ) ": ("leaky_relu", "leaky_slope", -1e-3),
    "elu(2)": ("elu", "elu_alpha", 2.0),
    "prelu(0)": ("prelu", "prelu_slope", 0.0),
    "celu(.5)": ("celu", "celu_alpha", 0.5),
}


@pytest.mark.parametrize("written", WRITTEN)
def test_a_parameter_in_brackets_is_the_setting_of_its_name(written: str):
    name, key, value = WRITTEN[written]
    config = make_run({"activation": written})
    assert config == make_run({"activation": name, key: value})
    assert (config.activation, getattr(config, key)) == (name, value)
    other = {"activation": "relu", key: value}
    for sweep in (
        {"base": {"activation": written}},
        {"grid": {"activation": [written]}},
        {"zip": [{"activation": [written], "learning_rate": [5e-3]}]},
        {"include": [{"activation": written}]},
        {"grid": {"activation": [written, "relu"]}, "exclude": [{"activation": "relu"}]},
        {
            "base": {"activation": name},
            "grid": {key: [value, 0.7]},
            "exclude": [{"activation": "relu"}],
            "include": [other],
        },
    ):
        plan = expand(parse_sweep(sweep))
        assert config in [run.config for run in plan.runs]
        again = expand(parse_sweep(tomllib.loads(sweep_toml(parse_sweep(sweep)))))
        assert again == plan
    overrides = options.parse_overrides([f"activation={written}"])
    assert expand(parse_sweep({}, overrides=overrides)).runs[0].config == config


def test_an_exclude_names_an_activation_with_its_parameter():
    axis = {"grid": {"activation": ["relu", "leaky_relu(0.1)", "leaky_relu(0.2)", "elu(2)"]}}
    left = {
        "leaky_relu(0.1)": ["relu", "leaky_relu", "elu"],
        "leaky_relu": ["relu", "elu"],
        "elu(2)": ["relu", "leaky_relu", "leaky_relu"],
    }
    for partial, expected in left.items():
        plan = expand(parse_sweep(axis | {"exclude": [{"activation": partial}]}))
        assert [run.config.activation for run in plan.runs] == expected
    with pytest.raises(InputError, match="without a match"):
        expand(parse_sweep(axis | {"exclude": [{"activation": "leaky_relu(0.3)"}]}))


@given(slope=st.floats(-1e30, 1e30))
def test_any_number_in_brackets_is_that_number(slope: float):
    config = make_run({"activation": f"leaky_relu({slope!r})"})
    assert config.leaky_slope == slope


def test_the_default_in_brackets_is_the_default_run():
    runs = [make_run({"activation": a}) for a in ("leaky_relu", "leaky_relu(0.01)")]
    assert runs[0] == runs[1] and run_id(runs[0]) == run_id(runs[1])
    plan = expand(parse_sweep({"grid": {"activation": ["leaky_relu", "leaky_relu(1e-2)"]}}))
    assert (len(plan.runs), plan.folded) == (1, 1)
    assert expand(parse_sweep({"grid": {"activation": ["elu(1)", "elu"]}})).folded == 1


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("relu(1)", "activation = 'relu(1)': relu has no parameter"),
        ("leaky_relu(x)", "activation = 'leaky_relu(x)': 'x' is no number"),
        ("lekay_relu(1)", "activation = 'lekay_relu(1)': allowed is one of"),
        ("leaky_relu()", "activation = 'leaky_relu()': allowed is one of"),
        ("leaky_relu(0.1", "activation = 'leaky_relu(0.1': allowed is one of"),
        ("elu(-1)", "elu_alpha = -1.0: allowed is a number > 0"),
        ("celu(0)", "celu_alpha = 0.0: allowed is a number > 0"),
        ("leaky_relu(nan)", "leaky_slope = nan: allowed is a finite number"),
        ("leaky_relu(1e400)", "leaky_slope = inf: allowed is a finite number"),
        ("prelu(1e39)", "prelu_slope = 1e+39: allowed is a finite number"),
    ],
)
def test_a_bad_parameter_is_refused_in_these_words_wherever_it_stands(written: str, said: str):
    (fault,) = of_run({"activation": written})
    assert fault.startswith(said)
    for where, sweep in (
        ("[base]", {"base": {"activation": written}}),
        ("[grid]", {"grid": {"activation": ["relu", written]}}),
        ("[[zip]] 1", {"zip": [{"activation": [written]}]}),
        ("[[include]] 1", {"include": [{"activation": written}]}),
        ("[[exclude]] 1", {"exclude": [{"activation": written}]}),
    ):
        assert faults(sweep) == (f"{where}: {fault}",)


def test_a_parameter_named_twice_is_refused():
    axis = {"activation": ["relu", "leaky_relu(0.1)"]}
    for sweep in (
        {"grid": axis | {"leaky_slope": [0.1, 0.2]}},
        {"grid": axis, "zip": [{"leaky_slope": [0.1, 0.2], "epochs": [1, 2]}]},
        {"base": {"activation": "leaky_relu(0.1)"}, "grid": {"leaky_slope": [0.1, 0.2]}},
    ):
        (fault,) = faults(sweep)
        assert "leaky_slope is an axis" in fault
    parse_sweep({"grid": axis | {"elu_alpha": [0.1, 0.2]}})


def test_another_value_beside_the_one_in_brackets_is_refused():
    table = {"activation": "leaky_relu(0.1)", "leaky_slope": 0.3}
    said = "activation = 'leaky_relu(0.1)' and leaky_slope = 0.3 are not the same; give one"
    assert of_run(table)[0].startswith(said)
    for where, sweep in (
        ("[base]", {"base": table}),
        ("[[include]] 1", {"include": [table]}),
        ("[[exclude]] 1", {"exclude": [table]}),
    ):
        (fault,) = faults(sweep)
        assert fault.startswith(f"{where}: {said}")
    assert make_run(table | {"leaky_slope": 0.1}).leaky_slope == 0.1
    assert make_run(table | {"activation": "elu(0.1)"}) == make_run({"activation": "elu(0.1)"})
    # An axis goes before the base, as it does for every other setting.
    over = {"base": {"leaky_slope": 0.3}, "grid": {"activation": ["leaky_relu(0.1)", "leaky_relu"]}}
    plan = expand(parse_sweep(over))
    assert [run.config.leaky_slope for run in plan.runs] == [0.1, 0.3]


# --- bounds ------------------------------------------------------------------------------------

INTEGERS = [name for name, s in SETTINGS.items() if s.type is int]
FLOATS = [name for name, s in SETTINGS.items() if s.type is float]
FLOAT32 = "rounded to float32 (magnitudes from 1.17549e-38 to 3.40282e+38)"


@pytest.mark.parametrize("name", INTEGERS)
def test_an_integer_has_the_bound_of_its_use_and_its_words_are_whole_numbers(name: str):
    setting = SETTINGS[name]
    assert setting.le is not None and setting.le <= 2**32 - 1
    assert f"<= {setting.le}" in setting.allowed and "e+" not in setting.allowed
    assert setting.fault(setting.le) is None
    for value in (setting.le + 1, 99999999999999999999, 10**5000):
        assert f"allowed is {setting.allowed}" in (setting.fault(value) or "")


@pytest.mark.parametrize("name", FLOATS)
def test_a_number_is_held_against_float32_in_these_words(name: str):
    setting = SETTINGS[name]
    bounded = setting.lt is not None or setting.le is not None
    for value in [] if bounded else [1e39, float("inf"), 10**400]:
        assert FLOAT32 in (setting.fault(value) or "")
    for value in [1e-320, 1e-39] if setting.gt == 0 else []:
        assert FLOAT32 in (setting.fault(value) or "")
    for value in [0.9999999999] if setting.lt == 1 else []:
        assert FLOAT32 in (setting.fault(value) or "")
    for value in (float("nan"), "much", True):
        assert FLOAT32 not in (setting.fault(value) or FLOAT32)


def test_nothing_below_zero_is_nothing():
    for name in FLOATS:
        if SETTINGS[name].fault(-0.0) is None:
            assert str(SETTINGS[name].clean(-0.0)) == "0.0"
    plain, negative = (
        run_id(make_run({"activation": "leaky_relu", "leaky_slope": slope, "depth": 3}))
        for slope in (0.0, -0.0)
    )
    written = run_id(make_run({"activation": "leaky_relu(-0)", "depth": 3}))
    assert plain == negative == written


@pytest.mark.parametrize("at", ["99999999999 steps", "1,2,2147483648", "9" * 5000])
def test_moments_beyond_what_is_counted_are_refused(at: str):
    (fault,) = of_run({"revive": "redo", "revive_at": at})
    assert "allowed are at most 2147483647 epochs or steps" in fault
    assert make_run({"revive": "redo", "revive_at": "2147483647 steps"}).revive == "redo"


# --- true and false ----------------------------------------------------------------------------

BOOLEANS = [name for name, s in SETTINGS.items() if s.type is bool]


@pytest.mark.parametrize("name", BOOLEANS)
def test_a_switch_is_true_or_false_and_nothing_else(name: str):
    for value in ("yes", "true", 1, 0, 1.0, [True]):
        assert of_run({name: value})[0].startswith(f"{name} = {value!r}: allowed is true or false")
        assert len(faults({"base": {name: value}})) == 1
        assert len(faults({"grid": {name: [True, value]}})) == 1
    needed = {"nesterov": {"optimizer": "momentum"}, "standardize": {"dataset": "houses.csv"}}
    more = needed.get(name, {})
    text = f"{name} = [true, false]"
    plan = expand(parse_sweep({"base": more, "grid": tomllib.loads(text)}))
    assert [getattr(run.config, name) for run in plan.runs] == [True, False]
    assert options.parse_overrides([f"{name}=true"]) == {name: True}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("use_bias=false", False),
        ("activation='elu'", "elu"),
        ("learning_rate=.1", 0.1),
        ("learning_rate=1e-3", 1e-3),
        ("depth=3", 3),
        ("revive_at=2", "2"),
        ("phases=same@2*2", "same@2*2"),
    ],
)
def test_set_and_baseline_read_a_value_alike(text: str, value: Any):
    (name,) = read = options.parse_overrides([text])
    assert read == parse_baseline([text]) == {name: value}
    assert type(read[name]) is type(value)


@pytest.fixture
def planned(reluprobe: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """What ``reluprobe train`` would run; or its exit and words."""
    monkeypatch.setenv("COLUMNS", "500")
    asked: list[Run] = []

    def execute(runs: Sequence[Run], *given: Any, **more: Any) -> Any:
        asked.extend(runs)
        raise InputError("stopped here")

    monkeypatch.setattr("reluprobe.engine.runner.execute", execute)

    def run(*args: str) -> Any:
        code, _, said = reluprobe("train", "--name", "n", *args)
        if "stopped here" not in said:
            return code, said
        return asked.pop().config

    return run


@pytest.mark.parametrize(
    ("flags", "settings"),
    [
        (["--residual"], {"residual": True}),
        (["--no-residual"], {}),
        (["--no-use-bias"], {"use_bias": False}),
        (["--use-bias"], {}),
        (["--optimizer", "momentum", "--nesterov"], {"optimizer": "momentum", "nesterov": True}),
        (["--act", "leaky_relu(0.1)"], {"activation": "leaky_relu", "leaky_slope": 0.1}),
        (["--activation", "elu(2)"], {"activation": "elu", "elu_alpha": 2.0}),
        (["--act", "leaky_relu(0.01)"], {"activation": "leaky_relu"}),
        (["--phases", "same@2*2, permuted_pixels"], {"phases": "same@2*2, permuted_pixels"}),
        (
            ["--revive", "redo", "--revive-at", "25 steps"],
            dict(revive="redo", revive_at="25 steps"),
        ),
    ],
    ids=str,
)
def test_flags_are_settings(planned: Any, flags: list[str], settings: dict[str, Any]):
    assert planned(*flags) == make_run(settings)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--revive-threshold", "0.1"], "revive_threshold has an effect only with"),
        (["--revive-at", "phases"], "revive_at has no effect with revive = none"),
        (["--nesterov"], "nesterov has an effect only with optimizer = momentum"),
        (["--leaky-slope", "0.1"], "leaky_slope has an effect only with activation = leaky_relu"),
        (["--act", "leaky_relu(0.1)", "--leaky-slope", "0.3"], "give one of the two"),
        (["--freeze-after", "2"], "freeze_after has no effect with freeze_layers = 0"),
        (["--act", "elu(-1)"], "elu_alpha = -1.0: allowed is a number > 0"),
        (["--phases", "mnist+sam"], "did you mean 'same'?"),
        (["--revive-at", "now"], "revive_at = 'now': allowed is epochs, phases"),
    ],
    ids=str,
)
def test_a_flag_that_cannot_stand_there_is_refused(planned: Any, flags: list[str], said: str):
    code, err = planned(*flags)
    assert code == 2 and said in err


# --- what is idle ------------------------------------------------------------------------------


def test_what_hangs_on_an_idle_setting_is_put_back_with_it():
    chain = {"revive_definition": "dormant", "revive_threshold": 0.1}
    assert make_run(chain) == make_run({})
    assert make_run(chain | {"revive": "redraw"}) == make_run({"revive": "redraw"})
    config = make_run(chain | {"revive": "random"})
    assert (config.revive_definition, config.revive_threshold) == ("dormant", 0.1)
    assert idle_settings(chain) == [
        "revive_definition has an effect only with revive = redo or random, and revive is none"
    ]
    assert idle_settings({"revive_threshold": 0.1, "revive": "redo"}) == [
        "revive_threshold has an effect only with revive_definition = dormant, and "
        "revive_definition is dead"
    ]
    plan = expand(parse_sweep({"base": chain, "grid": {"revive": ["none", "redo"]}}))
    assert [r.config for r in plan.runs] == [make_run({}), make_run(chain | {"revive": "redo"})]
    assert not idle_settings(chain | {"revive": "redo"})


@given(
    name=st.sampled_from(sorted(choices.PARAMETERS)),
    value=st.floats(0.001, 10),
    seed=st.integers(0, 99),
)
def test_the_resolved_sweep_gives_the_same_ids(name: str, value: float, seed: int):
    axis = [f"{name}({value!r})", "relu"]
    written = {"base": {"seed": seed, "residual": True}, "grid": {"activation": axis}}
    once = parse_sweep(written)
    twice = parse_sweep(tomllib.loads(sweep_toml(once)))
    assert [r.id for r in expand(once).runs] == [r.id for r in expand(twice).runs]


def test_every_setting_stands_under_one_heading_of_help():
    names = [name for group in GROUPS.values() for name in group]
    assert sorted(names) == sorted(SETTINGS) and len(names) == len(set(names))

"""Runs of a sweep: product, zip, include and exclude; ids and groups."""

import dataclasses
import hashlib
import itertools

import pytest

from reluprobe.config import SETTINGS, RunConfig, SweepConfig, make_run, parse_sweep
from reluprobe.config.choices import ACTIVATIONS
from reluprobe.errors import InputError
from reluprobe.plan.grouping import dials_of, group_runs, program_settings, static_settings
from reluprobe.plan.runs import as_run, expand, run_id, with_letter, without_letter
from reluprobe.plan.slices import runs_of_part, slices


def runs(**written):
    return expand(parse_sweep(written)).runs


def settings(runs, *names):
    return [tuple(getattr(r.config, n) for n in names) for r in runs]


def test_grid_is_a_product_with_seeds_innermost():
    expanded = runs(grid={"activation": ["relu", "elu"], "depth": [2, 3]}, seeds=[7, 8])
    assert settings(expanded, "activation", "depth", "seed") == [
        (a, d, s) for a in ("relu", "elu") for d in (2, 3) for s in (7, 8)
    ]


def test_zipped_axes_move_together_and_blocks_multiply():
    expanded = runs(
        grid={"activation": ["relu", "elu"]},
        zip=[{"depth": [2, 3], "width": [8, 16]}, {"init": ["he_normal", "normal"]}],
    )
    assert settings(expanded, "activation", "depth", "width", "init") == [
        (a, d, w, i)
        for a in ("relu", "elu")
        for d, w in ((2, 8), (3, 16))
        for i in ("he_normal", "normal")
    ]


def test_include_adds_runs_over_base_and_alone_makes_no_other():
    more = runs(base={"epochs": 1}, grid={"depth": [2]}, include=[{"depth": 9}], seeds=2)
    assert settings(more, "depth", "epochs", "seed") == [(2, 1, 0), (2, 1, 1), (9, 1, 0), (9, 1, 1)]
    assert settings(runs(include=[{"depth": 9}]), "depth") == [(9,)]
    assert settings(runs(), "depth") == [(5,)]


def test_exclude_takes_out_what_matches_all_its_settings():
    expanded = runs(
        grid={"activation": ["relu", "elu"], "depth": [2, 3]},
        exclude=[{"activation": "elu", "depth": 3}],
    )
    assert settings(expanded, "activation", "depth") == [("relu", 2), ("relu", 3), ("elu", 2)]


def test_an_exclude_that_matches_nothing_or_leaves_nothing_is_a_fault():
    with pytest.raises(InputError) as caught:
        runs(grid={"depth": [2, 3]}, exclude=[{"depth": 4}])
    assert caught.value.faults == ("no run has depth = 4",)
    with pytest.raises(InputError, match="no run left"):
        runs(exclude=[{"depth": 5}])


TOO_LARGE = [
    {"grid": {"learning_rate": {"log": [1e-5, 1], "num": 1000}, "depth": [*range(1, 102)]}},
    {"grid": {"learning_rate": {"log": [1e-5, 1], "num": 100_000}}, "seeds": 100_000},
    {"zip": [{n: {"linear": [0, 1], "num": 400}} for n in ("bias_init", "perturb")], "seeds": 2},
    {"include": [{"depth": 2}, {"depth": 3}], "seeds": 50_001},
    {"grid": {"depth": [3]}, "include": [{"depth": 2}], "seeds": 60_000, "exclude": [{"depth": 3}]},
]


@pytest.mark.parametrize("written", TOO_LARGE, ids=lambda w: " ".join(w))
def test_a_plan_too_large_is_counted_and_never_made(written, monkeypatch):
    monkeypatch.setattr("reluprobe.plan.runs.make_run", None)
    with pytest.raises(InputError, match=r"runs; allowed are at most 100,000") as caught:
        expand(parse_sweep(written))
    assert caught.value.exit_code == 2 and len(caught.value.faults) == 1


def test_what_makes_a_plan_too_large_is_said():
    with pytest.raises(InputError) as caught:
        expand(parse_sweep(TOO_LARGE[2]))
    assert "has 320,000 runs" in caught.value.message
    assert caught.value.faults == ("bias_init 400 × perturb 400 × seeds 2",)
    with pytest.raises(InputError) as caught:
        expand(parse_sweep(TOO_LARGE[3]))
    assert caught.value.faults == ("seeds 50,001, and 2 of [[include]] for each seed",)


@pytest.mark.parametrize(
    "written",
    [
        {"grid": {"depth": [2, 3], "width": [4, 5, 5]}, "seeds": 3},
        {"zip": [{"depth": [2, 3], "width": [4, 5]}, {"epochs": [1, 2, 3]}]},
        {"include": [{"depth": 2}, {"depth": 3}], "seeds": 2},
        {"grid": {"depth": [2, 3]}, "include": [{"depth": 4}], "seeds": 2},
        {},
    ],
)
def test_a_plan_has_as_many_runs_as_are_counted(written, monkeypatch):
    sweep = parse_sweep(written)
    monkeypatch.setattr("reluprobe.plan.runs.LARGEST_PLAN", len(expand(sweep).runs))
    made = len(expand(sweep).runs)
    monkeypatch.setattr("reluprobe.plan.runs.LARGEST_PLAN", made - 1)
    with pytest.raises(InputError, match=f"has {made} run"):
        expand(sweep)


def test_one_slice_of_many_is_made_alone():
    expanded = runs(grid={"depth": [2, 3]}, seeds=5)
    for count in (2, 3, 10, 11):
        parts = [runs_of_part(expanded, (number, count)) for number in range(1, count + 1)]
        assert parts == slices(expanded, count)
    assert len(runs_of_part(expanded, (10**18, 10**18))) == 1


def test_repeated_phases_are_counted_and_not_spelled_out(monkeypatch):
    monkeypatch.setattr("reluprobe.config.phases.parse", None)
    repeated = {"phases": [f"same@2*{n}" for n in range(99_001, 100_001)]}
    assert len(runs(grid=repeated, base={"epochs": 1})) == 1000


def test_duplicates_fold_also_where_a_setting_has_no_effect():
    plan = expand(
        parse_sweep(
            {"grid": {"activation": ["relu", "leaky_relu"], "leaky_slope": [0.01, 0.1, 0.1]}}
        )
    )
    assert settings(plan.runs, "activation", "leaky_slope") == [
        ("relu", 0.01), ("leaky_relu", 0.01), ("leaky_relu", 0.1),
    ]  # fmt: skip
    assert plan.folded == 1  # 0.1 twice is one value of the axis; relu's two slopes are one run


def test_an_exclude_may_name_a_setting_as_written_though_it_has_no_effect():
    expanded = runs(
        grid={"activation": ["relu", "leaky_relu"], "leaky_slope": [0.2, 0.1]},
        exclude=[{"activation": "relu", "leaky_slope": 0.1}],
    )
    assert settings(expanded, "activation") == [("relu",), ("leaky_relu",), ("leaky_relu",)]


def test_ids_are_hashes_of_what_differs_from_the_defaults():
    assert run_id(RunConfig()) == f"r{hashlib.sha256(b'{}').hexdigest()[:12]}"
    changed = hashlib.sha256(b'{"depth":3,"learning_rate":0.1}').hexdigest()[:12]
    assert run_id(RunConfig(learning_rate=0.1, depth=3)) == f"r{changed}"


def test_no_id_is_a_number():
    # The digits alone were: of seed 209 infinity, of seed 390 a number that begins with 0.
    numbers = [run_id(RunConfig(seed=seed)) for seed in (209, 390)]
    assert [without_letter(id_) for id_ in numbers] == ["195e22251972", "038454667409"]
    assert numbers == [with_letter(without_letter(id_)) for id_ in numbers]
    for id_ in numbers:
        with pytest.raises(ValueError):
            float(id_)


def test_an_id_has_one_letter_however_often_it_is_given_one():
    assert with_letter("r195e22251972") == with_letter("195e22251972") == "r195e22251972"
    assert without_letter("195e22251972") == "195e22251972"
    assert with_letter("mnist_study") == without_letter("mnist_study") == "mnist_study"


def test_same_settings_have_the_same_id_in_any_sweep():
    (first,) = runs(base={"depth": 3, "learning_rate": 1})
    second = runs(grid={"learning_rate": [0.5, 1.0], "depth": [2, 3]})[-1]
    assert first == second
    assert len({r.id for r in runs(grid={"depth": list(range(1, 200))})}) == 199


def test_ids_of_old_runs_are_what_they_were_before_there_were_remedies():
    # As the version with sixteen settings gave them.
    old = {
        "r44136fa355b3": {},
        "r4e18e8da89de": {"activation": "leaky_relu(0.1)", "learning_rate": 0.1, "seed": 0},
        "r5f51aaa67b10": dict(optimizer="adamw", init="uniform", init_scale=0.1, bias_init=-0.1)
        | dict(depth=10, width=128, epochs=2, probe_examples="all", dataset="fashion_mnist"),
    }
    assert {run_id(make_run(settings)): settings for settings in old.values()} == old


def test_groups_gather_runs_of_one_architecture():
    expanded = runs(grid={"depth": [2, 3], "activation": ["relu", "elu"], "init": ["he_normal"]})
    by_shape = group_runs(expanded)
    assert [settings(g, "depth") for g in by_shape] == [[(2,), (2,)], [(3,), (3,)]]
    assert len(group_runs(expanded, also=("activation",))) == 4


# What is compiled apart.

#: For each setting, what gives it an effect, and another value of it.
CHANGED = {
    "activation": ({}, "elu"),
    "learning_rate": ({}, 0.3),
    "init": ({}, "he_normal"),
    "init_scale": ({"init": "normal"}, 0.3),
    "weight_gain": ({}, 2.0),
    "bias_init": ({}, -1.0),
    "use_bias": ({}, False),
    "network": ({}, "nets:build"),
    "network_settings": ({"network": "nets:build"}, "blocks=2"),
    "channels": ({"network": "cnn"}, "8-8"),
    "kernel": ({"network": "cnn"}, 5),
    "pooling": ({"network": "cnn"}, "mean"),
    "depth": ({}, 3),
    "width": ({}, 8),
    "norm": ({}, "layer"),
    "residual": ({}, True),
    "dropout": ({"dropout": 0.25}, 0.5),
    "optimizer": ({}, "sgd"),
    "momentum": ({"optimizer": "momentum", "momentum": 0.5}, 0.75),
    "nesterov": ({"optimizer": "momentum"}, True),
    "adam_beta1": ({"adam_beta1": 0.5}, 0.75),
    "adam_beta2": ({"adam_beta2": 0.5}, 0.75),
    "adam_epsilon": ({"adam_epsilon": 0.5}, 0.75),
    "weight_decay": ({"weight_decay": 0.5}, 0.75),
    "l2": ({"l2": 0.5}, 0.75),
    "l2_init": ({"l2_init": 0.5}, 0.75),
    "clip_norm": ({"clip_norm": 0.5}, 0.75),
    "clip_value": ({"clip_value": 0.5}, 0.75),
    "schedule": ({}, "cosine"),
    "step_epochs": ({"schedule": "step"}, 2),
    "step_factor": ({"schedule": "step"}, 0.5),
    "warmup_steps": ({}, 3),
    "batch_size": ({}, 8),
    "epochs": ({}, 6),
    "precision": ({}, "tf32"),
    "leaky_slope": ({"activation": "leaky_relu"}, 0.3),
    "elu_alpha": ({"activation": "elu"}, 0.3),
    "celu_alpha": ({"activation": "celu"}, 0.3),
    "prelu_slope": ({"activation": "prelu"}, 0.3),
    "dataset": ({}, "blobs"),
    "target": ({"dataset": "a.csv"}, "price"),
    "task": ({"dataset": "a.npz"}, "regression"),
    "test_share": ({"dataset": "a.npz"}, 0.5),
    "split_seed": ({"dataset": "./a"}, 7),
    "standardize": ({"dataset": "~/a/"}, True),
    "data_sha256": ({"dataset": "a.parquet"}, "0" * 64),
    "pixels": ({}, "centred"),
    "label_noise": ({"label_noise": 0.5}, 0.75),
    "phases": ({}, "permuted_pixels"),
    "revive": ({}, "redo"),
    "revive_at": ({"revive": "redo"}, "200 steps"),
    "revive_definition": ({"revive": "redo"}, "silent"),
    "revive_threshold": (
        {"revive": "redo", "revive_definition": "dormant", "revive_threshold": 0.5}, 0.75,
    ),
    "redraw_scale": ({"revive": "redraw", "redraw_scale": 0.5}, 0.75),
    "shrink": ({"revive": "shrink_perturb", "shrink": 0.25}, 0.75),
    "perturb": ({"revive": "shrink_perturb", "perturb": 0.5}, 0.75),
    "freeze_layers": ({}, 1),
    "freeze_after": ({"freeze_layers": 1}, 2),
    "probe_examples": ({}, "all"),
    "probe_every": ({}, 7),
    "dormant_threshold": ({"dormant_threshold": 0.5}, 0.75),
    "rare_threshold": ({"rare_threshold": 0.5}, 0.75),
    "seed": ({}, 7),
}  # fmt: skip
START = {"init", "init_scale", "weight_gain", "bias_init", "prelu_slope", "seed"}
NUMBER = {"learning_rate", "leaky_slope", "elu_alpha", "celu_alpha"}
DIAL = {
    "dropout", "momentum", "adam_beta1", "adam_beta2", "adam_epsilon", "weight_decay", "l2",
    "l2_init", "clip_norm", "clip_value", "label_noise", "revive_threshold", "redraw_scale",
    "shrink", "perturb", "dormant_threshold", "rare_threshold",
}  # fmt: skip


def pair(name):
    """Two runs that differ in this setting alone."""
    beside, value = CHANGED[name]
    one, other = (make_run({**beside, **more}) for more in ({}, {name: value}))
    differ = [n for n in SETTINGS if getattr(one, n) != getattr(other, n)]
    assert differ == [name]
    return one, other


def together(*configs, **more):
    return len(group_runs(map(as_run, configs), **more)) == 1


@pytest.mark.parametrize("name", SETTINGS)
def test_numbers_starts_and_dials_share_a_program_and_other_settings_do_not(name):
    one, other = pair(name)
    alike = name in START | NUMBER | DIAL | {"activation"}
    assert together(one, other) == alike
    assert (static_settings(one) == static_settings(other)) == alike
    if not alike:
        assert getattr(static_settings(other), name) == getattr(other, name)


def test_every_setting_has_its_role():
    roles = {"start": START, "number": NUMBER, "dial": DIAL}
    for role, members in roles.items():
        assert {name for name, setting in SETTINGS.items() if setting.role == role} == members
    assert {s.role for s in SETTINGS.values()} == {*roles, "static"}


@pytest.mark.parametrize("name", sorted(DIAL))
def test_a_dial_at_its_default_is_no_part_of_the_program(name):
    on, further = pair(name)
    off = dataclasses.replace(on, **{name: SETTINGS[name].default})
    assert name not in dials_of(off)
    assert dials_of(on) == dials_of(off) | {name: getattr(on, name)}
    assert not together(on, off)
    assert together(on, further) and dials_of(further)[name] == getattr(further, name)


def test_the_default_run_has_no_dials_and_a_default_program():
    assert dials_of(RunConfig()) == {}
    assert static_settings(RunConfig()) == RunConfig()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_with_code_of_their_own_stay_apart(name):
    one, other = make_run({"activation": name}), make_run({"activation": name, "seed": 3})
    assert together(one, other)
    own = name in ("prelu", "rrelu", "crelu")
    assert together(one, make_run({"activation": "selu"})) == (not own)
    assert together(one, make_run({"activation": "prelu"})) == (name == "prelu")


@pytest.mark.parametrize("revive", ["none", "redo", "random", "redraw", "shrink_perturb"])
def test_what_draws_weights_belongs_to_a_program_that_draws_them_anew(revive):
    one = {"revive": revive, "init": "normal"}
    for more in ({"init": "uniform"}, {"init_scale": 0.5}, {"weight_gain": 2.0}):
        alike = together(make_run(one), make_run(one | more))
        assert alike == (revive not in ("redo", "random"))
    assert together(make_run(one), make_run(one | {"bias_init": 1.0}))


SCHEDULING = (
    *("dataset", "target", "task", "test_share", "split_seed", "standardize", "data_sha256"),
    *("epochs", "phases", "revive_at", "probe_examples", "probe_every"),
)


@pytest.mark.parametrize("name", SETTINGS)
def test_runs_that_differ_in_rhythm_alone_are_called_apart_and_compiled_once(name):
    one, other = map(program_settings, pair(name))
    shared = {*START, *NUMBER, *DIAL, *SCHEDULING, "activation"}
    assert (one == other) == (name in shared)


@pytest.mark.parametrize("name", SCHEDULING)
def test_a_cosine_is_as_long_as_its_run(name):
    one, other = (dataclasses.replace(c, schedule="cosine") for c in pair(name))
    assert (program_settings(one) != program_settings(other)) == (name in ("epochs", "phases"))


# --- settings that seeds alone part are checked once ---------------------------------------------


@pytest.mark.parametrize("axes", [{}, {"learning_rate": [0.1, 0.2]}, {"activation": ["elu"]}])
@pytest.mark.parametrize("last", ["axes", "seed"])
def test_runs_that_seeds_alone_part_are_those_that_are_made_one_by_one(axes, last):
    grid = {"seed": [7, 0, 2**31 - 1, 42]} | axes
    if last == "seed":  # innermost, as seeds are
        grid = axes | {"seed": grid["seed"]}
    points = [dict(zip(grid, v, strict=True)) for v in itertools.product(*grid.values())]
    assert runs(name="s", grid=grid) == tuple(as_run(make_run(point)) for point in points)


def test_a_seed_beside_a_good_one_is_refused_and_no_value_passes_for_its_equal():
    for base, seeds in (({}, (1, -1)), ({"depth": True}, (1, 2)), ({}, (1, 2**40))):
        with pytest.raises(InputError, match="bad settings"):
            expand(SweepConfig("s", base=base, seeds=seeds))
    grid = {"depth": (1, True)}
    with pytest.raises(InputError, match="bad settings"):
        expand(SweepConfig("s", grid=grid, seeds=(1,)))

import hashlib

import pytest

from reluprobe import grid
from reluprobe.config import RunConfig, parse_sweep
from reluprobe.errors import InputError


def runs(**written):
    return grid.expand(parse_sweep(written)).runs


def settings(found, *names):
    return [tuple(getattr(r.config, n) for n in names) for r in found]


def test_grid_is_a_product_with_seeds_innermost():
    found = runs(grid={"activation": ["relu", "elu"], "depth": [2, 3]}, seeds=[7, 8])
    assert settings(found, "activation", "depth", "seed") == [
        (a, d, s) for a in ("relu", "elu") for d in (2, 3) for s in (7, 8)
    ]


def test_zipped_axes_move_together_and_blocks_multiply():
    found = runs(
        grid={"activation": ["relu", "elu"]},
        zip=[{"depth": [2, 3], "width": [8, 16]}, {"init": ["he_normal", "normal"]}],
    )
    assert settings(found, "activation", "depth", "width", "init") == [
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
    found = runs(
        grid={"activation": ["relu", "elu"], "depth": [2, 3]},
        exclude=[{"activation": "elu", "depth": 3}],
    )
    assert settings(found, "activation", "depth") == [("relu", 2), ("relu", 3), ("elu", 2)]


def test_an_exclude_that_matches_nothing_or_leaves_nothing_is_a_fault():
    with pytest.raises(InputError) as caught:
        runs(grid={"depth": [2, 3]}, exclude=[{"depth": 4}])
    assert caught.value.faults == ("no run has depth = 4",)
    with pytest.raises(InputError, match="no run left"):
        runs(exclude=[{"depth": 5}])


def test_duplicates_fold_also_where_a_setting_has_no_effect():
    plan = grid.expand(
        parse_sweep(
            {"grid": {"activation": ["relu", "leaky_relu"], "leaky_slope": [0.01, 0.1, 0.1]}}
        )
    )
    assert settings(plan.runs, "activation", "leaky_slope") == [
        ("relu", 0.01), ("leaky_relu", 0.01), ("leaky_relu", 0.1),
    ]  # fmt: skip
    assert plan.folded == 1  # 0.1 twice is one value of the axis; relu's two slopes are one run


def test_an_exclude_may_name_a_setting_as_written_though_it_has_no_effect():
    found = runs(
        grid={"activation": ["relu", "leaky_relu"], "leaky_slope": [0.2, 0.1]},
        exclude=[{"activation": "relu", "leaky_slope": 0.1}],
    )
    assert settings(found, "activation") == [("relu",), ("leaky_relu",), ("leaky_relu",)]


def test_ids_are_hashes_of_what_differs_from_the_defaults():
    assert grid.run_id(RunConfig()) == hashlib.sha256(b"{}").hexdigest()[:12]
    changed = hashlib.sha256(b'{"depth":3,"learning_rate":0.1}').hexdigest()[:12]
    assert grid.run_id(RunConfig(learning_rate=0.1, depth=3)) == changed


def test_same_settings_have_the_same_id_in_any_sweep():
    (first,) = runs(base={"depth": 3, "learning_rate": 1})
    second = runs(grid={"learning_rate": [0.5, 1.0], "depth": [2, 3]})[-1]
    assert first == second
    assert len({r.id for r in runs(grid={"depth": list(range(1, 200))})}) == 199


def test_groups_gather_runs_of_one_architecture():
    found = runs(grid={"depth": [2, 3], "activation": ["relu", "elu"], "init": ["he_normal"]})
    by_shape = grid.groups(found)
    assert [settings(g, "depth") for g in by_shape] == [[(2,), (2,)], [(3,), (3,)]]
    assert len(grid.groups(found, also=("activation",))) == 4

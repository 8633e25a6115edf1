"""Effects: means, shares of the variance and designs, against formulas written in another way."""

from __future__ import annotations

import dataclasses
import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grid_runs
from foreign_records import foreign_record
from paired_runs import record, runs_of
from reluprobe.analysis.effects import effects
from reluprobe.errors import InputError


def projected(means, chosen):
    """The part of a full table that these axes have together: a product of projections."""
    part = means
    for axis, size in enumerate(means.shape):
        mean = np.full((size, size), 1 / size)
        matrix = np.eye(size) - mean if axis in chosen else mean
        part = np.moveaxis(np.tensordot(matrix, part, (1, axis)), 0, axis)
    return part


def shares_by_projection(values):
    """Of ``(…, seed)``: shares of the variance by numbers of axes, and of the seeds."""
    means, total = values.mean(-1), values.var()
    axes = range(means.ndim)
    chosen = itertools.chain.from_iterable(
        itertools.combinations(axes, n) for n in range(1, means.ndim + 1)
    )
    parts = {one: float((projected(means, one) ** 2).mean() / total) for one in chosen}
    return parts, float(values.var(-1).mean() / total)


def shares(measured, which="dead"):
    return {frozenset(one.axes): one.share for one in getattr(measured, which)}


def by_value(measured, axis):
    return {one.value: one for one in measured.effects if one.axis == axis}


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("sizes", [(3,), (4, 2), (2, 3, 3), (3, 2, 2, 3)])
def test_shares_of_a_full_factorial_are_its_projections(sizes, seeds):
    values = grid_runs.table(sizes, seeds, np.random.default_rng(1))
    measured = effects(grid_runs.runs_of_table(values))
    parts, between = shares_by_projection(values)
    names = list(grid_runs.AXES)
    expected = {frozenset(names[a] for a in one): share for one, share in parts.items()}
    if seeds > 1:
        expected[frozenset(["seed"])] = between
    assert shares(measured) == pytest.approx(expected, abs=1e-12)
    assert shares(measured, "accuracy") == pytest.approx(expected, abs=1e-9)
    assert measured.design == ("one axis" if len(sizes) == 1 else "factorial")
    assert [one.share for one in measured.dead] == sorted(shares(measured).values(), reverse=True)
    assert measured.method.startswith("exact: ")


def test_means_of_a_factorial_are_over_all_else_each_configuration_once():
    values = grid_runs.table((3, 2, 2), 2, np.random.default_rng(2))
    runs = grid_runs.runs_of_table(values)
    # A third seed of one configuration alone: it counts no more for it.
    extra = dataclasses.replace(runs[0], config=dataclasses.replace(runs[0].config, seed=7))
    measured = effects([*runs, extra])
    means = values.mean(-1)
    means[0, 0, 0] = np.mean([*values[0, 0, 0], values[0, 0, 0, 0]])
    of_rate = by_value(measured, "learning_rate")
    for at, rate in enumerate(grid_runs.AXES["learning_rate"][:3]):
        assert of_rate[rate].dead.mean == pytest.approx(means[at].mean())
        assert of_rate[rate].runs == 8 + (at == 0)
        assert (of_rate[rate].blocks, of_rate[rate].over) == (4, "blocks")
    assert "2 to 3 seeds, each configuration counts once" in measured.method


def test_the_quickstart_says_what_its_records_say():
    measured = effects(grid_runs.quickstart())
    assert measured.axes == ("activation", "learning_rate", "depth", "init")
    assert measured.design == "factorial"
    values = np.array([[d for d, _ in of] for of in grid_runs.QUICKSTART.values()])
    table = values.reshape(3, 3, 2, 2, 1)
    parts, _ = shares_by_projection(table)
    names = ("activation", "learning_rate", "init", "depth")
    expected = {frozenset(names[a] for a in one): share for one, share in parts.items()}
    assert shares(measured) == pytest.approx(expected, abs=1e-12)
    assert sum(shares(measured).values()) == pytest.approx(1)
    means = {f: e.dead.mean for f, e in by_value(measured, "activation").items()}
    assert means == pytest.approx(
        {"relu": values[0].mean(), "leaky_relu": 0, "elu": 0.00781}, abs=1e-4
    )
    assert [str(one) for one in measured.interactions] == [
        "lr matters for relu (4.3 → 66.2% dead), not for elu and leaky_relu",
        "depth matters for relu (23.7 → 35.1% dead), not for leaky_relu",
    ]


def test_nothing_varies_but_the_seed():
    assert effects(runs_of("relu", [0.1, 0.2])) is None
    assert effects([]) is None


def test_no_variance_has_no_shares():
    runs = [record("relu", s, 0.0, 0.5, l2=x) for x in (0.0, 0.1) for s in range(2)]
    measured = effects(runs)
    assert measured.dead == measured.accuracy == ()
    assert {one.dead.mean for one in measured.effects} == {0.0}
    # Where no unit is ever dead, the accuracy says which axis matters.
    lively = [
        record("relu", s, 0.0, 0.5 + (d == 3) / 3, l2=x, depth=d)
        for x in (0.0, 0.1) for d in (2, 3) for s in range(2)
    ]  # fmt: skip
    assert effects(lively).axes == ("depth", "l2")
    assert effects(lively).dead == ()


def test_rounding_is_no_variance():
    runs = [
        record("relu", 0, 0.1 + 0.2, x, l2=l2, depth=d)
        for l2, x in ((0.0, 0.1), (0.1, 0.3)) for d in (2, 3)
    ]  # fmt: skip
    measured = effects(runs)
    assert shares(measured, "accuracy") == {
        frozenset(["l2"]): pytest.approx(1),
        frozenset(["depth"]): 0.0,
        frozenset(["l2", "depth"]): 0.0,
    }
    assert measured.dead == ()


def test_diverged_runs_leave_a_hole_that_is_named():
    values = grid_runs.table((3, 3), 1, np.random.default_rng(3))
    runs = grid_runs.runs_of_table(values)
    lost = dataclasses.replace(runs[-1], status="diverged")
    measured = effects([*runs[:-1], lost])
    assert measured.design == "holes"
    assert "8 of 9 combinations have numbers" in measured.method
    assert "1 run without final numbers left out" in measured.method
    of_rate = by_value(measured, "learning_rate")
    # The block of the last init lacks a rate: in it rates would differ in more than themselves.
    means = values[:, :2, 0].mean(1)
    assert [of_rate[r].dead.mean for r in of_rate] == pytest.approx(list(means))
    assert [one.blocks for one in of_rate.values()] == [2, 2, 2]
    assert [one.runs for one in of_rate.values()] == [3, 3, 2]


def test_a_value_that_only_diverges_is_listed_without_a_mean():
    runs = [record("relu", s, 0.1 * r, learning_rate=r) for r in (1.0, 2.0) for s in range(2)]
    lost = [record("relu", s, status="diverged", learning_rate=9.0) for s in range(2)]
    measured = effects([*runs, *lost])
    of_rate = by_value(measured, "learning_rate")
    assert (of_rate[9.0].dead, of_rate[9.0].accuracy, of_rate[9.0].runs) == (None, None, 0)
    assert of_rate[1.0].dead.mean == pytest.approx(0.1)
    assert shares(measured)[frozenset(["learning_rate"])] == pytest.approx(1)


def test_all_runs_lost_have_no_numbers():
    runs = [record("relu", 0, status="failed", l2=x) for x in (0.0, 0.1)]
    measured = effects(runs)
    assert measured.dead == ()
    assert all(one.dead is None for one in measured.effects)


def additive(sizes, rng):
    """A table without interactions, in [0.1, 0.9]."""
    axes = [rng.uniform(0, 0.8 / len(sizes), n) for n in sizes]
    return 0.1 + sum(np.meshgrid(*axes, indexing="ij"))


def test_holes_in_a_grid_without_interactions_cost_nothing():
    means = additive((4, 3, 3), np.random.default_rng(4))
    expected, _ = shares_by_projection(means[..., None])
    holed = means.copy()
    holed[0, 0, 0] = holed[1, 2, 1] = holed[3, 0, 2] = np.nan
    measured = effects(grid_runs.runs_of_table(holed[..., None]))
    assert measured.design == "holes"
    assert measured.method.startswith("estimated: 33 of 36 combinations have numbers; axes and ")
    names = list(grid_runs.AXES)
    found = shares(measured)
    for at in range(3):
        assert found[frozenset([names[at]])] == pytest.approx(expected[(at,)], abs=1e-9)
    assert sum(found.values()) == pytest.approx(1)


def test_pairs_are_found_again_in_a_grid_with_holes():
    rng = np.random.default_rng(5)
    pair = rng.uniform(0, 0.4, (4, 3, 1))
    means = additive((4, 3, 3), rng) / 2 + pair
    expected, _ = shares_by_projection(means[..., None])
    holed = means.copy()
    holed[0, 0, 0] = holed[1, 2, 1] = np.nan
    found = shares(effects(grid_runs.runs_of_table(holed[..., None])))
    key = frozenset(["learning_rate", "init"])
    assert found[key] == pytest.approx(expected[(0, 1)], abs=1e-9)
    assert found[frozenset()] == pytest.approx(0, abs=1e-9)


def test_what_a_fit_leaves_is_its_residual_variance():
    values = grid_runs.table((3, 3, 2), 1, np.random.default_rng(6))
    values[0, 0, 0] = np.nan
    measured = effects(grid_runs.runs_of_table(values))
    assert "axes and learning_rate" not in measured.method
    assert "axes and lr × init, lr × L2, init × L2 fitted" in measured.method
    places = np.argwhere(np.isfinite(values[..., 0]))
    y = values[..., 0][tuple(places.T)]
    pairs = [(0, 1), (0, 2), (1, 2)]
    dummies = [
        np.prod([places[:, axis] == at for axis, at in zip(pair, cell, strict=True)], 0)
        for pair in pairs
        for cell in np.ndindex(*(values.shape[axis] for axis in pair))
    ]
    design = np.stack(dummies, 1).astype(float)
    _, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    fit = design @ np.linalg.pinv(design) @ y
    left = ((y - fit) ** 2).sum() / (len(y) - rank)
    # The fit over all combinations, and its parts by projection.
    every = np.array([*np.ndindex(3, 3, 2)])
    whole = np.stack(
        [
            np.prod([every[:, axis] == at for axis, at in zip(pair, cell, strict=True)], 0)
            for pair in pairs
            for cell in np.ndindex(*(values.shape[axis] for axis in pair))
        ],
        1,
    )
    fitted = (whole @ np.linalg.pinv(design) @ y).reshape(3, 3, 2)
    names, total = list(grid_runs.AXES), fitted.var() + left
    expected = {
        frozenset(names[axis] for axis in one): (projected(fitted, one) ** 2).mean() / total
        for one in [(0,), (1,), (2,), *pairs]
    }
    assert shares(measured) == pytest.approx({**expected, frozenset(): left / total}, abs=1e-9)


def test_one_change_at_a_time_is_a_star_and_says_what_it_cannot_tell():
    base = {"learning_rate": 1e-3, "l2": 0.0, "depth": 2}
    changes = [{}, {"learning_rate": 1e-2}, {"learning_rate": 0.1}, {"l2": 0.1}, {"depth": 3}]
    deads = (0.2, 0.3, 0.5, 0.1, 0.2)
    runs = [
        record("relu", s, dead + 0.01 * s, **{**base, **change})
        for change, dead in zip(changes, deads, strict=True)
        for s in range(3)
    ]
    measured = effects(runs)
    assert measured.design == "star"
    assert "cannot tell how settings act together" in measured.method
    assert measured.interactions == ()
    assert measured.untold
    # Values of an axis stand at the common configuration: what others change is not in them.
    assert by_value(measured, "l2")[0.0].dead.mean == pytest.approx(0.21)
    assert by_value(measured, "learning_rate")[0.1].dead.mean == pytest.approx(0.51)
    assert {one.over for one in measured.effects} == {"seeds"}
    rate, l2 = np.var([0.2, 0.3, 0.5]), np.var([0.2, 0.1])
    seeds = np.var([0, 0.01, 0.02])
    total = rate + l2 + seeds
    assert shares(measured) == pytest.approx(
        {
            frozenset(["learning_rate"]): rate / total,
            frozenset(["l2"]): l2 / total,
            frozenset(["depth"]): 0.0,
            frozenset(["seed"]): seeds / total,
        }
    )


def test_settings_that_never_vary_apart_share_what_they_do():
    pairs = (("sgd", 0.5, 0.1), ("adam", 1e-3, 0.4), ("momentum", 0.1, 0.2))
    runs = [record("relu", s, dead, optimizer=o, learning_rate=r)
            for o, r, dead in pairs for s in range(2)]  # fmt: skip
    measured = effects(runs)
    assert measured.design == "holes"
    assert "lr and optimizer change together: which of them it is cannot be told" in measured.method
    assert shares(measured) == {
        frozenset(["learning_rate", "optimizer"]): pytest.approx(1),
        frozenset(["seed"]): 0.0,
    }


def test_a_setting_that_says_another_is_not_told_from_it():
    runs = [record("relu", s, 0.3, learning_rate=1e-3) for s in range(2)]
    runs += [record("elu", s, 0.1 + r, learning_rate=r) for s in range(2) for r in (1e-2, 0.1)]
    measured = effects(runs)
    assert {one.axes for one in measured.dead} == {("activation", "learning_rate"), ("seed",)}
    assert "activation and lr change together" in measured.method


def test_a_setting_with_one_value_where_it_has_an_effect_is_no_axis():
    runs = [record("relu", 0, 0.3), record("celu", 0, 0.1, celu_alpha=0.5)]
    assert effects(runs).axes == ("activation",)


def test_a_setting_that_some_activations_have_lies_within_them():
    changes = [("relu", {}), *(("leaky_relu", {"leaky_slope": s}) for s in (0.01, 0.1))]
    deads = {("relu", 1e-3): 0.6, ("relu", 1e-2): 0.8}
    runs = [
        record(f, 0, deads.get((f, rate), more.get("leaky_slope", 0)), learning_rate=rate, **more)
        for f, more in changes
        for rate in (1e-3, 1e-2)
    ]
    measured = effects(runs)
    assert measured.design == "factorial"
    slopes = by_value(measured, "leaky_slope")
    assert {value: one.dead.mean for value, one in slopes.items()} == pytest.approx(
        {0.01: 0.01, 0.1: 0.1}
    )
    activations = by_value(measured, "activation")
    assert activations["leaky_relu"].dead.mean == pytest.approx(0.055)
    assert activations["relu"].blocks == 2
    cells = np.array([[0.6, 0.8], [0.01, 0.01], [0.1, 0.1]])
    total = cells.var()
    within = (2 / 3) * 0.045**2
    assert shares(measured)[frozenset(["leaky_slope"])] == pytest.approx(within / total)
    activation = np.var([0.7, 0.055, 0.055])
    assert shares(measured)[frozenset(["activation"])] == pytest.approx(activation / total)
    assert sum(shares(measured).values()) == pytest.approx(1)


def test_foreign_runs_have_effects_of_their_own_settings():
    runs = [
        foreign_record([["...", "..."], [conv, fc]], seed=s, settings={"lr": lr, "decay": decay},
                       accuracy=(0.1, 0.9))
        for (lr, conv), (decay, fc) in itertools.product(
            ((0.1, "xx."), (0.01, "...")), ((0.0, "x.."), (0.5, "...")))
        for s in range(2)
    ]  # fmt: skip
    measured = effects(runs)
    assert measured.design == "factorial"
    assert measured.axes == ("lr", "decay")
    assert by_value(measured, "lr")[0.1].dead.mean == pytest.approx((3 / 6 + 2 / 6) / 2)
    assert shares(measured) == pytest.approx(
        {frozenset(["lr"]): 0.8, frozenset(["decay"]): 0.2, frozenset(["lr", "decay"]): 0.0,
         frozenset(["seed"]): 0.0},
        abs=1e-12,
    )  # fmt: skip
    with pytest.raises(InputError):
        effects([*runs, record("relu")])


def test_a_definition_that_has_no_case_has_no_numbers():
    runs = [record("relu", s, l2=x) for x in (0.0, 0.1) for s in range(2)]
    measured = effects(runs, "saturated")
    assert measured.dead == ()
    assert all(one.dead is None and one.accuracy is not None for one in measured.effects)


def test_an_axis_of_networks_that_lack_the_definition_alone_has_no_means():
    """A slope, of saturated units: tanh has them, and the leaky ReLUs that have slopes have not."""
    slopes = [("leaky_relu", {"leaky_slope": slope}) for slope in (0.1, 0.01)]
    runs = [
        record(activation, s, optimizer=optimizer, **its)
        for activation, its in [("tanh", {}), *slopes]
        for optimizer in ("adam", "sgd")
        for s in range(2)
    ]
    runs[:4] = [_saturated(run, 0.1 * run.seed) for run in runs[:4]]
    measured = effects(runs, "saturated")
    assert [one.dead.mean for one in measured.effects if one.dead] == pytest.approx([0.05] * 3)
    assert {one.axis for one in measured.effects if one.dead} == {"activation", "optimizer"}
    assert all(one.accuracy is not None for one in by_value(measured, "leaky_slope").values())


def _saturated(run, share):
    layers = tuple(dataclasses.replace(one, saturated=share) for one in run.final.layers)
    return dataclasses.replace(run, history=(dataclasses.replace(run.final, layers=layers),))


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.floats(0, 0.5))
def test_any_grid_in_any_order_has_shares_that_add_to_one(seed, seeds, lost):
    rng = np.random.default_rng(seed)
    values = grid_runs.table((3, 2, 3), seeds, rng)
    values[rng.random(values.shape) < lost] = np.nan
    runs = grid_runs.runs_of_table(values)
    measured = effects(runs)
    if measured is None:
        return
    mixed = random.Random(seed).sample(runs, len(runs))
    again = effects(mixed)
    for which in ("dead", "accuracy"):
        found = [one.share for one in getattr(measured, which)]
        assert not found or sum(found) == pytest.approx(1)
        assert all(-1e-12 <= one <= 1 + 1e-12 for one in found)
        assert shares(again, which) == pytest.approx(shares(measured, which), abs=1e-9)
    known = {(one.axis, one.value): one for one in measured.effects}
    assert {(one.axis, one.value) for one in again.effects} == {*known}
    for one in again.effects:
        other = known[one.axis, one.value]
        assert (one.runs, one.blocks, one.over) == (other.runs, other.blocks, other.over)
        assert dataclasses.astuple(one.dead)[:2] == pytest.approx(
            dataclasses.astuple(other.dead)[:2], abs=1e-9
        )
        assert 0 <= one.dead.mean <= 1

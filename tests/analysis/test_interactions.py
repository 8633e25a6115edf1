"""Interactions: which pairs are above noise, by SciPy's F test, and what is said."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import grid_runs
from paired_runs import record
from reluprobe.analysis.effects import effects


def grid(dead, seeds=3, noise=0.004, activations=("relu", "leaky_relu", "elu"), depths=(2,)):
    """Rates by activation, ``dead`` a function of both; some noise of seeds."""
    rng = np.random.default_rng(0)
    return [
        record(f, s, float(np.clip(dead(f, rate) + noise * rng.normal(), 0, 1)), 0.9,
               learning_rate=rate, depth=depth)
        for f in activations for rate in (1e-3, 1e-2, 0.1) for depth in depths
        for s in range(seeds)
    ]  # fmt: skip


def rising(f, rate):
    """Relu's dead rise with the rate, nobody else's."""
    return {1e-3: 0.04, 1e-2: 0.2, 0.1: 0.66}[rate] if f == "relu" else 0.01


def test_a_rate_that_matters_for_one_activation_is_said_so():
    (one,) = effects(grid(rising)).interactions
    assert one.axes == ("learning_rate", "activation")
    assert one.sentence.startswith("lr matters for relu (")
    assert one.sentence.endswith("% dead), not for leaky_relu and elu") or one.sentence.endswith(
        "% dead), not for elu and leaky_relu"
    )
    assert one.measure == "dead"


def test_one_seed_and_two_axes_cannot_tell():
    measured = effects(grid(rising, seeds=1))
    assert measured.interactions == ()
    assert measured.untold == "1 seed, 2 needed"


def test_with_one_seed_a_third_axis_tells():
    measured = effects(grid(rising, seeds=1, depths=(2, 3, 4)))
    assert [one.axes for one in measured.interactions] == [("learning_rate", "activation")]
    assert measured.untold == ""


def test_p_is_that_of_an_f_test_of_the_classical_table():
    values = grid_runs.table((3, 3), 4, np.random.default_rng(3))
    (one,) = effects(grid_runs.runs_of_table(values)).interactions
    means = values.mean(-1)
    mean, rows, columns = means.mean(), means.mean(1), means.mean(0)
    crossed = 4 * sum(
        (means[i, j] - rows[i] - columns[j] + mean) ** 2 for i in range(3) for j in range(3)
    )
    error = ((values - means[..., None]) ** 2).sum()
    assert one.p == pytest.approx(stats.f.sf((crossed / 4) / (error / 27), 4, 27), rel=1e-6)


def test_noise_alone_is_named_about_as_seldom_as_it_says():
    rng = np.random.default_rng(11)
    named = 0
    for _ in range(200):
        rows, columns = rng.uniform(0, 0.3, (3, 1, 1)), rng.uniform(0, 0.3, (3, 1))
        values = 0.1 + rows + columns + rng.normal(0, 0.02, (3, 3, 3))
        named += bool(
            effects(grid_runs.runs_of_table(values, np.full((3, 3, 3), 0.9))).interactions
        )
    assert stats.binomtest(named, 200, 0.05).pvalue > 0.001


def test_of_many_pairs_as_seldom_one_is_named_by_chance():
    rng = np.random.default_rng(12)
    named = 0
    for _ in range(120):
        values = 0.5 + rng.normal(0, 0.02, (2, 2, 2, 2, 2))
        named += bool(effects(grid_runs.runs_of_table(values)).interactions)
    assert stats.binomtest(named, 120, 0.05, "greater").pvalue > 0.001


def test_a_clear_interaction_that_explains_next_to_nothing_is_not_named():
    def dead(f, rate):
        return {1e-3: 0.1, 1e-2: 0.4, 0.1: 0.8}[rate] + 0.02 * (f == "relu") * (rate == 0.1)

    assert effects(grid(dead, noise=1e-4)).interactions == ()


def test_p_of_a_fit_is_that_of_what_it_loses_without_the_pair():
    values = grid_runs.table((4, 3, 3), 1, np.random.default_rng(7)) / 4
    values[..., 0] += 0.5 * np.eye(4, 3)[:, :, None]
    values[0, 0, 0] = values[2, 1, 1] = np.nan
    (one, *_) = effects(grid_runs.runs_of_table(values)).interactions
    assert set(one.axes) == {"learning_rate", "init"}
    places = np.argwhere(np.isfinite(values[..., 0]))
    y = values[..., 0][tuple(places.T)]

    def lost(*pairs):
        """RSS of a fit of these pairs, and how many columns it has."""
        dummies = [
            np.prod([places[:, axis] == at for axis, at in zip(pair, cell, strict=True)], 0)
            for pair in pairs
            for cell in np.ndindex(*(values.shape[axis] for axis in pair))
        ]
        design = np.stack(dummies, 1).astype(float)
        rest = y - design @ np.linalg.pinv(design) @ y
        return rest @ rest, np.linalg.matrix_rank(design)

    (rss, size), (without, fewer) = lost((0, 1), (0, 2), (1, 2)), lost((0, 2), (1, 2))
    freedom = len(y) - size
    f = (without - rss) / (size - fewer) / (rss / freedom)
    assert one.p == pytest.approx(stats.f.sf(f, size - fewer, freedom), rel=1e-6)


def test_more_here_than_there():
    def dead(f, rate):
        return {1e-3: 0.1, 1e-2: 0.2, 0.1: 0.7 if f == "relu" else 0.3}[rate]

    (one,) = effects(grid(dead, noise=0, activations=("relu", "elu"))).interactions
    assert one.sentence == (
        "lr matters more for relu (10.0 → 70.0% dead) than for elu (10.0 → 30.0%)"
    )


def test_opposite_directions_cut_both_ways():
    def dead(f, rate):
        rise = {1e-3: 0.0, 1e-2: 0.2, 0.1: 0.4}[rate]
        return 0.1 + rise if f == "relu" else 0.5 - 0.75 * rise

    (one,) = effects(grid(dead, noise=0, activations=("relu", "elu"))).interactions
    assert one.sentence == "lr cuts both ways: relu (10.0 → 50.0% dead), elu (50.0 → 20.0%)"


def test_ends_in_the_middle_are_a_range():
    def dead(f, rate):
        return {1e-3: 0.1, 1e-2: 0.9, 0.1: 0.2}[rate] if f == "relu" else 0.0

    (one,) = effects(grid(dead, noise=0, activations=("relu", "elu"))).interactions
    assert one.sentence == "lr matters for relu (10.0–90.0% dead), not for elu"


def test_a_sentence_is_short_however_many_values_there_are():
    names = ("relu", "leaky_relu", "elu", "selu", "tanh", "sigmoid", "gelu", "softplus", "swish")
    many = [f for f in names if f in ("relu", "leaky_relu", "elu", "selu", "tanh", "gelu")]
    runs = grid(rising, activations=many)
    (one,) = effects(runs).interactions
    assert len(one.sentence) <= 100
    runs = [
        record("relu", s, 0.1 + 0.08 * d * (w == 10), 0.9, depth=d, width=w)
        for d in (2, 3, 4) for w in range(10, 2000, 50) for s in range(2)
    ]  # fmt: skip
    (one,) = effects(runs).interactions
    assert len(one.sentence) <= 100
    assert "more" in one.sentence


def test_axes_that_change_together_are_no_noise_and_no_pair():
    zipped = (("sgd", 0.5), ("adam", 1e-3), ("momentum", 0.1))
    runs = [
        record("relu", 0, 0.1 + 0.1 * d * at, optimizer=o, learning_rate=r, depth=d)
        for at, (o, r) in enumerate(zipped) for d in (2, 3)
    ]  # fmt: skip
    measured = effects(runs)
    assert measured.interactions == ()
    assert {one.axes for one in measured.dead} == {
        ("learning_rate", "optimizer"), ("depth",), ("learning_rate", "optimizer", "depth"),
    }  # fmt: skip

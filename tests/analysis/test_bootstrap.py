"""Bootstrap-t interval: it covers the mean, mirrors, and says where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from paired_runs import brute_force
from reluprobe.analysis import bootstrap
from reluprobe.analysis.estimates import SHARE


def test_the_interval_is_that_of_every_draw_one_by_one():
    x = [0.3, -0.1, 0.25, 0.8, 0.05]
    assert bootstrap.interval(x) == pytest.approx(brute_force(x))
    assert bootstrap.interval(x[:4]) == pytest.approx(brute_force(x[:4]))


@pytest.mark.parametrize("n", [4, 8, 9, 12])
def test_the_order_of_seeds_does_not_matter(n):
    x = np.random.default_rng(n).normal(size=n)
    assert bootstrap.interval(x[::-1].tolist()) == bootstrap.interval(x.tolist())


def test_swapping_the_sides_mirrors_the_interval():
    x = np.random.default_rng(1).exponential(size=6)
    low, high = bootstrap.interval(x)
    assert bootstrap.interval(-x) == pytest.approx((-high, -low))


def covered(draw, mean, n, times):
    rng = np.random.default_rng(n)
    intervals = (bootstrap.interval(draw(rng, n).tolist()) for _ in range(times))
    return sum(low <= mean <= high for low, high in intervals) / times


@pytest.mark.parametrize(("n", "times"), [(4, 1500), (5, 1500), (8, 500), (10, 500)])
def test_of_normal_differences_95_percent_of_intervals_cover_the_mean(n, times):
    hits = covered(lambda rng, n: rng.normal(0.3, 1, n), 0.3, n, times)
    assert abs(hits - 0.95) < 3.5 * math.sqrt(0.95 * 0.05 / times)


@pytest.mark.parametrize("n", [5, 10])
def test_of_skewed_differences_hardly_fewer_do(n):
    # The percentile bootstrap covers 78% and 86% of these, Student's t 87% and 90%.
    times = 1500 if n < 9 else 500
    assert covered(lambda rng, n: rng.exponential(1, n), 1, n, times) > 0.91


def changed(differences, over="seeds"):
    """A change of a measure without limits."""
    return bootstrap.change([(d, 0.0) for d in differences], over=over)


def test_too_few_differences_have_a_mean_and_no_interval():
    change = changed([0.1, 0.2, 0.6])
    assert (change.mean, change.low, change.high, change.n) == (pytest.approx(0.3), None, None, 3)
    assert not (change.falls or change.rises or change.has_interval)
    assert bootstrap.change([]) is None


def test_equal_differences_have_an_interval_without_width():
    assert bootstrap.interval([0.0] * 5) == (0, 0)
    change = changed([0.975 - 0.97] * 5)
    assert change.low == change.high == pytest.approx(0.005)
    assert change.rises
    still = changed([0.0] * 5)
    assert not (still.falls or still.rises)


def test_without_a_limit_ties_leave_no_interval_and_with_one_an_end_that_any_law_can_reach():
    x = [0.0, 0.0, 0.0, 0.0, 0.1]
    assert bootstrap.interval(x) is None
    low, high = bootstrap.interval(x, SHARE)
    assert low == 0
    # A part of the law that five draws miss in 2.5% of cases may all lie at 1.
    assert high == pytest.approx(0.1 + 0.9 * (1 - 0.025 ** (1 / 5)))


# Shares


def beta(rng, mean, concentration, n, units=1280):
    """Shares of a network's units that are dead: the rate is another with each seed."""
    rates = rng.beta(mean * concentration, (1 - mean) * concentration, n)
    return rng.binomial(units, rates) / units


@pytest.mark.parametrize("n", [4, 5, 8, 10])
@pytest.mark.parametrize("mean", [0.01, 0.3, 0.98])
def test_an_interval_of_shares_leaves_nothing_possible_behind(n, mean):
    rng = np.random.default_rng(n)
    for _ in range(40):
        others, baselines = beta(rng, mean, 5, n), beta(rng, 0.3, 20, n)
        low, high = bootstrap.interval(others.tolist(), SHARE)
        assert 0 <= low <= others.mean() + 1e-12 and others.mean() - 1e-12 <= high <= 1
        change = bootstrap.change(list(zip(others, baselines, strict=True)), SHARE)
        least, most = bootstrap.interval(baselines.tolist(), SHARE)
        assert -most <= change.low + 1e-12 and change.high - 1e-12 <= 1 - least
        assert low - most <= change.low + 1e-12 and change.high - 1e-12 <= high - least


def test_a_change_to_nothing_falls_by_no_more_than_the_baseline_may_have():
    baselines = [0.057, 0.097, 0.241, 0.363]
    change = bootstrap.change([(0.0, b) for b in baselines], SHARE)
    low, high = bootstrap.interval(baselines, SHARE)
    assert (change.low, change.high) == pytest.approx((-high, -low))
    assert change.falls


def covering(other, baseline, change, n, times=400):
    """How often the interval of a change covers it, of so many experiments."""
    rng = np.random.default_rng(n)
    hits = 0
    for _ in range(times):
        sides = zip(other(rng, n).tolist(), baseline(rng, n).tolist(), strict=True)
        measured = bootstrap.change(list(sides), SHARE)
        hits += measured.low - 1e-12 <= change <= measured.high + 1e-12
    return hits / times


@pytest.mark.parametrize("n", [4, 5, 8])
def test_cut_intervals_of_changes_cover_as_often_as_they_say(n):
    some = lambda rng, n: beta(rng, 0.25, 50, n)  # noqa: E731
    for other, change in (
        (lambda rng, n: np.zeros(n), -0.25),
        (lambda rng, n: np.ones(n), 0.75),
        (lambda rng, n: beta(rng, 0.05, 20, n), -0.2),
        (lambda rng, n: beta(rng, 0.9, 20, n), 0.65),
    ):
        assert covering(other, some, change, n) > 0.95 - 4 * math.sqrt(0.95 * 0.05 / 400)

"""Intervals of firing rates against SciPy's exact test and the rule of three."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, binom, binomtest

from reluprobe.analysis import firing_bounds
from reluprobe.analysis.firing_bounds import bounds


@pytest.mark.parametrize("values", [2, 40, 1000])
def test_between_none_and_all_they_are_those_of_clopper_and_pearson(values: int):
    fired = np.unique(np.linspace(1, values - 1, 8).astype(int))[::-1]
    low, high = bounds(fired, values)
    for n, count in enumerate(fired):
        exact = binomtest(int(count), values).proportion_ci(0.95, "exact")
        assert (low[n], high[n]) == pytest.approx((exact.low, exact.high), rel=1e-9)
    assert low[0] == pytest.approx(beta.ppf(0.025, fired[0], values - fired[0] + 1))


@pytest.mark.parametrize("values", [1, 30, 1000, 60_000, 2**20 + 1])
def test_at_none_and_all_one_end_is_certain(values: int):
    low, high = bounds(np.array([0, values, 0]), values)
    assert (low[0], high[1]) == (0, 1)
    assert high[0] == high[2] == pytest.approx(1 - 0.05 ** (1 / values), rel=1e-9)
    assert low[1] == pytest.approx(0.05 ** (1 / values), rel=1e-9)
    if values >= 1000:
        assert high[0] == pytest.approx(3 / values, rel=0.01)


def test_each_rate_lies_between_its_ends_in_whatever_order_and_way(monkeypatch: pytest.MonkeyPatch):
    fired = np.array([7, 0, 50, 7, 33, 50, 1])
    ends = bounds(fired, 50)
    assert ((ends.low <= fired / 50) & (fired / 50 <= ends.high)).all()
    again = bounds(fired[::-1], 50)
    monkeypatch.setattr(firing_bounds, "MOST_KEPT", 0)
    for one, other, direct in zip(ends, again, bounds(fired, 50), strict=True):
        np.testing.assert_array_equal(one, other[::-1])
        np.testing.assert_array_equal(one, direct)


@pytest.mark.parametrize(("rate", "values", "least"), [(0.3, 300, 0.95), (0.01, 300, 0.925)])
def test_intervals_miss_as_many_rates_as_they_may(rate: float, values: int, least: float):
    """Where a count of 0 is likely, its one-sided bound takes 5% beside the other end's 2.5%."""
    counts = np.arange(values + 1)
    low, high = bounds(counts, values)
    inside = binom.pmf(counts, values, rate)[(low <= rate) & (rate <= high)].sum()
    assert least <= inside < 0.98


def test_each_count_is_worked_out_once(monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    worked_out = firing_bounds._clopper_pearson

    def watched(fired: np.ndarray, values: int) -> firing_bounds.Bounds:
        asked.extend(fired.tolist())
        return worked_out(fired, values)

    monkeypatch.setattr(firing_bounds, "_clopper_pearson", watched)
    for _ in range(3):
        bounds(np.array([3, 3, 5, 9] * 100), 777)
    bounds(np.array([9, 10]), 777)
    assert sorted(asked) == [3, 5, 9, 10]

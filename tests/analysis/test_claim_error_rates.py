"""How often a verdict on two sides is wrong, and what holds of any verdict."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reluprobe.analysis import claim_intervals, claims
from reluprobe.analysis.claims import Verdict
from reluprobe.analysis.estimates import SHARE

DRAWS = 2_000


def told(less, more, paired=True):
    """How many of these experiments are told to hold, and how many not to."""
    counts = {Verdict.HOLDS: 0, Verdict.FAILS: 0, Verdict.OPEN: 0}
    first = 0 if paired else 1000
    for one, other in zip(less, more, strict=True):
        sides = dict(enumerate(one)), dict(enumerate(other, first))
        made = claim_intervals.difference([sides], SHARE)
        assert made.over == ("pairs" if paired else "two sides")
        counts[claims.verdict(made.estimate, math.ulp(0.0), math.inf)] += 1
    return counts[Verdict.HOLDS] / len(less), counts[Verdict.FAILS] / len(less)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("noise", ["normal", "skewed"])
@pytest.mark.parametrize("n", [3, 5, 10])
def test_sides_that_are_truly_equal_are_told_apart_in_5_percent_at_most(n, noise, paired):
    rng = np.random.default_rng(n)
    draw = {"normal": lambda: 0.5 + 0.05 * rng.normal(size=(DRAWS, n)),
            "skewed": lambda: 0.05 * rng.exponential(size=(DRAWS, n))}[noise]  # fmt: skip
    holds, fails = told(draw(), draw(), paired)
    # Four standard errors of a share of 5% above it.
    most = 0.05 + 4 * math.sqrt(0.05 * 0.95 / DRAWS)
    assert holds + fails <= most
    # Nor is it never: an interval that is too wide decides nothing.
    assert holds + fails >= (0.02 if noise == "normal" else 0.005)


def test_a_difference_that_is_there_is_mostly_told():
    rng = np.random.default_rng(0)
    seeds = 0.1 * rng.normal(size=(DRAWS, 5))
    holds, fails = told(0.4 + seeds, 0.45 + seeds + 0.02 * rng.normal(size=(DRAWS, 5)))
    assert holds > 0.9 and fails == 0
    # The same without a common seed drowns in what seeds differ by.
    apart, _ = told(0.4 + seeds, 0.45 + 0.1 * rng.normal(size=(DRAWS, 5)), paired=False)
    assert apart < 0.3


@pytest.mark.parametrize("n", [3, 5, 10])
def test_counts_that_are_truly_equal_are_told_apart_in_5_percent_about(n):
    # Every outcome with its probability: nothing is left to draws.
    apart = np.zeros((n + 1, n + 1))
    for a, b in itertools.product(range(n + 1), repeat=2):
        sides = ([1.0] * k + [0.0] * (n - k) for k in (a, b))
        made = claim_intervals.newcombe(*sides)
        apart[a, b] = claims.verdict(made, math.ulp(0.0), math.inf) is not Verdict.OPEN
    laws = [stats.binom.pmf(np.arange(n + 1), n, p) for p in np.linspace(0.01, 0.99, 99)]
    wrong = [law @ apart @ law for law in laws]
    assert max(wrong) <= 0.075 and np.mean(wrong) <= 0.05


# Properties

VALUES = st.lists(st.floats(0, 1), min_size=2, max_size=8)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=8), st.booleans())
def test_what_holds_one_way_does_not_hold_the_other(pairs, paired):
    less, more = ([pair[i] for pair in pairs] for i in (0, 1))
    first = 0 if paired else 100

    def verdict(one, other):
        sides = dict(enumerate(one)), dict(enumerate(other, first))
        made = claim_intervals.difference([sides], SHARE).estimate
        return claims.verdict(made, math.ulp(0.0), math.inf)

    there, back = verdict(less, more), verdict(more, less)
    if there is Verdict.HOLDS:
        assert back is Verdict.FAILS
    if there is Verdict.OPEN:
        # Open is open both ways, but for an interval that ends at 0.
        assert back is not Verdict.HOLDS


@given(VALUES, st.integers(2, 8), st.randoms())
def test_the_order_of_seeds_decides_nothing(values, n, random):
    seeds = [*range(len(values))]
    one = dict(zip(seeds, values, strict=True))
    other = {seed: value / 2 for seed, value in one.items()}
    random.shuffle(seeds)
    mixed = {seed: other[seed] for seed in seeds}
    assert claim_intervals.difference([(one, other)], SHARE) == claim_intervals.difference(
        [(one, mixed)], SHARE
    )

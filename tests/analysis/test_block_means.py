"""Intervals of an axis' values over blocks: they part where the paired t-test does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from paired_runs import record, runs_of
from reluprobe.analysis.block_means import half_widths
from reluprobe.analysis.effects import effects


def dead_by_value(runs):
    return {one.value: one for one in effects(runs).effects}


@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.floats(0, 0.3))
def test_intervals_of_two_values_part_exactly_where_the_paired_t_test_rejects(seed, seeds, shift):
    rng = np.random.default_rng(seed)
    common = rng.uniform(0.3, 0.5, seeds)
    relu, elu = (common + rng.normal(0, 0.05, seeds) for _ in range(2))
    elu = elu - shift / 2
    found = dead_by_value([*runs_of("relu", relu), *runs_of("elu", elu)])
    p = stats.ttest_rel(relu, elu).pvalue
    one, other = (found[name].dead for name in ("relu", "elu"))
    apart = abs(one.mean - other.mean) > one.half_width + other.half_width
    assert apart == (p < 0.05)
    assert (found["relu"].blocks, found["relu"].over) == (seeds, "seeds")


def test_half_widths_of_two_values_make_up_that_of_their_difference():
    rng = np.random.default_rng(0)
    paired = rng.normal(size=(7, 2))
    interval = stats.ttest_rel(*paired.T).confidence_interval(0.95)
    assert sum(half_widths(paired)) == pytest.approx((interval.high - interval.low) / 2)


def test_half_widths_are_those_of_a_one_sample_t_interval_of_the_distance_from_the_block():
    rng = np.random.default_rng(1)
    paired = rng.normal(size=(5, 3)) + 10 * rng.normal(size=(5, 1))
    deviations = paired - paired.mean(1, keepdims=True)
    for column, half in zip(deviations.T, half_widths(paired), strict=True):
        interval = stats.ttest_1samp(column, 0).confidence_interval(0.95)
        assert half == pytest.approx((interval.high - interval.low) / 2)


def test_what_a_whole_block_has_in_common_widens_nothing():
    alike = effects_of({1e-3: 0.3, 1e-2: 0.3, 0.1: 0.3})
    unlike = effects_of({1e-3: 0.0, 1e-2: 0.3, 0.1: 0.9})
    assert alike["relu"].dead.half_width == pytest.approx(unlike["relu"].dead.half_width)


def effects_of(levels):
    """Relu has a tenth more dead at each of three rates, give or take."""
    runs = [
        record(f, 0, level + gain, learning_rate=rate)
        for (rate, level), tilt in zip(levels.items(), (0.01, -0.01, 0.0), strict=True)
        for f, gain in (("relu", 0.1 + tilt), ("elu", 0.0))
    ]
    return {one.value: one for one in effects(runs).effects if one.axis == "activation"}


def test_seeds_of_one_block_are_averaged_and_count_once():
    def of(seeds):
        runs = [
            record(f, s, 0.3 + (f == "relu") * gain + 0.01 * s, learning_rate=rate)
            for rate, gain in ((1e-3, 0.1), (1e-2, 0.2), (0.1, 0.4))
            for f in ("relu", "elu")
            for s in range(seeds)
        ]
        return {one.value: one for one in effects(runs).effects if one.axis == "activation"}

    few, many = of(2), of(9)
    assert (few["relu"].blocks, many["relu"].blocks) == (3, 3)
    assert few["relu"].dead.half_width == pytest.approx(many["relu"].dead.half_width)


def test_one_block_has_no_interval():
    found = dead_by_value([record("relu", 0, 0.3), record("elu", 0, 0.1)])
    assert found["relu"].dead.half_width is None
    assert found["relu"].dead.low is None
    assert found["relu"].blocks == 1


def test_seeds_that_one_value_lacks_are_in_its_mean_and_not_in_the_interval():
    relu, elu = [0.30, 0.34, 0.29, 0.5], [0.1, 0.12, 0.11]
    found = dead_by_value([*runs_of("relu", relu), *runs_of("elu", elu)])
    assert found["relu"].dead.mean == pytest.approx(np.mean(relu))
    assert (found["relu"].blocks, found["relu"].runs) == (3, 4)
    interval = stats.ttest_rel(relu[:3], elu).confidence_interval(0.95)
    width = found["relu"].dead.half_width + found["elu"].dead.half_width
    assert width == pytest.approx((interval.high - interval.low) / 2)


def test_values_that_no_block_has_all_of_have_means_and_no_interval():
    runs = [record("relu", s, 0.3, learning_rate=1e-3) for s in range(3)]
    runs += [record("elu", s, 0.1, learning_rate=r) for s in range(3) for r in (1e-2, 0.1)]
    for one in effects(runs).effects:
        assert one.blocks == 0
        assert one.dead.half_width is None


def test_settings_in_one_to_one_are_held_block_by_block_together():
    runs = [record("relu", s, d, optimizer=o, learning_rate=r) for s in range(3)
            for o, r, d in (("sgd", 0.5, 0.1 + 0.01 * s), ("adam", 1e-3, 0.4))]  # fmt: skip
    assert {one.blocks for one in effects(runs).effects} == {3}


def test_an_interval_is_cut_at_what_a_share_can_be():
    found = dead_by_value([*runs_of("relu", [0.9, 0.2, 0.6]), *runs_of("elu", [0.0, 0.0, 0.0])])
    elu = found["elu"].dead
    assert (elu.mean, elu.low) == (0.0, 0.0)
    assert elu.high == pytest.approx(elu.half_width)
    assert elu.cut == (True, False)
    assert not elu.mixed

"""How far units move, by state: means, ratios and extremes of paces that are known."""

from __future__ import annotations

import pytest

from reluprobe.analysis import movement
from stated_records import pace, record

ROWS = ["...", "r##", "rrr"]


def run(seed=0, dead=0.0, **settings):
    """Two layers of which the second moves ten times as far, and rare units half of the healthy."""
    moved = {
        (0, 1): pace(rare=(3, 0.5, 0.7), healthy=(4, 1.0, 2.0)),
        (0, 2): pace(dead=(1, dead, dead), healthy=(4, 2.0, 2.0)),
        (1, 1): pace(rare=(1, 5.0, 6.0), healthy=(4, 10.0, 11.0)),
        (1, 2): pace(dead=(3, 0.0, 0.0), rare=(1, 8.0, 8.0)),
    }
    return record(ROWS, ROWS, moved=moved, seed=seed, **settings)


def test_means_are_over_units_and_the_ratio_is_to_healthy_units_beside_them():
    network = movement.movement([run()]).network
    rare = network["rare"]
    assert rare.mean.mean == pytest.approx((3 * 0.5 + 5 + 8) / 5)
    # Where no unit was healthy, nothing is compared: (3 · 0.5 + 5) / (3 · 1 + 10).
    assert rare.ratio.mean == pytest.approx(0.5)
    assert (rare.most, rare.n) == (8.0, 5)
    assert network["healthy"].ratio.mean == 1
    assert network["linear"] is None


def test_dead_units_that_stand_still_are_told_from_those_that_creep():
    still, creeping = (movement.movement([run(dead=d)]) for d in (0.0, 1e-12))
    assert still.network["dead"].most == 0 and still.network["dead"].ratio.mean == 0
    assert creeping.network["dead"].most == 1e-12
    assert creeping.layers["L2"]["dead"].most == 0
    # Beside dead units of the second layer none was healthy.
    assert creeping.layers["L2"]["dead"].ratio is None
    assert creeping.network["dead"].n == 4


def test_seeds_are_folded():
    pooled = movement.movement([run(0, 0.0), run(1, 1.0)]).network["dead"]
    # A dead unit of the first layer moved 1, three of the second stood still.
    assert (pooled.mean.mean, pooled.mean.n) == (pytest.approx(0.125), 2)
    assert pooled.ratio.mean == pytest.approx(0.25)
    assert (pooled.most, pooled.n) == (1.0, 8)


def test_records_without_a_pace_have_no_movement():
    assert movement.movement([record(ROWS)]) is None

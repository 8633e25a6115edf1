"""Trends: verdicts of runs made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from claim_records import judged, run
from reluprobe.analysis.claims import Verdict
from reluprobe.report.terminal import claims as claims_table


def phases(slopes):
    return [
        run(*((0.2 + k * slope,) for k in range(4)), seed=n, phased=True)
        for n, slope in enumerate(slopes)
    ]


@pytest.mark.parametrize(
    ("slopes", "verdicts"),
    [
        ((0.05, 0.06, 0.055), "holds fails fails"),
        ((-0.05, -0.04, -0.045), "fails holds fails"),
        ((0.05, -0.04, 0.01), "open open open"),
        ((0.001, -0.001, 0.0), "open open holds"),
        ((0.05,), "open open open"),
        ((0.0, 0.0, 0.0), "open open open"),
        ((0.0,) * 5, "fails fails holds"),
    ],
)
def test_a_trend_is_where_the_mean_slope_lies(tmp_path, slopes, verdicts):
    trend = {"of": "all", "over": "phases"}
    written = [trend | {"goes": "up"}, trend | {"goes": "down"}, trend | {"goes": "flat", "by": 1}]
    names = {Verdict.HOLDS: "holds", Verdict.FAILS: "fails", Verdict.OPEN: "open"}
    made = judged(tmp_path, phases(slopes), *written)
    assert " ".join(names[one.verdict] for one in made) == verdicts
    assert made[0].estimate.mean == pytest.approx(np.mean(slopes))
    assert [claims_table.range_of(one) for one in made] == ["> 0", "< 0", "±1"]


def test_a_trend_by_so_many_points_a_step(tmp_path):
    runs = phases((0.05, 0.06, 0.055))
    trend = {"of": "all", "over": "phases", "goes": "up"}
    steep, gentle = judged(tmp_path, runs, trend | {"by": 20}, trend | {"by": 1})
    assert (steep.verdict, gentle.verdict) == (Verdict.FAILS, Verdict.HOLDS)
    assert claims_table.range_of(gentle) == "≥ 1"

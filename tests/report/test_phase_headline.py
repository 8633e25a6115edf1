"""The headline of a run's phases, with an accuracy, with R², and without either."""

from __future__ import annotations

import pytest

from reluprobe.analysis.aggregate import Estimate
from reluprobe.analysis.phase_outcomes import Turn
from reluprobe.report.quality_terms import ALL_TERMS
from reluprobe.report.terminal import phase_outcomes


def turn(phase, dead, accuracy, r2):
    """A phase that ends with this share dead, this accuracy, this R²."""
    end, right, fit = (v if v is None else Estimate(v, None, 1) for v in (dead, accuracy, r2))
    return Turn(phase, "mnist", "same", 1, 1, None, None, end, right, None, None, fit)


@pytest.mark.parametrize(
    ("accuracies", "fits", "quality"),
    [
        ((0.5, 0.75), (None, None), ", test accuracy 50.0% → 75.0%"),
        ((None, None), (-0.5, 0.75), ", test R² −0.500 → 0.750"),
        ((None, None), (None, None), ""),
    ],
)
def test_phase_headline_says_how_good_networks_are_where_that_is_known(accuracies, fits, quality):
    turns = [
        turn(n, (n + 1) / 4, accuracy, fit)
        for n, (accuracy, fit) in enumerate(zip(accuracies, fits, strict=True))
    ]
    settings = {"activation": "relu"}
    text = phase_outcomes.headline(settings, turns, "dead", ALL_TERMS).plain
    assert text == f"relu: over 2 phases dead 25.0% → 50.0% at their ends{quality}"

"""The headline of a run's phases, with an accuracy and without one."""

from __future__ import annotations

import pytest

from reluprobe.analysis.aggregate import Estimate
from reluprobe.analysis.phase_outcomes import Turn
from reluprobe.report.terminal import phase_outcomes


def turn(phase, dead, accuracy):
    """A phase that ends with this share dead and this accuracy."""
    end, right = (None if value is None else Estimate(value, None, 1) for value in (dead, accuracy))
    return Turn(phase, "mnist", "same", 1, 1, None, None, end, right, None, None)


@pytest.mark.parametrize(
    ("accuracies", "quality"),
    [((0.5, 0.75), ", test accuracy 50.0% → 75.0%"), ((None, None), "")],
)
def test_phase_headline_has_an_accuracy_where_there_is_one(accuracies, quality):
    turns = [turn(n, (n + 1) / 4, accuracy) for n, accuracy in enumerate(accuracies)]
    text = phase_outcomes.headline({"activation": "relu"}, turns, "dead").plain
    assert text == f"relu: over 2 phases dead 25.0% → 50.0% at their ends{quality}"

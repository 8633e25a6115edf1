"""The headline of configurations that are no grid."""

from __future__ import annotations

import pytest

import figure_runs
from reluprobe.analysis import aggregate, effects
from reluprobe.report.terminal import answer

#: Each its own change from settings that nobody ran.
CHANGES = ({"norm": "batch"}, {"l2": 0.1}, {"learning_rate": 0.1}, {"activation": "crelu"})


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ((0.5, 0.5, 0.5, 0.5), "50.0% dead, whatever the setting"),
        ((0.0, 0.25, 0.5, 0.75), "dead: relu · lr 5e-3 · norm batch · L2 0 0.0%"),
    ],
)
def test_all_are_the_same_only_where_they_are(shares: tuple[float, ...], said: str):
    runs = [
        figure_runs.record(dead=share, **change)
        for share, change in zip(shares, CHANGES, strict=True)
    ]
    computed = effects.effects(runs)
    assert computed is not None and not computed.dead, "nothing tells what explains them"
    first, *_ = answer.sentences(aggregate.summarize(runs), computed, "dead")
    assert first.startswith(said)
    assert ("75.0%" in first) == (0.75 in shares)

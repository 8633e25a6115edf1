"""Thresholds of definitions: what counts as dormant follows them, and no trained bit does."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from reluprobe.config import RunConfig, make_run
from reluprobe.engine import evaluate
from reluprobe.measures import definitions
from training_segments import BATCH, CLASSES, COUNT, FEATURES, run_segment, segment_of, start_of

pytestmark = pytest.mark.usefixtures("as_for_users")
SMALL = dict(depth=2, width=16, batch_size=BATCH, learning_rate=0.05, probe_examples=20, seed=3)


@pytest.fixture(scope="module")
def looked_at(arrays: Any, as_for_users: None) -> Any:
    """Lane after an epoch and its report, and outputs on the probe, by settings."""

    def look(**settings: Any) -> Any:
        lane, hyper, spec = start_of(make_run(SMALL | settings), FEATURES, CLASSES, COUNT)
        lane, report = run_segment(spec, arrays, segment_of(1, ends=True), lane, hyper)
        return lane, report, evaluate.outputs(spec, arrays, lane.weights, hyper, 20)

    return look


@pytest.fixture(scope="module")
def usual(looked_at: Any) -> Any:
    return looked_at()


def test_the_default_is_that_of_the_definition():
    assert RunConfig.dormant_threshold == definitions.DORMANT_THRESHOLD


@pytest.mark.parametrize("tau", [1e-4, 0.4, 1.5])
def test_dormant_is_at_or_below_the_threshold_of_the_run(looked_at: Any, tau: float):
    _, report, outputs = looked_at(dormant_threshold=tau)
    mean = np.abs(np.float64(outputs)).mean(axis=-1)
    assert mean.shape == (2, 16)
    scores = mean / mean.mean(axis=1, keepdims=True)
    assert (np.abs(scores - tau) > 1e-5).all(), "no score is within rounding"
    np.testing.assert_array_equal(report.units.dormant[0], scores <= tau)
    assert 0 < (scores <= 1.5).sum() < 32


@pytest.mark.parametrize("name", ["dormant_threshold", "rare_threshold"])
def test_another_threshold_changes_no_bit_of_what_is_trained(looked_at: Any, usual: Any, name: str):
    for one, other in zip(looked_at(**{name: 0.9})[:2], usual[:2], strict=True):
        if hasattr(one, "units"):
            one, other = (x._replace(units=x.units.dead) for x in (one, other))
        jax.tree.map(np.testing.assert_array_equal, one, other)


def test_what_is_revived_has_a_threshold_of_its_own(looked_at: Any):
    how = dict(revive="redo", revive_definition="dormant", revive_threshold=0.4)
    one, other = (looked_at(**how, dormant_threshold=tau) for tau in (1e-4, 1.5))
    np.testing.assert_array_equal(one[0].dead_mask, other[0].dead_mask)
    assert (np.asarray(one[1].units.dormant) != np.asarray(other[1].units.dormant)).any()

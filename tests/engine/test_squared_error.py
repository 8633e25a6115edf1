"""R² and RMSE of a split, beside NumPy: from predictions, and where they are known beforehand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reluprobe.config import RunConfig, make_run
from reluprobe.config.choices import SPLITS
from reluprobe.data import Dataset
from reluprobe.engine.squared_error import Targets
from reluprobe.engine.tasks import draw_task

TRAINED, TESTED, PROBED = 40, 25, 10


def regression(train: np.ndarray, test: np.ndarray, name: str = "abs") -> Dataset:
    inputs = (np.zeros((len(targets), 1), np.float32) for targets in (train, test))
    first, second = inputs
    return Dataset(name, first, train, second, test, None)


def config(**settings: Any) -> RunConfig:
    return make_run({"dataset": "abs", "probe_examples": PROBED, **settings})


def split_of(dataset: Dataset, split: str) -> np.ndarray:
    train = dataset.train_targets
    return {"probe": train[:PROBED], "train": train, "test": dataset.test_targets}[split]


numbers = st.floats(-1000, 1000, width=32)
targets = st.tuples(
    hnp.arrays(np.float32, TRAINED, elements=numbers),
    hnp.arrays(np.float32, TESTED, elements=numbers),
)


@given(targets, st.integers(0, 2**32 - 1), st.sampled_from(SPLITS))
def test_r2_and_rmse_are_those_of_the_predictions(both: Any, seed: int, split: str):
    dataset = regression(*both)
    truth = split_of(dataset, split).astype(np.float64)
    predicted = truth + np.random.default_rng(seed).normal(0, 10, truth.shape)
    residual, total = ((truth - predicted) ** 2).sum(), ((truth - truth.mean()) ** 2).sum()
    fit = Targets({"abs": dataset}).fit(residual / len(truth), config(), split)
    assert fit.rmse == pytest.approx(np.sqrt(np.mean((truth - predicted) ** 2)))
    if np.ptp(truth) > 1e-3:
        assert fit.r2 == pytest.approx(1 - residual / total, rel=1e-6, abs=1e-6)


@given(targets, st.sampled_from(SPLITS))
def test_to_predict_the_mean_is_worth_nothing(both: Any, split: str):
    dataset = regression(*both)
    truth = split_of(dataset, split).astype(np.float64)
    loss = float(np.mean((truth - truth.mean()) ** 2))
    r2, rmse = Targets({"abs": dataset}).fit(loss, config(), split)
    assert rmse == pytest.approx(truth.std())
    # Nothing is explained of what does not vary.
    assert r2 is None if np.ptp(truth) == 0 else r2 == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("value", [0.1, 0.0, 1e30])
def test_targets_that_are_all_the_same_have_no_r2(value: float):
    same = np.full(TRAINED, value, np.float32)
    assert Targets({"abs": regression(same, same)}).fit(0.25, config(), "test") == (None, 0.5)


def test_a_variance_of_next_to_nothing_leaves_no_number_that_no_record_holds():
    nearly = np.array([0.0] * (TRAINED - 1) + [1e-30], np.float32)
    fit = Targets({"abs": regression(nearly, nearly)}).fit(1e30, config(), "test")
    assert fit.r2 is None and fit.rmse == pytest.approx(1e15)


def test_no_error_is_all_of_the_variance_and_a_classification_has_neither():
    spread = np.arange(TRAINED, dtype=np.float32)
    assert Targets({"abs": regression(spread, spread)}).fit(0.0, config(), "train") == (1, 0)
    labels = np.zeros(TRAINED, np.int32)
    inputs = np.zeros((TRAINED, 1), np.float32)
    classes = Dataset("abs", inputs, labels, inputs, labels, 3)
    assert Targets({"abs": classes}).fit(0.5, config(), "test") == (None, None)


def _other(rng: np.random.Generator) -> Dataset:
    wide, test = (rng.normal(0, 9, n).astype(np.float32) for n in (TRAINED, TESTED))
    return regression(wide, test, "mnist")


@pytest.mark.parametrize("split", SPLITS)
def test_a_phase_is_held_against_its_own_targets(split: str):
    rng = np.random.default_rng(0)
    narrow = regression(*(rng.normal(0, 1, n).astype(np.float32) for n in (TRAINED, TESTED)))
    other = _other(rng)
    both = Targets({"abs": narrow, "mnist": other})
    settings = config(phases="mnist,shuffled_labels", epochs=1)
    for phase, dataset in enumerate((narrow, other)):
        expected = 1 - 0.5 / split_of(dataset, split).astype(np.float64).var()
        assert both.fit(0.5, settings, split, phase).r2 == pytest.approx(expected)


def test_the_probe_of_shuffled_targets_is_held_against_those_that_it_got():
    rng = np.random.default_rng(1)
    dataset = regression(*(rng.normal(0, 1, n).astype(np.float32) for n in (TRAINED, TESTED)))
    targets = Targets({"abs": dataset})
    settings = config(phases="shuffled_labels", epochs=1, seed=3)
    order = draw_task(settings, 1, "shuffled_labels", {"abs": dataset}).targets
    shuffled = dataset.train_targets[np.asarray(order)[:PROBED]].astype(np.float64)
    assert shuffled.var() != pytest.approx(dataset.train_targets[:PROBED].var(), rel=0.01)
    assert targets.fit(0.5, settings, "probe", 1).r2 == pytest.approx(1 - 0.5 / shuffled.var())
    # All of them are the same, in whatever order.
    for split in ("train", "test"):
        assert targets.fit(0.5, settings, split, 1) == targets.fit(0.5, settings, split, 0)

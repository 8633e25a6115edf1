"""A file made to fit: the split, standardization, classes and the targets of a regression."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reluprobe import data
from reluprobe.errors import InputError

N = 50
X = np.random.default_rng(1).normal([0, 100, 7, -3], [1, 50, 0, 2], (N, 4)).astype(np.float32)


def load(folder: Path, y: Any, x: Any = X, **settings: Any) -> data.Dataset:
    np.savez(folder / "own.npz", x=x, y=y)
    return data.load(data.OwnData(str(folder / "own.npz"), **settings))


def test_the_split_is_a_permutation_and_hangs_on_its_seed_alone(tmp_path: Path) -> None:
    index, labels = np.arange(N, dtype=np.float32), np.arange(N) % 2
    orders = {}
    for seed in (0, 0, 7):
        got = load(tmp_path, labels, index, split_seed=seed, test_share=0.3)
        assert (len(got.train_inputs), len(got.test_inputs)) == (35, 15)
        order = np.concatenate([got.train_inputs, got.test_inputs])[:, 0].astype(int)
        assert sorted(order) == list(range(N))  # each example once: the splits are disjoint
        targets = np.concatenate([got.train_targets, got.test_targets])
        np.testing.assert_array_equal(targets, labels[order])
        np.testing.assert_array_equal(orders.setdefault(seed, order), order)
    assert (orders[0] != orders[7]).any()
    # As documented: NumPy's permutation, its first the test set's.
    expected = np.random.default_rng(7).permutation(N)
    np.testing.assert_array_equal(orders[7], np.concatenate([expected[15:], expected[:15]]))


def test_standardization_is_of_the_training_examples_alone(tmp_path: Path) -> None:
    labels = np.arange(N) % 2
    plain, scaled = (load(tmp_path, labels, standardize=on) for on in (False, True))
    train, test = plain.train_inputs.astype(np.float64), plain.test_inputs.astype(np.float64)
    mean, deviation = train.mean(0), train.std(0)
    deviation[2] = 1  # the constant one
    np.testing.assert_allclose(scaled.train_inputs, (train - mean) / deviation, atol=1e-5)
    np.testing.assert_allclose(scaled.test_inputs, (test - mean) / deviation, atol=1e-5)
    assert (scaled.train_inputs[:, 2] == 0).all() and scaled.train_inputs.dtype == np.float32
    assert abs(scaled.test_inputs[:, 1].mean()) > 1e-3  # its own mean is another
    np.testing.assert_array_equal(scaled.train_targets, plain.train_targets)


def test_pixels_can_be_standardized_too(tmp_path: Path) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (N, 2, 2), np.uint8)
    got = load(tmp_path, np.arange(N) % 2, pixels, standardize=True)
    np.testing.assert_allclose(got.train_inputs.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(got.train_inputs.std(0), 1, atol=1e-6)
    assert got.shape == (2, 2, 1)


@pytest.mark.parametrize("standardize", [False, True])
def test_floats_are_targets_of_a_regression(tmp_path: Path, standardize: bool) -> None:
    y = X[:, 1] * 3.0 + 5
    got = load(tmp_path, y.astype(np.float64), standardize=standardize)
    assert (got.classes, got.class_names) == (None, None)
    assert got.train_targets.dtype == got.test_targets.dtype == np.float32
    expected = load(tmp_path, y.astype(np.float64)).train_inputs[:, 1].astype(np.float64) * 3 + 5
    if standardize:
        expected = (expected - expected.mean()) / expected.std()
    np.testing.assert_allclose(got.train_targets, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.where(np.arange(N) % 2, -1, 1), ("-1", "1")),
        (np.arange(N) % 3 * 10 + 5, ("5", "15", "25")),
        (np.array(["dog", "cat"] * 25), ("cat", "dog")),
        (np.array([b"dog", b"cat"] * 25), ("cat", "dog")),
        (np.arange(N) % 2 == 1, ("False", "True")),
        ((np.arange(N) % 2).astype(np.uint64), ("0", "1")),
    ],
    ids=str,
)
def test_labels_become_0_1_2_in_their_order_and_keep_their_names(
    tmp_path: Path, labels: np.ndarray, names: tuple[str, ...]
) -> None:
    got = load(tmp_path, labels, np.arange(N))
    assert (got.classes, got.class_names) == (len(names), names)
    assert got.train_targets.dtype == np.int32
    sort = np.unique(labels)
    for inputs, targets in (
        (got.train_inputs, got.train_targets),
        (got.test_inputs, got.test_targets),
    ):
        np.testing.assert_array_equal(sort[targets], labels[inputs[:, 0].astype(int)])


def test_the_type_decides_unless_the_task_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "reluprobe.data.own")
    ages = np.arange(N) % 23 + 20
    assert load(tmp_path, ages).classes == 23
    assert "23 classes (y has whole numbers; if they are quantities: task = regr" in caplog.text
    assert load(tmp_path, ages, task="regression").classes is None
    assert load(tmp_path, ages.astype(float)).classes is None
    assert "y is of type float64, all whole; if they are classes: task = cl" in caplog.text
    got = load(tmp_path, ages.astype(float), task="classification")
    assert got.class_names is not None and got.class_names[0] == "20"
    assert "40 training and 10 test examples of 4 features" in caplog.text


@pytest.mark.parametrize(
    ("y", "task", "said"),
    [
        (np.arange(N) / 4, "classification", "y has 0.25 at example 2"),
        (np.array(["a", "b"] * 25), "regression", "needs numbers, and y has texts"),
        (np.arange(N), "auto", "try: task = regression, if they are quantities"),
    ],
)
def test_targets_that_are_not_what_is_asked_for_are_refused(
    tmp_path: Path, y: np.ndarray, task: str, said: str
) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, y, task=task)
    assert said in str(caught.value)


def test_what_one_would_want_to_know_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "reluprobe.data.own")
    load(tmp_path, np.arange(N) % 2, X.astype(np.float64))
    assert "1 of 4 features are constant in the training set" in caplog.text
    assert "features up to 2" in caplog.text and "try standardize = true" in caplog.text
    assert "x is float64, trained on as float32" in caplog.text
    caplog.clear()
    load(tmp_path, np.arange(N) % 2, X[:, :1], standardize=True)
    assert [record.levelno for record in caplog.records] == [logging.INFO]


def test_classes_that_only_the_test_set_has_and_sorted_examples_are_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    x, y = np.zeros((2000, 1), np.uint8), np.repeat([0, 1], 1000)
    path = tmp_path / "own.npz"
    np.savez(path, x_train=x, y_train=y, x_test=x[:3], y_test=[0, 1, 2])
    got = data.load(data.OwnData(str(path)))
    assert got.classes == 3 and got.existing is not None and got.existing.tolist() == [0, 1]
    assert "only the test set has the classes 2" in caplog.text
    assert "the first 1,000 training examples, on which units are probed, are all of class 0" in (
        caplog.text
    )

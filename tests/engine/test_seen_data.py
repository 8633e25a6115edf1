"""What a network is given to see and to learn: pixels scaled, labels made wrong."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reluprobe import data
from reluprobe.config import make_run
from reluprobe.engine import checks, state, train_step
from reluprobe.errors import InputError
from reluprobe.plan.runs import as_run
from small_networks import FEATURES, close
from training_segments import start_of

# --- pixels ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, state.Arrays]:
    """Forty pictures to train on and, much brighter, ten to test on; one pixel never varies."""
    rng = np.random.default_rng(0)
    raw = rng.integers(0, 90, (50, 6)).astype(np.uint8)
    raw[40:] += 150
    raw[:, 2] = 17
    return raw, jax.tree.map(jnp.asarray, state.arrays(raw, np.zeros(50, np.int32), 40))


def seen_as(pixels: str, arrays: Any, count: int = 50) -> np.ndarray:
    _, hyper, spec = start_of(make_run(dict(pixels=pixels, width=4)), 6, 3, 40)
    return np.asarray(spec.inputs(arrays, hyper, jnp.arange(count)), np.float64)


def test_pixels_are_scaled_as_numpy_does_by_the_training_sets_statistics(pictures: Any):
    raw, arrays = pictures
    unit = raw / 255
    train_ = unit[:40]
    close(seen_as("unit", arrays), unit, 1e-6)
    close(seen_as("standardized", arrays), (unit - train_.mean()) / train_.std(), 1e-5)
    close(seen_as("centred", arrays), unit - train_.mean(axis=0), 1e-5)
    standardized, centred = seen_as("standardized", arrays), seen_as("centred", arrays)
    assert abs(standardized[:40].mean()) < 1e-6 and abs(standardized[:40].var() - 1) < 1e-5
    assert np.abs(centred[:40].mean(axis=0)).max() < 1e-6
    assert standardized[40:].mean() > 3 and np.abs(centred[40:, 0].mean()) > 0.3


def test_floats_are_scaled_too_and_a_set_of_one_value_is_0(blobs: data.Dataset):
    both = np.concatenate([blobs.train_inputs, blobs.test_inputs])
    count = len(blobs.train_inputs)
    placed = state.arrays(both, np.zeros(len(both), np.int32), count)
    np.testing.assert_allclose(placed.deviation, blobs.train_inputs.std(), rtol=1e-5)
    close(placed.means, blobs.train_inputs.mean(axis=0, dtype=np.float64), 1e-5)
    blank = state.arrays(np.full((50, 6), 9, np.uint8), np.zeros(50, np.int32), 40)
    arrays = jax.tree.map(jnp.asarray, blank)
    for pixels in ("standardized", "centred"):
        assert np.abs(seen_as(pixels, arrays)).max() < 1e-6


@pytest.mark.parametrize("pixels", ["unit", "standardized", "centred"])
def test_the_certificates_box_is_the_training_sets_as_the_network_sees_it(
    pixels: str, pictures: Any
):
    _, arrays = pictures
    config = make_run(dict(pixels=pixels, width=6, depth=1, init="normal", init_scale=0.0))
    lane, hyper, spec = start_of(config, 6, 3, 40)
    seen = seen_as(pixels, arrays, 40)
    # Unit k sees pixel k alone, upright in the first three and upside down in the others, and its
    # bias lies just below or just above what would keep it silent for the whole box.
    signs = np.array([1, 1, 1, -1, -1, -1])
    most = np.where(signs > 0, seen.max(axis=0), -seen.min(axis=0))
    beside = np.array([-1, 1, -1, -1, 1, 1]) * 1e-3
    weights = jax.tree.map(jnp.array, lane.weights)
    weights["hidden"][0]["kernel"][...] = jnp.asarray(np.diag(signs), jnp.float32)
    weights["hidden"][0]["bias"][...] = jnp.asarray(beside - most, jnp.float32)
    certified = train_step._certified(spec, arrays, weights, hyper)
    np.testing.assert_array_equal(certified[0], beside < 0)


# --- wrong labels ------------------------------------------------------------------------------


noised = jax.jit(train_step._noisy, static_argnums=0)


def noisy(share: float, targets: np.ndarray, classes: int = 10, seed: int = 0) -> np.ndarray:
    config = make_run(dict(label_noise=share, width=4, seed=seed))
    _, hyper, spec = start_of(config, FEATURES, classes, len(targets))
    assert ("label_noise" in hyper.dials) == (share > 0)
    chosen = np.arange(len(targets))
    return np.asarray(noised(spec, hyper, chosen, targets))


def test_a_share_of_labels_is_another_class_each_as_likely():
    targets = np.tile(np.arange(10, dtype=np.int32), 2000)
    np.testing.assert_array_equal(noisy(0.0, targets), targets)
    for share in (0.2, 1.0):
        got = noisy(share, targets)
        wrong = got != targets
        assert abs(wrong.mean() - share) <= 4 * np.sqrt(share * (1 - share) / len(targets))
        assert got.dtype == targets.dtype and got.min() == 0 and got.max() == 9
        how_far = (got - targets)[wrong] % 10
        counts = np.bincount(how_far, minlength=10)
        assert counts[0] == 0
        expected = wrong.sum() / 9
        assert ((counts[1:] - expected) ** 2 / expected).sum() < 30  # χ² of 8 degrees: p < 2e-4
        np.testing.assert_array_equal(got, noisy(share, targets))
        assert (got != noisy(share, targets, seed=1)).any()
    # Whose label is wrong at a small share is wrong at a larger one: the same draws.
    few, many = noisy(0.1, targets) != targets, noisy(0.3, targets) != targets
    assert (many | ~few).all()


def test_with_two_classes_the_wrong_label_is_the_other_one():
    targets = np.arange(20_000, dtype=np.int32) % 2
    np.testing.assert_array_equal(noisy(1.0, targets, classes=2), 1 - targets)


def test_a_regression_has_no_label_noise():
    with pytest.raises(InputError) as caught:
        checks.check(
            [as_run(make_run(dict(dataset="abs", label_noise=0.1)))], {"abs": data.load("abs")}
        )
    assert caught.value.faults == ("label_noise needs classes, and abs has none",)

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


noised = jax.jit(train_step._noisy)


def noisy(share: float, targets: np.ndarray, classes: int = 10, seed: int = 0) -> np.ndarray:
    config = make_run(dict(label_noise=share, width=4, seed=seed))
    _, hyper, _ = start_of(config, FEATURES, classes, len(targets))
    assert ("label_noise" in hyper.dials) == (share > 0)
    chosen = np.arange(len(targets))
    arrays = state.arrays(np.zeros((len(targets), 1), np.float32), targets, len(targets), classes)
    return np.asarray(noised(arrays, hyper, chosen, targets))


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


def test_a_wrong_label_is_a_class_that_exists_where_labels_have_gaps():
    # As emnist/letters has them: 1 to 26 of 37 that it declares.
    existing = np.array([1, 2, 3, 6, 7], np.int32)
    targets = np.tile(existing, 4000)
    got = noisy(1.0, targets, classes=12)
    assert (got != targets).all() and np.unique(got).tolist() == existing.tolist()
    # Which of the others is drawn: the same draws as without gaps.
    place = noisy(1.0, np.tile(np.arange(5, dtype=np.int32), 4000), classes=5)
    np.testing.assert_array_equal(got, existing[place])


def gapped(*labels: int) -> data.Dataset:
    inputs, targets = np.zeros((6, 4), np.uint8), np.resize(np.array(labels, np.int32), 6)
    return data.Dataset("gapped", inputs, targets, inputs, targets, classes=37)


def test_the_classes_that_exist_are_those_of_training_examples():
    inputs, targets = np.zeros((4, 1), np.uint8), np.array([3, 1, 3, 5], np.int32)
    letters = data.Dataset("letters", inputs, targets, inputs, targets + 1, classes=37)
    assert letters.existing is not None and letters.existing.tolist() == [1, 3, 5]
    assert data.load("abs").existing is None
    arrays = state.arrays(np.concatenate([inputs, inputs]), np.append(targets, targets + 1), 4, 37)
    assert arrays.classes[:3].tolist() == [1, 3, 5] and arrays.existing == 3
    assert arrays.classes.shape == (37,)


def test_label_noise_needs_two_classes_that_exist():
    run = as_run(make_run(dict(dataset="gapped", label_noise=0.1, probe_examples=2)))
    checks.check([run], {"gapped": gapped(4, 9)})
    with pytest.raises(InputError) as caught:
        checks.check([run], {"gapped": gapped(4)})
    assert caught.value.faults == ("label_noise needs two classes, and gapped has one",)


STEPS = 2**31 - 1  # as many as an int32 counts


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"epochs": STEPS // 6 + 1}, "the whole run has 2,147,483,652 steps; allowed are at most"),
        ({"epochs": 1, "phases": f"same@{STEPS - 1}"}, "the whole run has 12,884,901,882 steps"),
        ({"schedule": "step", "step_epochs": STEPS}, "batch_size 1 is an integer <= 357913941"),
        ({"epochs": 1, "warmup_steps": STEPS}, "warmup_steps = 2147483647: the whole run has 6"),
    ],
)
def test_what_is_more_than_the_engine_can_count_is_refused(settings: dict[str, Any], said: str):
    run = as_run(make_run(dict(dataset="gapped", probe_examples=2, batch_size=1) | settings))
    with pytest.raises(InputError) as caught:
        checks.check([run], {"gapped": gapped(4, 9)})
    (fault,) = caught.value.faults
    assert said in fault


def test_what_the_engine_can_just_count_is_taken():
    for settings in ({"epochs": STEPS // 6}, {"schedule": "step", "step_epochs": STEPS // 6}):
        run = as_run(make_run(dict(dataset="gapped", probe_examples=2, batch_size=1) | settings))
        checks.check([run], {"gapped": gapped(4, 9)})


def test_a_regression_has_no_label_noise():
    with pytest.raises(InputError) as caught:
        checks.check(
            [as_run(make_run(dict(dataset="abs", label_noise=0.1)))], {"abs": data.load("abs")}
        )
    assert caught.value.faults == ("label_noise needs classes, and abs has none",)

"""What phases do to the data: permutations by seed and phase, and datasets that do not fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reluprobe import data
from reluprobe.config import choices, make_run
from reluprobe.engine import checks, runner, state
from reluprobe.engine.tasks import draw_task
from reluprobe.errors import InputError
from training_segments import start_of


@pytest.fixture(scope="module")
def datasets(blobs: data.Dataset) -> dict[str, data.Dataset]:
    return {"blobs": blobs, "other": replace(blobs, name="other"), "abs": data.load("abs")}


BOTH = "permuted_pixels,shuffled_labels,permuted_pixels"


def tasks(datasets: Any, seed: int) -> list[state.Task]:
    config = make_run({"dataset": "blobs", "phases": BOTH, "seed": seed})
    order = ("same", "permuted_pixels", "shuffled_labels", "permuted_pixels")
    return [draw_task(config, n, name, datasets) for n, name in enumerate(order)]


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_tasks_permutations_depend_on_seed_and_phase_alone(datasets: Any, seed: int):
    mine, again, other = tasks(datasets, seed), tasks(datasets, seed), tasks(datasets, seed ^ 1)
    features, targets = np.arange(32), np.arange(4096 + 1024)
    for task, same in zip(mine, again, strict=True):
        jax.tree.map(np.testing.assert_array_equal, task, same)
        np.testing.assert_array_equal(np.sort(task.pixels), features)
        np.testing.assert_array_equal(np.sort(task.targets[:4096]), targets[:4096])
        np.testing.assert_array_equal(task.targets[4096:], targets[4096:])
    for n, (pixels, labels) in enumerate(mine):
        assert (pixels != features).any() == (n in (1, 3))
        assert (labels != targets).any() == (n == 2)
    assert (mine[1].pixels != mine[3].pixels).any()
    assert (mine[1].pixels != other[1].pixels).any()
    assert (mine[2].targets != other[2].targets).any()


def test_what_no_phase_permutes_has_no_permutation(datasets: Any):
    for text, permuted in (
        ("none", (False, False)),
        ("same", (False, False)),
        ("permuted_pixels", (True, False)),
        ("shuffled_labels,same", (False, True)),
    ):
        config = make_run({"dataset": "blobs", "phases": text})
        assert tuple(p is not None for p in draw_task(config, 0, "same", datasets)) == permuted


@pytest.mark.parametrize("pixels", choices.PIXELS)
def test_the_network_sees_permuted_inputs_and_learns_shuffled_targets(datasets: Any, pixels: str):
    blobs = datasets["blobs"]
    inputs = np.concatenate([blobs.train_inputs, blobs.test_inputs])
    targets = np.concatenate([blobs.train_targets, blobs.test_targets])
    arrays = state.arrays(inputs, targets, 4096)
    config = make_run(dict(dataset="blobs", phases=BOTH, depth=1, width=2, pixels=pixels))
    _, hyper, spec = start_of(config, 32, 10, 4096)
    chosen = np.array([0, 5, 4095, 4096, 5119])  # of both sets
    plain = None
    for task in tasks(datasets, config.seed):
        now = hyper._replace(task=task)
        seen = np.asarray(spec.inputs(arrays, now, chosen))
        plain = seen if plain is None else plain  # the first phase's
        np.testing.assert_array_equal(seen, plain[:, task.pixels])
        learned = np.asarray(spec.targets(arrays, now, chosen))
        np.testing.assert_array_equal(learned, targets[task.targets[chosen]])
        np.testing.assert_array_equal(learned[3:], targets[chosen[3:]])
    if pixels == "unit":
        np.testing.assert_array_equal(plain, inputs[chosen])


def test_a_dataset_of_another_shape_is_refused_with_the_reason(datasets: Any, run_of: Any):
    checks.check([run_of(phases="other+permuted_pixels,same")], datasets)
    run = run_of(phases="other,abs@2")
    assert checks.dataset_names(run.config) == ["blobs", "other", "abs"]
    for go in (checks.check, lambda runs, given: list(runner.execute(runs, given.get))):
        with pytest.raises(InputError) as caught:
            go([run], datasets)
        (fault,) = caught.value.faults
        assert fault.startswith(
            "phases: abs is 4,096 + 1,024 examples of 1 features in no classes, and blobs is "
            "4,096 + 1,024 examples of 32 features in 10 classes"
        )


@pytest.mark.parametrize("changed", ["dtype", "fewer", "classes"])
def test_a_dataset_that_differs_in_one_thing_is_refused(datasets: Any, run_of: Any, changed: str):
    blobs = datasets["blobs"]
    other = {
        "dtype": lambda: replace(blobs, train_inputs=blobs.train_inputs.astype(np.uint8)),
        "fewer": lambda: replace(blobs, test_inputs=blobs.test_inputs[:5]),
        "classes": lambda: replace(blobs, classes=11),
    }[changed]()
    with pytest.raises(InputError):
        checks.check([run_of(phases="other")], datasets | {"other": replace(other, name="other")})

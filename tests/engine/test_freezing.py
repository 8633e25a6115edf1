"""Layers that are frozen after some epochs, beside all else that could move them."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optimizer_chains import (
    GRADIENTS,
    assert_same,
    config_of,
    flat,
)
from reluprobe.config import make_run
from reluprobe.engine import compiler, state
from reluprobe.nn import optimizers
from training_segments import BATCH, CLASSES, COUNT, FEATURES, run_segment, segment_of, start_of


@pytest.mark.parametrize(("epoch", "layers"), [(1, 1), (2, 1), (3, 1), (3, 2), (3, 0)])
def test_updates_of_the_first_layers_are_0_after_their_epoch_and_others_untouched(
    epoch: int, layers: int
):
    config = config_of(freeze_layers=layers, freeze_after=2)
    got = optimizers.frozen(GRADIENTS[0], config, jnp.int32(epoch))
    held = layers if epoch > 2 else 0
    for i in range(2):
        of = [tree[part][i] for part in ("hidden", "norms", "slopes") for tree in (got,)]
        if i < held:
            assert not any(flat(x).any() for x in of)
        else:
            assert_same(of, [GRADIENTS[0][part][i] for part in ("hidden", "norms", "slopes")])
    assert_same(got["output"], GRADIENTS[0]["output"])


#: All that could move a layer, at once: decays, Adam's moments of earlier steps, a norm, slopes.
#: And all that could go wrong where lanes are side by side: draws, and a dial of each kind.
FREEZING = make_run(
    dict(depth=2, width=6, norm="batch", activation="prelu", optimizer="adamw", epochs=3)
    | dict(batch_size=BATCH, weight_decay=0.1, l2=0.1, learning_rate=0.01, bias_init=0.1, seed=3)
    | dict(schedule="cosine", warmup_steps=2, probe_examples=20, freeze_layers=1, freeze_after=1)
    | dict(dropout=0.2, label_noise=0.2, clip_norm=1.0, adam_beta1=0.8, pixels="centred")
)


@pytest.fixture(scope="module")
def frozen_run(arrays: Any) -> list[state.Lane]:
    """The lane at the start and after each of three epochs; one layer is frozen after the first."""
    lane, hyper, spec = start_of(FREEZING, FEATURES, CLASSES, COUNT)
    lanes = [lane]
    for epoch in (1, 2, 3):
        lane, report = run_segment(spec, arrays, segment_of(epoch, ends=epoch == 3), lane, hyper)
        assert report.finite
        lanes.append(lane)
    return lanes


def parts_of(lane: state.Lane) -> dict[tuple[Any, ...], np.ndarray]:
    """What is trained, by place; the slopes layer by layer."""
    leaves = jax.tree_util.tree_leaves_with_path(state.trained(lane.weights)[0])
    named = {
        tuple(n for n in optimizers.names_of(p) if n != "value"): np.asarray(x) for p, x in leaves
    }
    slopes = named.pop(("slopes",))
    return named | {("slopes", i): slope for i, slope in enumerate(slopes)}


def test_a_frozen_layer_does_not_move_and_did_before_and_later_layers_do(frozen_run: Any):
    start, first, second, third = map(parts_of, frozen_run)
    below = {place for place in start if place[:2] in {(p, 0) for p in ("hidden", "norms")}}
    below |= {("slopes", 0)}
    assert len(below) == 5 and len(start) == 12
    for place in start:
        assert (first[place] != start[place]).any()
        moved = (second[place] != first[place]).any(), (third[place] != second[place]).any()
        assert moved == ((False, False) if place in below else (True, True)), place


def test_the_schedule_counts_every_step_of_the_run(frozen_run: Any):
    counts = {
        int(leaf)
        for path, leaf in jax.tree_util.tree_leaves_with_path(frozen_run[-1].optimizer)
        if optimizers.names_of(path)[-1] == "count"
    }
    assert counts == {3 * 4}


@pytest.mark.slow
def test_lanes_side_by_side_do_as_they_do_one_by_one(arrays: Any, frozen_run: Any):
    # As an accelerator runs them, beside others with other seeds, rates and dials.
    other = {"seed": 4, "learning_rate": 0.02, "dropout": 0.5, "l2": 0.5, "clip_norm": 0.1}
    beside = dataclasses.replace(FREEZING, **other)  # type: ignore[arg-type]
    starts = [start_of(config, FEATURES, CLASSES, COUNT) for config in (beside, FREEZING)]
    specs = [start[2] for start in starts]
    assert specs[0] == specs[1]
    lanes, hyper = (
        jax.tree.map(lambda *x: jnp.stack(x), *parts)
        for parts in zip(*[start[:2] for start in starts], strict=True)
    )
    side_by_side = jax.jit(partial(compiler.run_lanes, specs[:1], False))
    for epoch in (1, 2, 3):
        lanes, report = side_by_side(arrays, segment_of(epoch, ends=epoch == 3), lanes, hyper)
        assert report.finite.all()
        mine = jax.tree.map(lambda x: x[1], lanes)
        got, expected = parts_of(mine), parts_of(frozen_run[epoch])
        for place in expected:
            # A bias under batch norm has a gradient of 0, of which Adam makes rounding's sign.
            if place[0] != "hidden" or place[2] != "bias":
                np.testing.assert_allclose(got[place], expected[place], rtol=1e-3, atol=1e-4)
        np.testing.assert_array_equal(mine.order, frozen_run[epoch].order)
        np.testing.assert_allclose(mine.sums, frozen_run[epoch].sums, rtol=1e-3)

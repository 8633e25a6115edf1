"""Learning curves and survival curves, and the states of units that figures show."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import figure_runs
from reluprobe.analysis import (
    aggregate,
    dead_masks,
    learning_curves,
    survival_curves,
    unit_lives,
)
from reluprobe.analysis.survival import kaplan_meier
from reluprobe.analysis.survival_curves import ALIVE, DEAD, REVIVED
from reluprobe.records import StepRecord


def test_a_curve_is_the_mean_over_runs_and_ends_where_the_tables_end():
    runs = [figure_runs.record(seed=s) for s in range(3)]
    (row,) = aggregate.summarize(runs, "dead")
    curve = learning_curves.network(runs, "dead")
    assert curve.when == (0, 1, 2, 3, 4)
    assert curve.last == row.mean
    assert learning_curves.layer(runs, "L2", "never_positive").last == aggregate.estimate(
        r.final.layers[1].never_positive for r in runs
    )
    assert learning_curves.by_epoch(runs, lambda e: e.test_accuracy).last == row.accuracy


def test_moments_at_which_a_measure_does_not_apply_are_left_out():
    loss = learning_curves.by_epoch([figure_runs.record()], lambda e: e.train_loss)
    assert loss.when == (1, 2, 3, 4)
    assert not learning_curves.layer([figure_runs.record()], 5, "dead").values
    assert not learning_curves.folded([])


def test_runs_fold_at_the_moments_that_all_have_and_lost_ones_do_not_count():
    assert learning_curves.folded([{0: 1.0, 1: 3.0}, {1: 5.0, 2: 7.0}]).when == (1,)
    lost = figure_runs.record(0.9, status="diverged", seed=1)
    alone, among = (
        learning_curves.network(runs, "dead")
        for runs in ([figure_runs.record()], [figure_runs.record(), lost])
    )
    assert among == alone


def test_probes_between_epochs_are_part_of_a_curve():
    run = figure_runs.record()
    step = StepRecord(5, run.history[1].layers)  # of 10 an epoch
    curve = learning_curves.network([dataclasses.replace(run, steps=(step,))], "dead")
    assert curve.when == (0, 0.5, 1, 2, 3, 4)


def test_units_are_sorted_by_when_they_died_and_revivals_are_seen():
    mask = np.array([[c == "#" for c in row] for row in ("....", ".#.#", "##..", ".###", "...#")]).T
    states = survival_curves.states(mask)
    assert states.tolist() == [
        [DEAD, DEAD, REVIVED, REVIVED],
        [ALIVE, DEAD, DEAD, DEAD],
        [ALIVE, DEAD, REVIVED, DEAD],
        [ALIVE, ALIVE, ALIVE, DEAD],
        [ALIVE, ALIVE, ALIVE, ALIVE],
    ]


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)))
def test_states_keep_what_the_mask_says(mask):
    states = survival_curves.states(mask)
    assert ((states == DEAD).sum(0) == mask.sum(1)).all()
    units = unit_lives.units(mask)
    assert (states[:, -1] == REVIVED).sum() == ((units.first_death >= 0) & ~mask[-1]).sum()


def test_thinning_a_sorted_picture_keeps_its_shares():
    rows = np.repeat([0, 1, 2], [500, 300, 200])
    thin = survival_curves.thinned(rows, 100)
    assert len(thin) == 100
    assert np.bincount(thin) == pytest.approx([50, 30, 20], abs=1)
    assert survival_curves.thinned(rows, 2000) is rows


def test_survival_falls_by_the_units_that_died_for_the_first_time():
    run = figure_runs.record(0.5)  # 2, 4, 6, 8 of 16 in each layer, and one more in layer 1
    curve = survival_curves.not_yet_dead([run])
    assert [v.mean for v in curve.values] == [1 - n / 32 for n in (0, 5, 9, 13, 17)]


def test_what_stays_dead_is_kaplan_and_meiers():
    # At two probes of four cases one has ended, one is not looked at again, one goes on.
    lasted, closed = np.array([1, 2, 2, 3]), np.array([True, True, False, False])
    assert kaplan_meier(lasted, closed) == [3 / 4, 3 / 4 * 1 / 2]
    run = figure_runs.record(0.5)
    stretch = unit_lives.episodes(*dead_masks.side_by_side(unit_lives.watched(run).values()))
    curve = survival_curves.still_dead([run])
    assert curve.values[0].mean == 1
    assert [v.mean for v in curve.values[1:]] == kaplan_meier(stretch.length, stretch.closed)
    # One of 17 came back after one probe; of the others none was seen to.
    assert curve.values[1].mean == pytest.approx(1 - 1 / 13)
    assert not survival_curves.still_dead([figure_runs.record(0.0)])


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans()), min_size=1, max_size=20))
def test_the_median_is_where_the_curve_has_halved(cases):
    length, closed = (np.array(c) for c in zip(*cases, strict=True))
    curve = kaplan_meier(length, closed)
    below = [t for t, share in enumerate(curve, start=1) if share <= 0.5 + 1e-12]
    assert unit_lives.median_length(length, closed) == (below[0] if below else None)
    assert all(a >= b for a, b in itertools.pairwise(curve))

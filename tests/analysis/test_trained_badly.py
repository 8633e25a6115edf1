"""Runs that trained badly: near chance, or a loss above where it started; and no healthy one."""

from __future__ import annotations

import dataclasses

import pytest

from foreign_records import foreign_record
from paired_runs import record
from reluprobe.analysis import aggregate
from reluprobe.analysis.chance import near_chance
from reluprobe.analysis.trained_badly import BadTraining, bad_runs, trained_badly


def trained(accuracy=0.9, train_loss=0.3, untrained=2.3, seed=0, **settings):
    """A run with an untrained look and a last one."""
    run = record("relu", seed, 0.1, accuracy, **settings)
    last = dataclasses.replace(run.final, train_loss=train_loss)
    first = dataclasses.replace(last, epoch=0, train_loss=None, test_loss=untrained)
    return dataclasses.replace(run, history=(first, last))


def test_a_healthy_run_did_not():
    assert trained_badly(trained()) is None
    # A loss near its start is slow, not bad; 43% is no chance of ten classes.
    assert trained_badly(trained(0.43, 2.2)) is None


def test_the_quickstart_run_that_nobody_warned_of_is_found():
    bad = trained_badly(trained(0.3074, 1151.148, 2.3174))
    assert bad == BadTraining(None, None, 1151.148, 2.3174)
    assert bad.reason == "training loss 1.15e3 (2.32 at first)"


def test_accuracy_near_chance_is_found():
    bad = trained_badly(trained(0.1135, 2.3))
    assert bad.reason == "accuracy 11.3% (chance 10.0%)"
    both = trained_badly(trained(0.1135, 75.9))
    assert both.reason == "accuracy 11.3% (chance 10.0%), training loss 75.9 (2.3 at first)"


@pytest.mark.parametrize(
    ("classes", "accuracy", "near"), [(10, 0.19, True), (10, 0.191, False), (2, 0.55, True),
                                      (2, 0.56, False), (47, 0.118, True)]
)  # fmt: skip
def test_chance_leaves_a_tenth_of_what_is_above_it(classes, accuracy, near):
    assert near_chance(accuracy, classes) is near


def test_a_network_without_a_step_has_not_trained():
    run = record("relu", 0, 0.1, 0.05, epochs=0)
    assert run.final.epoch == 0
    assert trained_badly(run) is None


def test_unknown_classes_and_lost_runs_say_nothing():
    assert trained_badly(record("relu", 0, 0.1, 0.05, dataset="cifar10")) is None
    assert trained_badly(record("relu", status="diverged")) is None
    assert trained_badly(record("relu", status="failed")) is None


def test_a_foreign_run_is_held_against_its_first_training_loss():
    run = foreign_record([["...", "..."]] * 3, steps=(0, 10, 20))
    losses = (None, 2.0, 4.1)
    looks = tuple(
        dataclasses.replace(look, train_loss=loss)
        for look, loss in zip(run.history, losses, strict=True)
    )
    bad = trained_badly(dataclasses.replace(run, history=looks))
    assert (bad.train_loss, bad.start) == (4.1, 2.0)
    calm = dataclasses.replace(looks[-1], train_loss=3.9)
    assert trained_badly(dataclasses.replace(run, history=(*looks[:2], calm))) is None


def test_a_configuration_counts_its_bad_runs():
    runs = [trained(0.1, seed=0), trained(seed=1), trained(0.95, 99.0, seed=2)]
    (summary,) = aggregate.summarize(runs)
    assert (summary.badly, summary.runs) == (2, 3)
    assert [run.seed for run, _ in bad_runs(runs)] == [0, 2]

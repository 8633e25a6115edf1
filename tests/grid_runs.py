"""Runs of grids made by hand, and the quickstart's as it was measured."""

from __future__ import annotations

import itertools

import numpy as np

from paired_runs import record

#: ``sweeps/quickstart.toml``, seed 42: dead share and test accuracy, activation by activation, rate
#: by rate, Glorot before He, depth 2 before 5.
QUICKSTART = {
    "relu": (
        (0.015625, 0.9724), (0.088281, 0.9672), (0.015625, 0.9736), (0.052344, 0.9643),
        (0.113281, 0.9698), (0.253125, 0.9618), (0.097656, 0.9692), (0.240625, 0.9661),
        (0.578125, 0.9265), (0.760156, 0.9386), (0.601562, 0.9455), (0.710156, 0.9176),
    ),
    "leaky_relu": (
        (0.0, 0.9724), (0.0, 0.9697), (0.0, 0.9732), (0.0, 0.9627),
        (0.0, 0.9645), (0.0, 0.9642), (0.0, 0.9698), (0.0, 0.9669),
        (0.0, 0.9487), (0.0, 0.3074), (0.0, 0.9462), (0.0, 0.5169),
    ),
    "elu": (
        (0.0, 0.9637), (0.0, 0.9607), (0.0, 0.9646), (0.0, 0.9607),
        (0.0, 0.9528), (0.0, 0.9566), (0.0, 0.9628), (0.0, 0.9587),
        (0.003906, 0.9526), (0.065625, 0.9288), (0.0, 0.9341), (0.024219, 0.947),
    ),
}  # fmt: skip
RATES = (1e-3, 5e-3, 2e-2)


def quickstart():
    """Its 36 runs."""
    settings = list(itertools.product(RATES, ("glorot_uniform", "he_normal"), (2, 5)))
    return [
        record(f, 42, dead, accuracy, learning_rate=rate, init=init, depth=depth)
        for f, numbers in QUICKSTART.items()
        for (dead, accuracy), (rate, init, depth) in zip(numbers, settings, strict=True)
    ]


#: Values of three axes that all have an effect.
AXES = {
    "learning_rate": (1e-3, 5e-3, 2e-2, 0.1),
    "init": ("glorot_uniform", "he_normal", "orthogonal"),
    "l2": (0.0, 1e-4, 1e-3),
    "batch_size": (32, 64, 128),
}


def table(sizes, seeds, rng):
    """Random shares, ``(value of the first axis, …, seed)``, with interactions."""
    shape = (*sizes, 1)
    return rng.uniform(0.05, 0.5, shape) + rng.uniform(0, 0.4, (*sizes, seeds))


def runs_of_table(deads, accuracies=None, activation="relu"):
    """A run for each entry that is a number; the last axis is the seed."""
    accuracies = 1 - deads / 2 if accuracies is None else accuracies
    names = list(AXES)[: deads.ndim - 1]
    runs = []
    for place in np.ndindex(deads.shape):
        if np.isfinite(deads[place]):
            settings = {n: AXES[n][at] for n, at in zip(names, place[:-1], strict=True)}
            run = record(
                activation, place[-1], float(deads[place]), float(accuracies[place]), **settings
            )
            runs.append(run)
    return runs

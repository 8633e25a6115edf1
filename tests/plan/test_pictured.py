"""Pictured runs: a few of a plan, its ends among them; all where that is asked for."""

import itertools

import pytest

from reluprobe.config import parse_sweep
from reluprobe.plan.pictured import FEW, MOST_UNITS, pictured
from reluprobe.plan.runs import expand


def runs_of(values, **base):
    grid = {"learning_rate": values}
    return expand(parse_sweep({"name": "s", "seeds": 3, "base": base, "grid": grid})).runs


@pytest.mark.parametrize("many", [1, FEW - 1, FEW, FEW + 1, 50])
def test_the_first_seed_of_a_few_configurations_from_the_first_to_the_last(many):
    rates = [round(0.001 * n, 6) for n in range(1, many + 1)]
    chosen = [run for run in runs_of(rates) if run.id in pictured(runs_of(rates))]
    assert {run.config.seed for run in chosen} == {0}
    places = [rates.index(run.config.learning_rate) for run in chosen]
    assert len(places) == min(many, FEW) and places[0] == 0 and places[-1] == many - 1
    steps = {after - before for before, after in itertools.pairwise(places)}
    assert not steps or max(steps) - min(steps) <= 1


def test_all_where_that_is_asked_for():
    runs = runs_of([0.001, 0.002])
    assert pictured(runs, every=True) == {run.id for run in runs}


def test_large_networks_do_only_where_that_is_asked_for():
    within, beyond = ({"depth": 1, "width": MOST_UNITS + more} for more in (0, 1))
    assert len(pictured(runs_of([0.001], **within))) == 1
    assert not pictured(runs_of([0.001], **beyond))
    assert len(pictured(runs_of([0.001], **beyond), every=True)) == 3

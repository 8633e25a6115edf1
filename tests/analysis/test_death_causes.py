"""Causes of death: means over all runs, those in which nothing died among them."""

from __future__ import annotations

import dataclasses

import pytest

import figure_runs
from reluprobe.analysis import death_causes
from reluprobe.records import CausesRecord
from reluprobe.report.terminal import death_causes as causes_table


def dying(deaths, seed, **settings):
    """A run in whose first layer so many units die, at one probe."""
    run = figure_runs.record(0.0, seed=seed, **settings)

    def layers(t, epoch):
        first, second = (dataclasses.replace(x, deaths=0 if t else None) for x in epoch.layers)
        if t == 1 and deaths:
            first = dataclasses.replace(first, deaths=deaths, causes=CausesRecord(-1.0, -1.0, -2.0))
        return first, second

    history = tuple(dataclasses.replace(e, layers=layers(t, e)) for t, e in enumerate(run.history))
    return dataclasses.replace(run, history=history)


def test_deaths_a_run_are_over_all_runs_and_shares_over_those_with_deaths():
    blame = death_causes.blame([dying(n, seed) for seed, n in enumerate([4, 0, 2, 0])])
    first, second, network = blame
    assert (network.deaths.mean, network.deaths.n) == (1.5, 4)
    assert (first.weights.mean, first.weights.n) == (0.25, 2)
    assert (second.deaths.mean, second.weights) == (0, None)


def test_where_no_unit_died_there_are_no_deaths_and_no_shares():
    *_, network = death_causes.blame([dying(0, seed) for seed in range(3)])
    assert (network.deaths.mean, network.deaths.n, network.upstream) == (0, 3, None)


@pytest.mark.parametrize("settings", [{"activation": "elu"}, {"probe_examples": "all"}])
def test_runs_that_seek_no_causes_have_no_row_though_nothing_died(settings):
    assert death_causes.blame([dying(0, 0, **settings)]) == []


def test_the_legend_says_over_what_the_means_are():
    assert "over all runs" in causes_table.LEGEND
    assert "over the runs in which any died" in causes_table.LEGEND

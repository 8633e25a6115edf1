"""Figures of layers and units: their shares, lives, causes and outputs as the analysis has them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import figure_runs
from chart_rows import channels, draw, percent, rows
from figure_runs import archive, made, with_layers
from reluprobe.analysis import aggregate, death_causes, learning_curves, survival_curves
from reluprobe.records import CausesRecord
from reluprobe.report.figures import causes, unit_lives

# Layers


def test_layers_of_a_few_configurations_are_curves_and_those_without_dead_are_counted():
    records = figure_runs.sweep()
    drawn = draw(archive(records), "layers")
    assert {row["panel"] for row in rows(drawn, "panel")} == {"relu · lr 1e-3", "relu · lr 0.1"}
    assert "2 configurations without a dead unit are left out." in drawn.caption
    slow = [r for r in records if r.settings["learning_rate"] == 1e-3][:3]
    curve = learning_curves.by_layer(slow, "dead")["L2"]
    lines = rows(drawn, layer="L2", panel="relu · lr 1e-3")
    assert [row["mean"] for row in lines] == [percent(value.mean) for value in curve.values]


def test_layers_of_many_configurations_are_a_map_of_their_ends():
    records = made(*({"l2": n / 100} for n in range(8)), seeds=2)
    drawn = draw(archive(records), "layers")
    cells = rows(drawn, "value")
    assert len(cells) == 8 * figure_runs.DEPTH
    for cell in cells:
        mean = learning_curves.by_layer(records[:2], "dead")[cell["layer"]].last.mean
        assert cell["value"] == percent(mean)


# Lives


@settings(max_examples=60)
@given(
    arrays.arrays(
        np.int64, st.tuples(st.integers(1, 12), st.integers(1, 7)), elements=st.integers(0, 4)
    )
)
def test_rectangles_paint_the_states_and_none_lies_on_another(states):
    painted = np.zeros_like(states)
    for start, stop, first, last, state in unit_lives.blocks(states):
        assert start < stop and first < last and state
        assert (painted[first:last, start:stop] == 0).all()
        painted[first:last, start:stop] = state
    np.testing.assert_array_equal(painted, states)


def test_neighbours_that_live_alike_are_one_rectangle():
    states = np.array([[1, 1, 1]] * 5 + [[0, 1, 1]] * 3 + [[0, 0, 0]] * 4)
    assert sorted(unit_lives.blocks(states)) == [(0, 3, 0, 5, 1), (1, 3, 5, 8, 1)]


def test_the_lives_drawn_are_those_of_the_first_run():
    records = made({}, seeds=2)
    drawn = draw(archive(records), "units")
    first = records[0]
    assert {row["record"] for row in rows(drawn, "state")} == {f"runs/{first.id}.json"}
    for probe in range(figure_runs.EPOCHS + 1):
        here = [r for r in rows(drawn, state="dead") if r["from"] <= probe < r["to"]]
        height = sum(row["bottom"] - row["top"] for row in here)
        share = aggregate.share(first.timeline()[probe][1], "dead")
        assert height == pytest.approx(share, abs=1e-4)
    assert rows(drawn, state="alive again")
    (legend,) = {tuple(how["scale"]["domain"]) for how in channels(drawn, "color")}
    assert legend == ("alive", "dead", "alive again")


def test_survival_is_as_it_is_computed():
    records = made({}, seeds=3)
    drawn = draw(archive(records), "survival")
    alive = survival_curves.not_yet_dead(records)
    dead = survival_curves.still_dead(records)
    expected = [
        (when, percent(value.mean))
        for curve in (alive, dead)
        for when, value in zip(curve.when, curve.values, strict=True)
    ]
    assert [(row["when"], row["mean"]) for row in rows(drawn, "mean")] == expected


# Causes


def test_causes_are_stacked_to_the_whole_fall():
    records = made({}, seeds=2)
    drawn = draw(archive(records), "causes")
    blame = death_causes.blame(records)
    for name, layer in zip(("L1", "L2", "all"), blame, strict=True):
        bars = rows(drawn, layer=name)
        shares = [getattr(layer, part).mean for part in causes.PARTS]
        assert [bar["share"] for bar in bars] == [percent(share) for share in shares]
        starts = (0, shares[0], shares[0] + shares[1])
        assert [bar["from"] for bar in bars] == [percent(start) for start in starts]
        assert bars[-1]["to"] == pytest.approx(100)
        assert layer.deaths is not None
        assert bars[0]["deaths"] == f"{layer.deaths.mean:,.0f}"
    assert not any(row["cut"] for row in rows(drawn, "cut"))


def test_bars_that_are_cut_say_how_far_they_reach():
    # Of a fall of 1 the weights did 4, and the layers upstream held 3 of it up.
    opposed = CausesRecord(-4.0, 0.0, 3.0)

    def change(layer):
        return layer if layer.causes is None else dataclasses.replace(layer, causes=opposed)

    drawn = draw(archive([with_layers(figure_runs.record(0.5), change)]), "causes")
    cuts = {(row["part"], row["to"], row["cut"]) for row in rows(drawn, "cut") if row["cut"]}
    ends = {(to, cut) for _, to, cut in cuts}
    assert ends == {(250, "400% ›"), (-250, "‹ 300%")}
    assert "cut at ±250%" in drawn.caption


# Signals


def test_a_histogram_is_the_shares_of_what_came_out():
    drawn = draw(archive(made({})), "histograms")
    outputs = figure_runs.HISTOGRAM
    shares = np.array(outputs.counts) / sum(outputs.counts)
    panels = {row["panel"] for row in rows(drawn, "share")}
    assert {panel.split(" · ")[0] for panel in panels} == {"L1", "L2"}
    for panel in panels:
        bins = rows(drawn, panel=panel)
        assert [row["share"] for row in bins[:-1]] == pytest.approx(shares.tolist(), rel=1e-4)
        assert bins[0]["low"] == outputs.low and bins[-1]["low"] == outputs.high
        assert f"σ {outputs.variance**0.5:.2g}" in panel
        assert f"0: {100 * outputs.zeros:.0f}%" in panel

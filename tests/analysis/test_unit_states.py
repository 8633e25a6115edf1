"""From which state to which units go: against letters counted by hand and one by one."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reluprobe.analysis import unit_states
from reluprobe.analysis.estimates import INTERVAL, MIN_MAX
from reluprobe.engine import firing_rates
from reluprobe.records import PhaseRecord, SampleRecord
from stated_records import layer, record

LETTERS = {"#": "dead", "x": "dead", "r": "rare", "l": "linear", ".": "healthy", "+": "healthy"}
ROWS = ("..r#", "r##.", "lll.", "rr#r", ".r..", "....")


def mean(estimate):
    return None if estimate is None else estimate.mean


def test_states_are_called_as_the_engine_calls_them():
    assert unit_states.STATES == firing_rates.STATES


def test_the_state_of_a_unit_is_the_first_that_holds():
    every = layer("#rl.")
    masks = {"rare_units": "c0", "linear_units": "e0"}
    assert unit_states.states(every).tolist() == [0, 1, 2, 3]
    # Dead too are rare and linear, and rare is linear: the first of these counts.
    assert unit_states.states(dataclasses.replace(every, **masks)).tolist() == [0, 1, 2, 3]


def test_flows_of_a_few_units_are_those_counted_by_hand():
    flows = unit_states.flows([record(ROWS)])
    assert flows.n == {"dead": 3, "rare": 5, "linear": 3, "healthy": 7}
    assert {after: mean(e) for after, e in flows.to["rare"].items()} == {
        "dead": pytest.approx(3 / 5), "rare": pytest.approx(1 / 5), "linear": 0,
        "healthy": pytest.approx(1 / 5),
    }  # fmt: skip
    assert {after: mean(e) for after, e in flows.to["dead"].items()} == {
        "dead": pytest.approx(1 / 3), "rare": pytest.approx(1 / 3), "linear": 0,
        "healthy": pytest.approx(1 / 3),
    }  # fmt: skip
    assert flows.deaths == 3
    assert {state: mean(e) for state, e in flows.died_from.items()} == {
        "rare": 1.0, "linear": 0.0, "healthy": 0.0
    }  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_flows_are_those_counted_letter_by_letter(data):
    probes, units = data.draw(st.integers(2, 5)), data.draw(st.integers(1, 9))
    row = st.text("#xrl.+", min_size=probes, max_size=probes)
    layers = [data.draw(st.lists(row, min_size=units, max_size=units)) for _ in range(2)]
    layers = [["." + unit[1:] for unit in rows] for rows in layers]
    counts, left_out = {}, 0
    for unit in itertools.chain(*layers):
        for before, after in itertools.pairwise(unit):
            if after in "x+":
                left_out += 1
                continue
            pair = LETTERS[before], LETTERS[after]
            counts[pair] = counts.get(pair, 0) + 1
    flows = unit_states.flows([record(*layers)])
    assert flows.redrawn == left_out
    for before in unit_states.STATES:
        total = sum(n for (b, _), n in counts.items() if b == before)
        assert flows.n[before] == total
        row = [mean(flows.to[before][after]) for after in unit_states.STATES]
        if not total:
            assert row == [None] * 4
            continue
        assert row == [counts.get((before, a), 0) / total for a in unit_states.STATES]
        assert math.fsum(row) == pytest.approx(1)
    deaths = {b: n for (b, a), n in counts.items() if a == "dead" and b != "dead"}
    assert flows.deaths == sum(deaths.values())
    for before, share in flows.died_from.items():
        expected = deaths.get(before, 0) / flows.deaths if flows.deaths else None
        assert mean(share) == expected


def test_seeds_are_folded_and_configurations_are_no_sample():
    half = record(["rr", "r#"], seed=0)
    none = record(["rr", "rr"], seed=1)
    to_dead = unit_states.flows([half, none]).to["rare"]["dead"]
    assert (to_dead.mean, to_dead.n, to_dead.ends) == (0.25, 2, INTERVAL)
    other = record(["rr", "rr"], learning_rate=0.5)
    mixed = unit_states.flows([half, other])
    assert mixed.to["rare"]["dead"].ends == MIN_MAX
    assert mixed.n["rare"] == 4


def test_a_run_without_a_rare_unit_has_no_share_of_these():
    runs = [record(["r#"], seed=0), record([".#"], seed=1)]
    to_dead = unit_states.flows(runs).to["rare"]["dead"]
    assert (to_dead.mean, to_dead.n) == (1.0, 1)


def test_where_no_unit_can_be_linear_nothing_is_said_of_it():
    flows = unit_states.flows([record(["r#.", "..."], straight=False, activation="tanh")])
    assert {*flows.to["linear"].values()} == {None}
    assert flows.to["rare"]["linear"] is None and flows.died_from["linear"] is None
    assert flows.to["rare"]["dead"].mean == 1
    assert unit_states.shares([layer("#r", straight=False)])["linear"] is None


def test_units_that_were_drawn_anew_are_left_out():
    flows = unit_states.flows([record(["##x+", "#..."], revive="redo")])
    # Of the first unit only the step from # to # counts.
    assert flows.n == {"dead": 2, "rare": 0, "linear": 0, "healthy": 2}
    assert flows.redrawn == 2
    assert flows.to["dead"]["dead"].mean == 0.5


def test_where_the_data_change_the_state_before_is_that_on_the_new_data():
    start = SampleRecord("probe", 100, 0.4, 0.9, (layer("r"),))
    end = SampleRecord("probe", 100, 0.4, 0.9, (layer("."),))
    phases = (
        PhaseRecord(0, "mnist", "same", 1, 1, None, end),
        PhaseRecord(1, "mnist", "permuted_pixels", 2, 2, start, end),
    )
    # On the old data healthy, on the new rare, and there dead at the next probe.
    run = record(["..#"], phases=phases)
    flows = unit_states.flows([run])
    assert flows.n == {"dead": 0, "rare": 1, "linear": 0, "healthy": 1}
    assert flows.died_from["rare"].mean == 1


def test_older_records_have_no_flows():
    run = record(ROWS)
    layers = [[dataclasses.replace(x, rare_units=None) for x in e.layers] for e in run.history]
    pairs = zip(run.history, layers, strict=True)
    history = tuple(dataclasses.replace(e, layers=tuple(x)) for e, x in pairs)
    assert unit_states.flows([dataclasses.replace(run, history=history)]) is None


def test_shares_of_states_are_of_all_layers_and_add_up():
    shares = unit_states.shares([layer("#r.."), layer("l.......")])
    expected = {"dead": 1, "rare": 1, "linear": 1, "healthy": 9}
    assert shares == {state: pytest.approx(n / 12) for state, n in expected.items()}
    assert np.sum([*shares.values()]) == pytest.approx(1)

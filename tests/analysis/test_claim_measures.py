"""Measures of claims: each of a run whose dead units are written out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claim_records import WIDTH, reference, run
from reluprobe.analysis import claim_measures, unit_sets
from reluprobe.config.claim_measures import MASKED, MEASURES

#: Dead in two layers: at epoch 1, at epoch 2, at epoch 3.
LIVES = (({0, 1}, {0}), ({0, 2}, {0, 1, 2}), ({0, 2, 3}, {5, 6}))
ACCURACY = (0.9, 0.5, 0.7)


def value(tmp_path, one=None, **claim):
    written = {"of": "all", "least": 0, **claim}
    if "over" in claim:
        del written["least"]
        written["goes"] = "up"
    (read,) = reference(tmp_path, written).claims
    one = one or run(*LIVES, accuracy=ACCURACY, phased=True, train=({1}, set()))
    return claim_measures.measured(one, read, one.final.epoch)


def test_every_name_has_a_function():
    assert set(claim_measures.MEASURES) == set(MEASURES)


def test_every_form_takes_what_it_needs():
    assert all(set(form.needs) <= set(form.takes) for form in MEASURES.values())


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ({"measure": "dead"}, 5 / 20),
        ({"measure": "dead", "layer": 2}, 2 / 10),
        ({"measure": "dead", "at": 1}, 3 / 20),
        ({"measure": "dead", "at": 0}, 0.0),
        ({"measure": "dead", "at": {"phase": 2}}, 5 / 20),
        ({"measure": "dead", "at": {"phase": 2}, "layer": 1}, 2 / 10),
        ({"measure": "dead", "at": {"phase": 4}}, None),
        ({"measure": "dead", "at": 4}, None),
        ({"measure": "dead", "on": "train"}, 1 / 20),
        ({"measure": "dead", "on": "test"}, None),
        ({"measure": "saturated"}, None),
        ({"measure": "dead", "minus": "dormant"}, 2.5 / 20),
        ({"measure": "dead", "minus": "saturated"}, None),
        ({"measure": "accuracy"}, 0.7),
        ({"measure": "accuracy", "at": {"phase": 1}}, 0.9),
        ({"measure": "mean_accuracy"}, 0.7),
        ({"measure": "collapsed"}, 0.0),
        # Of 3 + 5 dead at a probe that has a next, 1 + 3 are alive there.
        ({"measure": "revives"}, 4 / 8),
        ({"measure": "revives", "layer": 1}, 1 / 4),
        ({"measure": "died_once"}, 9 / 20),
        ({"measure": "died_once", "layer": 1}, 4 / 10),
        ({"measure": "gain", "layers": [1, 2]}, -1 / 10),
        ({"measure": "gain", "layers": [1, 2], "definition": "dormant"}, -0.5 / 10),
        ({"measure": "gain", "layers": [2, 1], "at": 2}, -1 / 10),
        ({"measure": "smallest_step"}, -1 / 10),
        ({"measure": "smallest_step", "at": 2}, 1 / 10),
        # {0 2 | 0 1 2} and {0 2 3 | 5 6}: two in common of five.
        ({"measure": "overlap", "definition": "dead"}, 2 / 5),
        ({"measure": "overlap", "definition": "dead", "at": {"phase": 2}}, 2 / 3),
        ({"measure": "overlap", "definition": "dead", "at": {"phase": 1}}, None),
        ({"measure": "overlap", "definition": "dead", "layer": 2}, 0.0),
        ({"measure": "dead", "over": "phases"}, (5 - 3) / 20 / 2),
        ({"measure": "dead", "over": "epochs", "layer": 1}, 1 / 20),
        ({"measure": "dead", "over": "layers"}, -1 / 10),
        ({"measure": "dead", "over": "layers", "at": 2}, 1 / 10),
        ({"measure": "accuracy", "over": "phases"}, -0.1),
        ({"measure": "overlap", "definition": "dead", "over": "phases"}, 2 / 5 - 2 / 3),
        ({"measure": "saturated", "over": "phases"}, None),
    ],
)  # fmt: skip
def test_a_measure_is_what_a_hand_counts(tmp_path, claim, expected):
    assert value(tmp_path, **claim) == (None if expected is None else pytest.approx(expected))


def test_without_phases_overlap_is_of_two_epochs_and_mean_accuracy_of_none(tmp_path):
    plain = run(*LIVES, accuracy=ACCURACY)
    assert value(tmp_path, plain, measure="overlap", definition="dead", at=2) == pytest.approx(
        2 / 3
    )
    assert value(tmp_path, plain, measure="mean_accuracy") is None
    assert value(tmp_path, plain, measure="dead", over="phases") is None
    # Before the first step none is dead, so that there is nothing to overlap with.
    assert value(tmp_path, plain, measure="overlap", definition="dead", at=1) is None


def test_a_phase_of_several_epochs_ends_with_its_last(tmp_path):
    long = run(*LIVES, *LIVES, accuracy=(*ACCURACY, 0.2, 0.3, 0.4), phased=True)
    first, second, *_ = long.phases
    phases = (
        dataclasses.replace(first, last_epoch=3),
        dataclasses.replace(second, first_epoch=4, last_epoch=6),
    )
    long = dataclasses.replace(long, phases=phases)
    assert value(tmp_path, long, measure="accuracy", at={"phase": 1}) == 0.7
    assert value(tmp_path, long, measure="mean_accuracy") == pytest.approx((0.7 + 0.4) / 2)
    assert value(tmp_path, long, measure="overlap", definition="dead") == 1.0


def test_what_comes_after_the_end_that_is_compared_is_not_looked_at(tmp_path):
    # Published of epoch 2; the run went on to epoch 3.
    one = run(*LIVES, train=({1}, set()))
    claims = ({"at": 3}, {"at": 2}, {"on": "train"}, {"measure": "collapsed"}, {})
    read = reference(tmp_path, *({"of": "all", "least": 0, **claim} for claim in claims)).claims
    seen = [claim_measures.measured(one, claim, 2) for claim in read]
    assert seen == [None, 5 / 20, None, None, 5 / 20]


@pytest.mark.parametrize("dataset", ["mnist", "abs"])
@pytest.mark.parametrize(("constant", "expected"), [(1.0, 1.0), (0.9, 0.0), (None, None)])
def test_a_network_is_collapsed_where_a_layer_is_constant(tmp_path, dataset, constant, expected):
    one = run(({0},), constant=constant, dataset=dataset)
    assert value(tmp_path, one, measure="collapsed") == expected


def test_what_nobody_can_tell_apart_has_no_overlap_and_no_lives(tmp_path):
    shares = run((0.2,), (0.3,))
    assert value(tmp_path, shares, measure="overlap", definition="dead") is None
    assert value(tmp_path, shares, measure="revives") is None
    assert value(tmp_path, shares, measure="died_once") is None


def test_every_definition_with_sets_has_a_mask_in_records():
    one = run(({0, 3},)).final.layers[0]
    for definition in MASKED:
        members = unit_sets.of_layer(
            dataclasses.replace(one, **{f"{definition}_units": "9000"}), definition
        )
        assert members is not None and members.nonzero()[0].tolist() == [0, 3]
        none = dataclasses.replace(one, **{f"{definition}_units": ""})
        known = unit_sets.of_layer(none, definition)
        assert known is not None and not known.any()
        unknown = dataclasses.replace(one, **{f"{definition}_units": None})
        assert unit_sets.of_layer(unknown, definition) is None
    assert {unit_sets.of_layer(one, name) for name in ("silent", "constant")} == {None}


@given(st.sets(st.integers(0, WIDTH - 1)), st.sets(st.integers(0, WIDTH - 1)))
def test_overlap_is_that_of_sets(one, other):
    sides = [np.isin(np.arange(WIDTH), [*units]) for units in (one, other)]
    share = unit_sets.overlap(*sides)
    assert share == unit_sets.overlap(*reversed(sides))
    if not one or not other:
        assert share is None
    else:
        assert share == len(one & other) / min(len(one), len(other))
        assert (share == 1) == (one <= other or other <= one)


@given(st.lists(st.none() | st.floats(0, 1), min_size=2, max_size=12))
def test_a_slope_is_numpys(values):
    points = [*enumerate(values, 1)]
    known = [(n, v) for n, v in points if v is not None]
    slope = claim_measures.slope(points)
    if len(known) < 2:
        assert slope is None
    else:
        assert slope == pytest.approx(np.polyfit(*zip(*known, strict=True), 1)[0], abs=1e-9)

"""Claims in a reference file: what is wrong with their form, and what the shipped ones say."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claim_records import reference, text
from reluprobe.config import load_reference
from reluprobe.config.choices import DEFINITIONS
from reluprobe.config.claim_form import RangeClaim, above
from reluprobe.config.claim_measures import MASKED, MEASURES
from reluprobe.config.reference import SHIPPED, load
from reluprobe.errors import InputError

RANGE = {"of": "relu", "least": 10}
ORDER = {"less": "relu", "more": "elu"}
TREND = {"of": "relu", "over": "epochs", "goes": "up"}


def faults(folder, *claims, **changes):
    with pytest.raises(InputError) as caught:
        reference(folder, *claims, **changes)
    assert caught.value.exit_code == 2
    assert all(f.startswith(f"reference {folder / 'said.json'}: ") for f in caught.value.faults)
    return [fault.split(": ", 1)[1] for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("claim", "part"),
    [
        (RANGE | {"measure": "ded"}, "claims.0.measure = 'ded': allowed is one of dead, silent,"),
        (RANGE | {"measure": "ded"}, "did you mean 'dead'?"),
        (RANGE | {"measure": "overlaps"}, "did you mean 'overlap'?"),
        (RANGE | {"lest": 3}, "claims.0.range.lest: Unexpected keyword argument; got 3"),
        (RANGE | {"least": 101}, "claims.0.range.least: Input should be less than or equal to 100"),
        (RANGE | {"least": "many"}, "claims.0.range.least: Input should be a valid number"),
        (RANGE | {"text": ""}, "claims.0.range.text: "),
        (RANGE | {"layer": 0}, "claims.0.range.layer: Input should be greater than or equal to 1"),
        (RANGE | {"on": "tset"}, "claims.0.range.on: Input should be 'probe', 'test' or 'train'"),
        (RANGE | {"at": "end"}, "claims.0.range.at.epoch: Input should be a valid integer"),
        (RANGE | {"at": {"phase": 0}}, "claims.0.range.at.phase.phase: Input should be greater"),
        (RANGE | {"at": {"phases": 1}}, "claims.0.range.at.phase.phase"),
        ({"least": 3}, "claims.0.range.of: Field required"),
        ({"less": "relu"}, "claims.0.ordering.more: Field required"),
        (ORDER | {"least": 3}, "claims.0.ordering.least: Unexpected keyword argument"),
        (ORDER | {"by": -1}, "claims.0.ordering.by: Input should be greater than or equal to 0"),
        ({"of": "relu", "over": "epochs"}, "claims.0.trend.goes: Field required"),
        (TREND | {"goes": "upp"}, "claims.0.trend.goes: Input should be 'up', 'down' or 'flat'"),
        (TREND | {"over": "years"}, "claims.0.trend.over: Input should be"),
        ({"of": "relu"}, "claims.0.least: a range needs an end at least; allowed are least, most"),
        (RANGE | {"most": 9}, "claims.0.least: above the most"),
        (RANGE | {"more_than": 9}, "claims.0.least: beside more_than; give one of the two"),
        ({"of": "relu", "more_than": 5, "less_than": 5}, "above the most"),
        (RANGE | {"of": "rleu"}, "of = 'rleu': no such activation; did you mean 'relu'?"),
        (RANGE | {"of": "lerning_rate=1"}, "did you mean 'learning_rate'?"),
        (RANGE | {"of": "lr=fast"}, "of = 'lr=fast': learning_rate = 'fast': allowed is a number"),
        (RANGE | {"of": "seed=1"}, "of = 'seed=1': a published seed is none of ours"),
        (RANGE | {"of": "leaky_slope=0.2"}, "leaky_slope has an effect only with"),
        (RANGE | {"layer": 6}, "claims.0.layer = 6: the network of 'relu' has 5"),
        (RANGE | {"of": "depth=2", "layer": 3}, "layer = 3: the network of 'depth=2' has 2"),
        (
            RANGE | {"measure": "gain", "layers": [1, 9]},
            "claims.0.layers = 9: the network of 'relu' has 5",
        ),
        (RANGE | {"measure": "gain"}, "claims.0.layers: gain needs it"),
        (RANGE | {"measure": "gain", "layers": [2, 2]}, "layers = [2, 2]: allowed are two that"),
        (RANGE | {"measure": "gain", "layers": [1, 2, 3]}, "claims.0.range.layers"),
        (RANGE | {"measure": "overlap"}, "claims.0.definition: overlap needs it"),
        (
            RANGE | {"measure": "overlap", "definition": "silent"},
            f"definition = 'silent': allowed is one of {', '.join(MASKED)}",
        ),
        (
            RANGE | {"measure": "overlap", "definition": "dorment"},
            "did you mean 'dormant'?",
        ),
        (RANGE | {"minus": "ded"}, "minus = 'ded': allowed is one of dead, silent"),
        (RANGE | {"minus": "dead"}, "minus = 'dead': taken off itself it is nothing"),
        (RANGE | {"definition": "dead"}, "definition = 'dead': means nothing to dead; it takes"),
        (RANGE | {"measure": "accuracy", "layer": 2}, "layer = 2: means nothing to accuracy; it"),
        (RANGE | {"measure": "collapsed", "at": 3}, "at = 3: means nothing to collapsed; it takes"),
        (RANGE | {"on": "test", "at": 3}, "at: on test there is the finished network alone"),
        (ORDER | {"more": "relu"}, "more = 'relu': chooses the same runs as less"),
        (ORDER | {"more": "act=relu,lr=5e-3"}, "chooses the same runs as less"),
        (TREND | {"measure": "died_once"}, "over = 'epochs': died_once goes over none; it has no"),
        (
            TREND | {"measure": "accuracy", "over": "layers"},
            "accuracy goes over none; allowed is phases or epochs",
        ),
        (TREND | {"over": "layers", "layer": 2}, "layer: a trend over layers is of all of them"),
        (TREND | {"at": 2}, "at: a trend over epochs is over all of them"),
        (TREND | {"on": "test"}, "on = 'test': looked at there is the finished network alone"),
        (TREND | {"goes": "flat"}, "by: flat needs it: within how many points a step"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place_and_what_is_allowed(tmp_path, claim, part):
    told = faults(tmp_path, claim)
    assert any(part in fault for fault in told), told


def test_every_fault_of_every_claim_is_told_at_once(tmp_path):
    told = faults(
        tmp_path, RANGE | {"measure": "ded", "of": "rleu"}, RANGE, ORDER | {"more": "relu"}
    )
    places = [fault.split(" = ")[0] for fault in told]
    assert places == ["claims.0.measure", "claims.0.of", "claims.2.more"]


def test_a_reference_says_something_of_runs_or_of_numbers(tmp_path):
    assert any("runs: neither published numbers nor claims" in f for f in faults(tmp_path))
    assert reference(tmp_path, RANGE).runs == {}


def test_the_faults_are_one_screen_without_a_traceback(tmp_path, monkeypatch, reluprobe):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "said.json").write_text(text(RANGE | {"measure": "ded"}))
    (tmp_path / "grid.toml").write_text('reference = "said.json"\n')
    code, _, err = reluprobe("sweep", "grid.toml", "--dry-run")
    assert code == 2
    assert "did you mean 'dead'?" in " ".join(err.split()) and "Traceback" not in err


def test_every_measure_and_place_that_is_documented_is_accepted(tmp_path):
    for name, form in MEASURES.items():
        told = {"layers": [1, 2], "definition": "dormant", "layer": 2, "at": 3, "minus": "dead"}
        told = {k: v for k, v in told.items() if k in form.takes}
        if name == "dead":
            told["minus"] = "silent"
        assert reference(tmp_path, RANGE | {"measure": name} | told).claims[0].measure == name
        for over in form.over:
            needed = {k: v for k, v in told.items() if k in form.needs}
            trend = TREND | {"measure": name, "over": over} | needed
            assert reference(tmp_path, trend).claims[0].over == over
    assert set(DEFINITIONS) < set(MEASURES)


@given(st.floats(-99, 99), st.floats(0, 1))
def test_more_than_is_not_as_many(percent, above_by):
    claim = RangeClaim(text="x", measure="dead", of="relu", more_than=percent)
    low, high = claim.true_in
    assert low > percent / 100 and high == math.inf
    assert above(percent) == low
    less = RangeClaim(text="x", measure="dead", of="relu", less_than=percent)
    assert less.true_in[1] < percent / 100


# The shipped ones


def test_every_shipped_reference_has_its_source_and_loads():
    for name in SHIPPED:
        shipped = load(name)
        assert shipped.source and shipped.criterion and (shipped.claims or shipped.runs)


def test_lu_2019_are_the_summarized_numbers_within_five_points():
    he, rai, order = load_reference("lu_2019").claims
    assert (he.of, he.true_in) == ("init=he_normal", pytest.approx((0.869, 0.969)))
    assert (rai.of, rai.true_in) == ("init=rai", pytest.approx((0.242, 0.342)))
    assert order.keys == ("init=rai", "init=he_normal")
    assert all("as summarized" in claim.text for claim in (he, rai))
    target = load_reference("lu_2019").target("init=rai")
    assert (target["dataset"], target["depth"], target["width"]) == ("abs", 10, 2)


def test_no_two_keys_of_a_shipped_reference_choose_the_same_runs():
    for name in SHIPPED:
        shipped = load_reference(name)
        targets = [tuple(shipped.target(key).items()) for key in shipped.keys]
        assert len(set(targets)) == len(targets)

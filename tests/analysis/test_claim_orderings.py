"""Orderings: verdicts of runs made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from claim_records import judged, reference, run
from reluprobe.analysis import claim_intervals, claims, replication
from reluprobe.analysis.claims import Verdict
from reluprobe.report.terminal import claims as claims_table

MORE = {"less": "optimizer=momentum", "more": "optimizer=adam"}
NOISE = (0.1, 0.5, 0.3, 0.2, 0.7)


def side(optimizer, shares, first=0, **settings):
    return [
        run((share,), seed=n, optimizer=optimizer, **settings)
        for n, share in enumerate(map(float, shares), first)
    ]


def only(one):
    (alone,) = one
    return alone


# Orderings


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        ((0.1, 0.12, 0.11), Verdict.HOLDS), ((-0.1, -0.08, -0.09), Verdict.FAILS),
        ((0.1, -0.1, 0.05), Verdict.OPEN), ((0.1,), Verdict.OPEN),
    ],
)  # fmt: skip
def test_an_ordering_is_decided_by_the_pairs_of_a_seed(tmp_path, moved, expected):
    # Seeds differ far more than the sides do.
    noise = NOISE[: len(moved)]
    runs = side("momentum", noise) + side(
        "adam", [n + m for n, m in zip(noise, moved, strict=True)]
    )
    one = only(judged(tmp_path, runs, MORE))
    assert (one.verdict, one.over) == (expected, "pairs" if len(moved) > 1 else "two sides")
    assert one.estimate.mean == pytest.approx(np.mean(moved))
    if len(moved) > 1:
        half = stats.t.ppf(0.975, len(moved) - 1) * stats.sem(moved)
        assert one.estimate.high - one.estimate.low == pytest.approx(2 * half)


def test_sides_without_a_common_seed_are_held_apart_as_welch_does(tmp_path):
    less, more = (0.1, 0.2, 0.15, 0.12), (0.4, 0.6, 0.5)
    runs = side("momentum", less) + side("adam", more, first=10)
    one = only(judged(tmp_path, runs, MORE))
    expected = stats.ttest_ind(more, less, equal_var=False).confidence_interval(0.95)
    assert (one.verdict, one.over) == (Verdict.HOLDS, "two sides")
    assert (one.estimate.low, one.estimate.high) == pytest.approx((expected.low, expected.high))


def test_by_is_so_many_points_at_least(tmp_path):
    runs = side("momentum", NOISE) + side(
        "adam", [n + m for n, m in zip(NOISE, (0.1, 0.11, 0.12, 0.1, 0.11), strict=True)]
    )
    verdicts = [
        one.verdict for one in judged(tmp_path, runs, *(MORE | {"by": b} for b in (5, 11, 20)))
    ]
    assert verdicts == [Verdict.HOLDS, Verdict.OPEN, Verdict.FAILS]


@pytest.mark.parametrize(
    ("n", "difference", "expected"),
    [
        (3, 0.0, Verdict.OPEN), (4, 0.0, Verdict.OPEN), (5, 0.0, Verdict.FAILS),
        (2, 0.2, Verdict.OPEN), (5, 0.2, Verdict.HOLDS), (5, -0.2, Verdict.FAILS),
    ],
)  # fmt: skip
@pytest.mark.parametrize("first", [0, 100])
def test_differences_that_are_all_alike_decide_from_five_on(
    tmp_path, n, difference, expected, first
):
    less, more = [0.3] * n, [0.3 + difference] * n
    runs = side("momentum", less) + side("adam", more, first=first)
    one = only(judged(tmp_path, runs, MORE))
    assert one.verdict is expected
    told = "all alike, of 5 there is an interval" in claims_table.words(one)
    assert told == (expected is Verdict.OPEN)


def test_none_dead_on_both_sides_is_not_more_dead(tmp_path):
    runs = side("momentum", [0.0] * 5) + side("adam", [0.0] * 5)
    one = only(judged(tmp_path, runs, MORE))
    assert (one.verdict, one.estimate.mean) == (Verdict.FAILS, 0.0)


def collapsing(optimizer, fates):
    return [
        run((0.1,), seed=n, constant=float(fate), optimizer=optimizer)
        for n, fate in enumerate(fates)
    ]


@pytest.mark.parametrize(
    ("less", "more", "expected"),
    [
        ("00000", "11111", Verdict.HOLDS), ("11111", "00000", Verdict.FAILS),
        ("00000", "00000", Verdict.OPEN), ("11111", "11111", Verdict.OPEN),
        ("00001", "00011", Verdict.OPEN), ("0", "1", Verdict.OPEN),
    ],
)  # fmt: skip
def test_counts_of_runs_have_an_interval_where_all_agree_too(tmp_path, less, more, expected):
    runs = collapsing("momentum", map(int, less)) + collapsing("adam", map(int, more))
    assert only(judged(tmp_path, runs, MORE | {"measure": "collapsed"})).verdict is expected


@pytest.mark.parametrize(
    ("n", "expected"), [(5, Verdict.OPEN), (60, Verdict.OPEN), (200, Verdict.FAILS)]
)
def test_runs_that_all_collapse_may_still_be_of_90_percent(tmp_path, n, expected):
    claim = {"of": "all", "measure": "collapsed", "least": 86.9, "most": 96.9}
    one = only(judged(tmp_path, collapsing("adam", [1] * n), claim))
    assert (one.verdict, one.estimate.mean) == (expected, 1.0)


def test_newcombes_interval_is_his(tmp_path):
    # 56/70 and 48/80: Newcombe 1998, table II, method 10, example (a).
    one = claim_intervals.newcombe([1.0] * 48 + [0.0] * 32, [1.0] * 56 + [0.0] * 14)
    assert (one.low, one.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    share = claim_intervals.counted([1.0] * 5 + [0.0] * 15)
    wilson = stats.binomtest(5, 20).proportion_ci(0.95, method="wilson")
    assert (share.low, share.high) == pytest.approx((wilson.low, wilson.high))


# Whose runs


def test_a_key_leaves_to_another_what_that_names_besides(tmp_path):
    l2 = {"less": "optimizer=momentum", "more": "optimizer=momentum,l2=1e-4"}
    plain, decayed = side("momentum", NOISE), side("momentum", [n + 0.1 for n in NOISE], l2=1e-4)
    read = reference(tmp_path, l2, {"of": "optimizer=momentum", "least": 0})
    compared = replication.compare([*decayed, *plain], read)
    assert compared.picked["optimizer=momentum"].runs == tuple(plain)
    assert compared.picked["optimizer=momentum,l2=1e-4"].runs == tuple(decayed)
    ordering, _ = claims.judge_all(compared)
    assert ordering.estimate.mean == pytest.approx(0.1)
    # Without the plain ones nothing stands in for them.
    lacking = replication.compare(decayed, read)
    assert set(lacking.picked) == {"optimizer=momentum,l2=1e-4"}
    assert lacking.skipped == ("momentum: no such run in this sweep",)
    assert claims.judge_all(lacking) == []


def test_a_longer_key_of_the_same_runs_takes_none_away(tmp_path):
    claims_of_both = (
        {"of": "optimizer=adam", "least": 0}, {"of": "optimizer=adam,l2=0.0", "least": 0},
    )  # fmt: skip
    made = judged(tmp_path, side("adam", NOISE), *claims_of_both)
    assert [one.estimate.n for one in made] == [5, 5]


def test_several_configurations_decide_no_trend_and_no_count(tmp_path):
    runs = [
        run((0.1,), (0.2 + n / 100,), seed=n, l2=l2, constant=1.0)
        for n in range(5)
        for l2 in (0.0, 1e-4)
    ]
    trend = {"of": "all", "over": "epochs", "goes": "up"}
    made = judged(tmp_path, runs, trend, {"of": "all", "measure": "collapsed", "most": 50})
    assert [(one.verdict, one.estimate.configurations) for one in made] == [(Verdict.OPEN, 2)] * 2


def test_what_all_runs_have_in_common_need_not_be_the_default(tmp_path):
    epsilon = {"less": "optimizer=adam", "more": "optimizer=adam,adam_beta2=0.9"}
    runs = [
        *side("adam", NOISE, adam_epsilon=1e-8),
        *side("adam", [n + 0.2 for n in NOISE], adam_epsilon=1e-8, adam_beta2=0.9),
    ]
    one = only(judged(tmp_path, runs, epsilon))
    assert (one.verdict, one.also) == (Verdict.HOLDS, ())


def test_pairs_are_alike_in_all_that_no_key_names(tmp_path):
    # At each rate Adam has more dead; the rates themselves are further apart, the other way.
    def grid(optimizer, more):
        return [
            *side(optimizer, [n / 10 + more for n in NOISE], learning_rate=0.1),
            *side(optimizer, [n / 10 + more + 0.5 for n in NOISE], learning_rate=0.01),
        ]

    runs = grid("momentum", 0.0) + grid("adam", 0.05)
    at = only(judged(tmp_path, runs, MORE, protocol={"learning_rate": 0.01}))
    assert (at.over, at.estimate.n, at.also) == ("pairs", 5, ())
    assert at.estimate.mean == pytest.approx(0.05)
    # The protocol says nothing of rates: both are as near to it, and each is a block.
    both = only(judged(tmp_path, runs, MORE, protocol={"learning_rate": 0.5}))
    assert (both.over, both.estimate.n) == ("blocks", 2)
    assert both.estimate.mean == pytest.approx(0.05)


def test_sides_that_differ_in_more_than_their_keys_are_compared_and_it_is_said(tmp_path):
    runs = side("momentum", NOISE, learning_rate=0.1) + side(
        "adam", [n + 0.1 for n in NOISE], learning_rate=1e-3
    )
    one = only(judged(tmp_path, runs, MORE))
    assert (one.verdict, one.also) == (Verdict.HOLDS, ("learning_rate",))
    assert "adam − momentum; they differ in learning rate too" in claims_table.words(one)


def test_all_are_the_runs_that_fit_the_protocol(tmp_path):
    runs = [*side("adam", [0.3, 0.31, 0.3]), *side("adam", [0.9] * 3, l2=1e-4)]
    claim = {"of": "all", "least": 25, "most": 35}
    fitting = only(judged(tmp_path, runs, claim, protocol={"l2": 0.0, "depth": 1}))
    assert (fitting.verdict, fitting.estimate.n, fitting.name) == (Verdict.HOLDS, 3, "all")
    every = only(judged(tmp_path, runs, claim))
    assert (every.verdict, every.estimate.configurations) == (Verdict.OPEN, 2)
    assert judged(tmp_path, runs, claim, protocol={"depth": 7}) == []

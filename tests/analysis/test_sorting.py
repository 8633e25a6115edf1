"""The fewest and the most dead: one order, ties by accuracy, no row twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from paired_runs import record
from reluprobe.analysis import aggregate
from reluprobe.analysis.sorting import extremes


def summaries(*numbers):
    return aggregate.summarize(
        [record("relu", 0, dead, acc, l2=0.001 * at) for at, (dead, acc) in enumerate(numbers)]
    )


def accuracies(rows):
    return [row.value("accuracy") for row in rows]


def test_of_as_many_dead_the_more_accurate_comes_before():
    rows = summaries((0.0, 0.31), (0.0, 0.97), (0.5, 0.90), (0.0, 0.95), (0.5, 0.80))
    fewest, most = extremes(rows, 2)
    assert accuracies(fewest) == [0.97, 0.95]
    assert accuracies(most) == [0.80, 0.90]
    assert accuracies(aggregate.sort_summaries(rows, "dead")) == [0.97, 0.95, 0.31, 0.90, 0.80]


def test_shares_that_are_written_alike_are_tied():
    rows = summaries((0.0004, 0.99), (0.0, 0.31))
    assert accuracies(extremes(rows, 1)[0]) == [0.99]


def test_what_has_no_share_is_at_neither_end():
    lost = record("elu", status="diverged")
    rows = aggregate.summarize([lost, record("relu", 0, 0.2), record("tanh", 0, 0.1)])
    fewest, most = extremes(rows, 5)
    assert [row.settings["activation"] for row in (*fewest, *most)] == ["tanh", "relu"]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=12), st.integers(0, 7))
def test_no_row_is_at_both_ends_and_the_ends_are_the_ends(numbers, number):
    rows = summaries(*numbers) if numbers else []
    fewest, most = extremes(rows, number)
    assert not {id(row) for row in fewest} & {id(row) for row in most}
    assert len(fewest) + len(most) == min(2 * number, len(rows))
    assert 0 <= len(fewest) - len(most) <= 1
    rest = [row for row in rows if row not in fewest and row not in most]
    for row in rest:
        assert all(round(one.value("dead"), 3) <= round(row.value("dead"), 3) for one in fewest)
        assert all(round(one.value("dead"), 3) >= round(row.value("dead"), 3) for one in most)

"""Roles of axes: what matters most gets colours; what fits no role is folded, and nothing twice."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from reluprobe.report.figures import charts, roles
from reluprobe.report.figures.roles import Roles

SIZES = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), st.integers(2, 12), max_size=9)


def test_the_axes_of_a_grid_get_roles_by_their_order():
    sizes = {"learning_rate": 3, "activation": 3, "depth": 2, "init": 2}
    assert roles.assigned(sizes) == Roles("learning_rate", "activation", "depth", "init")


def test_an_axis_of_too_many_values_leaves_its_colours_to_the_next():
    given_roles = roles.assigned({"seed_of_data": 40, "activation": 3})
    assert given_roles == Roles(colour="activation", folded=("seed_of_data",))


def test_roles_that_are_asked_for_come_first():
    sizes = {"learning_rate": 3, "activation": 3, "depth": 2}
    given_roles = roles.assigned(sizes, facet=["depth", "learning_rate"], colour="activation")
    assert given_roles == Roles("activation", "depth", "learning_rate")


@given(SIZES)
def test_every_axis_has_one_role_or_is_folded_and_none_is_too_small_for_its_axis(sizes):
    given_roles = roles.assigned(sizes)
    assert sorted([*given_roles.shown, *given_roles.folded]) == sorted(sizes)
    room = {
        given_roles.colour: roles.MOST_COLOURS,
        given_roles.column: roles.MOST_COLUMNS,
        given_roles.row: roles.MOST_ROWS,
        given_roles.dash: roles.MOST_DASHES,
    }
    assert all(sizes[axis] <= most for axis, most in room.items() if axis is not None)


@given(st.floats(1e-9, 1e9), st.floats(1.0, 1e9))
def test_ticks_are_few_round_and_within_the_values(low, factor):
    high = low * factor
    ticks = charts.ticks(low, high)
    assert 1 <= len(ticks) <= charts.MOST_TICKS
    assert all(low * (1 - 1e-9) <= tick <= high * (1 + 1e-9) for tick in ticks)
    assert ticks == sorted(set(ticks))


def test_ticks_over_decades_are_powers_of_ten():
    assert charts.ticks(3e-5, 0.2) == [1e-4, 1e-3, 1e-2, 1e-1]
    assert charts.ticks(3, 90) == [5, 10, 20, 50]


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_whole_numbers_are_few_and_evenly_spread(first, span):
    marks = charts.whole(first, first + span)
    assert len(marks) <= charts.MOST_TICKS + 1
    assert all(first <= mark <= first + span for mark in marks)
    assert len({after - before for before, after in itertools.pairwise(marks)}) <= 1

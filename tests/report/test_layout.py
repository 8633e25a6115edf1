"""Layout of tables: their width against Rich's own measure, and what is given up to fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, Group
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from reluprobe.report.terminal.layout import (
    FEWEST_PROBES,
    GAP,
    first_that_fits,
    layer_tables,
    plain_table,
    shown_courses,
    split_columns,
    table_width,
)

CELL = st.text("ab é字%\n", max_size=12)


@given(st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=5), st.booleans())
def test_table_width_is_what_rich_measures(rows: list[list[str]], no_wrap: bool) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("learning rate", "", "幅"):
        table.add_column(Text(title), no_wrap=no_wrap)
    for row in rows:
        table.add_row(*map(Text, row))
    wide = Console(width=10_000)
    assert table_width(table) == Measurement.get(wide, wide.options, table).maximum


def columns_of(titles):
    """A table of these columns, with no row."""
    table = plain_table()
    for title in titles:
        table.add_column(title)
    return table


@pytest.mark.parametrize(("width", "shown"), [(9, "abcdef"), (6, "abcdef"), (5, "abc"), (1, "a")])
def test_first_that_fits_is_the_fullest_layout_or_the_last(width, shown):
    built = []

    def layouts():
        for title in ("abcdef", "abc", "a"):
            built.append(title)
            yield columns_of([title])

    assert first_that_fits(layouts(), width).columns[0].header == shown
    assert built[-1] == shown  # nothing is built in vain


def test_first_that_fits_takes_a_group_as_it_is_and_needs_a_layout():
    group = Group(columns_of(["abcdef"]))
    assert first_that_fits([columns_of(["abcdef"]), group, columns_of(["a"])], 3) is group
    with pytest.raises(ValueError, match="must be a layout"):
        first_that_fits([], 80)


@given(st.lists(st.text("ab", min_size=1, max_size=9), min_size=1, max_size=9), st.integers(1, 40))
def test_split_columns_shows_each_once_in_order_and_as_many_as_fit(titles, width):
    tables = split_columns(titles, columns_of, width).renderables
    parts = [[column.header for column in table.columns] for table in tables]
    assert [title for part in parts for title in part] == titles
    for table, part, after in zip(tables, parts, [*parts[1:], None], strict=True):
        assert table_width(table) <= width or len(part) == 1
        if after:
            assert table_width(columns_of([*part, after[0]])) > width


@given(st.integers(1, 40), st.integers(2, 200), st.integers(22, 200))
def test_shown_courses_fit_and_have_their_ends(depth, probes, width):
    layers, moments = shown_courses(depth, probes, width)
    assert len(layers) * (len(moments) + GAP) <= width
    assert (layers[0], layers[-1]) == (0, depth - 1)
    assert (moments[0], moments[-1]) == (0, probes - 1)
    assert len(moments) >= min(probes, FEWEST_PROBES)


def test_a_table_by_layer_has_a_total_only_where_it_is_asked_for():
    rows = [({}, [("1", ["7"]), ("2", ["8"])])]
    for total, last in (([["15"]], "all"), ((), "2")):
        _, table = layer_tables(["deaths"], rows, total).renderables
        assert list(table.columns[0].cells)[:: len(table.rows) - 1] == ["1", last]

"""The width of a table, against Rich's own measure."""

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from reluprobe.report.terminal.layout import table_width

CELL = st.text("ab é字%\n", max_size=12)


@given(st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=5), st.booleans())
def test_width_is_what_rich_measures(rows: list[list[str]], no_wrap: bool) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("learning rate", "", "幅"):
        table.add_column(Text(title), no_wrap=no_wrap)
    for row in rows:
        table.add_row(*map(Text, row))
    wide = Console(width=10_000)
    assert table_width(table) == Measurement.get(wide, wide.options, table).maximum

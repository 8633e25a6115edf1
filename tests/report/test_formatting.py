"""Numbers as they are written: R², errors in their targets' unit, changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reluprobe.report import formatting


@given(st.floats(-1e60, 1e60))
def test_r2_and_errors_are_written_near_what_they_are(value):
    for write, most in ((formatting.r2, 5e-4), (formatting.significant, 0.0)):
        text = write(value).replace("−", "-").replace(",", "")
        assert float(text) == pytest.approx(value, rel=6e-3, abs=most)
        assert not text.startswith("-0.000") and text != "-0"
    assert formatting.r2(None) == formatting.significant(None) == "n/a"


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([0.0117, 0.4968], ["0.0117", "0.4968"]),
        ([12345.6, 52300.0], ["12,346", "52,300"]),
        ([2.5, 31.25], ["2.50", "31.25"]),
        ([1e-7, 1.0], ["1e-7", "1"]),
        ([], []),
    ],
)
def test_errors_in_a_column_have_as_many_decimals_as_the_least_of_them_asks_for(values, written):
    write = formatting.alike(values)
    assert [write(value) for value in values] == written
    assert write(None) == "n/a"


@pytest.mark.parametrize(
    ("value", "r2", "rmse"),
    [
        (0.25, "+0.250", "+0.25"),
        (-0.25, "−0.250", "−0.25"),
        (0.0, "0.000", "0"),
        (None, "n/a", "n/a"),
    ],
)
def test_changes_have_their_sign(value, r2, rmse):
    assert (formatting.r2_change(value), formatting.rmse_change(value)) == (r2, rmse)

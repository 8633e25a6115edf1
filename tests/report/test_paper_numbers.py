"""Numbers for a paper: as many digits as an interval supports, and a column all one way."""

from __future__ import annotations

import math
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reluprobe.analysis.estimates import SHARE, estimate
from reluprobe.config import labels
from reluprobe.report.export.paper_numbers import (
    Measured,
    column,
    decimals,
    fixed,
    notation,
    of_estimate,
)


def half(mean: float, half: float) -> Measured:
    return Measured(mean, mean - half, mean + half, "half")


@pytest.mark.parametrize(
    ("mean", "around", "written"),
    [
        (23.3349, 32.9812, "23 ± 33"),
        (41.4961, 2.4183, "41.5 ± 2.4"),
        (0.71849, 0.0287623, "0.718 ± 0.029"),
        (7.0, 0.0996, "7.00 ± 0.10"),
        (7.0, 0.0994, "7.000 ± 0.099"),
        (1234.5, 321.0, "1230 ± 320"),
        (-0.4, 12.0, "0 ± 12"),
        (-3.46, 1.2, "−3.5 ± 1.2"),
        (90.0, 0.0, "90.00 ± 0.00"),
        (90.0, 1e-13, "90.00 ± 0.00"),
    ],
)
def test_a_mean_has_the_digits_that_its_interval_supports(mean: float, around: float, written: str):
    assert column([half(mean, around)]) == [written]


@given(st.floats(1e-12, 1e12))
def test_half_a_width_keeps_two_significant_digits(width: float):
    rounded = Decimal(fixed(width, decimals(width)))
    digits = "".join(map(str, rounded.as_tuple().digits)).lstrip("0")
    # 1230 of 1234 has its zeros for want of an exponent.
    assert len(digits[:2] + digits[2:].strip("0")) == 2
    assert math.isclose(float(rounded), width, rel_tol=0.05)


def test_ends_that_are_not_symmetric_are_rounded_alike():
    change = Measured(-0.293880, -0.528841, -0.136373, "ends")
    assert column([change], percent=True, signed=True) == ["−29 [−53, −14]"]
    near = Measured(-0.0037, -0.0130, -0.0004, "ends")
    # What lies below 0 is not written as 0.
    assert column([near], percent=True, signed=True) == ["−0.37 [−1.30, −0.04]"]


def test_where_one_interval_is_told_by_its_ends_all_of_its_column_are():
    cut = of_estimate(estimate([0.0, 0.1, 0.05], SHARE))
    whole = of_estimate(estimate([0.5, 0.51, 0.52], SHARE))
    assert cut is not None and cut.beside == "ends"
    assert column([cut, whole], percent=True) == ["5.0 [0.0, 17.4]", "51.0 [48.5, 53.5]"]
    assert column([whole, None], percent=True) == ["51.0 ± 2.5", "n/a"]


def test_what_has_no_interval_has_fixed_digits():
    alone = [of_estimate(estimate([v])) for v in (0.123456, 12.3456, 1151.2)]
    assert column(alone) == ["0.1235", "12.35", "1151"]
    assert column([Measured(0.123456)], percent=True) == ["12.3"]


def test_losses_that_lie_far_apart_are_all_in_powers_of_ten():
    losses = [half(0.31, 0.02), half(115_132.0, 812.0), Measured(0.0), Measured(2e5)]
    assert column(losses) == ["(3.10 ± 0.20)e-1", "(1.1513 ± 0.0081)e5", "0.000", "2.000e5"]


def test_a_settings_numbers_are_written_one_way():
    def written(*values: float | int | str | bool | None) -> list[str]:
        write = notation(values)
        return [labels.setting(write(value)) for value in values]

    assert written(1e-4, 0.000316227766017, 0.0316227766, 0.1) == [
        "1e-4", "3.16e-4", "3.16e-2", "1e-1",
    ]  # fmt: skip
    assert written(0.1, 0.25, 1.0) == ["0.1", "0.25", "1"]
    assert written(0.0, 1e-3) == ["0", "1e-3"] and written(-1e-3, 0.5) == ["−1e-3", "5e-1"]
    # Three digits, or as many as tell them apart.
    assert written(1.2341e-3, 1.2342e-3) == ["1.2341e-3", "1.2342e-3"]
    assert written(2, 50_000, 1_000_000) == ["2", "50000", "1000000"]
    assert written("all", 1e-3, None, True) == ["all", "1e-3", "–", "yes"]


@given(st.lists(st.floats(1e-9, 1e9), min_size=1, unique=True))
def test_no_column_mixes_decimals_and_powers_of_ten(values: list[float]):
    write = notation(values)
    cells = [labels.setting(write(value)) for value in values]
    assert len({"e" in cell for cell in cells}) == 1
    assert all(re.fullmatch(r"\d(\.\d+)?e-?\d+|\d+(\.\d+)?", cell) for cell in cells)

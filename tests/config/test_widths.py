"""Widths of layers one by one: what may be written, and what depth follows from it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reluprobe.config import make_run, parse_sweep
from reluprobe.config.widths import fault, normal, parse
from reluprobe.errors import InputError
from reluprobe.plan.runs import checked_run, expand

LISTS = st.lists(st.integers(1, 65_536), min_size=1, max_size=100)


@given(LISTS)
def test_a_list_a_text_with_commas_and_one_with_dashes_are_one_run(layers: list[int]):
    texts = [",".join(map(str, layers)), " - ".join(map(str, layers))]
    runs = {checked_run({"width": width}) for width in (layers, tuple(layers), *texts)}
    assert len(runs) == 1
    config = runs.pop().config
    assert config.sizes == tuple(layers) and config.depth == len(layers)


def test_equal_widths_are_the_run_of_one_width():
    assert make_run({"width": [32, 32, 32]}) == make_run({"width": 32, "depth": 3})
    assert make_run({"width": "32-32"}).width == 32


@pytest.mark.parametrize("text", ["", "12-", "-12", "12,x", "1.5-2", "0-3", "65537-1", "٣-2"])
def test_a_text_that_is_no_list_of_widths_has_a_fault(text: str):
    assert fault(text)
    with pytest.raises(InputError):
        make_run({"width": text})


@pytest.mark.parametrize("value", [[], [0], [True, 2], [1.5, 2], ["8"], [[8]], [3] * 101])
def test_a_list_that_is_none_of_widths_is_refused(value: Any):
    with pytest.raises(InputError, match="bad settings"):
        make_run({"width": value})


def test_the_normal_form_is_its_own():
    assert normal(" 12, 6 - 3") == "12-6-3" == normal("12-6-3")
    assert parse(normal("12,6")) == (12, 6)


def test_an_axis_of_widths_is_an_axis_of_networks():
    sweep = parse_sweep({"grid": {"width": [[128, 64, 32], "64,64", 256]}})
    configs = [run.config for run in expand(sweep).runs]
    assert [c.sizes for c in configs] == [(128, 64, 32), (64, 64), (256,) * 5]


def test_a_depth_beside_widths_that_name_another_is_refused():
    with pytest.raises(InputError) as refused:
        checked_run({"width": [8, 4], "depth": 3})
    assert "that names 2 layers" in str(refused.value.faults)
    with pytest.raises(InputError) as refused:
        parse_sweep({"base": {"width": [8, 4], "depth": 3}})
    assert "that names 2 layers" in str(refused.value.faults)
    assert checked_run({"width": [8, 4], "depth": 2}).config.depth == 2

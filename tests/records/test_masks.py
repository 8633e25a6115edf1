"""Masks of units: packed and unpacked they are the same, and none is of no unit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reluprobe.records.masks import pack, unpack


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_a_mask_comes_back_as_it_was(units: list[bool]):
    assert unpack(pack(np.array(units)), len(units)).tolist() == units


@pytest.mark.parametrize("mask", [None, ""])
def test_where_there_is_no_mask_no_unit_is_in_it(mask: str | None):
    for size in (1, 8, 300):
        np.ones(size, np.uint8).tobytes()  # what may lie in memory
        assert not unpack(mask, size).any()

"""Settings of runs as they are named and valued by whoever asks about them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plain_records import record_of
from reluprobe.analysis.settings import value_among
from reluprobe.config import labels, make_run
from reluprobe.errors import InputError
from reluprobe.plan.runs import as_run


def runs(**values: Any) -> list[Any]:
    ((name, listed),) = values.items()
    return [record_of(as_run(make_run({name: value}))) for value in listed]


@given(st.lists(st.floats(1e-8, 1e4), min_size=1, max_size=6, unique=True))
def test_a_rate_as_it_is_printed_finds_itself_unless_another_is_printed_so(rates: list[float]):
    records = runs(learning_rate=rates)
    for rate in rates:
        printed = labels.setting(rate)
        alike = [r for r in rates if float(labels.setting(r)) == float(printed)]
        exact = float(printed) in rates
        for given_ in (printed, float(printed)):
            if exact or len(alike) == 1:
                found = value_among(given_, "learning_rate", records)
                assert found == (float(printed) if exact else rate)
            else:
                with pytest.raises(InputError, match="not one") as caught:
                    value_among(given_, "learning_rate", records)
                assert all(str(value) in caught.value.faults[0] for value in alike)
        assert value_among(str(rate), "learning_rate", records) == rate


def test_what_no_run_has_is_given_back():
    assert value_among("3e-3", "learning_rate", runs(learning_rate=[1e-3])) == "3e-3"
    assert value_among(0.00031623, "learning_rate", runs(learning_rate=[3.16227e-4])) == 0.00031623


def test_words_and_switches_are_found_as_tables_and_files_have_them():
    switched = runs(residual=[True, False])
    assert [value_among(text, "residual", switched) for text in ("yes", "true", "no")] == [
        True, True, False,
    ]  # fmt: skip
    assert value_among("all", "probe_examples", runs(probe_examples=["all", 1000])) == "all"
    assert value_among("1000", "probe_examples", runs(probe_examples=["all", 1000])) == 1000

"""Assignments in one text: which comma parts them, and how values are read."""

from __future__ import annotations

import pytest

from reluprobe.config import assignments


def test_a_comma_parts_settings_only_where_a_name_and_an_equals_sign_follow():
    values, faults = assignments.parse(["lr=0.1, width=64,32,act=relu", "", "--depth=5"])
    assert values == {"learning_rate": "0.1", "width": "64,32", "activation": "relu", "depth": "5"}
    assert faults == []


def test_what_is_no_assignment_or_comes_twice_is_a_fault():
    values, faults = assignments.parse(["relu", "lr=1", "learning_rate=2"])
    assert values == {"learning_rate": "1"}
    assert faults == ["got 'relu'; allowed is SETTING=VALUE", "learning_rate is named twice"]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("learning_rate", " 1e-3 ", 0.001), ("learning_rate", "fast", "fast"),
        ("learning_rate", ".1", 0.1), ("depth", "5", 5), ("residual", "true", True),
        ("revive_at", "2", "2"), ("activation", "relu", "relu"), ("width", "[64, 32]", [64, 32]),
        ("not_known", "x", "x"),
    ],
)  # fmt: skip
def test_a_value_is_read_as_in_toml_or_as_the_settings_flag_reads_it(name, text, value):
    assert assignments.value_of(name, text) == value

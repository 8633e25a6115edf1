"""Characters that stand for shares, against values by hand."""

import io
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import study_runs
from reluprobe.analysis import aggregate
from reluprobe.cli import console, encoding
from reluprobe.report.terminal import blocks
from reluprobe.report.terminal import pivot as pivot_table

SHARES = st.floats(0, 1)


@pytest.mark.parametrize(
    ("share", "height", "shade"),
    [
        (0.0, ".", "."), (None, "-", "-"), (1e-9, "▁", "░"), (0.125, "▁", "░"), (0.126, "▂", "░"),
        (0.25, "▂", "░"), (0.26, "▃", "▒"), (0.5, "▄", "▒"), (0.75, "▆", "▓"), (0.751, "▇", "█"),
        (1.0, "█", "█"), (1.0 + 1e-12, "█", "█"),
    ],
)  # fmt: skip
def test_characters_of_shares(share, height, shade):
    assert (blocks.height(share), blocks.shade(share)) == (height, shade)


@given(SHARES, SHARES)
def test_more_dead_is_never_a_lower_block(a, b):
    for ramp, write in ((blocks.HEIGHTS, blocks.height), (blocks.SHADES, blocks.shade)):
        low, high = (write(share) for share in sorted((a, b)))
        assert (blocks.ZERO + ramp).index(low) <= (blocks.ZERO + ramp).index(high)


def test_a_shade_stands_beside_each_share_of_a_pivot():
    deads = {("relu", 0.1): 0.1, ("relu", 0.2): 0.6, ("elu", 0.1): 0.0, ("elu", 0.2): 1.0}
    runs = [
        study_runs.record((dead,), depth=1, activation=f, learning_rate=r)
        for (f, r), dead in deads.items()
    ]
    runs[3] = study_runs.record(
        (1.0,), status="diverged", depth=1, activation="elu", learning_rate=0.2
    )
    pivot = aggregate.pivot(runs, "activation", "learning_rate")
    lines = study_runs.text(pivot_table.table(pivot, "activation", 80), 80).splitlines()
    assert lines[1].split() == ["relu", "░░", "10.0", "(97.5)", "▓▓", "60.0", "(97.5)"]
    assert lines[2].split() == ["elu", "..", "0.0", "(97.5)", "diverged"]


@pytest.mark.parametrize("width", [25, 40, 60, 80, 200])
def test_a_pivot_of_many_rates_fits_with_every_number(width):
    rates = [1e-4 * 2**n for n in range(12)]
    runs = [
        study_runs.record((n / 12,), depth=1, activation=f, learning_rate=rate)
        for n, rate in enumerate(rates)
        for f in ("relu", "leaky_relu")
    ]
    pivot = aggregate.pivot(runs, "activation", "learning_rate")
    shown = study_runs.text(pivot_table.table(pivot, "activation", width), width)
    assert all(len(line.rstrip()) <= width for line in shown.splitlines())
    assert shown.count("(97.5)") == 24
    for n in range(12):
        assert f"{100 * n / 12:.1f}" in shown


def test_what_ascii_cannot_write_becomes_what_it_can(monkeypatch):
    written = io.BytesIO()
    narrow = io.TextIOWrapper(written, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", narrow)
    encoding.write_plainly()
    console.out.print("40.8 ±1.1 × 2 " + blocks.heights(np.linspace(0, 1, 9)) + " 猫")
    console.out.print(blocks.SHADES)
    narrow.flush()
    assert written.getvalue().decode("ascii").splitlines() == [
        "40.8 +-1.1 x 2 .1234567# ?", ":+*#"
    ]  # fmt: skip


def test_blocks_keep_their_width_and_order_in_ascii():
    encoding.write_plainly()
    for ramp in (blocks.HEIGHTS, blocks.SHADES):
        plain = ramp.encode("ascii", encoding.ERRORS).decode()
        assert len(set(plain)) == len(plain) == len(ramp)

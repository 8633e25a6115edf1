"""Text in CSV files: no reader takes it for a number, a truth, a date, nothing or a formula."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from plain_records import record_of
from reluprobe.config import make_run
from reluprobe.plan.runs import as_run
from reluprobe.report.export import files
from reluprobe.report.export.cells import MARK, harmless

MISTAKEN = ["1e5", "007", "1.5", ".5", "1,3", "1d5", "0x1f", "2i", "5%", "$5", " 12", "10 pm"]
MISTAKEN += ["inf", "-Inf", "NaN", "NA", "N/A", "null", "None", "TRUE", "false", "T"]
MISTAKEN += ["2026-11-02", "2026-11-02T10:00:00Z", "3-4", "3/4", "10:30", "1.2.2026"]
MISTAKEN += ["sep2", "MARCH1", "1-Mar"]
MISTAKEN += ["=cmd|' /C calc'!A0", "+1", "-x", "@sum(a1)", "\t=1", "\r=1", "'007"]
PLAIN = ["dying_relu", "5_layers", "r195e22251972", "relu", "none", "epochs", "t", "cpu", "e5"]
PLAIN += ["0.10.2", "0.10.3.dev1", "results/1e5", "./1e5", "/home/x", "200 steps", "may", "größe"]
PLAIN += ["NVIDIA H100 80GB HBM3", ""]


@pytest.mark.parametrize("text", MISTAKEN)
def test_a_text_that_a_program_would_take_for_something_else_is_marked(text: str):
    assert harmless(text) == MARK + text


@pytest.mark.parametrize("text", PLAIN)
def test_every_other_text_is_as_it_is(text: str):
    assert harmless(text) == text


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\0")), st.text("0123456789.eE-+"))
def test_a_text_is_read_back_as_text_and_can_be_unmarked(anything: str, number: str):
    for text in (anything, number):
        cell = harmless(text)
        assert cell.removeprefix(MARK) == text or cell == text
        lines = io.StringIO()
        csv.writer(lines, lineterminator="\n").writerows([["a", "b"], [cell, "x"], [cell, "y"]])
        options = arrow_csv.ParseOptions(newlines_in_values=True)
        read = arrow_csv.read_csv(io.BytesIO(lines.getvalue().encode()), parse_options=options)
        assert read["a"].type == (pa.string() if cell else pa.null())


@pytest.mark.parametrize("name", ["1e5", "=cmd|calc", "NA", "2026-11-02"])
def test_a_sweep_of_any_name_is_one_in_csv_and_in_parquet(tmp_path: Path, name: str):
    pairs: list[Any] = [(tmp_path / name, record_of(as_run(make_run({"depth": 1, "width": 4}))))]
    files.write(pairs, tmp_path / "out", ["csv", "parquet"])
    with open(tmp_path / "out" / "runs.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["sweep"] == MARK + name
    table = parquet.read_table(tmp_path / "out" / "runs.parquet")
    assert table["sweep"].to_pylist() == [name]


def test_numbers_below_0_stay_numbers(tmp_path: Path):
    run = as_run(make_run({"depth": 1, "width": 4, "bias_init": -0.5}))
    files.write([(tmp_path / "s", record_of(run))], tmp_path / "out", ["csv"])
    with open(tmp_path / "out" / "runs.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["bias_init"] == "-0.5"

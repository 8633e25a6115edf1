"""The main table for a page and a paper: the terminal's, cell by cell, and nothing breaks out."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from reluprobe import records
from reluprobe.analysis import aggregate
from reluprobe.config import make_run
from reluprobe.plan.runs import as_run
from reluprobe.records import EpochRecord, LayerRecord, ProbeRecord, RunRecord
from reluprobe.records.folder import Archive
from reluprobe.report.export import markup
from reluprobe.report.terminal import tables


def record(seed: int, **settings: Any) -> RunRecord:
    run = as_run(make_run({"depth": 1, "width": 8, "seed": seed, **settings}))
    layer = LayerRecord(8, *[seed / 8] * 5, saturated=None, dead_units="00")
    last = EpochRecord(run.config.epochs, 0.5, 0.8, 0.25, 0.9, (layer,))
    environment: dict[str, str | int] = {"device": "cpu", "devices": 2, "jax": "0"}
    probe = ProbeRecord("train", 100)
    return RunRecord(records.SCHEMA, run.id, run.config, "ok", environment, 1.0, probe, (last,))


def archive(name: str = "rates") -> Archive:
    rates = (1e-4, 5e-3, 0.1)
    runs = [record(s, learning_rate=rate, bias_init=-0.5) for rate in rates for s in range(3)]
    return Archive(name, Path("results") / name, (*runs, record(2, activation="leaky_relu")))


SWEEP = archive()
ROWS = aggregate.summarize(SWEEP.records)


def shown(definition: str = "dead") -> list[list[str]]:
    """The terminal's table: its titles and rows."""
    columns = tables.outcome(ROWS, definition, 10_000).columns
    every = ([column.header, *column.cells] for column in columns)
    return [[str(cell) for cell in row] for row in zip(*every, strict=True)]


def unescaped(text: str) -> str:
    """What LaTeX prints."""
    text = re.sub(r"\$(-?[\d.]+) \\times 10\^\{(-?\d+)\}\$", r"\1e\2", text)
    signs = (("±", r"$\pm$"), ("≤", r"$\leq$"), ("≥", r"$\geq$"), ("-", "$-$"), ("–", "--"))
    for sign, command in signs:
        text = text.replace(command, sign)
    return re.sub(r"\$(-[\d.]+)\$|\\([&%$#_{}])", lambda m: m[1] or m[2], text)


def test_markdown_has_the_terminals_table():
    lines = markup.markdown(SWEEP, ROWS, "dead").splitlines()
    assert lines[0] == "### rates"
    assert lines[2].startswith("dead: f′(z) = 0 on every probe example; 10 runs of mnist")
    head, marks, *body = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"
    )
    assert [head, *([cell.replace("\\", "") for cell in row] for row in body)] == shown()
    assert marks == [":--"] * 3 + ["--:"] * (len(head) - 3)


@pytest.mark.parametrize("definition", ["dead", "saturated"])
def test_latex_has_the_terminals_table(definition: str):
    text = markup.latex(SWEEP, ROWS, definition)
    body = text.split(r"\toprule")[1].split(r"\bottomrule")[0].replace(r"\midrule", "")
    rows = [line.strip().removesuffix(r" \\") for line in body.splitlines() if line.strip()]
    assert [unescaped(row).split(" & ") for row in rows] == shown(definition)
    assert r"\begin{tabular}{lllrrrrr}" in text
    assert r"$1 \times 10^{-4}$" in text and "$-0.5$" in text


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("50% of a_b & c#d", r"50\% of a\_b \& c\#d"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("$x^2$ ~ <b>", r"\$x\textasciicircum{}2\$ \textasciitilde{} $<$b$>$"),
        ("lr 5e-3 · L2 1e-4", r"lr $5 \times 10^{-3}$ $\cdot$ L2 $1 \times 10^{-4}$"),
        ("-0.1", "$-0.1$"),
        ("41.5 ±2.4", r"41.5 $\pm$2.4"),
        ("1e30", r"$1 \times 10^{30}$"),
        ("leaky_relu(-1e-3)", r"leaky\_relu($-1 \times 10^{-3}$)"),
        ("fashion-2 v1e5x", "fashion-2 v1e5x"),
        ("z ≤ 0, −3 – 4", r"z $\leq$ 0, $-$3 -- 4"),
    ],
)
def test_latex_prints_what_stands_there(text: str, printed: str):
    assert markup.escape(text) == printed


def test_a_name_cannot_break_out_of_its_place():
    name = "a|b_ <img onerror=x> **c** \\end{table} 100%"
    odd = dataclasses.replace(SWEEP, name=name)
    head = markup.markdown(odd, ROWS, "dead").splitlines()[0]
    assert head == r"### a\|b\_ \<img onerror=x\> \*\*c\*\* \\end{table} 100%"
    assert markup.latex(odd, ROWS, "dead").count(r"\end{table}") == 1


def test_an_interval_is_named_only_where_there_is_one():
    assert "±: half of the 95% interval" in markup.markdown(SWEEP, ROWS, "dead")
    alone = Archive("one", Path("one"), (record(1),))
    text = markup.markdown(alone, aggregate.summarize(alone.records), "dead")
    assert "±" not in text


# --- the command ---------------------------------------------------------------------------------


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for run in SWEEP.records:
        records.write(run, tmp_path / "results" / "rates")
    return tmp_path / "results"


def test_export_writes_to_stdout_or_to_a_file(reluprobe: Any, results: Path):
    output = reluprobe("export", "results", "--markdown", "--sort", "dead", "--by", "activation")
    assert output.code == 0 and output.out.startswith("### rates\n")
    assert [line.split(" | ")[0] for line in output.out.splitlines()[4:]] == [
        "| activation", "| :--", "| relu", "| leaky_relu",
    ]  # fmt: skip
    other = reluprobe("export", "results", "--latex", "--out", "new/t.tex", "-d", "saturated")
    assert other.out == "wrote new/t.tex\n"
    written = Path("new/t.tex").read_text("utf-8")
    assert r"\toprule" in written and "saturated" in written and "n/a" in written


def test_a_sweep_of_which_nothing_can_be_read_stops_no_other(reluprobe: Any, results: Path):
    (results / "broken" / "runs").mkdir(parents=True)
    (results / "broken" / "runs" / "x.json").write_text("{")
    output = reluprobe("export", "results", "--markdown")
    assert output.code == 1 and output.out.startswith("### rates") and "x.json" in output.err
    output = reluprobe("report", "results")
    assert output.code == 1 and "no readable run" in output.out and "10 runs of mnist" in output.out


def test_export_writes_tables_and_names_what_it_left_out(reluprobe: Any, results: Path):
    (results / "rates" / "runs" / "x.json").write_text("{")
    output = reluprobe("export", "results", "--csv", "--parquet")
    assert output.code == 1 and "left out: " in output.err and "x.json" in output.err
    assert "wrote export/runs.csv  (10 rows)" in output.out
    names = {"runs.csv", "runs.parquet", "layers.csv", "layers.parquet", "columns.csv"}
    assert {file.name for file in Path("export").iterdir()} == names


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "allowed is --csv, --parquet or both"),
        (["--csv", "--latex"], "do not go together"),
        (["--markdown", "--latex"], "do not go together"),
        (["--csv", "--by", "activation"], "are for --markdown and --latex"),
        (["--latex", "-d", "ded"], "mean 'dead'?"),
        (["--latex", "--by", "activaton"], "mean 'activation'?"),
    ],
)
def test_what_cannot_be_exported_is_refused(
    reluprobe: Any, results: Path, args: list[str], said: str
):
    output = reluprobe("export", "results", *args)
    assert output.code == 2 and said in output.err and output.out == ""
    assert not Path("export").exists()

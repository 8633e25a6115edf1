"""The table of configurations for a page and a paper: what stands in it, and nothing breaks out."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreign_records import foreign_record
from latex_tables import latex_rows
from reluprobe import records
from reluprobe.analysis import aggregate
from reluprobe.config import make_run
from reluprobe.errors import InputError
from reluprobe.plan.runs import as_run
from reluprobe.records import EpochRecord, LayerRecord, ProbeRecord, RunRecord
from reluprobe.records.folder import Archive
from reluprobe.report.export import configurations, markup
from reluprobe.report.export.markup import PaperTable


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


def table(columns: Sequence[str] | None = None, definition: str = "dead", **of: Any) -> PaperTable:
    records = of.get("records", SWEEP.records)
    sweep = dataclasses.replace(SWEEP, records=tuple(records))
    rows = aggregate.summarize(sweep.records, definition, of.get("by"))
    return configurations.table(sweep, rows, definition, columns)


def cells(made: PaperTable) -> dict[str, list[str]]:
    return {name: [*column.cells] for name, column in made.columns.items()}


# --- what stands in the table --------------------------------------------------------------------


def test_a_configuration_has_its_settings_and_its_means_with_their_intervals():
    # Of 0, 1 and 2 in 8: 12.5% ± 4.303 · 12.5 / √3 = 31.05, which leaves what a share can be.
    of = table()
    assert [*of.columns] == [
        *("activation", "learning_rate", "bias_init"),
        *("dead", "accuracy", "loss", "train_loss", "runs"),
    ]
    made = cells(of)
    assert made["learning_rate"] == ["1e-4", "5e-3", "1e-1", "5e-3"]
    assert made["dead"] == ["12 [0, 44]"] * 3 + ["25.0"]
    assert made["accuracy"] == ["90.0 ± 0.0"] * 3 + ["90.0"]
    assert made["bias_init"] == ["-0.5"] * 3 + ["0"] and made["runs"] == ["3", "3", "3", "1"]
    titles = [column.title for column in of.columns.values()]
    assert titles[1:5] == ["learning rate", "bias init", "dead (%)", "test accuracy (%)"]


def test_columns_are_those_that_are_named_in_that_order():
    made = table(["learning_rate", "silent", "dead", "layers", "bias_init"])
    assert [*made.columns] == ["learning_rate", "silent", "dead", "L1", "bias_init"]
    assert cells(made)["silent"] == cells(made)["dead"] == cells(made)["L1"]
    assert "silent: output 0 on every probe example" in made.caption
    assert cells(table(["change", "saturated"]))["saturated"] == ["n/a"] * 4


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["learning_rate", "ded"], "ded: allowed are .*; did you mean 'dead'"),
        (["learning_rate", "learning_rat"], "mean 'learning_rate'"),
        (["learning_rate", "dead", "dead"], "dead is named twice"),
        (["dead", "accuracy"], "rows differ in activation, learning_rate, bias_init: name them"),
        ([], "allowed are"),
    ],
)
def test_columns_that_are_none_or_tell_no_rows_apart_are_refused(columns: list[str], said: str):
    with pytest.raises(InputError) as refused:
        table(columns)
    assert re.search(said, refused.value.faults[0])


def test_settings_too_many_for_columns_are_told_by_what_sets_a_row_apart():
    axes = {"learning_rate": 1e-4, "depth": 2, "l2": 1e-3, "dropout": 0.5, "clip_norm": 1.0}
    runs = [record(0), *(record(0, **{"depth": 1, name: value}) for name, value in axes.items())]
    made = cells(table(records=runs))
    assert made["change"][:2] == ["no change", "lr 1e-4"] and "activation" not in made
    assert table(["change", "dead"], records=runs).columns.keys() == {"change", "dead"}


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        ([3, 3], "±: half of the 95% t interval over 3 seeds"),
        ([2, 5], "±: half of the 95% t interval over 2 to 5 seeds"),
        ([1, 1], "1 seed, no interval"),
    ],
)
def test_the_caption_says_over_how_many_seeds_and_not_how_long_it_took(seeds: list[int], said: str):
    pairs = zip((0.1, 0.2), seeds, strict=True)
    runs = [record(s, learning_rate=rate) for rate, number in pairs for s in range(number)]
    caption = table(records=runs).caption
    assert said in caption and "mnist, 12 epochs, probed on 100 training examples" in caption
    assert not re.search(r"\b\d+(\.\d+)? (s|min|h)\b|cpu|JAX", caption)
    # Equal numbers of runs are in the caption, not in a column.
    assert ("runs" in table(records=runs).columns) == (len(set(seeds)) > 1)


def test_what_folds_several_configurations_has_a_range_and_no_interval():
    made = table(by=["activation"])
    assert cells(made)["dead"] == ["12.5 (12.5 to 12.5)", "25.0"]
    assert "( to ): min–max over 3 configurations, no interval" in made.caption


# --- as Markdown and LaTeX -----------------------------------------------------------------------


def test_markdown_has_every_cell():
    made = table()
    lines = markup.markdown(made).splitlines()
    assert lines[0] == "### rates" and lines[2].startswith("dead: f′(z) = 0 on every probe example")
    head, marks, *body = (
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line[:1] == "|"
    )
    columns = made.columns.values()
    assert head == [column.title for column in columns]
    assert marks == [":--"] * 3 + ["--:"] * (len(head) - 3)
    plain = [[cell.replace("\\", "") for cell in row] for row in body]
    assert plain == [list(row) for row in zip(*(c.cells for c in columns), strict=True)]


def test_latex_has_every_cell_as_it_prints():
    text = markup.latex(table())
    rows = latex_rows(text)
    assert r"\begin{tabular}{lllrrrrr}" in text and len(rows) == 5
    assert rows[0][1:4] == ["learning rate", "bias init", r"dead (\%)"]
    assert [row[1] for row in rows[1:]] == [
        "$10^{-4}$", r"$5 \times 10^{-3}$", "$10^{-1}$", r"$5 \times 10^{-3}$",
    ]  # fmt: skip
    assert rows[1][2] == "$-0.5$" and rows[1][4] == r"90.0 $\pm$ 0.0"


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("50% of a_b & c#d", r"50\% of a\_b \& c\#d"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("$x^2$ ~ <b>", r"\$x\textasciicircum{}2\$ \textasciitilde{} $<$b$>$"),
        ("lr 5e-3 · L2 1e-4", r"lr $5 \times 10^{-3}$ $\cdot$ L2 $10^{-4}$"),
        ("−1e-4 or −2.5e3", r"$-10^{-4}$ or $-2.5 \times 10^{3}$"),
        ("(1.15 ± 0.08)e3", r"(1.15 $\pm$ 0.08) $\times 10^{3}$"),
        ("-0.1", "$-0.1$"),
        ("41.5 ±2.4", r"41.5 $\pm$2.4"),
        ("1e30", "$10^{30}$"),
        ("leaky_relu(-1e-3)", r"leaky\_relu($-10^{-3}$)"),
        ("fashion-2 v1e5x", "fashion-2 v1e5x"),
        ("z ≤ 0, −3 – 4", r"z $\leq$ 0, $-$3 -- 4"),
    ],
)
def test_latex_prints_what_stands_there(text: str, printed: str):
    assert markup.escape(text) == printed


def test_a_name_cannot_break_out_of_its_place():
    name = "a|b_ <img onerror=x> **c** \\end{table} 100%"
    odd = dataclasses.replace(table(), name=name)
    head = markup.markdown(odd).splitlines()[0]
    assert head == r"### a\|b\_ \<img onerror=x\> \*\*c\*\* \\end{table} 100%"
    assert markup.latex(odd).count(r"\end{table}") == 1


@given(st.lists(st.lists(st.text(), min_size=3, max_size=3), min_size=1, max_size=4), st.text())
def test_whatever_stands_in_cells_latex_has_as_many_and_each_is_closed(
    rows: list[list[str]], name: str
):
    columns = {
        str(n): markup.Column(title, body)
        for n, (title, *body) in enumerate(zip(*rows, strict=True))
    }
    text = markup.latex(PaperTable(name, name, columns))
    assert [len(row) for row in latex_rows(text)] == [3] * len(rows)


LATEX = shutil.which("pdflatex")


@pytest.mark.skipif(LATEX is None, reason="pdflatex is absent: apt-get install texlive-latex-base")
def test_latex_itself_takes_the_table(tmp_path: Path):
    if not subprocess.run(["kpsewhich", "booktabs.sty"], capture_output=True).stdout:
        pytest.skip("booktabs is absent: apt-get install texlive-latex-recommended")
    odd = "[1] \\x{y}_$z$ & 5% #1 ~ ^ a|b <c> *"
    many = [(value, seed) for value in (odd, "*b") for seed in range(3)]
    runs = [foreign_record([["x."]], ["fc"], seed=s, settings={odd: v}) for v, s in many]
    text = "".join(map(markup.latex, [table(), table(records=runs), table(definition="saturated")]))
    document = r"\documentclass{article}\usepackage{booktabs}\begin{document}" + text
    (tmp_path / "t.tex").write_text(document + r"\end{document}", "utf-8")
    command = [str(LATEX), "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0 and "Missing character" not in done.stdout, done.stdout[-2000:]


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


def test_columns_of_the_command_have_short_names_too(reluprobe: Any, results: Path):
    wanted = "activation,lr,bias-init,test_accuracy,silent"
    output = reluprobe("export", "results", "--markdown", "--columns", wanted)
    head = "| activation | learning rate | bias init | test accuracy (%) | silent (%) |"
    assert output.code == 0 and head in output.out


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
        (["--parquet", "-d", "silent"], "--definition is for these"),
        (["--tensorboard", "logs", "--csv"], "do not go together"),
        (["--tensorboard", "logs", "--out", "x"], "--out is for all but"),
        (["--latex", "-d", "ded"], "mean 'dead'?"),
        (["--latex", "--by", "activaton"], "mean 'activation'?"),
        (["--latex", "--columns", "lr,ded"], "mean 'dead'?"),
        (["--markdown", "--columns", "dead"], "rows differ in activation"),
        (["--csv", "--columns", "dead"], "are for --markdown and --latex"),
    ],
)
def test_what_cannot_be_exported_is_refused(
    reluprobe: Any, results: Path, args: list[str], said: str
):
    output = reluprobe("export", "results", *args)
    assert output.code == 2 and said in output.err and output.out == ""
    assert not Path("export").exists()

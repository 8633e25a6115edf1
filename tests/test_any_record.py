"""Any valid record goes through report, page, compare, export and the library without an error."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from any_record import folders, foreign_folders
from command_in_process import run
from reluprobe.errors import InputError
from reluprobe.records import RunRecord, read, write
from reluprobe.report import figures
from reluprobe.results import Results

thorough = settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
#: Records of runs of ours in one folder, of foreign ones in another.
either = folders | foreign_folders
drawn = settings(max_examples=3, suppress_health_check=list(HealthCheck), deadline=None)


@contextlib.contextmanager
def sweep_of(records: Sequence[RunRecord]) -> Iterator[Path]:
    """A folder in which these records lie."""
    with tempfile.TemporaryDirectory() as folder:
        for record in records:
            assert read(write(record, Path(folder) / "made")) == record
        yield Path(folder) / "made"


@thorough
@given(either)
def test_report_prints_every_table_and_its_json(records: list[RunRecord]):
    with sweep_of(records) as folder:
        also = ["--lives", "--causes", "--rates", "--signals", "--bounds"]
        for definition in ("dead", "saturated"):
            code, text = run("report", folder, "--no-figures", "-d", definition, *also)
            assert code == 0, text
        code, text = run("report", folder, "--json", *also)
        assert code == 0, text
        json.loads(text)


@thorough
@given(either)
def test_compare_answers_or_says_in_a_sentence_why_not(records: list[RunRecord]):
    with sweep_of(records) as folder:
        for more in ([], ["--within", "activation"], ["--on", "train"], ["--json"]):
            code, text = run("compare", folder, *more)
            assert code == 0 or (code == 2 and text.startswith("error: ")), text


@thorough
@given(either)
def test_export_writes_every_run_and_layer(records: list[RunRecord]):
    with sweep_of(records) as folder:
        tidy = run("export", folder, "--csv", "--parquet", "--out", folder.parent / "export")
        assert tidy[0] == 0, tidy[1]
        for markup in ("--markdown", "--latex"):
            code, text = run("export", folder, markup)
            assert code == 0, text


@drawn
@given(either)
def test_every_figure_and_the_page_are_drawn_or_say_what_is_lacking(records: list[RunRecord]):
    with sweep_of(records) as folder:
        code, text = run("report", folder, "--format", "svg")
        assert code == 0, text
        assert (folder / "report" / "report.html").stat().st_size > 1000
        for kind in figures.FIGURES:
            assert (folder / "report" / f"{kind.name}.svg").exists() or kind.name in text


@thorough
@given(either)
def test_results_have_their_tables(records: list[RunRecord]):
    from reluprobe.api import load

    with sweep_of(records) as folder:
        results = load(folder)
        assert isinstance(results, Results) and "made" in repr(results)
        assert results.runs().num_rows == len(results) == len(records)
        counted = sum(len(p.layers) for r in records for p in (*r.history, *r.steps))
        assert results.layers().num_rows == counted
        assert sum(results.summary()["runs"].to_pylist()) == len(records)
        with contextlib.suppress(InputError):
            results.compare()

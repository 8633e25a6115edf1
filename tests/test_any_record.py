"""Any valid record goes through report, page, compare and export without an error."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from any_record import folders
from hypothesis import HealthCheck, given, settings
from rich.console import Console

from reluprobe.analysis import compare
from reluprobe.analysis.contrast import Question
from reluprobe.cli.commands import report
from reluprobe.errors import InputError
from reluprobe.records import RunRecord, io as records_io
from reluprobe.records.folder import Archive, open_all
from reluprobe.report import figures, json_compare, json_report
from reluprobe.report.page import html, model
from reluprobe.results import Results

thorough = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
ALSO = frozenset({"lives", "causes", "signals", "bounds"})


def archive_of(folder: Path, records: Sequence[RunRecord]) -> Archive:
    """These records, written and read back."""
    for record in records:
        records_io.write(record, folder)
    (archive,) = open_all([folder])
    return archive

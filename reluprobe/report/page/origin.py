"""Provenance of a page's numbers: versions, device, command, sweep file, dates."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import reluprobe
from reluprobe import records
from reluprobe.analysis import thresholds
from reluprobe.records.folder import RUNS, SWEEP_FILE, Archive
from reluprobe.report import formatting
from reluprobe.report.terminal import tables


def origin(archive: Archive, definition: str, by: Sequence[str] | None) -> dict[str, Any]:
    """Facts as pairs of texts, and the sweep's file as it lies in the folder."""
    file = archive.folder / SWEEP_FILE
    sweep = file.read_text("utf-8", errors="replace") if file.is_file() else None
    facts = [
        ("Runs", tables.provenance(archive).plain),
        ("Training and probing took", formatting.duration(sum(r.seconds for r in archive.records))),
        *_dates(archive),
        *_environment(archive),
        ("Folder", archive.place),
        ("This page was written by", _command(archive, definition, by)),
    ]
    if sweep is not None:
        facts.append(("To run it again", f"reluprobe sweep {SWEEP_FILE}, the file below"))
    return {"facts": facts, "sweep": sweep}


def _dates(archive: Archive) -> Iterator[tuple[str, str]]:
    """When the records were written, by their files: a record does not say so itself."""
    places = [records.present(archive.folder / RUNS / f"{r.id}.json") for r in archive.records]
    times = [place.stat().st_mtime for place in places if place.is_file()]
    if times:
        days = [f"{datetime.fromtimestamp(t, UTC):%Y-%m-%d}" for t in (min(times), max(times))]
        yield "Records' files are of", " to ".join(dict.fromkeys(days))


def _environment(archive: Archive) -> Iterator[tuple[str, str]]:
    keys = dict.fromkeys(key for r in archive.records for key in r.environment)
    for key in keys:
        values = dict.fromkeys(str(r.environment.get(key, "not told")) for r in archive.records)
        yield key, ", ".join(values)


def _command(archive: Archive, definition: str, by: Sequence[str] | None) -> str:
    words = ["reluprobe", "report", archive.place]
    if definition != "dead":
        words += ["--definition", definition]
    for name, threshold in thresholds.asked_of(archive.records).items():
        words += [f"--{name.replace('_', '-')}", f"{threshold:.12g}"]
    if by is not None:
        words += ["--by", ",".join(by)]
    return f"{shlex.join(words)} (reluprobe {reluprobe.__version__})"

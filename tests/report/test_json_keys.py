"""The keys of what ``--json`` writes are those that docs/json.md explains."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import figure_runs
import paired_runs
import study_runs
from foreign_records import foreign_record
from reluprobe.analysis import compare, contrast
from reluprobe.config import SETTINGS
from reluprobe.foreign.result import Layer, Look
from reluprobe.records import Coverage, Place, RunRecord
from reluprobe.report import json_compare, json_inspection, json_report

PAGE = (Path(__file__).parents[2] / "docs" / "json.md").read_text("utf-8")
EXPLAINED = {*re.findall(r"`([a-z0-9_]+)`", PAGE)}
#: Keys that are values: names of settings, ids of runs, names of splits and of what differs.
VALUES = {*SETTINGS, "probe", "test", "train", "lr"}


def keys(value: Any) -> Iterator[str]:
    """Every key of a document, those within lists and objects too."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from keys(inner)


def report() -> dict[str, Any]:
    """Two sweeps with all that a report can hold."""
    study = study_runs.seeds(4)
    lost = dataclasses.replace(figure_runs.record(), status="failed", error="out of luck")
    others = [*figure_runs.sweep(), *figure_runs.sweep(phases="permuted_pixels*1"), lost]
    archives = [
        figure_runs.archive(study, "a", "mnist_study"),
        figure_runs.archive(others, "b"),
        *(figure_runs.archive([_foreign(name)], name) for name in ("c", "d")),
    ]
    return json_report.report(archives, "dead", None, None, ("lives", "causes", "rates", "signals"))


def _foreign(name: str) -> RunRecord:
    """A foreign run with a thing of each kind that was not counted."""
    places = {kind: (Place("sigmoid", "net.py:3"),) for kind in ("outputs", "bare")}
    looks = [["x.", "..."], ["xx", "x.."]]
    return foreign_record(looks, name=name, settings={"lr": 0.1}, coverage=Coverage(**places))


def comparison() -> dict[str, Any]:
    """A comparison by pairs of seeds."""
    runs = paired_runs.runs_of("relu", [0.4, 0.5, 0.3, 0.45])
    runs += paired_runs.runs_of("elu", [0.1, 0.2, 0.15, 0.12])
    archive = figure_runs.archive(runs, "a")
    compared = compare.compare(runs, contrast.Question({"activation": "relu"}))
    return json_compare.comparison(compared, [archive], "dead")


def inspection() -> dict[str, Any]:
    """A look into a network with a layer and something that was not counted."""
    mask = np.zeros(3, bool)
    described = "fc", "relu", 3, 5, 1, "float32", False, "net.py:1"
    layer = Layer(*described, mask, mask, mask, mask, mask, mask, mask, mask, mask, mask)
    coverage = Coverage(*[(Place("fc2", "net.py:2"),)] * 4, notes=("batch norm",))
    return json_inspection.inspection(Look((layer,), coverage, 5), "net")


@pytest.mark.parametrize("document", [report, comparison, inspection])
def test_every_key_is_explained(document: Any):
    present = {k for k in keys(document()) if k not in VALUES and not re.match("r[0-9a-f]{12}$", k)}
    assert sorted(present - EXPLAINED) == []


def test_every_key_that_is_explained_is_there():
    looks = {"step", "record", "looks"}  # of several checkpoints: cli.inspect_checkpoints
    present = {*keys(report()), *keys(comparison()), *keys(inspection()), *looks}
    rows = re.findall(r"^\| (`[^|]+`) \|", PAGE, re.M)
    named = {name for row in rows for name in re.findall(r"`([a-z0-9_]+)`", row)}
    assert sorted(named - present) == []

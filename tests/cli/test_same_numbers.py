"""One run, whichever way it is looked at: the same dead share and accuracy at its end."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import reluprobe as rp
from reluprobe.records import folder
from reluprobe.report import page

#: What could make ends differ: probes between epochs, new data, units drawn anew.
SETTINGS = {
    "dataset": "blobs", "depth": "2", "width": "12", "epochs": "2", "batch-size": "256",
    "lr": "0.2", "probe-every": "5", "phases": "permuted_pixels", "revive": "redo",
    "revive-at": "18 steps", "name": "one",
}  # fmt: skip


def test_train_record_json_csv_and_page_have_one_end(reluprobe: Callable[..., Any]):
    trained = reluprobe("train", *(f"--{name}={value}" for name, value in SETTINGS.items()))
    assert trained.code == 0, trained.err
    (path,) = Path("results/one/runs").glob("*.json")
    record = json.loads(path.read_text())
    last = record["history"][-1]
    units = sum(layer["units"] for layer in last["layers"])
    dead = sum(int(layer["dead_units"], 16).bit_count() for layer in last["layers"]) / units
    accuracy = last["test_accuracy"]
    assert 0 < dead < 1 and record["steps"] and record["phases"]
    looks = record["history"] + record["steps"]
    assert any(layer["revived"] for look in looks for layer in look["layers"])
    shown = f"{100 * dead:.1f}", f"{100 * accuracy:.1f}"

    said = r"([\d.]+)% of hidden units are dead .* test accuracy ([\d.]+)%"
    assert re.findall(said, " ".join(trained.out.split())) == [shown]

    (end,) = json.loads(reluprobe("report", "results/one", "--json").out)["sweeps"][0][
        "configurations"
    ]
    for mean in (end["mean"], end["samples"]["shares"]["probe"], end["phases"][-1]["end"]):
        assert mean["mean"] == pytest.approx(dead)
    for mean in (end["test_accuracy"], end["samples"]["accuracy"]["test"]):
        assert mean["mean"] == accuracy

    assert reluprobe("export", "results/one", "--csv").code == 0
    (row,) = csv.DictReader(Path("export/runs.csv").read_text("utf-8").splitlines())
    assert float(row["dead"]) == pytest.approx(dead) and float(row["test_accuracy"]) == accuracy

    (archive,) = folder.open_all([Path("results/one")])
    lead = re.search(r'class="lead">([^<]*)<', page.html(page.model(archive, "dead", None, ()), ""))
    assert lead and re.findall(r"([\d.]+)%", lead[1]) == list(shown)

    results = rp.load("results/one")
    assert results.runs().column("dead")[0].as_py() == pytest.approx(dead)
    assert (
        " ".join(str(results).split()).count(f"{shown[0]}% dead (test accuracy {shown[1]}%)") == 1
    )

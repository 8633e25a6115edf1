"""Consistency: a record whose parts do not fit is named and left out, and spoils nothing else."""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from any_record import records as any_records
from command_in_process import run
from plain_records import BASE, record_of, write_sweep
from reluprobe import records
from reluprobe.cli import draw_page
from reluprobe.config import make_run
from reluprobe.plan.runs import as_run
from reluprobe.records import RunRecord, outline
from reluprobe.records.consistency import fault_in
from reluprobe.records.folder import open_all
from reluprobe.report import processes

quick = settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)

RUN = as_run(make_run(BASE | {"phases": "same", "probe_examples": 9}))
LAYER = json.loads(records.to_json(record_of(RUN)))["history"][0]["layers"][0]
LAYER = dict.fromkeys(LAYER) | {"units": 4, "dead": 0.0, "silent": 0.0, "never_positive": 0.0}
LAYER |= {"constant": 0.0, "dormant": 0.0, "saturated": None, "dead_units": "00"}
OUTPUTS = {"mean": 0.0, "variance": 1.0, "zeros": 0.5, "second": 1.0, "low": 0.0, "high": 1.0}
SAMPLE = {"sample": "probe", "examples": 9, "loss": 1.0, "accuracy": None, "layers": [LAYER]}
PHASE = {"dataset": "blobs", "task": "same", "start": None, "reference": SAMPLE}
RATED = LAYER | {"rare": 0.0, "firing": [0, 0, 0, 0, 4, 0, 0, 0, 0]}


def moved(**paces: tuple[int, float, float]) -> list[dict[str, Any]]:
    """A layer whose units of these states moved so: how many, the mean and the most."""
    names = ("units", "mean", "most")
    by_state = {state: dict(zip(names, pace, strict=True)) for state, pace in paces.items()}
    return [RATED | {"movement": by_state}]


def fields_of(run: Any = RUN) -> dict[str, Any]:
    """A whole record with every part."""
    fields = json.loads(records.to_json(record_of(run)))
    last = fields["history"][-1]["epoch"]
    fields["history"] = [
        fields["history"][0] | {"epoch": n, "step": 10 * n} for n in range(last + 2)
    ]
    fields["steps"] = [{"step": 5, "layers": [LAYER]}]
    fields["samples"] = [SAMPLE, SAMPLE | {"sample": "train", "examples": 99}]
    begun = PHASE | {"phase": 0, "first_epoch": 1, "last_epoch": 1}
    second = PHASE | {"phase": 1, "first_epoch": 2, "last_epoch": 2, "start": SAMPLE}
    return copy.deepcopy(fields | {"phases": [begun, second]})


def place(fields: Any, path: str) -> tuple[Any, Any]:
    """The container that a dotted path ends in, and the last key."""
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        fields = fields[step]
    return fields, last


#: Where, what is put there, and a word of what is said.
WRONG: list[tuple[str, Any, str]] = [
    ("id", "r000000000000", "id"),
    ("config.seed", 77, "id"),
    ("config.phases", "???", "config.phases"),
    ("config.phases", "same*999999999", "phases; allowed"),
    ("probe.examples", 0, "probe.examples"),
    ("probe.examples", 10, "probe.examples"),
    ("seconds", 1e308, "seconds"),
    ("seconds", -1.0, "seconds"),
    ("environment", {"devices": 10**30}, "environment.devices"),
    ("environment", {"devices": "two"}, "environment.devices"),
    ("environment", {"jax": 10}, "environment.jax"),
    ("history", [], "history"),
    ("history.2.epoch", 1, "history"),
    ("history.2.epoch", 7, "history"),
    ("history.2.epoch", 10**30, "epoch"),
    ("history.1.step", None, "steps"),
    ("history.2.test_loss", None, "history.2"),
    ("history.2.test_loss", 1e308, "test_loss"),
    ("history.1.layers", [], "layers"),
    ("history.1.layers", [LAYER, LAYER], "layers"),
    ("history.1.layers.0.units", 0, "units"),
    ("history.1.layers.0.units", 5, "units"),
    ("history.1.layers.0.dead", None, "dead"),
    ("history.1.layers.0.dead_units", "zz", "dead_units"),
    ("history.1.layers.0.dead_units", "0", "dead_units"),
    ("history.1.layers.0.revived_units", "0000", "revived_units"),
    ("history.1.layers.0.deaths", 5, "deaths"),
    ("history.1.layers.0.revived", -1, "revived"),
    ("history.1.layers.0.activations", OUTPUTS | {"counts": [1, -1]}, "histogram"),
    ("history.1.layers.0.firing", [1] * 9, "9 counts of 4 units"),
    ("history.1.layers", moved(healthy=(5, 0.1, 0.2)), "of 5 units"),
    ("history.1.layers", moved(healthy=(3, 0.1, 0.2), dead=(2, 0.1, 0.2)), "of 5 units"),
    ("history.1.layers", moved(healthy=(4, 0.2, 0.1)), "above the most"),
    ("history.1.layers", moved(healthy=(4, -0.2, 0.1)), "movement"),
    ("steps.0.step", 0, "steps"),
    ("steps.0.step", 99, "steps"),
    ("steps.0.layers", [], "layers"),
    ("samples.1.sample", "probe", "samples"),
    ("samples.1.examples", 3, "probe.examples"),
    ("samples.0.layers", [], "layers"),
    ("phases.1.phase", 0, "phases"),
    ("phases.1.last_epoch", 3, "phases"),
    ("phases.1.start", None, "start"),
    ("phases.0.reference.layers", [], "layers"),
    ("error", "it broke", "error"),
    ("status", "failed", "error"),
]


@pytest.mark.parametrize(("path", "value", "word"), WRONG)
def test_a_record_that_contradicts_itself_is_refused_by_the_place(
    path: str, value: Any, word: str, tmp_path: Path
):
    fields = fields_of()
    file = tmp_path / "whole.json"
    file.write_text(json.dumps(fields))
    records.read(file)
    container, key = place(fields, path)
    container[key] = value
    file.write_text(json.dumps(fields))
    with pytest.raises(records.RecordError) as caught:
        records.read(file)
    assert word in caught.value.message.removeprefix(f"{file}: ")
    assert len(caught.value.message.splitlines()) == 1
    whole_layers = path.endswith("layers") and value
    stated = [name for name, own in value[0].items() if own is not None] if whole_layers else [key]
    if outline.LEFT_OUT.isdisjoint(stated):
        with pytest.raises(records.RecordError, match=re.escape(caught.value.message)):
            outline.read(file)
    else:
        assert type(outline.read(file).history[0]) is not records.EpochRecord


@quick
@given(any_records())
def test_every_record_that_may_be_written_is_consistent(record: RunRecord):
    assert fault_in(record) is None


# --- one bad file among good ones --------------------------------------------------------------


def pipe(file: Path) -> None:
    os.mkfifo(file)


def larger_than_any(file: Path) -> None:
    with open(file, "wb") as opened:
        opened.truncate(2**40)


ODD: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a pipe": (pipe, "is no regular file"),
    "a folder": (Path.mkdir, "is a folder"),
    "a terabyte": (larger_than_any, "1,099,511,627,776 bytes"),
    "a device": (lambda file: file.symlink_to("/dev/zero"), "is no regular file"),
    "nothing": (lambda file: file.symlink_to("absent"), "No such file"),
    "brackets": (lambda file: file.write_text("[" * 10**6), "not whole JSON"),
}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_file_of_ours_is_named_and_hangs_nobody(odd: str, tmp_path: Path):
    make, said = ODD[odd]
    write_sweep(tmp_path / "s")
    make(tmp_path / "s" / "runs" / "x.json")
    code, text = run("report", tmp_path / "s", "--no-figures")
    assert code == 1 and "left out: " in text and "x.json" in text and said in text
    assert len(open_all([tmp_path / "s"])[0].records) == 2


HUGE = st.sampled_from([10**30, -(10**30), 1e308, -1e308, 2**63, 0, -1, 0.5])
SMALL = st.sampled_from([None, True, "", "zz", "\x1b[2J", [], {}, [[]], {"a": 1}])


def paths_in(fields: Any, before: str = "") -> list[str]:
    """Every place in a JSON document, as a dotted path."""
    items = fields.items() if isinstance(fields, dict) else enumerate(fields)
    paths = []
    for key, value in items:
        paths.append(f"{before}{key}")
        if isinstance(value, dict | list):
            paths += paths_in(value, f"{before}{key}.")
    return paths


@st.composite
def damaged(draw: Any) -> str:
    """A record's text after a few changes."""
    fields = fields_of()
    for _ in range(draw(st.integers(1, 2))):
        container, key = place(fields, draw(st.sampled_from(paths_in(fields))))
        change = draw(st.sampled_from(["drop", "put", "put", "twice"]))
        if change == "drop":
            del container[key]
        elif change == "put":
            container[key] = draw(HUGE | SMALL)
        elif isinstance(container, list):
            container.insert(key, copy.deepcopy(container[key]))
        else:
            container[f"{key}_"] = container[key]
    return json.dumps(fields)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of which every run can be read, and a place for one more file."""
    folder = tmp_path_factory.mktemp("good") / "s"
    write_sweep(folder, activation=["relu", "elu"])
    return folder


COMMANDS: list[tuple[str, ...]] = [
    ("report", "--no-figures", "--lives", "--causes", "--rates", "--signals", "--bounds"),
    ("report", "--json", "--lives", "--causes", "--rates", "--signals"),
    ("export", "--csv", "--parquet"),
    ("compare", "--json"),
]


@settings(quick, max_examples=40)
@given(text=damaged())
def test_a_damaged_record_spoils_no_command_and_no_other_records_numbers(text: str, good: Path):
    own = good / "runs" / f"{RUN.id}.json"
    own.unlink(missing_ok=True)
    (before,) = open_all([good])
    own.write_text(text)
    (after,) = open_all([good])
    others = tuple(record for record in after.records if record.id != RUN.id)
    assert others == before.records
    readable = len(others) < len(after.records)
    for name, *more in COMMANDS:
        out = ["--out", good.parent / "out"] if name == "export" else []
        code, said = run(name, good, *more, *out)
        assert code == (0 if readable else 1), said
        assert readable or f"{RUN.id}.json" in said
        assert "Traceback" not in said
    with processes.drawing(0) as pool:
        draw_page.begin(after, good.parent / "page", "dead", None, pool)([])
    own.unlink()

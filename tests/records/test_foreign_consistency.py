"""Records of foreign runs: those that contradict themselves are refused, the others are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from foreign_records import foreign_record
from plain_records import record_of
from reluprobe import records
from reluprobe.config import make_run
from reluprobe.plan.runs import as_run
from reluprobe.records import RecordError, RunRecord, SampleRecord, read, write

Change = Callable[[dict[str, Any]], Any]


@pytest.fixture
def record() -> RunRecord:
    looks = [["x..", "xx...xxxx."], ["xx.", ".........."]]
    whole = foreign_record(looks, settings={"lr": 1e-3, "plan": None, "tied": False})
    sample = SampleRecord("mine", 7, None, 0.5, whole.final.layers)
    return RunRecord(**{**vars(whole), "samples": (sample,)})


def refusal(record: RunRecord, change: Change, folder: Path) -> str:
    fields = json.loads(records.to_json(record))
    change(fields)
    file = folder / "runs" / f"{record.id}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(fields))
    with pytest.raises(RecordError) as caught:
        read(file)
    return str(caught.value)


def test_layers_of_several_widths_and_odd_settings_are_read(record: RunRecord, tmp_path: Path):
    assert read(write(record, tmp_path)) == record
    assert (record.units, record.layer_names, record.seed) == (13, ("conv", "fc"), 0)
    assert record.settings == {"name": "cnn", "lr": 1e-3, "plan": None, "tied": False}
    assert [when for when, _ in record.timeline()] == [0, 10]


def test_what_a_run_has_no_measures_of_is_no_divergence(record: RunRecord):
    assert record.ended and record.diverged_at is None


def test_a_diverged_run_says_at_which_step(tmp_path: Path):
    lost = foreign_record([["x.", "..."], ["x.", "..."]], status="diverged")
    last = lost.final
    layers = tuple(records.LayerRecord(**{**fields_of(x), "not_finite": 1}) for x in last.layers)
    look = records.EpochRecord(1, None, None, None, None, layers, 10)
    lost = RunRecord(**{**vars(lost), "history": (lost.history[0], look)})
    assert read(write(lost, tmp_path)).diverged_at == 10


def fields_of(layer: records.LayerRecord) -> dict[str, Any]:
    return {name: getattr(layer, name) for name in layer.__slots__}


def at(*path: Any, value: Any) -> Change:
    def change(fields: dict[str, Any]) -> None:
        target: Any = fields
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = value

    return change


FIRST = ("history", 0, "layers", 0)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (at("id", value="r000000000000"), "id: is"),
        (at("config", "name", value="mlp"), "id: is"),
        (at("config", "settings", "lr", value=1), "id: is"),
        (at("config", "settings", "a\x1b[2J", value=1), r"\x1b"),
        (at("config", "settings", "lr", value=[1]), "config.settings.lr"),
        (at("config", "colour", value=1), "config.colour"),
        (at("clock", value="epoch"), "clock"),
        (at("steps", value=[{"step": 5, "layers": []}]), "steps, phases"),
        (at("layers", 0, "units", value=4), "history.0.layers.0.units: is 3, and width is 4"),
        (at("layers", 0, "units", value=0), "layers.0.units"),
        (at("layers", 0, "name", value="fc"), "two are called 'fc'"),
        (at("layers", 0, "name", value="a\nb"), r"layers.0.name: 'a\nb'"),
        (at("layers", 0, "where", value="\x07"), "layers.0.where"),
        (at("layers", value=[]), "history.0.layers: are 2, and depth is 0"),
        (at("coverage", "notes", value=["\x1b"]), "coverage"),
        (at("probe", "split", value="\x1b"), "probe, samples"),
        (at("history", 1, "epoch", value=5), "not numbered from 0: 0, 5"),
        (at("history", 1, "step", value=0), "steps are not in order, each once: 0, 0"),
        (at("history", 1, "step", value=None), "steps are not in order"),
        (at("history", value=[]), "has no look"),
        (at(*FIRST, "units", value=9), "history.0.layers.0.units: is 9, and width is 3"),
        (at(*FIRST, "dead", value=None), "silent: is 0.3"),
        (at(*FIRST, "silent", value=None), "silent: is None beside dead = 0.3"),
        (at(*FIRST, "silent", value=0.5), "silent: is 0.5, of 3 units"),
        (at(*FIRST, "dead", value=2 / 3), "dead_units: marks 1"),
        (at(*FIRST, "dead_units", value="90"), "dead_units: marks 2"),
        (at(*FIRST, "dead_units", value="8000"), "dead_units: has 4 digits, and 3 units have 2"),
        (at(*FIRST, "not_finite", value=4), "not_finite: is 4, and width is 3"),
        (at(*FIRST, "not_finite", value=3), "dead: is 0.3"),
        (at("samples", 0, "layers", value=[]), "samples.mine.layers"),
        (at("error", value="it broke"), "error: is"),
    ],
)  # fmt: skip
def test_a_contradiction_is_named(record: RunRecord, change: Change, named: str, tmp_path: Path):
    message = refusal(record, change, tmp_path)
    assert named in message and message.isprintable()


def test_one_of_the_last_bits_that_stand_for_no_unit_is_no_unit(record: RunRecord, tmp_path: Path):
    change = at("history", 0, "layers", 0, "dead_units", value="10")
    assert "dead_units" in refusal(record, change, tmp_path)


def test_a_number_too_large_for_a_float_is_refused(record: RunRecord, tmp_path: Path):
    text = records.to_json(record).replace('"lr": 0.001', '"lr": 1e400')
    file = tmp_path / "runs" / f"{record.id}.json"
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(RecordError, match=r"config\.settings\.lr"):
        read(file)


@pytest.mark.parametrize("key", ["layers", "clock", "coverage"])
def test_a_run_of_ours_describes_no_layers(key: str, record: RunRecord, tmp_path: Path):
    fields = json.loads(records.to_json(record))
    ours = record_of(as_run(make_run({"depth": 1, "width": 4, "epochs": 1})))
    said = "clock: is of runs" if key == "clock" else "layers, coverage: are of networks"
    assert said in refusal(ours, at(key, value=fields[key]), tmp_path)

"""Outlines: what tables see of a record is what the record says, and a damaged one is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from any_record import records as any_records
from command_in_process import run
from plain_records import BASE, record_of, write_sweep
from reluprobe import records
from reluprobe.config import make_run
from reluprobe.plan.runs import as_run
from reluprobe.records import outline
from reluprobe.records.looks import LayerRecord

RUN = as_run(make_run(BASE))
MASKS = ("dead_units", "rare_units", "linear_units", "revived_units")
quick = settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)


def without(part: Any) -> Any:
    """A part of a record as lists and tables, its layers without what outlines lack."""
    if isinstance(part, list | tuple):
        return [without(inner) for inner in part]
    if not (named := names_of(part)):
        return part
    table = {name: without(getattr(part, name)) for name in named if name not in outline.LEFT_OUT}
    return {name: value for name, value in table.items() if name != "layers" or value}


def names_of(part: Any) -> tuple[str, ...]:
    if dataclasses.is_dataclass(part):
        return tuple(field.name for field in dataclasses.fields(part))
    return getattr(part, "__struct_fields__", ())


@quick
@given(any_records())
def test_an_outline_says_of_every_part_that_it_has_what_the_record_says(
    tmp_path: Path, record: records.RunRecord
):
    file = tmp_path / "any.json"
    file.write_text(records.to_json(record))
    assert without(outline.read(file)) == without(records.read(file))


def test_a_record_of_ours_is_read_as_an_outline_and_lacks_the_rest_aloud(tmp_path: Path):
    seen = outline.read(records.write(record_of(RUN), tmp_path))
    for name in outline.LEFT_OUT:
        assert name in LayerRecord.__slots__
        with pytest.raises(AttributeError, match=name):
            getattr(seen.final.layers[0], name)


#: Where in a layer, what is put there: none of it is of this schema.
WRONG = [
    ("dead", 1.5),
    ("dead", "0.5"),
    ("certified", -0.1),
    ("units", 4.5),
    ("deaths", True),
    ("not_finite", -1),
    ("not_finite", 2**63),
    ("causes", {"weights": 0.0, "bias": 0.0}),
    ("causes", {"weights": 1e61, "bias": 0.0, "upstream": 0.0}),
    ("causes", {"weights": 0.0, "bias": 0.0, "upstream": 0.0, "more": 0.0}),
    *[(name, text) for name in MASKS for text in ("0G", "F0", "0 ", "é0", "000", 7)],
]


@pytest.mark.parametrize(("name", "value"), WRONG)
@pytest.mark.parametrize("look", ["history", "samples"])
def test_a_damaged_layer_is_refused_in_the_words_of_a_whole_reading(
    look: str, name: str, value: Any, tmp_path: Path
):
    layers = record_of(RUN).history[0].layers
    samples = (records.SampleRecord("probe", 9, 1.0, 0.5, layers),)
    fields = json.loads(records.to_json(record_of(RUN, samples=samples)))
    fields[look][0]["layers"][0][name] = value
    file = tmp_path / f"{RUN.id}.json"
    file.write_text(json.dumps(fields))
    with pytest.raises(records.RecordError) as whole:
        records.read(file)
    with pytest.raises(records.RecordError) as seen:
        outline.read(file)
    assert seen.value.message == whole.value.message


@pytest.mark.parametrize(
    ("place", "more"),
    [("", {"more": 1}), ("config", {"width": 0}), ("config", {"more": 1}), ("probe", {"more": 1})],
)
def test_a_record_with_another_key_or_another_setting_is_refused(
    place: str, more: dict[str, Any], tmp_path: Path
):
    fields = json.loads(records.to_json(record_of(RUN)))
    (fields[place] if place else fields).update(more)
    file = tmp_path / f"{RUN.id}.json"
    file.write_text(json.dumps(fields))
    with pytest.raises(records.RecordError):
        outline.read(file)


@pytest.mark.parametrize("name", ["dead", "rare", "causes", "revived_units"])
def test_a_misspelt_field_of_a_layer_is_not_taken_for_its_default(name: str, tmp_path: Path):
    fields = json.loads(records.to_json(record_of(RUN)))
    layer = fields["history"][0]["layers"][0]
    layer[f"{name} "] = layer.pop(name)
    file = tmp_path / f"{RUN.id}.json"
    file.write_text(json.dumps(fields))
    with pytest.raises(records.RecordError):
        outline.read(file)


@pytest.mark.parametrize("flags", [[], ["--json"], ["-d", "silent"], ["-d", "rare"]])
def test_a_report_of_outlines_is_that_of_whole_records(
    flags: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_sweep(tmp_path / "s", learning_rate=[0.1, 0.2])
    command = ["report", str(tmp_path / "s"), "--no-figures", *flags]
    with monkeypatch.context() as patch:
        patch.setattr(outline, "io", SimpleNamespace(read=not_called))
        seen = run(*command)
    monkeypatch.setattr(outline, "read", records.read)
    whole = run(*command)
    assert seen == whole


def not_called(file: Path) -> records.RunRecord:
    raise AssertionError(f"{file} was read whole")

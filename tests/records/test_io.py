"""Records: what is written is read back, and nothing else is taken for a record."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reluprobe import records
from reluprobe.config import make_run
from reluprobe.config.choices import ACTIVATIONS, REVIVALS, SPLITS, TASKS
from reluprobe.errors import ReluprobeError
from reluprobe.plan.runs import run_id
from reluprobe.records import (
    READABLE,
    EpochRecord,
    LayerRecord,
    PhaseRecord,
    ProbeRecord,
    RecordError,
    RunRecord,
    SampleRecord,
)
from reluprobe.records.looks import LARGEST

KEYS = ("schema", "id", "config", "status", "environment", "seconds", "probe", "history")
KEYS += ("steps", "samples", "phases", "layers", "clock", "coverage")

numbers = st.floats(-LARGEST, LARGEST)
fractions = st.none() | st.floats(0, 1)
masks = st.none() | st.binary(max_size=4).map(bytes.hex)
layer_records = st.builds(
    LayerRecord,
    st.integers(1, 99),
    *[fractions] * 6,
    masks,
    revived=st.none() | st.integers(0, 99),
    revived_units=st.none() | st.just("c0"),
)
epoch_records = st.builds(
    EpochRecord,
    st.integers(0, 10**6),
    st.none() | numbers,
    fractions,
    st.none() | numbers,
    fractions,
    st.lists(layer_records, max_size=3).map(tuple),
)
sample_records = st.builds(
    SampleRecord,
    st.sampled_from(SPLITS),
    st.integers(1, 10**6),
    st.none() | numbers,
    fractions,
    st.lists(layer_records, max_size=2).map(tuple),
)
phase_records = st.builds(
    PhaseRecord,
    st.integers(0, 10**5),
    st.sampled_from(("mnist", "fashion_mnist")),
    st.sampled_from(TASKS),
    st.integers(1, 10**6),
    st.integers(1, 10**6),
    st.none() | sample_records,
    sample_records,
)
configs = st.fixed_dictionaries(
    {},
    optional={
        "activation": st.sampled_from(ACTIVATIONS),
        "learning_rate": st.floats(1e-37, 1e38),
        "bias_init": st.floats(-1e38, 1e38),
        "leaky_slope": st.floats(-1e38, 1e38),
        "depth": st.integers(1, 1000),
        "dataset": st.sampled_from(("mnist", "emnist/letters")),
        "use_bias": st.booleans(),
        "phases": st.sampled_from(("none", "permuted_pixels@2*10", "fashion_mnist+same")),
        "revive": st.sampled_from(REVIVALS),
        "revive_at": st.sampled_from(("epochs", "phases", "1,3", "200 steps")),
        "probe_examples": st.sampled_from((1, 1000, "all")),
        "seed": st.integers(0, 2**32 - 1),
    },
).map(make_run)
run_records = st.builds(
    RunRecord,
    schema=st.sampled_from(READABLE),
    id=st.from_regex("r[0-9a-f]{12}", fullmatch=True),
    config=configs,
    status=st.sampled_from(("ok", "diverged", "failed")),
    environment=st.dictionaries(st.text(), st.text() | st.integers(0, 10**9), max_size=4),
    seconds=st.floats(0, 1e12),
    probe=st.builds(ProbeRecord, st.text(), st.integers(1, 10**6)),
    history=st.lists(epoch_records, max_size=3).map(tuple),
    phases=st.lists(phase_records, max_size=2).map(tuple),
    error=st.none() | st.text(),
)


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shelf")


@pytest.fixture
def record() -> RunRecord:
    layer = LayerRecord(11, 0.5, 0.25, 1.0, 0.0, 0.125, None, "a0e0")
    history = (EpochRecord(0, None, None, 2.5, 0.125, (layer,)),)
    config = make_run({"width": 11, "depth": 1, "epochs": 0})
    environment: dict[str, str | int] = {"jax": "0.10", "devices": 2}
    return RunRecord(
        "reluprobe/run/6",
        run_id(config),
        config,
        "ok",
        environment,
        1.5,
        ProbeRecord("train", 1000),
        history,
    )


@pytest.fixture
def damaged(record: RunRecord, tmp_path: Path) -> Callable[..., Path]:
    """Write the record after a change to its JSON; give the path."""

    def write(change: Callable[[dict[str, Any]], Any]) -> Path:
        fields = json.loads(records.to_json(record))
        change(fields)
        path = tmp_path / "damaged.json"
        path.write_text(json.dumps(fields), "utf-8")
        return path

    return write


def refusal(path: Path) -> str:
    with pytest.raises(RecordError) as caught:
        records.read(path)
    assert str(path) in caught.value.message
    return caught.value.message


# --- round trip --------------------------------------------------------------------------------


@given(record=run_records)
def test_what_is_written_is_read_back(record: RunRecord, shelf: Path):
    path = records.write(record, shelf)
    assert path == shelf / "runs" / f"{record.id}.json"
    # That its parts fit together is another matter: test_consistency.
    assert records.ADAPTER.validate_json(path.read_bytes()) == record


@given(record=run_records)
def test_json_is_standard_and_has_these_keys_schema_first(record: RunRecord):
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    fields = json.loads(records.to_json(record), parse_constant=refuse)
    assert tuple(fields) == (*KEYS, *(() if record.error is None else ("error",)))
    assert fields["schema"] == record.schema


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_number_that_json_has_not_is_never_written(bad: float, record: RunRecord):
    epoch = EpochRecord(0, bad, None, None, None, ())
    broken = RunRecord(**{**vars(record), "history": (epoch,)})
    # Either it is refused or it is null: an invalid file it must not become.
    try:
        text = records.to_json(broken)
    except ValueError:
        return
    assert json.loads(text)["history"][0]["train_loss"] is None


def test_final_is_the_last_epoch(record: RunRecord):
    later = EpochRecord(1, 0.5, None, None, None, ())
    longer = RunRecord(**{**vars(record), "history": (*record.history, later)})
    assert longer.final == later


def test_a_timeline_puts_probes_between_epochs_where_they_belong(record: RunRecord):
    layers = record.history[0].layers
    epochs = tuple(EpochRecord(e, None, None, None, None, layers, 10 * e) for e in range(3))
    steps = tuple(records.StepRecord(s, layers) for s in (4, 14))
    whole = RunRecord(**{**vars(record), "history": epochs, "steps": steps})
    assert [when for when, _ in whole.timeline()] == [0.0, 0.4, 1.0, 1.4, 2.0]


def of_losses(record: RunRecord, *losses: float | None, status: Any = "ok") -> RunRecord:
    """The record with an epoch for each test loss; None where the numbers were not finite."""
    epochs = tuple(EpochRecord(n, loss, None, loss, None, ()) for n, loss in enumerate(losses))
    return dataclasses.replace(record, history=epochs, status=status)


def test_a_run_has_ended_where_it_is_ok_and_has_an_epoch(record: RunRecord):
    assert of_losses(record, 2.0, 1.0).ended
    assert not of_losses(record).ended
    assert not of_losses(record, 2.0, None, status="diverged").ended
    assert not of_losses(record, 2.0, status="failed").ended


def test_a_run_diverged_at_its_first_epoch_without_numbers(record: RunRecord):
    assert of_losses(record, 2.0, 1.0).diverged_at is None
    assert of_losses(record, 2.0, None, None, status="diverged").diverged_at == 1
    assert of_losses(record, None, status="diverged").diverged_at == 0
    # Between its last whole epoch and its end: no epoch says so.
    assert of_losses(record, 2.0, 1.0, status="diverged").diverged_at is None
    assert of_losses(record, status="failed").diverged_at is None


def test_an_epoch_is_found_by_its_number(record: RunRecord):
    run = of_losses(record, 2.0, 1.0, 0.5)
    assert [run.at_epoch(n) for n in range(3)] == list(run.history)
    assert run.at_epoch(3) is None and run.at_epoch(-1) is None
    assert of_losses(record).at_epoch(0) is None
    # A history need not start at epoch 0.
    later = dataclasses.replace(run, history=run.history[1:])
    assert later.at_epoch(0) is None and later.at_epoch(1) == run.history[1]


# --- what is no record -------------------------------------------------------------------------

NEWER = f"reluprobe/run/{int(records.SCHEMA.rsplit('/', 1)[1]) + 1}"


def test_a_newer_schema_is_refused_by_name(damaged: Any):
    path = damaged(lambda fields: fields.update(schema=NEWER))
    message = refusal(path)
    assert NEWER in message and records.SCHEMA in message


def test_a_newer_schema_is_named_even_where_its_fields_are_strange(damaged: Any):
    path = damaged(lambda fields: fields.update(schema=NEWER, novelty=1))
    assert NEWER in refusal(path)


def test_a_record_without_its_schema_is_refused(damaged: Any):
    assert "schema" in refusal(damaged(lambda fields: fields.pop("schema")))


@pytest.mark.parametrize("other", ["[]", "3", "null", '{"schema": "else"}', '{"a": 1}'])
def test_other_json_is_no_record(other: str, tmp_path: Path):
    path = tmp_path / "other.json"
    path.write_text(other)
    assert "no reluprobe record" in refusal(path)


@pytest.mark.parametrize("length", [0, 1, 100, -3])
def test_a_truncated_file_is_not_whole(length: int, record: RunRecord, tmp_path: Path):
    path = tmp_path / "cut.json"
    path.write_text(records.to_json(record)[:length])
    assert "not whole JSON" in refusal(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path):
    path = tmp_path / "bytes.json"
    path.write_bytes(b"\xff\xfe\x00{")
    refusal(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path):
    assert "No such file" in refusal(tmp_path / "absent.json")
    refusal(tmp_path)


def first_layer(fields: dict[str, Any]) -> dict[str, Any]:
    return fields["history"][0]["layers"][0]


PHASE: dict[str, Any] = dict(phase=0, dataset="mnist", task="same", start=None)
PHASE |= dict(first_epoch=1, last_epoch=2)
PHASE |= dict(reference=dict(sample="probe", examples=9, loss=1.0, accuracy=None, layers=[]))

WRONG: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "a text for a number": (lambda f: f.update(seconds="1.5"), "seconds"),
    "a number for a text": (lambda f: f.update(id=12), "id"),
    "an unknown status": (lambda f: f.update(status="fine"), "status"),
    "a fraction above 1": (lambda f: first_layer(f).update(dead=1.5), "dead"),
    "a fraction below 0": (lambda f: first_layer(f).update(silent=-0.1), "silent"),
    "units that are no integer": (lambda f: first_layer(f).update(units=1.5), "units"),
    "a text for a fraction": (lambda f: first_layer(f).update(dead="0.5"), "dead"),
    "true for an epoch": (lambda f: f["history"][0].update(epoch=True), "epoch"),
    "null for the history": (lambda f: f.update(history=None), "history"),
    "a text in the config": (lambda f: f["config"].update(depth="256"), "depth"),
    "a setting below its bound": (lambda f: f["config"].update(depth=0), "config.depth"),
    "a setting above its bound": (lambda f: f["config"].update(dropout=1.0), "config.dropout"),
    "a name that no setting has": (lambda f: f["config"].update(init="he"), "config.init"),
    "a text that names no phases": (lambda f: f["config"].update(phases="@"), "config.phases"),
    "a word in a number's place": (lambda f: f["config"].update(probe_examples="some"), "config"),
    "a missing layer field": (lambda f: first_layer(f).pop("dead"), "dead"),
    "a missing history": (lambda f: f.pop("history"), "history"),
    "an extra key": (lambda f: f.update(more=1), "more"),
    "an extra key in config": (lambda f: f["config"].update(more=1), "more"),
    "an extra key in probe": (lambda f: f["probe"].update(more=1), "more"),
    "an extra key in an epoch": (lambda f: f["history"][0].update(more=1), "more"),
    "a missing reference of a phase": (
        lambda f: f.update(phases=[PHASE | {"reference": None}]),
        "reference",
    ),
    "an extra key in a phase": (lambda f: f.update(phases=[PHASE | {"more": 1}]), "more"),
    "an extra key in a layer": (lambda f: first_layer(f).update(more=1), "more"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_field_is_refused_by_its_name(case: str, damaged: Any):
    change, name = WRONG[case]
    path = damaged(change)
    assert name in refusal(path).removeprefix(f"{path}: ")


# --- writing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    call: str, record: RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = records.write(record, tmp_path)
    old = path.read_bytes()

    def fail(*args: Any, **named: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    longer = RunRecord(**{**vars(record), "seconds": 99.0})
    with pytest.raises(ReluprobeError, match="No space left") as caught:
        records.write(longer, tmp_path)
    assert str(path) in caught.value.message
    assert path.read_bytes() == old
    assert list(path.parent.iterdir()) == [path]


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(
    record: RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = records.write(record, tmp_path)
    old = path.read_bytes()

    def interrupt(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        records.write(record, tmp_path)
    assert path.read_bytes() == old
    assert list(path.parent.iterdir()) == [path]


def test_a_file_in_the_folders_place_is_an_error_with_a_message(record: RunRecord, tmp_path: Path):
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(ReluprobeError, match="cannot write"):
        records.write(record, tmp_path)


def test_a_record_replaces_the_one_before_and_may_be_read_by_whom_the_umask_admits(
    record: RunRecord, tmp_path: Path
):
    before = os.umask(0o027)
    try:
        records.write(RunRecord(**{**vars(record), "seconds": 99.0}), tmp_path)
        path = records.write(record, tmp_path)
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert records.read(path) == record
    assert path.stat().st_mode & 0o777 == 0o640

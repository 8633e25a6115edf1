"""Exported tables hold what the records say, and say nothing where the records do not."""

from __future__ import annotations

import csv
import dataclasses
import gc
import math
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from foreign_records import foreign_record
from plain_records import BASE, record_of
from reluprobe import records
from reluprobe.analysis import aggregate
from reluprobe.config import SETTINGS, make_run
from reluprobe.config.choices import DEFINITIONS
from reluprobe.errors import ReluprobeError
from reluprobe.plan.runs import as_run
from reluprobe.records import (
    ActivationsRecord,
    CausesRecord,
    EpochRecord,
    LayerRecord,
    RunRecord,
    SampleRecord,
    StepRecord,
)
from reluprobe.records.folder import open_all, stream_records
from reluprobe.report import result_tables
from reluprobe.report.export import files, in_memory
from reluprobe.report.export.files import TABLES
from reluprobe.report.export.layers import LAYERS
from reluprobe.report.export.runs import RUNS

Rows = list[dict[str, Any]]


def layer(units: int, dead: int | None, **more: Any) -> LayerRecord:
    if dead is None:
        return LayerRecord(units, *[None] * 6, dead_units=None)
    shares = {name: (dead + n) / units for n, name in enumerate(DEFINITIONS[:5])}
    mask = f"{(1 << 8) - (1 << (8 - dead)):02x}"
    return LayerRecord(units, **shares, saturated=None, dead_units=mask, **more)


def epoch(number: int, layers: tuple[LayerRecord, ...], loss: float | None = 0.5) -> EpochRecord:
    trained = loss if number else None
    accuracy = None if loss is None else 1 - loss
    return EpochRecord(number, trained, trained, loss, accuracy, layers, 10 * number)


def run(history: tuple[EpochRecord, ...], **more: Any) -> RunRecord:
    """A record of networks of 8 units a layer, as many layers as its history has."""
    settings = more.pop("settings", {})
    depth = len(history[0].layers) if history else 5
    made = as_run(make_run({"depth": depth, "width": 8, **settings}))
    probe = records.ProbeRecord("train", 100)
    environment: dict[str, str | int] = {
        "device": "cpu",
        "devices": 2,
        "jax": "0.10.2",
        "reluprobe": "0.1.0",
    }
    fields = {"status": "ok", "environment": environment, "seconds": 2.5, "probe": probe, **more}
    return RunRecord(records.SCHEMA, made.id, made.config, history=history, **fields)


def samples(layers: tuple[LayerRecord, ...]) -> tuple[SampleRecord, ...]:
    return tuple(
        SampleRecord(name, size, 0.25 * n, 0.5 + 0.1 * n, layers[n:] + layers[:n])
        for n, (name, size) in enumerate([("probe", 100), ("test", 1000), ("train", 6000)])
    )


MOVED = CausesRecord(-3.0, 0.5, -1e-7)
OUTPUT = ActivationsRecord(0.1, 2.0, 0.75, 9.0, 0.0, 4.0, (1, 2))
SHALLOW = run(
    (
        epoch(0, (layer(8, 0, activations=OUTPUT), layer(8, 1)), 0.9),
        epoch(1, (layer(8, 2, deaths=2, causes=MOVED, certified=0.0, revived=1), layer(8, 3)), 0.5),
    ),
    samples=samples((layer(8, 1), layer(8, 3))),
    settings={"activation": "leaky_relu", "leaky_slope": 0.25, "probe_examples": "all"},
)
DEEP = run(
    (epoch(0, (layer(8, 0),) * 3), epoch(2, (layer(8, 1),) * 3)),
    steps=(StepRecord(5, (layer(8, 4),) * 3), StepRecord(15, (layer(8, 0),) * 3)),
    settings={"use_bias": False, "learning_rate": 1.0, "seed": 2**32 - 1},
)
LOST = run(
    (
        epoch(0, (layer(8, 0),)),
        epoch(1, (layer(8, None),), None),
        epoch(2, (layer(8, None),), None),
    ),
    status="diverged",
    settings={"optimizer": "momentum", "nesterov": True},
)
BROKEN = run((), status="failed", error='no, "quoted"\nsecond line')
ALL = (SHALLOW, DEEP, LOST, BROKEN)


@pytest.fixture
def exported(tmp_path: Path) -> Callable[..., dict[str, Rows]]:
    """The tables, after a trip through files of a format."""

    def export(format_: str, *exported: RunRecord) -> dict[str, Rows]:
        files.write(((tmp_path / "a", record) for record in exported), tmp_path / "out", [format_])
        read = {"csv": _read_csv, "parquet": parquet.read_table}[format_]
        return {n: read(tmp_path / "out" / f"{n}.{format_}").to_pylist() for n in files.ALWAYS}

    return export


def _read_csv(file: Path) -> Any:
    options = arrow_csv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False)
    parsing = arrow_csv.ParseOptions(newlines_in_values=True)
    return arrow_csv.read_csv(file, convert_options=options, parse_options=parsing)


@pytest.mark.parametrize("format_", files.FORMATS)
def test_a_row_for_every_run_epoch_and_layer_with_what_the_record_says(exported: Any, format_: str):
    tables = exported(format_, *ALL)
    assert [row["id"] for row in tables["runs"]] == [record.id for record in ALL]
    assert all(list(row) == [column.name for column in RUNS] for row in tables["runs"])
    names = [column.name for column in LAYERS]
    # The settings in which these four differ stand after the ids.
    names[3:3] = ["activation", "learning_rate", "use_bias", "depth", "optimizer", "seed"]
    assert all(list(row) == names for row in tables["layers"])
    by_id = {record.id: record for record in ALL}
    expected = [
        (record.id, at.epoch, number, at, layer)
        for record in (SHALLOW, LOST)
        for at in record.history
        for number, layer in enumerate(at.layers, 1)
    ]
    rows = [row for row in tables["layers"] if by_id[row["id"]] in (SHALLOW, LOST)]
    assert [(r["id"], r["epoch"], r["layer"]) for r in rows] == [e[:3] for e in expected]
    for row, (*_, at, layer) in zip(rows, expected, strict=True):
        for name in (*DEFINITIONS, "units", "certified", "deaths", "revived"):
            assert row[name] == getattr(layer, name)
        for name in ("test_accuracy", "test_loss", "train_accuracy", "train_loss", "step"):
            assert row[name] == getattr(at, name)


@pytest.mark.parametrize("format_", files.FORMATS)
def test_a_run_has_its_settings_its_end_and_its_samples(exported: Any, format_: str):
    shallow, deep, lost, broken = exported(format_, *ALL)["runs"]
    # Of 8 and 8 units by definition n, 2 + n and 3 + n count.
    for n, name in enumerate(DEFINITIONS[:5]):
        assert shallow[name] == (5 + 2 * n) / 16
        assert shallow[f"{name}_on_test"] == shallow[f"{name}_on_train"] == (4 + 2 * n) / 16
    assert (shallow["test_accuracy"], shallow["test_loss"]) == (0.5, 0.5)
    assert (shallow["accuracy_on_probe"], shallow["loss_on_train"]) == (0.5, 0.5)
    assert (shallow["test_examples"], shallow["train_examples"]) == (1000, 6000)
    assert (shallow["last_epoch"], shallow["units"], shallow["probe_examples"]) == (1, 16, 100)
    assert (shallow["activation"], shallow["leaky_slope"]) == ("leaky_relu", 0.25)
    assert (deep["use_bias"], deep["learning_rate"], deep["seed"]) == (False, 1.0, 2**32 - 1)
    assert (deep["units"], deep["last_epoch"], deep["dead"]) == (24, 2, 1 / 8)
    assert (lost["status"], lost["diverged_at"], lost["nesterov"]) == ("diverged", 1, True)
    assert (broken["status"], broken["error"]) == ("failed", 'no, "quoted"\nsecond line')
    assert {row["seconds"] for row in (shallow, deep)} == {2.5} and shallow["devices"] == 2


@pytest.mark.parametrize("format_", files.FORMATS)
def test_what_does_not_apply_is_null_and_never_0(exported: Any, format_: str):
    tables = exported(format_, *ALL)
    shallow, deep, lost, broken = tables["runs"]
    measured = [*DEFINITIONS, "certified", "test_accuracy", "test_loss", "train_loss"]
    measured += [f"dead_on_{s}" for s in ("test", "train")] + ["accuracy_on_train"]
    for name in measured:
        assert lost[name] is None and broken[name] is None
    assert broken["last_epoch"] is None and deep["dead_on_test"] is None
    for row in (shallow, deep):
        assert row["saturated"] is None and row["diverged_at"] is None and row["error"] is None
        # Without an effect beside the others.
        for name in ("momentum", "nesterov", "init_scale", "elu_alpha", "freeze_after"):
            assert row[name] is None
    assert deep["leaky_slope"] is None and lost["adam_beta1"] is None
    # And a 0 that was measured stays one.
    first, *_ = tables["layers"]
    assert first["dead"] == 0 and first["train_loss"] is None and first["deaths"] is None
    assert tables["layers"][2]["certified"] == 0
    gone = [row for row in tables["layers"] if row["id"] == LOST.id and row["epoch"]]
    assert len(gone) == 2 and all(row[name] is None for row in gone for name in DEFINITIONS)


def test_causes_outputs_and_probes_between_epochs_are_there(exported: Any):
    rows = exported("parquet", SHALLOW, DEEP)["layers"]
    moved = [rows[2][f"moved_by_{part}"] for part in ("weights", "bias", "upstream")]
    assert moved == [-3.0, 0.5, -1e-7] and rows[0]["moved_by_bias"] is None
    assert [rows[0][f"output_{n}"] for n in ("mean", "variance", "zeros")] == [0.1, 2.0, 0.75]
    deep = [(r["step"], r["epoch"], r["layer"], r["dead"]) for r in rows if r["id"] == DEEP.id]
    dead = [(0, 0, 0.0), (5, None, 0.5), (15, None, 0.0), (20, 2, 1 / 8)]
    assert deep == [(s, e, n, d) for s, e, d in dead for n in (1, 2, 3)]


def test_a_network_that_collapsed_says_at_which_layer(exported: Any):
    constant = dataclasses.replace(layer(8, 1), constant=1.0)
    (row,) = exported("csv", run((epoch(0, (layer(8, 0), constant)),)))["runs"]
    assert row["collapsed_at"] == 2
    assert exported("csv", DEEP)["runs"][0]["collapsed_at"] is None


def test_whole_numbers_among_fractions_keep_their_point_in_csv(tmp_path: Path):
    # A reader that looks at the first rows alone would take the column for one of integers.
    files.write([(tmp_path, DEEP)], tmp_path, ["csv"])
    with open(tmp_path / "runs.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["learning_rate"], row["dropout"], row["depth"]) == ("1.0", "0.0", "3")
    assert (row["use_bias"], row["residual"], row["nesterov"]) == ("FALSE", "FALSE", "")


@pytest.mark.parametrize("table", TABLES)
def test_columns_are_named_once_typed_and_described(table: str, tmp_path: Path):
    files.write([(tmp_path, DEEP)], tmp_path, ["parquet"], [*TABLES])
    columns = TABLES[table]
    assert len({column.name for column in columns}) == len(columns)
    schema = parquet.read_schema(tmp_path / f"{table}.parquet")
    meanings = {f.name: f.metadata[b"description"].decode() for f in schema}
    assert meanings == {column.name: column.meaning for column in columns}
    with open(tmp_path / "columns.csv", newline="") as file:
        listed = [row for row in csv.DictReader(file) if row["table"] == table]
    assert [(r["column"], r["type"], r["meaning"]) for r in listed] == [
        (c.name, c.kind, c.meaning) for c in columns
    ]
    assert table != "runs" or set(SETTINGS) <= meanings.keys()


def test_fractions_are_fractions():
    fractions = [c for table in TABLES.values() for c in table if c.kind == "fraction"]
    names = {c.name.split("_on_")[0] for c in fractions}
    assert names >= {*DEFINITIONS, "certified", "accuracy", "test_accuracy", "train_accuracy"}
    assert not any(name.endswith("loss") for name in names)


# --- the settings in layers --------------------------------------------------------------------


def varied(*settings: dict[str, Any], **more: Any) -> list[RunRecord]:
    """Runs of one hidden layer with these settings."""
    return [run((epoch(0, (layer(8, 1),)),), settings=s, **more) for s in settings]


def settings_in_layers(tables: dict[str, Rows]) -> list[str]:
    names = list(tables["layers"][0])
    return names[names.index("id") + 1 : names.index("epoch")]


@pytest.mark.parametrize("format_", files.FORMATS)
def test_layers_have_beside_each_row_the_settings_in_which_the_runs_differ(
    exported: Any, format_: str
):
    grid = [
        {"activation": a, "learning_rate": rate, "seed": seed, "depth": 2}
        for a in ("relu", "elu") for rate in (1e-3, 1.0) for seed in range(2)
    ]  # fmt: skip
    tables = exported(format_, *varied(*grid))
    assert settings_in_layers(tables) == ["activation", "learning_rate", "seed"]
    for row, of_run in zip(tables["layers"], tables["runs"], strict=True):
        for name in ("id", "activation", "learning_rate", "seed"):
            assert row[name] == of_run[name]


def test_a_setting_is_in_layers_only_where_runs_in_which_it_has_an_effect_differ(exported: Any):
    def settings_of(*settings: dict[str, Any]) -> list[str]:
        return settings_in_layers(exported("csv", *varied(*settings)))

    assert settings_of({"seed": 3}) == []
    # Without an effect in the first: null there is no other value.
    assert settings_of({}, {"optimizer": "momentum", "momentum": 0.5}) == ["optimizer"]
    momenta = [{"optimizer": "momentum", "momentum": m} for m in (0.5, 0.9)]
    assert settings_of({}, *momenta) == ["optimizer", "momentum"]
    assert settings_of({"residual": False}, {"residual": True}) == ["residual"]


def test_probe_examples_in_layers_are_those_that_were_probed_on(exported: Any):
    few, many = varied({"probe_examples": 100}, {"probe_examples": "all"})
    more = dataclasses.replace(many, probe=records.ProbeRecord("train", 60_000))
    assert settings_in_layers(exported("csv", few, many)) == []  # of a set of 100
    tables = exported("csv", few, more)
    assert [row["probe_examples"] for row in tables["layers"]] == [100, 60_000]


def test_a_run_without_a_row_of_its_own_counts_among_those_that_differ(exported: Any):
    failed = run((), status="failed", settings={"depth": 1, "seed": 9})
    assert settings_in_layers(exported("csv", *varied({}), failed)) == ["seed"]


def test_the_settings_in_layers_are_described_in_columns_csv(tmp_path: Path):
    runs = varied({"seed": 1}, {"seed": 2})
    written = files.write([(tmp_path, record) for record in runs], tmp_path, ["csv"])
    with open(tmp_path / "columns.csv", newline="") as file:
        listed = [(r["table"], r["column"], r["meaning"]) for r in csv.DictReader(file)]
    assert ("layers", "seed", "Seed of the run's weights and of its data order.") in listed
    assert len(listed) == written[tmp_path / "columns.csv"] == len(RUNS) + len(LAYERS) + 1


def test_settings_are_right_in_every_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "BATCH", 3)
    runs = [
        run((epoch(0, (layer(8, 1),) * 2),), settings={"seed": seed, "l2": seed % 2})
        for seed in range(5)
    ]
    files.write([(tmp_path, record) for record in runs], tmp_path, ["parquet"])
    rows = parquet.read_table(tmp_path / "layers.parquet").to_pylist()
    assert [(r["seed"], r["l2"], r["layer"]) for r in rows] == [
        (seed, seed % 2, number) for seed in range(5) for number in (1, 2)
    ]


@pytest.mark.parametrize("runs", [ALL, (SHALLOW,), (BROKEN,), ()], ids=["all", "one", "bare", "no"])
def test_tables_in_memory_are_those_of_the_files(tmp_path: Path, runs: tuple[RunRecord, ...]):
    pairs = [(tmp_path / "a", record) for record in runs]
    files.write(pairs, tmp_path / "out", ["parquet"], [*TABLES])
    made = {
        "runs": in_memory.runs_table(iter(pairs)),
        "layers": in_memory.layers_table(iter(pairs)),
        "units": in_memory.units_table(iter(pairs)),
    }
    assert made.keys() == TABLES.keys()
    for name, table in made.items():
        written = parquet.read_table(tmp_path / "out" / f"{name}.parquet")
        texts = pa.dictionary(pa.int32(), pa.string()) if name == "units" else pa.string()
        assert all(f.type == texts for f in table.schema if f.name in ("id", "layer_name"))
        assert [f.metadata for f in table.schema] == [f.metadata for f in written.schema]
        assert table.cast(written.schema).equals(written)


# --- records with less -----------------------------------------------------------------------


def test_records_with_parts_missing_are_exported_with_nulls(exported: Any):
    late = run((epoch(0, (layer(8, 0),)),), status="diverged")  # after its last whole epoch
    empty = run((), status="diverged", settings={"depth": 1, "seed": 1})
    regression = run((dataclasses.replace(epoch(0, (layer(8, 0),)), test_accuracy=None),))
    few = run((epoch(0, (layer(8, 0),)),), samples=samples((layer(8, 1),))[1:2])
    unknown = run((epoch(0, (layer(8, None),)),))
    rows = exported("csv", late, empty, regression, few, unknown)["runs"]
    assert [row["diverged_at"] for row in rows] == [None] * 5
    assert [row["last_epoch"] for row in rows] == [0, None, 0, 0, 0]
    assert rows[2]["test_accuracy"] is None and rows[2]["test_loss"] == 0.5
    assert rows[3]["test_examples"] == 1000 and rows[3]["train_examples"] is None
    assert rows[4]["dead"] is None


# --- streaming -----------------------------------------------------------------------------------


def test_records_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: Any):
    monkeypatch.setattr(files, "BATCH", 3)
    alive: list[Any] = []
    request.addfinalizer(gc.unfreeze)
    gc.freeze()  # of all that other tests have left only what is made here is looked through

    def stream() -> Iterator[tuple[Path, RunRecord]]:
        for seed in range(20):
            record = dataclasses.replace(DEEP, id=f"r{seed:012x}")
            alive.append(weakref.ref(record))
            gc.collect()
            assert sum(record() is not None for record in alive) <= 2
            yield tmp_path, record
            del record

    written = files.write(stream(), tmp_path / "out", ["csv", "parquet"])
    assert written[tmp_path / "out" / "runs.csv"] == 20
    for n, rows in (("runs", 20), ("layers", 20 * 4 * 3)):
        table = parquet.read_table(tmp_path / "out" / f"{n}.parquet")
        assert table.num_rows == rows
        assert table.equals(_typed(_read_csv(tmp_path / "out" / f"{n}.csv"), table.schema))
    assert parquet.ParquetFile(tmp_path / "out" / "runs.parquet").num_row_groups == math.ceil(
        20 / 3
    )


def _typed(table: Any, schema: Any) -> Any:
    # Of a column without a value CSV does not know the type.
    return table.cast(schema)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_ends_halfway_leaves_the_old_tables(tmp_path: Path, error: BaseException):
    files.write([(tmp_path, DEEP)], tmp_path / "out", files.FORMATS)
    before = {file: file.read_bytes() for file in (tmp_path / "out").iterdir()}

    def stream() -> Iterator[tuple[Path, RunRecord]]:
        yield tmp_path, SHALLOW
        raise error

    with pytest.raises((ReluprobeError, KeyboardInterrupt)):
        files.write(stream(), tmp_path / "out", files.FORMATS)
    assert {file: file.read_bytes() for file in (tmp_path / "out").iterdir()} == before


def test_a_stream_has_the_archives_records_in_the_sweeps_order(tmp_path: Path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "sweep.toml").write_text('seeds = 3\n[grid]\nactivation = ["relu", "elu"]\n')
    runs = [
        as_run(make_run({"activation": a, "seed": s})) for a in ("relu", "elu") for s in range(3)
    ]
    for made in runs:
        record = dataclasses.replace(BROKEN, id=made.id, config=made.config)
        records.write(record, tmp_path / "s")
    records.write(record_of(as_run(make_run(BASE))), tmp_path / "other")
    (tmp_path / "s" / "runs" / "zz.json").write_text("{")
    faults: list[str] = []
    streamed = [(home.name, record.id) for home, record in stream_records([tmp_path], faults, [])]
    opened = open_all([tmp_path])
    assert streamed == [(a.name, record.id) for a in opened for record in a.records]
    assert streamed[1:] == [("s", made.id) for made in runs]
    assert faults == [fault for a in opened for fault in a.faults] and len(faults) == 1


def test_a_stream_of_nothing_says_so(tmp_path: Path):
    for read in (open_all, lambda paths: list(stream_records(paths, [], []))):
        with pytest.raises(ReluprobeError, match="no readable record"):
            read([tmp_path])


def test_layers_say_how_many_units_fire_how_often_and_on_which_data_none_does():
    seen = layer(8, 1, firing=(1, 2, 0, 1, 0, 3, 0, 0, 1), dead_data=0.125, rare=0.25, linear=0.5)
    (row,) = in_memory.layers_table([(Path("s"), run((epoch(0, (seen,)),)))]).to_pylist()
    names = [name for name in row if name.startswith("firing_")]
    assert [row[name] for name in names] == [1, 2, 0, 1, 0, 3, 0, 0, 1]
    assert (names[0], names[2], names[-2], names[-1]) == (
        *("firing_never", "firing_to_0_01"),
        *("firing_below_1", "firing_always"),
    )
    assert (row["dead_data"], row["rare"], row["linear"]) == (0.125, 0.25, 0.5)
    meanings = {column.name: column.meaning for column in LAYERS}
    assert "more than 0.001 and at most 0.01 of" in meanings["firing_to_0_01"]
    older = run((epoch(0, (layer(8, 1),)),))
    (row,) = in_memory.layers_table([(Path("s"), older)]).to_pylist()
    assert {row[name] for name in (*names, "dead_data")} == {None}


def test_a_huge_integer_among_fractions_is_a_number_like_them(tmp_path: Path):
    runs = [foreign_record([["00", "00"]], settings={"lr": lr}) for lr in (0.5, 2**62 + 1)]
    made = in_memory.runs_table((tmp_path, run) for run in runs)
    assert made["lr"].to_pylist() == [0.5, float(2**62)]
    summary = result_tables.summary(aggregate.summarize(runs), "dead")
    assert {*summary["lr"].to_pylist()} == {0.5, float(2**62)}

"""The table of units says of each what the masks of the record say, and nothing more."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from scipy.stats import binomtest

from foreign_records import foreign_record, layer_record
from plain_records import record_of, write_sweep
from reluprobe import records
from reluprobe.config import make_run
from reluprobe.errors import ReluprobeError
from reluprobe.plan.runs import as_run
from reluprobe.records import EpochRecord, RunRecord, SampleRecord, StepRecord, saved_activations
from reluprobe.records.unit_numbers import pack_counts, pack_magnitudes
from reluprobe.report.export import files, in_memory, units

LOST = records.LayerRecord(8, *[None] * 6, dead_units=None)


def epoch(number: int, *dead: str, **more: Any) -> EpochRecord:
    layers = tuple(layer_record(mask, **more) for mask in dead)
    return EpochRecord(number, 0.5, 0.8, 0.5, 0.8, layers, 10 * number)


def run(history: Sequence[EpochRecord], **more: Any) -> RunRecord:
    settings = {"depth": len(history[0].layers), "width": 8, **more.pop("settings", {})}
    return record_of(as_run(make_run(settings)), history=tuple(history), **more)


def rows_of(*runs: RunRecord, folder: Path = Path("s")) -> list[dict[str, Any]]:
    return in_memory.units_table((folder, record) for record in runs).to_pylist()


def marks(rows: Sequence[dict[str, Any]], name: str = "dead") -> str:
    """``"x.?"``: true, false, null."""
    return "".join({True: "x", False: ".", None: "?"}[row[name]] for row in rows)


def test_each_unit_of_each_layer_at_each_probe_has_a_row_with_its_place():
    between = StepRecord(5, (layer_record("xx......"), layer_record("......xx")))
    trained = run(
        [epoch(0, "x.......", "........"), epoch(1, "x.x.....", "xxxxxxxx")],
        steps=(between,),
        settings={"seed": 3},
    )
    rows = rows_of(trained, run([epoch(0, "........")], settings={"seed": 4}))
    assert [r["seed"] for r in rows] == [3] * 48 + [4] * 8
    places = [(r["epoch"], r["step"], r["layer"], r["layer_name"], r["unit"]) for r in rows[:48]]
    assert places == [
        (at, step, layer, f"L{layer}", unit)
        for at, step in ((0, 0), (None, 5), (1, 10))
        for layer in (1, 2)
        for unit in range(8)
    ]
    assert marks(rows) == "x...............xx............xxx.x.....xxxxxxxx........"


def test_the_splits_stand_beside_the_last_epoch_alone():
    test = SampleRecord("test", 100, 0.5, 0.8, (layer_record("x......x"),))
    trained = run([epoch(0, "x......."), epoch(1, "x.......")], samples=(test,))
    rows = rows_of(trained)
    assert marks(rows, "dead_on_test") == "????????x......x"
    assert marks(rows, "dead_on_train") == "?" * 16


def test_units_that_were_drawn_anew_are_marked():
    anew = layer_record("........", revived=1, revived_units="40")
    history = [epoch(0, ".x......"), EpochRecord(1, 0.5, 0.8, 0.5, 0.8, (anew,), 10)]
    assert marks(rows_of(run(history)), "redrawn") == "????????.x......"


def test_from_divergence_on_all_is_null():
    lost = EpochRecord(1, None, None, None, None, (LOST,), 10)
    rows = rows_of(run([epoch(0, "x......."), lost], status="diverged"))
    assert marks(rows) == "x.......????????"


def test_a_mask_that_is_not_there_is_known_only_where_all_units_are_alike():
    history = [epoch(0, "........"), epoch(1, "xxxxxxxx"), epoch(2, "x.......")]
    bare = [
        epoch(n, mask, dead_units=None) for n, mask in enumerate(("." * 8, "x" * 8, "x......."))
    ]
    told = run(history, settings={"seed": 1})
    rows = rows_of(run(bare), told)
    assert marks(rows[:24]) == "........xxxxxxxx????????"
    assert marks(rows[24:]) == "........xxxxxxxxx......."


def test_no_table_of_units_is_made_where_no_record_says_which(tmp_path: Path):
    bare = run([epoch(0, "x.......", dead_units=None)])
    with pytest.raises(ReluprobeError, match="not which"):
        rows_of(bare)
    with pytest.raises(ReluprobeError, match="not which"):
        files.write([(tmp_path, bare)], tmp_path / "out", ["parquet"], [*files.TABLES])
    assert not (tmp_path / "out").exists()
    notes: list[str] = []
    told = run([epoch(0, "x.......")], settings={"seed": 1})
    pairs = [(tmp_path, bare), (tmp_path, told)]
    files.write(pairs, tmp_path / "out", ["parquet"], [*files.TABLES], notes)
    assert notes == ["1 of 2 runs say how many units were dead, not which: null in units"]


def test_units_that_were_not_finite_are_nobodys_while_the_dead_are_known():
    looked = foreign_record([["x..."]], ["fc"])
    (look,) = looked.history
    odd = dataclasses.replace(look.layers[0], not_finite=1)
    strange = dataclasses.replace(looked, history=(dataclasses.replace(look, layers=(odd,)),))
    assert marks(rows_of(strange)) == "x???"


def test_foreign_runs_have_their_layers_names_widths_and_settings():
    looks = [["x..", "...."], ["xx.", "...x"]]
    rows = rows_of(
        foreign_record(looks, settings={"unit": "a"}), foreign_record(looks, settings={"unit": "b"})
    )
    assert [(r["layer_name"], r["unit"]) for r in rows[:7]] == [
        *(("conv", n) for n in range(3)),
        *(("fc", n) for n in range(4)),
    ]
    assert {r["epoch"] for r in rows} == {None} and [r["step"] for r in rows[:14:7]] == [0, 10]
    assert marks(rows[:14]) == "x......xx....x"
    # A setting of a name that a column has already.
    assert [r["setting_unit"] for r in rows[::14]] == ["a", "b"]


@pytest.mark.parametrize(("activation", "outputs"), [("relu", 1), ("crelu", 2)])
def test_what_fires_is_counted_where_activations_were_saved(
    tmp_path: Path, activation: str, outputs: int
):
    trained = run([epoch(0, "x......."), epoch(1, "x.......")], settings={"activation": activation})
    z = np.random.default_rng(0).normal(size=(8, saved_activations.IMAGES)).astype(np.float32)
    z[0] = -1
    z[1] = 1
    halves = [np.maximum(z, 0), np.maximum(-z, 0)][:outputs]
    saved_activations.write([np.concatenate(halves)], tmp_path, trained.id)
    rows = rows_of(trained, folder=tmp_path)
    assert [r["fires"] for r in rows[:8]] == [None] * 8
    fires = (z > 0).mean(1) if outputs == 1 else (z != 0).mean(1)
    assert [r["fires"] for r in rows[8:]] == pytest.approx(fires.tolist())


def test_rows_are_written_a_group_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(units, "BATCH", 20)
    runs = [run([epoch(0, "x.......", "......x.")], settings={"seed": s}) for s in range(5)]
    pairs = [(tmp_path, record) for record in runs]
    files.write(pairs, tmp_path / "out", ["parquet"], [*files.TABLES])
    written = parquet.ParquetFile(tmp_path / "out" / "units.parquet")
    assert written.num_row_groups == 4 and written.metadata.num_rows == 80
    table = written.read()
    assert table.equals(in_memory.units_table(pairs).cast(table.schema))


def test_the_command_writes_units_and_says_how_many(reluprobe: Any, tmp_path: Path):
    write_sweep(tmp_path / "r" / "s", learning_rate=[0.1, 0.2])
    output = reluprobe("export", "r", "--units")
    assert output.code == 0 and "wrote export/units.parquet  (32 rows)" in output.out
    assert not Path("export/units.csv").exists()
    table = parquet.read_table("export/units.parquet")
    assert table.schema.field("dead").type == pa.bool_() and "learning_rate" in table.schema.names
    output = reluprobe("export", "r", "--units", "--csv", "--out", "text")
    assert output.code == 0 and not Path("text/units.parquet").exists()
    assert len(Path("text/units.csv").read_text("utf-8").splitlines()) == 33
    assert reluprobe("export", "r", "--units", "--latex").code == 2


def counted(*fired: int, sloped: str | None = "fired") -> records.RatesRecord:
    texts = pack_counts(np.array(fired), 100), pack_magnitudes(np.ones(8))
    return records.RatesRecord(100, texts[0], sloped, texts[1])


def test_how_often_units_fire_stands_where_the_record_keeps_it():
    start = counted(0, 1, 2, 50, 99, 100, 0, 0)
    slopes = pack_counts(np.array([100, 1, 2, 3, 4, 5, 6, 7]), 100)
    ended = SampleRecord(
        "probe", 100, 0.5, 0.8, (layer_record(".......x", rates=counted(*[10] * 8, sloped=slopes)),)
    )
    history = [epoch(0, "x.......", rates=start), epoch(1, "x......."), epoch(2, ".......x")]
    rows = rows_of(run(history, samples=(ended,)))
    rates = [row["firing_rate"] for row in rows]
    assert rates == [0, 0.01, 0.02, 0.5, 0.99, 1, 0, 0, *[None] * 8, *[0.1] * 8]
    assert [row["gradient_rate"] for row in rows[:8]] == rates[:8]
    assert [row["gradient_rate"] for row in rows[16:]] == [1, *np.arange(1, 8) / 100]
    lows, highs = ([row[f"firing_{end}"] for row in rows] for end in ("low", "high"))
    assert lows[8:16] == highs[8:16] == [None] * 8
    assert (lows[0], highs[5]) == (0, 1)
    assert highs[0] == pytest.approx(1 - 0.05 ** (1 / 100))
    exact = binomtest(10, 100).proportion_ci()
    assert (lows[16], highs[16]) == pytest.approx((exact.low, exact.high))


def test_slopes_that_were_not_counted_are_null_beside_rates_that_were():
    rows = rows_of(run([epoch(0, "x.......", rates=counted(*range(8), sloped=None))]))
    assert [row["gradient_rate"] for row in rows] == [None] * 8
    assert [row["firing_rate"] for row in rows] == (np.arange(8) / 100).tolist()


def test_a_run_that_has_not_ended_has_no_rates_at_its_last_epoch():
    probe = SampleRecord(
        "probe", 100, 0.5, 0.8, (layer_record("x.......", rates=counted(*[9] * 8)),)
    )
    broken = run([epoch(0, "x......."), epoch(1, "x.......")], samples=(probe,), status="failed")
    assert {row["firing_rate"] for row in rows_of(broken)} == {None}

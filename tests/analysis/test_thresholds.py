"""Thresholds that a reader asks anew: units are told as if the run had been looked at with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import command_in_process
import reluprobe as rp
from foreign_records import foreign_record
from plain_records import record_of
from reluprobe import records
from reluprobe.analysis import thresholds
from reluprobe.analysis.thresholds import AskedAnew, Thresholds
from reluprobe.config import make_run
from reluprobe.errors import InputError
from reluprobe.measures import definitions
from reluprobe.plan.runs import as_run
from reluprobe.records import EpochRecord, LayerRecord, RatesRecord, RunRecord, SampleRecord
from reluprobe.records.folder import Archive
from reluprobe.records.masks import pack_some, unpack
from reluprobe.records.unit_numbers import pack_counts, pack_magnitudes
from reluprobe.report.page.origin import origin
from reluprobe.report.terminal import meanings

OWN = Thresholds(0.025, 0.01)
VALUES = 1000
#: Unit by unit: dead, rare at 1%, rare at 5%, often; mean of |a| 1.
FIRED, MEANS = (0, 10, 50, 900), (0.0, 0.02, 0.38, 3.6)


def rates(
    fired: Sequence[int] = FIRED, means: Sequence[float] = MEANS, values: int = VALUES
) -> RatesRecord:
    counts = pack_counts(np.array(fired), values)
    return RatesRecord(values, counts, "fired", pack_magnitudes(np.array(means)))


def layer(dormant: str, rare: str, kept: RatesRecord | None = None) -> LayerRecord:
    masks = [np.array([c == "x" for c in text]) for text in (dormant, rare)]
    told = {
        "dormant": masks[0].mean().item(),
        "dormant_units": pack_some(masks[0]),
        "rare": masks[1].mean().item(),
        "rare_units": pack_some(masks[1]),
    }
    quarter = dict.fromkeys(("dead", "silent", "never_positive", "constant"), 0.25)
    moved = records.MovementRecord(rare=records.PaceRecord(1, 0.1, 0.1))
    return LayerRecord(
        4, **quarter, **told, saturated=None, dead_units="80", rates=kept, movement=moved
    )


KEPT = layer("xx..", ".x..", rates())
BARE = replace(KEPT, rates=None)


def run(first: LayerRecord = KEPT, sample: LayerRecord | None = KEPT, **settings: Any) -> RunRecord:
    """Three looks of which the first and the last keep rates; and one between epochs."""
    looks = [EpochRecord(n, 0.5, 0.8, 0.5, 0.8, (x,), n) for n, x in enumerate((first, BARE, BARE))]
    names = ("probe", "test", "train") if sample else ()
    samples = tuple(SampleRecord(name, VALUES, 0.5, 0.8, (sample,)) for name in names)
    steps = (records.StepRecord(1, (BARE,)),)
    how = as_run(make_run({"dataset": "blobs", "width": 4, "depth": 1, "epochs": 2, **settings}))
    return record_of(how, history=tuple(looks), steps=steps, samples=samples)


def looks(record: RunRecord, name: str) -> list[float | None]:
    """At each epoch, at the step, on each sample."""
    every = (*record.history, *record.steps, *record.samples)
    return [getattr(look.layers[0], name) for look in every]


def test_the_ends_and_the_samples_are_told_anew_and_what_is_between_is_unknown():
    told = thresholds.asked_anew(run(), Thresholds(dormant=0.4))
    assert looks(told, "dormant") == [0.75, None, 0.75, None, 0.75, 0.75, 0.75]
    assert looks(told, "dormant_units") == ["e0", None, "e0", None, "e0", "e0", "e0"]
    assert looks(told, "rare") == [0.25] * 7, "what was not asked stays"
    assert looks(told, "movement") == [KEPT.movement] * 7
    assert (told.id, told.config) == (run().id, run().config)


def test_rare_units_of_another_threshold_have_no_pace_by_state():
    told = thresholds.asked_anew(run(), Thresholds(rare=0.05))
    assert looks(told, "rare") == [0.5, None, 0.5, None, 0.5, 0.5, 0.5]
    assert looks(told, "rare_units") == ["60", None, "60", None, "60", "60", "60"]
    assert looks(told, "movement") == [None] * 7
    assert looks(told, "dormant") == [0.5] * 7


def test_the_last_epoch_is_unknown_where_no_sample_is_its_look():
    told = thresholds.asked_anew(run(sample=None), Thresholds(dormant=0.4))
    assert looks(told, "dormant") == [0.75, None, None, None]


def test_phases_are_unknown():
    look = SampleRecord("probe", VALUES, 0.5, 0.8, (BARE,))
    phases = tuple(
        records.PhaseRecord(n, "blobs", "same", n, n + 1, look if n else None, look) for n in (0, 1)
    )
    told = thresholds.asked_anew(replace(run(), phases=phases), Thresholds(dormant=0.4))
    parts = [part for phase in told.phases for part in (phase.start, phase.reference)]
    assert [part and part.layers[0].dormant for part in parts] == [None] * 4
    assert parts[0] is None and parts[1] is not None


def test_by_its_own_thresholds_a_record_stays_as_it_is():
    record = run(dormant_threshold=0.4, rare_threshold=0.05)
    assert thresholds.asked_anew(record, Thresholds(0.4, 0.05)) is record
    assert thresholds.asked_anew(record, Thresholds()) is record
    foreign = foreign_record([["x.", "."], ["x.", "."]])
    assert thresholds.asked_anew(foreign, OWN) is foreign


def test_asked_twice_the_last_one_counts():
    once = thresholds.asked_anew(run(), Thresholds(dormant=0.4, rare=0.05))
    again = thresholds.asked_anew(once, Thresholds(dormant=0.025))
    assert looks(again, "dormant") == [0.5, None, 0.5, None, 0.5, 0.5, 0.5]
    assert looks(again, "rare") == looks(once, "rare")
    assert thresholds.counted(again) == Thresholds(0.025, 0.05)


@pytest.mark.parametrize("record", [run(BARE, BARE), foreign_record([["x..."], ["x..."]], ["fc"])])
def test_a_record_without_numbers_of_its_units_is_null_throughout(record: RunRecord):
    told = thresholds.asked_anew(record, Thresholds(dormant=0.4))
    assert {*looks(told, "dormant")} == {None} == {*looks(told, "dormant_units")}
    assert looks(told, "dead") == looks(record, "dead")
    assert thresholds.untold(told) and not thresholds.untold(record)
    said = thresholds.note([told, run()], Thresholds(dormant=0.4))
    assert said is not None and said.startswith("1 of 2 records: no numbers of each unit")
    assert thresholds.note([run()], Thresholds(dormant=0.4)) is None


COUNTS = st.lists(st.integers(0, VALUES), min_size=1, max_size=9)
TAU = st.floats(1e-3, 0.999)


@given(COUNTS, TAU, TAU)
def test_more_units_are_told_by_a_greater_threshold(counts: list[int], one: float, other: float):
    low, high = sorted([one, other])
    kept = rates(counts, [count / 7 for count in counts])
    for rule in thresholds.RULES.values():
        assert (rule(kept, low) <= rule(kept, high)).all()


@hypothesis_settings(max_examples=30)
@given(COUNTS, TAU)
def test_units_are_those_of_the_definitions(counts: list[int], tau: float):
    means = np.float32(counts) / 7
    kept = rates(counts, means)
    if (np.abs(means - tau * means.mean(dtype=np.float64)) > 1e-5 * means.max()).all():
        np.testing.assert_array_equal(
            thresholds.dormant(kept, tau), definitions.dormant(means, tau)
        )
    expected = definitions.rare(np.uint32(counts), np.full(1, VALUES, np.uint32), tau)
    np.testing.assert_array_equal(thresholds.rare(kept, tau), expected)


def test_by_hand_in_numpy():
    kept = rates()
    share = np.array(FIRED) / VALUES
    for tau in (0.01, 0.05, 0.9):
        np.testing.assert_array_equal(thresholds.rare(kept, tau), (share > 0) & (share <= tau))
    for tau in (0.025, 0.4, 3.7):
        np.testing.assert_array_equal(thresholds.dormant(kept, tau), np.array(MEANS) <= tau)


def test_a_unit_that_is_not_finite_is_not_dormant_and_counts_in_no_mean():
    kept = rates((1, 1, 1, 1), (np.inf, np.nan, 1.0, 3.0))
    assert thresholds.dormant(kept, 0.5).tolist() == [False, False, True, False]
    none = rates((1, 1), (np.inf, np.nan))
    assert not thresholds.dormant(none, 0.5).any()


def test_all_units_of_a_silent_layer_are_dormant_and_none_is_rare():
    kept = rates((0, 0), (0.0, 0.0))
    assert thresholds.dormant(kept, 1e-6).all()
    assert not thresholds.rare(kept, 0.9).any()


def test_a_count_has_as_much_to_spare_as_in_the_definitions():
    assert thresholds.ROUNDING == definitions.ROUNDING
    assert thresholds.rare(rates((30,), (1.0,), 3000), 0.01).all()


@pytest.fixture(scope="module")
def trained() -> RunRecord:
    how = dict(dataset="blobs", depth=2, width=16, epochs=1, batch_size=256)
    return rp.train(**how, dormant_threshold=0.4, rare_threshold=0.3)


def test_by_the_runs_own_threshold_a_trained_network_is_told_as_it_was(trained: RunRecord):
    own = {"dormant": 0.4, "rare": 0.3}
    looks = [trained.history[0], *trained.samples]
    assert len(looks) == 4
    every = [x for look in looks for x in look.layers]
    assert sum(x.dormant for x in every) > 0 < sum(x.rare for x in every)
    for seen in every:
        again = thresholds.told(seen, seen.rates, own)
        assert replace(again, movement=seen.movement) == seen
        for name in own:
            mask = unpack(getattr(seen, f"{name}_units"), seen.units)
            np.testing.assert_array_equal(thresholds.RULES[name](seen.rates, own[name]), mask)


def test_asked_there_and_back_its_ends_are_as_they_were(trained: RunRecord):
    there = thresholds.asked_anew(trained, Thresholds(1.1, 0.9))
    assert there.final.layers[0].dormant > trained.final.layers[0].dormant
    back = thresholds.asked_anew(there, Thresholds(0.4, 0.3))
    for one, other in ((back.history[0], trained.history[0]), (back.final, trained.final)):
        for again, seen in zip(one.layers, other.layers, strict=True):
            assert replace(again, movement=seen.movement) == seen
    unlike = [replace(x, movement=None) for s in trained.samples for x in s.layers]
    assert [x for s in back.samples for x in s.layers] == unlike


@pytest.mark.parametrize("given", [{"dormant": 0.0}, {"dormant": float("nan")}, {"rare": 1.0}])
def test_what_no_run_may_have_nobody_may_ask(given: dict[str, float]):
    with pytest.raises(InputError, match="cannot read the thresholds"):
        thresholds.checked(**given)


def test_the_threshold_that_counts_is_told():
    anew = thresholds.asked_anew(run(), Thresholds(dormant=0.1, rare=0.001))
    assert meanings.rule("dormant", [run()]) == "mean |output| ≤ 2.5% of its layer's mean"
    assert meanings.rule("dormant", [anew]) == "mean |output| ≤ 10% of its layer's mean"
    assert "at most 0.1% of probe examples" in meanings.rule("rare", [anew])
    both = [run(), run(dormant_threshold=0.1)]
    assert "≤ 2.5% or 10% (dormant_threshold) of" in meanings.rule("dormant", both)
    assert meanings.rule("dead", [anew]) == meanings.rule("dead", [])
    assert meanings.of_curves(["dead"], [anew]) == "" == meanings.of_curves(["rare"], [run()])
    assert "alone" in meanings.of_curves(["dead", "rare"], [anew])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed in (1, 2):
        records.write(run(seed=seed), tmp_path)
        records.write(run(seed=seed, learning_rate=0.5), tmp_path)
    return tmp_path


def asked(*args: str | Path) -> str:
    code, text = command_in_process.run(*args)
    assert code == 0, text
    return text


def test_report_tells_units_by_the_threshold_that_is_asked(folder: Path):
    how = ("--definition", "dormant", "--dormant-threshold", "0.4")
    text = asked("report", folder, *how, "--no-figures")
    assert "at most 40% of its layer's mean" in text and "75.0" in text
    content = json.loads(asked("report", folder, *how, "--json"))
    assert content["thresholds"] == {"dormant_threshold": [0.4], "rare_threshold": [0.01]}
    assert [c["mean"]["mean"] for c in content["sweeps"][0]["configurations"]] == [0.75, 0.75]
    text = asked("report", folder, "--definition", "dormant", "--no-figures")
    assert "at most 2.5% of its" in text and "50.0" in text
    several = asked("report", folder, *how, "--no-figures", "--full")
    assert "at most 40% of its layer's mean" in several


def test_the_first_screen_says_on_how_many_examples_rare_units_fire(folder: Path):
    how = ("report", folder, "--no-figures")
    assert "25.0% fire on at most 1% of the probe" in asked(*how)
    assert "50.0% fire on at most 5% of the probe" in asked(*how, "--rare-threshold", "0.05")


def test_lives_by_another_threshold_are_unknown_and_not_without_a_case(folder: Path):
    how = ("--lives", "-d", "rare", "--rare-threshold", "0.05", "--no-figures")
    shown = " ".join(asked("report", folder, *how).split())
    assert "the records do not say which units were rare by another threshold" in shown
    assert "no unit was ever" not in shown


def test_the_page_names_the_command_that_asks_so():
    anew = thresholds.asked_anew(run(), Thresholds(dormant=0.1))
    said = dict(origin(Archive("s", Path("s"), (anew,)), "dormant", None)["facts"])
    assert "dormant --dormant-threshold 0.1 (" in said["This page was written by"]


def test_compare_and_export_likewise(folder: Path):
    how = ("--definition", "rare", "--rare-threshold", "0.05", "--baseline", "lr=0.5")
    text = asked("compare", folder, *how)
    assert "at most 5% of probe examples" in text and "50.0" in text
    content = json.loads(asked("compare", folder, *how, "--json"))
    assert content["thresholds"]["rare_threshold"] == [0.05]
    assert "at most 5% of" in asked("compare", folder, *how, "--latex").replace("\\%", "%")
    markup = asked("export", folder, "--markdown", *how[:4])
    assert "at most 5% of" in markup and "50.0" in markup
    asked("export", folder, "--csv", "--rare-threshold", "0.05", "--out", folder / "x")
    head, row = (folder / "x" / "runs.csv").read_text().splitlines()[:2]
    cells = dict(zip(head.split(","), row.split(","), strict=True))
    assert (cells["rare_threshold"], cells["rare"], cells["rare_on_test"]) == ("0.05", "0.5", "0.5")
    assert (cells["dormant_threshold"], cells["dormant"]) == ("0.025", "0.5")


def test_the_library_likewise(folder: Path):
    results = rp.load(folder).with_thresholds(dormant_threshold=0.4)
    assert all(isinstance(record, AskedAnew) for record in results)
    assert results.summary(definition="dormant").column("dormant").to_pylist() == [0.75, 0.75]
    assert rp.load(folder).summary(definition="dormant").column("dormant")[0].as_py() == 0.5
    with pytest.raises(InputError, match="rare_threshold"):
        results.with_thresholds(rare_threshold=-1)


def test_bad_thresholds_are_refused_on_one_screen(folder: Path):
    code, text = command_in_process.run("report", folder, "--rare-threshold", "2")
    assert code == 2 and "rare_threshold = 2.0: allowed is a number > 0 and < 1" in text


def test_records_that_cannot_be_asked_are_named(tmp_path: Path):
    records.write(run(BARE, BARE), tmp_path)
    how = ("--definition", "dormant", "--dormant-threshold", "0.4")
    text = " ".join(asked("report", tmp_path, *how, "--no-figures").split())
    assert "1 of 1 record: no numbers of each unit were kept" in text
    assert "dormant cannot be told by another threshold: no numbers" in text
    text = asked("export", tmp_path, "--csv", *how[2:], "--out", tmp_path / "x")
    assert "1 of 1 record: no numbers of each unit were kept" in text

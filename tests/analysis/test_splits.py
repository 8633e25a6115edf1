"""Splits, causes of death, probes between epochs and activations before training."""

import dataclasses
import io

import numpy as np
import pytest
from rich.console import Console
from scipy import stats

from reluprobe.analysis import death_causes, init_signal, splits, step_course
from reluprobe.analysis.estimates import estimate
from reluprobe.config import make_run
from reluprobe.plan.runs import as_run
from reluprobe.records import (
    SCHEMA,
    ActivationsRecord,
    CausesRecord,
    EpochRecord,
    LayerRecord,
    ProbeRecord,
    RunRecord,
    SampleRecord,
    StepRecord,
)
from reluprobe.report.terminal import death_causes as causes_table
from reluprobe.report.terminal import init_signal as signal_table
from reluprobe.report.terminal import splits as splits_table
from reluprobe.report.terminal import step_course as course_table


def layer(units, **more):
    """A layer of eight units, ``units`` of them dead."""
    mask = np.packbits(np.isin(np.arange(8), units)).tobytes().hex()
    share = len(units) / 8
    return LayerRecord(8, share, share, share, share, share, None, mask, **more)


def shown(*parts, width=80):
    console = Console(width=width, record=True, file=io.StringIO())
    for part in parts:
        console.print(part)
    return console.export_text()


def record(seed=0, **change):
    run = as_run(make_run({"depth": 2, "width": 8, "seed": seed}))
    start = [
        layer([], activations=ActivationsRecord(0.1, 0.04, 0.5, second, 0.0, 1.0, (1,) * 32))
        for second in (2.0, 1.0)
    ]
    died = [
        layer([0, 1], certified=0.125, deaths=2, causes=CausesRecord(-3.0, -1.0, 0.0)),
        layer([0, 1, 2, 3], certified=0.0, deaths=4, causes=CausesRecord(-8.0, 0.0, 2.0)),
    ]
    later = [
        layer([0, 1], certified=0.125, deaths=0),
        layer([0, 1, 2, 4], certified=0.0, deaths=1, causes=CausesRecord(0.0, 0.0, -2.0)),
    ]
    history = tuple(
        EpochRecord(e, None, None, 0.1, 0.9, tuple(layers), e)
        for e, layers in enumerate((start, died, later))
    )
    samples = (
        SampleRecord("probe", 10, 0.1, 0.9, tuple(later)),
        SampleRecord("test", 20, 0.2, 0.8, (layer([0]), layer([]))),
        SampleRecord("train", 60, 0.1, 0.9, (layer([0]), layer([0, 1]))),
    )
    whole = RunRecord(
        SCHEMA, run.id, run.config, "ok", {}, 1.0, ProbeRecord("train", 10), history,
        samples=samples,
    )  # fmt: skip
    return dataclasses.replace(whole, **change)


@pytest.mark.parametrize("n", [1, 10, 1000, 60_000])
def test_the_firing_bound_is_the_exact_binomial_one_and_about_three_over_n(n):
    exact = stats.binomtest(0, n, alternative="less").proportion_ci(0.95).high
    assert splits.firing_bound(n) == pytest.approx(exact, rel=1e-9)
    if n >= 1000:
        assert splits.firing_bound(n) == pytest.approx(-np.log(0.05) / n, rel=0.002)


def test_samples_are_compared_unit_by_unit():
    shares = splits.by_split([record()], "dead")
    assert {n: e.mean for n, e in shares.shares.items()} == {
        "probe": 6 / 16, "test": 1 / 16, "train": 3 / 16,
    }  # fmt: skip
    # Dead on the probe: 6; of them 1 and, below, 2 and 4 fire on the training set.
    assert shares.awakened.mean == pytest.approx(3 / 6)
    # Dead on the training set: 3; on the test set unit 0 and 1 of the second layer fire.
    assert shares.asleep.mean == pytest.approx(2 / 3)
    assert {n: e.mean for n, e in shares.units.items()} == {"probe": 6, "test": 1, "train": 3}
    assert shares.awake.mean == 3
    headline = splits_table.headline([({}, shares)])
    assert "of 6 units dead on the probe, 3 fire on the training set" in headline.plain
    assert shares.certified.mean == pytest.approx(1 / 16)
    assert shares.examples == {"probe": 10, "test": 20, "train": 60}


def test_what_nobody_died_of_or_looked_at_is_none_and_not_zero():
    empty = (layer([]), layer([]))
    runs = [record(samples=tuple(SampleRecord(n, 9, 0.1, 0.9, empty) for n in splits.SPLITS))]
    nobody = splits.by_split(runs, "dead")
    assert nobody.awakened is None
    assert splits_table.headline([({}, nobody)]) is None
    assert splits.by_split([record(samples=())], "dead") is None
    assert splits.by_split(runs, "saturated").shares["probe"] is None


def test_a_run_without_one_of_the_splits_or_without_masks_is_left_out():
    whole = record()
    lacking = record(seed=1, samples=whole.samples[:2])
    assert splits.by_split([whole, lacking], "dead") == splits.by_split([whole], "dead")
    assert splits.by_split([lacking], "dead") is None
    bare = tuple(dataclasses.replace(part, dead_units=None) for part in whole.samples[0].layers)
    probe = dataclasses.replace(whole.samples[0], layers=bare)
    shares = splits.by_split([record(samples=(probe, *whole.samples[1:]))], "dead")
    assert (shares.units["probe"], shares.awake, shares.awakened) == (None, None, None)
    assert shares.asleep.mean == pytest.approx(2 / 3)


def test_shares_of_blame_are_of_the_sum_over_all_deaths_and_add_up_to_one():
    first, second, network = death_causes.blame([record()])
    assert (first.weights.mean, first.bias.mean, first.upstream.mean) == (0.75, 0.25, 0.0)
    assert (second.weights.mean, second.bias.mean, second.upstream.mean) == (1.0, 0.0, 0.0)
    assert network.weights.mean == pytest.approx(11 / 12)
    assert network.deaths.mean == 7
    total = network.weights.mean + network.bias.mean + network.upstream.mean
    assert total == pytest.approx(1)


def test_runs_that_sought_no_causes_get_no_blame():
    bare = tuple(dataclasses.replace(e, layers=(layer([]), layer([]))) for e in record().history)
    assert death_causes.blame([record(history=bare)]) == []
    assert death_causes.blame([record(status="diverged")]) == []


def test_a_course_goes_step_by_step_over_seeds():
    steps = (StepRecord(3, (layer([]), layer([0, 1, 2, 3]))),)
    runs = [record(seed=s, steps=steps) for s in range(2)]
    for run in runs:
        later = [dataclasses.replace(e, step=4 * e.epoch) for e in run.history]
        object.__setattr__(run, "history", tuple(later))
    points = step_course.course(runs, "dead")
    assert [m.step for m in points] == [0, 3, 4, 8]
    assert [e.mean for e in points[1].layers.values()] == [0.0, 0.5]
    assert points[1].mean == estimate([0.25, 0.25])
    assert step_course.course([record()], "dead") == []
    text = shown(course_table.tables([({}, points)]))
    assert text.splitlines()[2].split() == ["3", "0.0", "50.0", "25.0"]


def test_a_course_of_runs_of_several_depths_has_each_layer_over_those_that_have_it():
    steps = (StepRecord(3, (layer([]), layer([0, 1, 2, 3]))),)
    deep = record(steps=steps)
    shallow = record(
        seed=1,
        steps=(StepRecord(3, (layer([0, 1]),)),),
        history=tuple(dataclasses.replace(e, layers=e.layers[:1]) for e in deep.history),
    )
    for runs in ([shallow, deep], [deep, shallow]):
        probe = next(p for p in step_course.course(runs, "dead") if p.step == 3)
        assert [(e.mean, e.n) for e in probe.layers.values()] == [(0.125, 2), (0.5, 1)]


def test_a_histogram_has_a_character_for_two_bins_and_is_tallest_where_most_are():
    text = signal_table.histogram([0, 0, 500, 500, 3, 0])
    assert len(text) == 3
    assert (text[0], text[1]) == (" ", "█")
    assert text[2] not in " █"
    assert signal_table.histogram([0] * 4) == "  "


@pytest.mark.parametrize("count", [1, 2, 16, 17, 500])
def test_shown_probes_fit_start_with_the_first_and_end_with_the_last(count):
    shown_probes = course_table.shown_probes(count, 16)
    assert len(shown_probes) <= 16
    assert (shown_probes[0], shown_probes[-1]) == (0, count - 1)


def test_signals_are_ratios_of_second_moments_from_layer_to_layer():
    first, second = init_signal.signals([record(), record(seed=1)])
    assert first.ratio is None
    assert second.ratio.mean == 0.5
    assert (second.zeros.mean, second.deviation.mean) == (0.5, pytest.approx(0.2))


def test_tables_name_the_samples_sizes_and_write_nothing_as_nothing():
    rows = [({}, splits.by_split([record()], "dead"))]
    text = shown(splits_table.title(rows, "dead"), splits_table.table(rows, 80))
    assert "probe 10, test 20, train 60" in text
    assert "37.5" in text
    assert "50.0" in text
    assert "5%" in shown(splits_table.bounds(rows), width=200)
    blamed = shown(
        causes_table.tables([({"init": "he_normal"}, "12", death_causes.blame([record()]))])
    )
    assert blamed.splitlines()[0].strip() == "he_normal"
    assert blamed.splitlines()[-1].split()[:3] == ["all", "7.0", "91.7"]
    assert "n/a" in shown(signal_table.tables([({}, "12", init_signal.signals([record()]))]))

"""Figures over time: what they draw is what the analysis says, and what they lack is said."""

from __future__ import annotations

import dataclasses

import pytest

import figure_runs
from chart_rows import channels, draw, percent, rows
from figure_runs import archive, made
from foreign_records import foreign_record
from reluprobe.analysis import aggregate, learning_curves
from reluprobe.config import labels
from reluprobe.records import PhaseRecord, SampleRecord

OVER_TIME = ["training", "definitions", "layers", "units", "survival", "causes", "histograms"]
SOME = [{"activation": "relu"}, {"activation": "elu"}]


@pytest.mark.parametrize("name", OVER_TIME)
def test_a_sweep_that_lacks_nothing_has_the_figure_with_its_words(name):
    drawn = draw(archive(figure_runs.sweep()), name)
    assert drawn.skipped is None and drawn.title
    assert drawn.caption.endswith(".") and any(c.isdigit() for c in drawn.alt)


LACKS = {
    "training": [dataclasses.replace(r, history=r.history[:1]) for r in made({})],
    "definitions": [dataclasses.replace(r, history=r.history[:1]) for r in made({})],
    "layers": [dataclasses.replace(r, history=r.history[:1]) for r in made({})],
    "units": made({}, dead=0.0),
    "survival": made({}, dead=0.0),
    "causes": [figure_runs.record(0.5, bare=True)],
    "histograms": [figure_runs.record(0.5, bare=True)],
    "activations": made({}),
}


@pytest.mark.parametrize("name", LACKS)
def test_what_a_sweep_lacks_is_skipped_with_a_word(name):
    drawn = draw(archive(LACKS[name]), name)
    assert drawn.figure is None
    assert drawn.skipped and not drawn.skipped.endswith(".")


@pytest.mark.parametrize("name", ["definitions", "layers"])
def test_one_probe_is_no_course(name):
    assert "probed twice" in str(draw(archive(LACKS[name]), name).skipped)


# Curves


def test_lines_go_through_the_means_of_the_runs_and_bands_to_their_ends():
    records = figure_runs.sweep()
    drawn = draw(archive(records), "definitions")
    for summary in aggregate.summarize(records, "dead"):
        fields = {
            "activation": summary.settings["activation"],
            "learning_rate": labels.setting(summary.settings["learning_rate"]),
        }
        expected = []
        for definition in ("dead", "never_positive"):
            curve = learning_curves.network(summary.members, definition)
            for when, value in zip(curve.when, curve.values, strict=True):
                ends = (value.mean, value.low, value.high)
                expected.append((when, *(percent(end) for end in ends)))
        lines = [(r["when"], r["mean"], r["low"], r["high"]) for r in rows(drawn, "mean", **fields)]
        assert lines == expected


def test_accurate_networks_are_drawn_by_their_errors_and_others_by_their_accuracy():
    for accuracy, title in ((0.9, "test error %"), (0.3, "test accuracy %")):
        run = figure_runs.record(accuracy=accuracy)
        drawn = draw(archive([run]), "training")
        assert title in {how.get("title") for how in channels(drawn, "y")}
        (last,) = [r for r in rows(drawn, "mean", when=4) if r["mean"] > 1]
        final = float(run.final.test_accuracy or 0)
        assert last["mean"] == percent(1 - final if accuracy > 0.8 else final)


def test_lines_that_lie_on_the_axis_are_named():
    drawn = draw(archive(figure_runs.sweep()), "definitions")
    assert "Dead: 0 throughout for elu · lr 1e-3, elu · lr 0.1." in drawn.caption
    assert "0 throughout" not in draw(archive(made(*SOME)), "definitions").caption


def test_looks_at_a_foreign_network_are_where_they_were_taken():
    looks = [("..", "...."), ("x.", "xx.."), ("x.", "xxx.")]
    runs = [foreign_record(looks, seed=seed, steps=[0, 100, 5000]) for seed in range(2)]
    drawn = draw(archive(runs), "definitions")
    dead = [(row["when"], row["mean"]) for row in rows(drawn, "mean")[:3]]
    assert dead == [(0, 0), (100, percent(3 / 6)), (5000, percent(4 / 6))]


# Phases


def phased(run, *first_epochs):
    def sample(epoch):
        return SampleRecord("probe", 1000, 0.5, 0.9, run.history[epoch].layers)

    ends = [*(first - 1 for first in first_epochs[1:]), figure_runs.EPOCHS]
    phases = tuple(
        PhaseRecord(n, "mnist", "same", first, end, sample(0) if n else None, sample(end))
        for n, (first, end) in enumerate(zip(first_epochs, ends, strict=True))
    )
    return dataclasses.replace(run, phases=phases)


def test_where_other_data_begin_is_marked():
    runs = [phased(run, 1, 3) for run in made(*SOME)]
    drawn = draw(archive(runs), "definitions")
    assert {row["when"] for row in rows(drawn, "begins")} == {2}
    assert "Dotted: where other data begin." in drawn.caption
    assert not rows(draw(archive(made(*SOME)), "definitions"), "begins")

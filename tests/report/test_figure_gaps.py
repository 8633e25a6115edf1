"""Figures of records with parts missing: each figure is drawn, or says what the sweep lacks."""

from __future__ import annotations

import dataclasses

import pytest

import figure_runs
from chart_rows import channels, rows
from figure_runs import with_layers
from reluprobe.config.choices import DEFINITIONS
from reluprobe.records import CausesRecord, StepRecord
from reluprobe.report import figures

NO_SHARES = {**dict.fromkeys(DEFINITIONS), "dead_units": None, "certified": None}


def drawn(records, *only, written=True, **how):
    """These figures, by default all, by their names; each that is drawn can be written, too."""
    sweep = figure_runs.archive(records)
    by_name = {d.name: d for d in figures.drawn(sweep, only=only, **how)}
    for figure in by_name.values():
        assert (figure.figure is None) != (figure.skipped is None)
        if figure.figure is not None and written:
            assert figures.render(figure.spec, "svg").startswith((b"<svg", b"<?xml"))
    return by_name


def skipped(by_name):
    return {name for name, figure in by_name.items() if figure.figure is None}


def without_history(status="failed", **settings):
    return dataclasses.replace(figure_runs.record(status=status, **settings), history=())


def cut(run, epochs):
    return dataclasses.replace(run, history=run.history[: epochs + 1])


def many(**settings):
    """More configurations than there are colours."""
    return [figure_runs.record(0.5, l2=l2 / 10, **settings) for l2 in range(8)]


def test_a_first_run_without_history_takes_no_figure_from_the_others():
    complete = skipped(drawn(figure_runs.sweep(), written=False))
    lost = [without_history(learning_rate=rate, seed=9) for rate in (1e-3, 1e-1)]
    by_name = drawn([*lost, *figure_runs.sweep()], written=False)
    assert skipped(by_name) == complete
    assert "2 failed or diverged runs left out." in by_name["outcome"].caption


def test_runs_that_all_failed_or_diverged_have_no_figure_of_finished_networks():
    late = figure_runs.record(status="diverged", seed=1)  # after its last whole epoch
    by_name = drawn([without_history(), without_history("diverged", seed=2), late])
    # Before training it had finite numbers, as the others have not.
    assert skipped(by_name) == {kind.name for kind in figures.FIGURES} - {"histograms"}


def test_a_grid_of_which_one_value_has_only_lost_runs_is_drawn():
    lost = [figure_runs.record(status="diverged", learning_rate=0.5, seed=s) for s in range(3)]
    by_name = drawn([*figure_runs.sweep(), *lost])
    assert skipped(by_name) == {"activations", "published", "claims"}
    assert not rows(by_name["effects"], learning_rate="0.5")
    # What diverged has a mark, and no mean.
    assert {row["mean"] for row in rows(by_name["learning_rate"], rate=0.5)} <= {None}


@pytest.mark.parametrize("records", [figure_runs.sweep(seeds=1), many()], ids=["lines", "panels"])
def test_a_definition_that_applies_to_no_network_has_no_curve(records):
    by_name = drawn(records, "definitions", "layers", definition="saturated")
    assert "saturated does not apply" in by_name["layers"].skipped
    assert by_name["definitions"].figure is not None  # it has the others


def test_networks_without_any_share_have_no_figure_of_dead_units():
    def bare(layer):
        return dataclasses.replace(layer, **NO_SHARES)

    runs = [
        with_layers(figure_runs.record(seed=s, learning_rate=rate, l2=l2, bare=True), bare)
        for s in range(2)
        for rate in (1e-3, 0.1)
        for l2 in (0.0, 0.1)
    ]
    by_name = drawn(runs)
    assert by_name["training"].figure is not None
    assert by_name["definitions"].skipped.startswith("neither dead nor never positive applies")
    of_dead = {"layers", "outcome", "units", "survival", "causes", "heatmap", "learning_rate"}
    assert of_dead | {"accuracy", "parallel", "samples", "interaction"} <= skipped(by_name)
    # What accuracy does is known.
    assert {"test accuracy %"} == {
        axis["title"] for axis in _horizontal(by_name["effects"]) if axis.get("title")
    }


def _horizontal(figure):
    return [how for how in channels(figure, "x") if "field" in how]


def test_units_that_are_dead_without_a_mask_have_no_lives():
    def unmasked(layer):
        return dataclasses.replace(layer, dead_units=None)

    names = {"units", "survival"}
    assert skipped(drawn([with_layers(figure_runs.record(), unmasked)], *names)) == names


@pytest.mark.parametrize("classifiers", [0, 3, 7])
def test_regressions_have_no_accuracy_beside_those_that_have(classifiers):
    runs = many()[:classifiers] + many(accuracy=None)[classifiers:]
    by_name = drawn(runs, "training", "accuracy", "outcome", "effects", "parallel")
    assert ("accuracy" in skipped(by_name)) == (classifiers == 0)
    assert skipped(by_name) <= {"accuracy"}
    known = [r for r in rows(by_name["parallel"], "at0") if r.get("accuracy") is not None]
    assert len(known) == classifiers


def test_runs_folded_that_share_no_trained_epoch_have_no_curve_of_training():
    runs = [cut(figure_runs.record(seed=0), 0), figure_runs.record(seed=1)]
    assert "share an epoch of training" in drawn(runs, "training")["training"].skipped


def test_networks_of_several_depths_and_datasets_are_drawn_and_folded():
    shallow = figure_runs.record(depth=1, dataset="blobs", bare=True)
    shallow = dataclasses.replace(
        shallow,
        history=tuple(dataclasses.replace(e, layers=e.layers[:1]) for e in shallow.history),
    )
    for how in ({}, {"by": []}):
        runs = [shallow, figure_runs.record(), figure_runs.record(seed=1)]
        names = "outcome", "training", "definitions", "layers", "causes", "units", "histograms"
        assert not skipped(drawn(runs, *names, **how))


def test_probes_without_a_step_number_and_between_epochs_are_drawn():
    run = figure_runs.record()
    history = tuple(dataclasses.replace(epoch, step=None) for epoch in run.history)
    steps = (StepRecord(3, run.history[1].layers),)
    old = dataclasses.replace(run, history=history, steps=steps)
    assert not skipped(drawn([old], "layers", "units", "survival"))


def test_causes_that_cancel_have_no_fall_to_share():
    def cancelled(layer):
        return dataclasses.replace(layer, causes=layer.causes and CausesRecord(1.0, -1.0, 0.0))

    figure = drawn([with_layers(figure_runs.record(), cancelled)], "causes")["causes"]
    assert figure.figure is not None and "n/a% of the fall" in figure.alt


def test_a_histogram_that_some_layers_lack_is_not_drawn():
    run = figure_runs.record()
    first, *rest = run.history
    layers = (first.layers[0], dataclasses.replace(first.layers[1], activations=None))
    partial = dataclasses.replace(run, history=(dataclasses.replace(first, layers=layers), *rest))
    assert "histograms" in skipped(drawn([partial], "histograms"))
    figure = drawn([partial, figure_runs.record(seed=1)], "histograms")["histograms"]
    panels = {row["panel"].split(" · ")[0] for row in rows(figure, "panel")}
    assert panels == {"L1", "L2"}

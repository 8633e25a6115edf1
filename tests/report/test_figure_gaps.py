"""Figures of records with parts missing: each figure is drawn, or says what the sweep lacks."""

import dataclasses

import pytest

import figure_runs
from reluprobe.config.choices import DEFINITIONS
from reluprobe.records import CausesRecord, StepRecord
from reluprobe.report import figures
from reluprobe.report.figures import panels

NO_SHARES = {**dict.fromkeys(DEFINITIONS), "dead_units": None, "certified": None}


def drawn(records, *only, **how):
    """These figures, by default all, by their names; each that is drawn can be written, too."""
    sweep = figure_runs.archive(records)
    by_name = {d.name: d for d in figures.drawn(sweep, only=only, **how)}
    for figure in by_name.values():
        assert (figure.figure is None) != (figure.skipped is None)
        if figure.figure is not None:
            assert figures.render(figure.figure, "svg").startswith(b"<?xml")
    return by_name


def skipped(by_name):
    return {name for name, figure in by_name.items() if figure.figure is None}


def without_history(status="failed", **settings):
    return dataclasses.replace(figure_runs.record(status=status, **settings), history=())


def with_layers(run, change):
    """The run with each layer of its history changed."""
    history = tuple(
        dataclasses.replace(epoch, layers=tuple(map(change, epoch.layers)))
        for epoch in run.history
    )  # fmt: skip
    return dataclasses.replace(run, history=history)


def cut(run, epochs):
    return dataclasses.replace(run, history=run.history[: epochs + 1])


def many(**settings):
    """More configurations than have a line each in one panel."""
    return [figure_runs.record(0.5, l2=l2 / 10, **settings) for l2 in range(8)]


def test_a_first_run_without_history_takes_no_figure_from_the_others():
    complete = skipped(drawn(figure_runs.sweep()))
    lost = [without_history(learning_rate=rate, seed=9) for rate in (1e-3, 1e-1)]
    by_name = drawn([*lost, *figure_runs.sweep()])
    assert skipped(by_name) == complete
    assert "2 failed or diverged runs left out." in by_name["outcome"].caption


def test_runs_that_all_failed_or_diverged_have_no_figure_of_finished_networks():
    late = figure_runs.record(status="diverged", seed=1)  # after its last whole epoch
    by_name = drawn([without_history(), without_history("diverged", seed=2), late])
    # Before training it had finite numbers, as the others have not.
    assert skipped(by_name) == {kind.name for kind in figures.FIGURES} - {"histograms"}


@pytest.mark.parametrize("records", [figure_runs.sweep(seeds=1), many()], ids=["lines", "panels"])
def test_a_definition_that_applies_to_no_network_has_no_curve(records):
    by_name = drawn(records, "definitions", "layers", definition="saturated")
    assert "saturated does not apply" in by_name["layers"].skipped
    assert by_name["definitions"].figure is not None  # it has the others


def test_a_definition_that_applies_to_some_networks_has_curves_of_those():
    def saturated(layer):
        return dataclasses.replace(layer, saturated=0.25)

    runs = many()
    runs[1:] = [with_layers(run, saturated) for run in runs[1:]]
    by_name = drawn(runs, "definitions", "layers", definition="saturated")
    figure = by_name["definitions"].figure
    assert [ax.get_title() for ax in figure.axes[-1:]] == ["L2 0"]  # without the first, last
    assert [len(ax.lines) for ax in figure.axes] == [3] * 7 + [2]
    assert len(by_name["layers"].figure.axes) == 7


def test_networks_without_any_share_have_no_figure_of_dead_units():
    def bare(layer):
        return dataclasses.replace(layer, **NO_SHARES)

    runs = [with_layers(figure_runs.record(seed=s, bare=True), bare) for s in range(2)]
    by_name = drawn(runs)
    assert by_name["training"].figure is not None
    assert by_name["definitions"].skipped.startswith("neither dead nor never positive applies")
    assert {"layers", "outcome", "units", "survival", "causes"} <= skipped(by_name)


def test_units_that_are_dead_without_a_mask_have_no_lives():
    def unmasked(layer):
        return dataclasses.replace(layer, dead_units=None)

    names = {"units", "survival"}
    assert skipped(drawn([with_layers(figure_runs.record(), unmasked)], *names)) == names


@pytest.mark.parametrize(
    ("classifiers", "curves"),
    [(0, [1] + [2] * 7), (3, [1, 2, 2] + [0] * 5), (7, [1] + [2] * 6 + [0])],
)
def test_regressions_have_no_accuracy_beside_those_that_have(classifiers, curves):
    runs = many()[:classifiers] + many(accuracy=None)[classifiers:]
    training = drawn(runs, "training")["training"].figure
    names = {text.get_text() for text in training.texts}
    # Loss, of all, has the panels on top; below, in grey, is the first.
    assert ("test accuracy %" in names) == bool(classifiers)
    assert len(training.axes) == 16
    assert [len(ax.lines) for ax in training.axes[8:]] == curves
    assert ("accuracy" in skipped(drawn(runs, "accuracy"))) == (classifiers == 0)


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


def test_splits_of_several_sizes_are_named_from_the_smallest_to_the_largest():
    run, other = figure_runs.record(), figure_runs.record(dataset="blobs")
    double = tuple(dataclasses.replace(s, examples=2 * s.examples) for s in other.samples)
    by_name = drawn([run, dataclasses.replace(other, samples=double)], "samples")
    (legend,) = by_name["samples"].figure.legends
    assert legend.get_texts()[0].get_text() == "probe (1,000 to 2,000 examples)"


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
    figure = drawn([partial, figure_runs.record(seed=1)], "histograms")["histograms"].figure
    assert len(figure.axes) == figure_runs.DEPTH


def test_no_labels_take_no_place():
    assert panels.spread([], 0.1) == []

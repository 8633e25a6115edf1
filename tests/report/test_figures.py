"""Every figure: a sweep that lacks nothing has it with words; what a sweep lacks is said."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import figure_runs
from chart_rows import draw, each, rows
from foreign_records import foreign_record
from reluprobe.config import labels
from reluprobe.errors import InputError
from reluprobe.records import saved_activations
from reluprobe.report import figures
from reluprobe.report.figures import Choices

NAMES = [kind.name for kind in figures.FIGURES]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Every figure of a sweep that lacks nothing, one run of which kept its activations."""
    folder = tmp_path_factory.mktemp("swept")
    run = figure_runs.sweep()[0]
    outputs = (
        np.random.default_rng(0).random((2, figure_runs.WIDTH, 20))
        * ~figure_runs.masks(0.4)[-1][..., None]
    )
    saved_activations.write(list(outputs), folder, run.id)
    made = figure_runs.archive(figure_runs.sweep(), folder, "mnist_study")
    return {figure.name: figure for figure in figures.drawn(made)}


@pytest.mark.parametrize("name", NAMES)
def test_a_sweep_that_lacks_nothing_has_every_figure_with_its_words(drawn, name):
    figure = drawn[name]
    assert figure.skipped is None and figure.figure is not None
    assert figure.title and figure.caption.endswith(".")
    assert any(letter.isdigit() for letter in figure.alt)


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_has_rows_and_names_what_is_pointed_at(drawn, name):
    assert any(drawn[name].spec["datasets"].values())
    # What stands in a picture of pixels cannot be pointed at.
    assert name == "activations" or any(each(drawn[name].spec, "tooltip"))


def test_rows_say_which_values_of_each_axis_they_are_of(drawn):
    axes = {"activation": {"relu", "elu"}, "learning_rate": {"1e-3", "0.1"}}
    # Others are of one axis at a time, of one activation, or of what none of these axes changes.
    folded = {"effects", "published", "claims", "activations", "histograms"}
    for name in {*NAMES} - folded:
        for field, values in axes.items():
            present = {row[labels.field(field)] for row in rows(drawn[name], field)}
            assert present <= values, name
            # Of a network without a dead unit some figures have nothing to show.
            assert present, name


def once(run):
    return dataclasses.replace(run, history=run.history[:1])


LACKS = {
    "effects": [figure_runs.record(seed=s) for s in range(3)],
    "interaction": [figure_runs.record(learning_rate=rate) for rate in (1e-3, 1e-2)],
    "outcome": [figure_runs.record(status="failed")],
    "training": [once(figure_runs.record(epochs=0))],
    "definitions": [once(figure_runs.record())],
    "layers": [once(figure_runs.record())],
    "learning_rate": [figure_runs.record(seed=s) for s in range(3)],
    "heatmap": [figure_runs.record(seed=s) for s in range(3)],
    "units": [figure_runs.record(0.0)],
    "survival": [figure_runs.record(0.0)],
    "causes": [figure_runs.record(bare=True)],
    "firing": [figure_runs.with_layers(figure_runs.record(), figure_runs.without_rates)],
    "flows": [once(figure_runs.record())],
    "histograms": [figure_runs.record(bare=True)],
    "activations": [figure_runs.record()],
    "samples": [figure_runs.record(bare=True)],
    "accuracy": [figure_runs.record()],
    "parallel": [figure_runs.record(seed=s) for s in range(3)],
    "published": [figure_runs.record()],
    "claims": [figure_runs.record()],
}


@pytest.mark.parametrize("name", NAMES)
def test_what_a_sweep_lacks_is_skipped_with_a_word(name):
    figure = draw(figure_runs.archive(LACKS[name]), name)
    assert figure.figure is None
    assert figure.skipped and not figure.skipped.endswith(".")


def test_the_figures_heed_by_and_definition():
    made = figure_runs.archive(figure_runs.sweep())
    figure = draw(made, "outcome", by=["activation"], definition="never_positive")
    assert {row["label"] for row in rows(figure, "mean")} == {"elu", "relu"}
    assert "never positive" in figure.caption


def test_names_that_are_none_are_refused_with_the_nearest():
    with pytest.raises(InputError) as refused:
        list(figures.drawn(figure_runs.archive([figure_runs.record()]), only=["unit"]))
    assert "did you mean 'units'?" in refused.value.faults[0]


@pytest.mark.parametrize(
    ("choices", "fault"),
    [
        (Choices(colour=("l2",)), "l2 has 8 values; at most 6 colours"),
        (Choices(facet=("l2",)), "l2 has 8 values; at most 5 panels beside"),
        (Choices(facet=("activation", "l2")), "l2 has 8 values; at most 6 panels below"),
        (Choices(facet=("activation",), width="column"), "3 values; at most 2 panels beside"),
        (Choices(colour=("depth",)), "depth does not vary; these do: activation, l2"),
    ],
)
def test_axes_that_cannot_have_the_role_that_is_asked_for_are_refused(choices, fault):
    made = figure_runs.archive(
        [
            figure_runs.record(0.5, activation=f, l2=n / 10)
            for f in ("relu", "elu", "tanh")
            for n in range(8)
        ]
    )
    with pytest.raises(InputError) as refused:
        figures.check_choices(made, choices)
    assert fault in " ".join(refused.value.faults).replace("l2, activation", "activation, l2")
    with pytest.raises(InputError):
        list(figures.drawn(made, choices=choices))


def test_an_axis_without_an_effect_beside_others_is_named_so_and_not_by_its_default():
    runs = [
        figure_runs.record(0.5, activation=f, **more)
        for f, more in [("relu", {}), *(("leaky_relu", {"leaky_slope": s}) for s in (0.1, 0.2))]
    ]
    figure = draw(figure_runs.archive(runs), "accuracy")
    slopes = {
        row[labels.field("activation")] + row[labels.field("leaky_slope")]
        for row in rows(figure, "run")
    }
    assert slopes == {f"relu{labels.setting(None)}", "leaky_relu0.1", "leaky_relu0.2"}


@pytest.mark.parametrize("name", ["mean", "low", "when", "label", "place", "value"])
def test_a_setting_called_as_a_field_of_a_chart_hides_nothing_of_it(name):
    looks = [["xx..", "..."], ["x...", "x.."], ["....", "..."]]
    runs = [foreign_record(looks, settings={name: word}) for word in ("small", "large")]
    for drawn in figures.drawn(figure_runs.archive(runs)):
        if drawn.skipped is None:
            for row in rows(drawn):
                assert row.get(labels.field(name), "small") in ("small", "large"), drawn.name
                assert row.get(name) not in ("small", "large") or name == "value", drawn.name
    (ranked,) = figures.drawn(figure_runs.archive(runs), only=["outcome"])
    assert all(math.isfinite(row["mean"]) for row in rows(ranked, "mean"))

"""What is left out is left out for the reason that is said: each is tried against its untruth."""

from __future__ import annotations

import dataclasses

import pytest

import figure_runs
from reluprobe import records
from reluprobe.analysis import aggregate, death_causes, lacking
from reluprobe.nn.mlp import plain
from reluprobe.report import figures
from reluprobe.report.figures import Choices
from reluprobe.report.terminal import tables, unit_map

#: Of finished networks by a definition; and those of their courses.
OF_ENDS = ("outcome", "learning_rate", "heatmap", "samples", "accuracy")
OF_COURSES = ("definitions", "layers", "units", "survival", "causes")


def reasons(runs, *only, **how):
    """Why each of these figures is not drawn, by name; None where it is."""
    sweep = figure_runs.archive(runs)
    return {d.name: d.skipped for d in figures.drawn(sweep, only=only, **how)}


def with_layers(run, **changes):
    """The run with the same changes in every layer of its history."""
    history = tuple(
        dataclasses.replace(
            epoch, layers=tuple(dataclasses.replace(x, **changes) for x in epoch.layers)
        )
        for epoch in run.history
    )
    return dataclasses.replace(run, history=history)


def cut(run, epochs):
    return dataclasses.replace(run, history=run.history[: epochs + 1])


def dead_at(run, *probes):
    """The run with all units dead at these probes, and none at the others."""
    history = tuple(
        dataclasses.replace(epoch, layers=tuple(_layer(t in probes) for _ in epoch.layers))
        for t, epoch in enumerate(run.history)
    )
    return dataclasses.replace(run, history=history)


def _layer(dead):
    mask = "ffff" if dead else "0000"
    return records.LayerRecord(figure_runs.WIDTH, *[float(dead)] * 5, None, mask, deaths=0)


def test_units_that_are_all_dead_from_birth_are_not_said_to_live():
    born = [dead_at(cut(figure_runs.record(epochs=0), 0), 0)]
    assert set(reasons(born, *OF_COURSES).values()) == {"no run was probed twice: epochs is 0"}
    short = [cut(figure_runs.record(), 0)]  # of a run of four epochs
    assert set(reasons(short, *OF_COURSES).values()) == {"no run was probed twice"}


def test_a_report_of_networks_dead_from_birth_says_of_lives_that_nobody_looked_twice(
    reluprobe, tmp_path
):
    born = dead_at(cut(figure_runs.record(epochs=0), 0), 0)
    records.write(born, tmp_path / "results" / "born")
    output = reluprobe("report", "results", "--lives", "--causes", "--figures")
    assert "no unit was" not in output.out + output.err
    for what in ("lives of units", "causes of death", "by epoch"):
        assert f"{what}: no run was probed twice: epochs is 0" in output.out
    assert output.err.count("no run was probed twice: epochs is 0") == 5


@pytest.mark.parametrize(
    ("probes", "units", "survival"),
    [
        ((), "no unit was ever dead at a probe", "no unit was ever dead at a probe"),
        ((4,), None, "no unit was ever dead at a probe before the last"),
        ((1,), None, None),
    ],
)
def test_a_death_at_the_last_probe_is_seen_and_not_followed(probes, units, survival):
    runs = [dead_at(figure_runs.record(), *probes)]
    assert reasons(runs, "units", "survival") == {"units": units, "survival": survival}


def test_dead_units_that_are_counted_and_not_named_are_not_said_to_live():
    runs = [with_layers(figure_runs.record(), dead_units=None)]
    said = "the records say how many units were dead at a probe, not which"
    assert reasons(runs, "units", "survival") == {"units": said, "survival": said}


def test_the_map_is_of_the_first_seed_in_which_a_unit_died():
    runs = [figure_runs.record(0.0), figure_runs.record(0.5, seed=1)]
    ((_, shown),) = unit_map.runs(aggregate.summarize(runs))
    assert shown.config.seed == 1


@pytest.mark.parametrize("name", OF_ENDS)
def test_a_definition_that_does_not_apply_is_not_said_to_have_no_finished_run(name):
    by_name = reasons(figure_runs.sweep(), name, definition="saturated")
    assert by_name == {name: "saturated does not apply to these networks"}


def test_headlines_say_what_does_not_apply():
    rows = aggregate.summarize(figure_runs.sweep(), "saturated")
    said = "saturated does not apply to these networks"
    assert tables.sweep_headline(rows, "saturated").plain == said
    lost = aggregate.summarize([figure_runs.record(status="failed")])
    assert tables.sweep_headline(lost, "dead").plain == "no run ended with finite numbers"


def test_courses_of_a_definition_that_does_not_apply_are_not_said_to_be_of_one_probe(
    reluprobe, tmp_path
):
    for run in figure_runs.sweep():
        records.write(run, tmp_path / "results" / "made")
    output = reluprobe("report", "results", "-d", "saturated", "--no-figures", "--full")
    assert "by epoch: saturated does not apply to these networks" in output.out


@pytest.mark.parametrize("kind", [k.name for k in figures.FIGURES if k.name not in ("histograms",)])
def test_where_no_run_ended_every_figure_says_so(kind):
    runs = [figure_runs.record(status="failed"), figure_runs.record(seed=1, status="diverged")]
    sweep = figure_runs.archive(runs, reference="mnist_study")
    (drawn,) = figures.drawn(sweep, only=[kind])
    assert "no run ended with finite numbers" in drawn.skipped


def test_runs_that_were_not_trained_are_not_said_to_have_no_end():
    untrained = [cut(figure_runs.record(epochs=0), 0)]
    assert reasons(untrained, "training")["training"] == "no run was trained: epochs is 0"


def test_settings_that_were_varied_together_beside_many_are_not_said_not_to_be():
    more = {"l2": 0.1, "dropout": 0.1, "clip_norm": 1.0}
    axes = [{}, *({name: value} for name, value in more.items())]
    runs = [
        figure_runs.record(activation=a, learning_rate=r, **extra)
        for a in ("relu", "elu")
        for r in (0.1, 0.2)
        for extra in axes
    ]
    (said,) = reasons(runs, "heatmap").values()
    assert said == "5 settings vary: --heatmap AXIS,AXIS says which two to show"
    assert reasons(runs, "heatmap", choices=Choices(grid=("activation", "learning_rate"))) == {
        "heatmap": None
    }


def test_networks_looked_at_on_some_splits_have_no_figure_of_all():
    run = figure_runs.record()
    partial = dataclasses.replace(run, samples=run.samples[:2])
    (said,) = reasons([partial], "samples").values()
    assert said == "no run was looked at on the probe, the test and the training set"


@pytest.mark.parametrize(
    ("changes", "settings", "said"),
    [
        ({"causes": None, "deaths": 0}, {}, "no unit died between two probes"),
        (
            {"causes": None, "deaths": None},
            {},
            "the records do not say how many units died between",
        ),
        ({"causes": None, "deaths": 2}, {}, "the records do not say of what units died"),
        ({"causes": None, "deaths": 2}, {"activation": "elu"}, "causes are sought in plain ReLU"),
        ({"causes": None, "deaths": 2}, {"norm": "batch"}, "causes are sought in plain ReLU"),
        ({"causes": None, "deaths": 2}, {"probe_examples": "all"}, "causes are sought in plain"),
    ],
)
def test_why_no_death_has_a_cause(changes, settings, said):
    runs = [with_layers(figure_runs.record(**settings), **changes)]
    assert lacking.causes(runs).startswith(said)
    assert reasons(runs, "causes")["causes"].startswith(said)


@pytest.mark.parametrize(
    "settings",
    [{}, {"activation": "elu"}, {"norm": "layer"}, {"residual": True}, {"activation": "crelu"}],
)
def test_causes_are_sought_where_the_engine_seeks_them(settings):
    run = figure_runs.record(**settings)
    config = run.config
    assert death_causes.sought(run) == (config.activation == "relu" and plain(config))


def test_signals_of_several_depths_are_not_said_not_to_be_recorded(reluprobe, tmp_path):
    shallow = figure_runs.record(depth=1)
    shallow = dataclasses.replace(
        shallow,
        history=tuple(dataclasses.replace(e, layers=e.layers[:1]) for e in shallow.history),
        samples=(),
    )
    for run in (shallow, figure_runs.record()):
        records.write(run, tmp_path / "results" / "made")
    flags = ("--signals", "--causes", "--no-figures", "--by", "activation")
    text = reluprobe("report", "results", *flags).out
    assert "signals: networks of several depths are folded together" in text
    assert "causes of death: networks of several depths are folded together" in text


def test_bounds_that_were_asked_for_are_not_left_out_unsaid(reluprobe, tmp_path):
    records.write(figure_runs.record(bare=True), tmp_path / "results" / "made")
    text = " ".join(reluprobe("report", "results", "--bounds", "--no-figures").out.split())
    assert "bounds: no run that ended was looked at on the probe, the test and the" in text


def test_activations_that_are_not_there_are_said_not_to_be_beside_the_record():
    (said,) = reasons([figure_runs.record()], "activations").values()
    assert said.startswith("no run that ended has its activations beside its record")

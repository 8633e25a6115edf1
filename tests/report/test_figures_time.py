"""Figures over time and of single networks: what they draw is what the analysis says."""

from __future__ import annotations

import base64
import dataclasses
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

import figure_runs
from chart_rows import channels, draw, rows
from foreign_records import foreign_record
from reluprobe.analysis import aggregate, death_causes, learning_curves, survival_curves
from reluprobe.config import labels
from reluprobe.records import CausesRecord, PhaseRecord, SampleRecord, saved_activations
from reluprobe.report.figures import activation_maps, apart, causes, formats, unit_lives
from reluprobe.report.figures.context import Context

OVER_TIME = ["training", "definitions", "layers", "units", "survival", "causes", "histograms"]
STAR = [{}, {"l2": 0.1}, {"l2": 0.2}, {"dropout": 0.1}, {"learning_rate": 0.1}]
SOME = [{"activation": "relu"}, {"activation": "elu"}]


def archive(records, folder="."):
    return figure_runs.archive(records, folder)


def made(*settings, seeds=1, dead=0.5):
    return [figure_runs.record(dead, seed=s, **one) for one in settings for s in range(seeds)]


def percent(share):
    return pytest.approx(100 * share, rel=1e-4, abs=1e-9)


def with_layers(run, change):
    """The run with each layer of its history changed."""
    history = [
        dataclasses.replace(epoch, layers=tuple(map(change, epoch.layers))) for epoch in run.history
    ]
    return dataclasses.replace(run, history=tuple(history))


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


# Configurations apart


def test_of_one_change_at_a_time_each_has_a_panel_before_the_common_configuration():
    records = made(*STAR)
    records[0] = figure_runs.record(0.25)
    drawn = draw(archive(records), "definitions")
    panels = list(dict.fromkeys(row["panel"] for row in rows(drawn, "panel")))
    assert panels == ["L2 0.1", "L2 0.2", "dropout 0.1", "lr 0.1"]
    for panel in panels:
        behind, own = (
            [r["mean"] for r in rows(drawn, panel=panel, line=line, when=4)]
            for line in ("the grey one", "this")
        )
        assert behind[0] == percent(aggregate.share(records[0].final.layers, "dead"))
        assert own[0] == percent(aggregate.share(records[1].final.layers, "dead"))
    assert "A panel for each change; grey and dashed: the configuration without it." in (
        drawn.caption
    )


def test_settings_that_are_of_some_configurations_alone_make_no_grid():
    mixed = [{"activation": "relu"}]
    mixed += [{"activation": "leaky_relu", "leaky_slope": s} for s in (0.1, 0.2, 0.3)]
    mixed += [{"activation": "elu", "elu_alpha": a} for a in (0.5, 1.5)]
    drawn = draw(archive(made(*mixed)), "definitions")
    assert len({row["panel"] for row in rows(drawn, "panel")}) == len(mixed)
    assert "grey and dashed: relu" in drawn.caption


def test_an_axis_of_more_values_than_there_are_colours_is_not_folded_away():
    records = made(*({"l2": n / 100} for n in range(8)))
    drawn = draw(archive(records), "training")
    assert len({row["panel"] for row in rows(drawn, "panel")}) == 8
    forty = made(*({"l2": n / 100} for n in range(40)))
    drawn = draw(archive(forty), "training")
    assert len({row["panel"] for row in rows(drawn, "panel")}) == 30
    assert "Of 40 configurations the 15 with the fewest dead" in drawn.caption


def test_a_leading_axis_is_no_part_of_a_mean():
    rates = [{"learning_rate": n / 100} for n in range(1, 9)]
    apart_ones = [
        {**rate, "optimizer": name} for name in ("sgd", "momentum") for rate in rates
    ]  # fmt: skip
    drawn = draw(archive(made(*apart_ones)), "definitions")
    assert len({row["panel"] for row in rows(drawn, "panel")}) == len(apart_ones)


def test_a_setting_without_effect_has_a_value_of_its_own_among_the_panels():
    mixed = [{"activation": "relu"}, {"activation": "leaky_relu", "leaky_slope": 0.1}]
    context = Context(archive(made(*mixed)))
    assert context.domain("leaky_slope") == ["0.1", "–"]
    assert {entry.fields[labels.field("leaky_slope")] for entry in context.entries} == {"0.1", "–"}


def test_a_whole_grid_is_no_configuration_apart():
    context = Context(archive(figure_runs.sweep()))
    assert apart.apart(context, context.roles()) is None


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


# Layers


def test_layers_of_a_few_configurations_are_curves_and_those_without_dead_are_counted():
    records = figure_runs.sweep()
    drawn = draw(archive(records), "layers")
    assert {row["panel"] for row in rows(drawn, "panel")} == {"relu · lr 1e-3", "relu · lr 0.1"}
    assert "2 configurations without a dead unit are left out." in drawn.caption
    slow = [r for r in records if r.settings["learning_rate"] == 1e-3][:3]
    curve = learning_curves.by_layer(slow, "dead")["L2"]
    lines = rows(drawn, layer="L2", panel="relu · lr 1e-3")
    assert [row["mean"] for row in lines] == [percent(value.mean) for value in curve.values]


def test_layers_of_many_configurations_are_a_map_of_their_ends():
    records = made(*({"l2": n / 100} for n in range(8)), seeds=2)
    drawn = draw(archive(records), "layers")
    cells = rows(drawn, "value")
    assert len(cells) == 8 * figure_runs.DEPTH
    for cell in cells:
        mean = learning_curves.by_layer(records[:2], "dead")[cell["layer"]].last.mean
        assert cell["value"] == percent(mean)


# Lives


@settings(max_examples=60)
@given(
    arrays.arrays(
        np.int64, st.tuples(st.integers(1, 12), st.integers(1, 7)), elements=st.integers(0, 4)
    )
)
def test_rectangles_paint_the_states_and_none_lies_on_another(states):
    painted = np.zeros_like(states)
    for start, stop, first, last, state in unit_lives.blocks(states):
        assert start < stop and first < last and state
        assert (painted[first:last, start:stop] == 0).all()
        painted[first:last, start:stop] = state
    np.testing.assert_array_equal(painted, states)


def test_neighbours_that_live_alike_are_one_rectangle():
    states = np.array([[1, 1, 1]] * 5 + [[0, 1, 1]] * 3 + [[0, 0, 0]] * 4)
    assert sorted(unit_lives.blocks(states)) == [(0, 3, 0, 5, 1), (1, 3, 5, 8, 1)]


def test_the_lives_drawn_are_those_of_the_first_run():
    records = made({}, seeds=2)
    drawn = draw(archive(records), "units")
    first = records[0]
    assert {row["record"] for row in rows(drawn, "state")} == {f"runs/{first.id}.json"}
    for probe in range(figure_runs.EPOCHS + 1):
        here = [r for r in rows(drawn, state="dead") if r["from"] <= probe < r["to"]]
        height = sum(row["bottom"] - row["top"] for row in here)
        share = aggregate.share(first.timeline()[probe][1], "dead")
        assert height == pytest.approx(share, abs=1e-4)
    assert rows(drawn, state="alive again")
    (legend,) = {tuple(how["scale"]["domain"]) for how in channels(drawn, "color")}
    assert legend == ("alive", "dead", "alive again")


def test_survival_is_as_it_is_computed():
    records = made({}, seeds=3)
    drawn = draw(archive(records), "survival")
    alive = survival_curves.not_yet_dead(records)
    dead = survival_curves.still_dead(records)
    expected = [
        (when, percent(value.mean))
        for curve in (alive, dead)
        for when, value in zip(curve.when, curve.values, strict=True)
    ]
    assert [(row["when"], row["mean"]) for row in rows(drawn, "mean")] == expected


# Causes


def test_causes_are_stacked_to_the_whole_fall():
    records = made({}, seeds=2)
    drawn = draw(archive(records), "causes")
    blame = death_causes.blame(records)
    for name, layer in zip(("L1", "L2", "all"), blame, strict=True):
        bars = rows(drawn, layer=name)
        shares = [getattr(layer, part).mean for part in causes.PARTS]
        assert [bar["share"] for bar in bars] == [percent(share) for share in shares]
        starts = (0, shares[0], shares[0] + shares[1])
        assert [bar["from"] for bar in bars] == [percent(start) for start in starts]
        assert bars[-1]["to"] == pytest.approx(100)
        assert layer.deaths is not None
        assert bars[0]["deaths"] == f"{layer.deaths.mean:,.0f}"
    assert not any(row["cut"] for row in rows(drawn, "cut"))


def test_bars_that_are_cut_say_how_far_they_reach():
    # Of a fall of 1 the weights did 4, and the layers upstream held 3 of it up.
    opposed = CausesRecord(-4.0, 0.0, 3.0)

    def change(layer):
        return layer if layer.causes is None else dataclasses.replace(layer, causes=opposed)

    drawn = draw(archive([with_layers(figure_runs.record(0.5), change)]), "causes")
    cuts = {(row["part"], row["to"], row["cut"]) for row in rows(drawn, "cut") if row["cut"]}
    ends = {(to, cut) for _, to, cut in cuts}
    assert ends == {(250, "400% ›"), (-250, "‹ 300%")}
    assert "cut at ±250%" in drawn.caption


# Signals


def test_a_histogram_is_the_shares_of_what_came_out():
    drawn = draw(archive(made({})), "histograms")
    outputs = figure_runs.HISTOGRAM
    shares = np.array(outputs.counts) / sum(outputs.counts)
    panels = {row["panel"] for row in rows(drawn, "share")}
    assert {panel.split(" · ")[0] for panel in panels} == {"L1", "L2"}
    for panel in panels:
        bins = rows(drawn, panel=panel)
        assert [row["share"] for row in bins[:-1]] == pytest.approx(shares.tolist(), rel=1e-4)
        assert bins[0]["low"] == outputs.low and bins[-1]["low"] == outputs.high
        assert f"σ {outputs.variance**0.5:.2g}" in panel
        assert f"0: {100 * outputs.zeros:.0f}%" in panel


# Activations


@pytest.fixture
def kept(tmp_path):
    """A folder in which the first run kept its activations, and its outputs."""
    run = figure_runs.sweep()[0]
    rng, dead = np.random.default_rng(0), figure_runs.masks(0.4)[-1]
    outputs = rng.random((2, figure_runs.WIDTH, 20)) * ~dead[..., None]
    saved_activations.write(list(outputs), tmp_path, run.id)
    return tmp_path, outputs


def pixels(url):
    head, text = url.split(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("L"), float)


def test_a_picture_has_a_dot_a_unit_and_image_dead_units_last_and_beside_a_strip(kept):
    folder, outputs = kept
    drawn = draw(archive(figure_runs.sweep(), folder), "activations")
    first, second = rows(drawn, "picture")
    for row, layer in zip((first, second), outputs, strict=True):
        dots = pixels(row["picture"])
        assert dots.shape == layer.shape
        # From the bottom up: what gives out 0 on every image is as light as can be.
        silent = (layer == 0).all(axis=1).sum()
        assert (dots[-silent:] == dots.max()).all() and (dots[:-silent] < dots.max()).any(1).all()
        assert row["from"] == pytest.approx(1 - silent / len(layer), abs=1e-4)


def test_the_picture_is_darker_the_stronger_an_output_is_and_of_few_colours():
    outputs = np.linspace(0, 1, 1024).reshape(32, 32)
    dots = pixels(activation_maps.picture(outputs)).ravel()
    assert (np.diff(dots) <= 0).all() and dots[0] > dots[-1]
    assert len(set(dots.tolist())) == activation_maps.SHADES


def test_pictures_are_in_every_format_and_nothing_is_fetched(kept):
    folder, _ = kept
    drawn = draw(archive(figure_runs.sweep(), folder), "activations")
    svg = formats.render(drawn.spec, "svg").decode()
    for row in rows(drawn, "picture"):
        assert row["picture"] in svg
    image = Image.open(io.BytesIO(formats.render(drawn.spec, "png"))).convert("RGB")
    dark = np.asarray(image, int)
    assert (np.abs(dark - activation_maps.DARK).sum(axis=2) < 30).any()
    assert b"/Image" in formats.render(drawn.spec, "pdf")


def test_a_damaged_file_of_activations_is_said_and_spoils_no_others(kept):
    folder, _ = kept
    first, second = figure_runs.sweep()[:2]
    whole = saved_activations.file_of(folder, first.id)
    saved_activations.file_of(folder, second.id).write_bytes(whole.read_bytes())
    whole.write_bytes(b"garbage")
    alone = draw(archive([first], folder), "activations")
    assert str(whole) in str(alone.skipped) and alone.left_out == (alone.skipped,)
    both = draw(archive([first, second], folder), "activations")
    assert both.figure is not None
    assert [str(whole) in line for line in both.left_out] == [True]

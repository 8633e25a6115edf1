"""Figures of a grid's axes: what they draw is what the analysis says, and nothing else."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import figure_runs
import grid_runs
import paired_runs
import study_runs
from chart_rows import channels, draw, each, has, percent, rows
from figure_runs import archive, made
from foreign_records import foreign_record
from reluprobe.analysis import aggregate, claim_measures, claims, effects, replication, splits
from reluprobe.analysis.estimates import SHARE, Estimate
from reluprobe.config import labels, load_reference
from reluprobe.report import figures
from reluprobe.report.figures import Choices, by_grid, context, formats, quality, style
from reluprobe.report.figures.context import LackingError
from reluprobe.report.quality_terms import OF_CLASSES, OF_REGRESSION

STAR = [{}, {"l2": 0.1}, {"l2": 0.2}, {"dropout": 0.1}, {"learning_rate": 0.1}]


@pytest.fixture(scope="module")
def quickstart():
    return archive(grid_runs.quickstart())


# Effects


def test_effects_are_drawn_as_they_are_computed(quickstart):
    drawn = draw(quickstart, "effects")
    for effect in effects.effects(quickstart.records).effects:
        field, value = labels.field(effect.axis), labels.setting(effect.value)
        dead, right = rows(drawn, **{field: value})
        assert dead["mean"] == percent(effect.dead.mean)
        assert right["mean"] == percent(effect.accuracy.mean)
        assert [dead["low"], dead["high"]] == [percent(effect.dead.low), percent(effect.dead.high)]
        assert dead["runs"] == effect.runs and dead["blocks"] == effect.blocks


def test_effects_are_of_every_axis_though_configurations_are_told_apart_by_one(quickstart):
    drawn = draw(quickstart, "effects", by=["activation"])
    axes = {effect.axis for effect in effects.effects(quickstart.records).effects}
    assert len(axes) > 1 and all(rows(drawn, axis) for axis in axes)


def test_beside_each_setting_stands_what_it_explains_and_a_rule_at_the_mean_of_all(quickstart):
    drawn = draw(quickstart, "effects")
    shares = {part.axes: part.share for part in effects.effects(quickstart.records).dead}
    heads = {row["setting"] for row in rows(drawn, activation="relu")}
    assert f"activation: {100 * shares['activation',]:.0f}% of the variance" in heads
    means = np.mean([run.final.layers[0].dead for run in quickstart.records])
    assert percent(means) in [x["datum"] for x in channels(drawn, "x") if "datum" in x]


def test_of_one_change_at_a_time_the_rule_stands_at_what_was_changed():
    runs = made(*STAR)
    runs[0] = figure_runs.record(0.25)
    drawn = draw(archive(runs), "effects")
    assert percent(0.25) in [x["datum"] for x in channels(drawn, "x") if "datum" in x]
    assert "the common configuration" in drawn.caption


def test_values_that_no_block_has_all_of_are_hollow():
    apart = [{"optimizer": "sgd", "learning_rate": 0.1}, {"optimizer": "sgd", "learning_rate": 0.2}]
    apart += [{"learning_rate": 1e-3}, {"learning_rate": 0.1}]
    drawn = draw(archive(made(*apart, seeds=2)), "effects")
    assert {row["blocks"] for row in rows(drawn, learning_rate="1e-3")} == {0}
    assert "Hollow" in drawn.caption


def test_nothing_that_varies_has_no_effects():
    assert "nothing varies" in draw(archive(made({}, seeds=3)), "effects").skipped


# Interaction


def test_lines_of_an_interaction_go_through_the_means(quickstart):
    drawn = draw(quickstart, "interaction")
    by = ["activation", "learning_rate", "depth"]
    for row in aggregate.summarize(quickstart.records, "dead", by):
        written = {labels.field(n): labels.setting(v) for n, v in row.settings.items()}
        dead, wrong = rows(drawn, **written)
        assert dead["mean"] == percent(row.mean.mean)
        assert wrong["mean"] == percent(1 - row.accuracy.mean)
    assert "All of init are folded together." in drawn.caption


def test_settings_that_were_not_varied_together_have_no_interaction():
    assert "changed alone" in draw(archive(made(*STAR)), "interaction").skipped
    rates = {"sgd": (0.1, 0.2, 0.5), "adam": (1e-3, 1e-2, 0.1)}
    apart = [{"optimizer": o, "learning_rate": r} for o, some in rates.items() for r in some]
    assert "varied together" in draw(archive(made(*apart)), "interaction").skipped


# Rates


def test_rates_have_a_line_for_each_activation_on_the_probe_and_the_training_set():
    runs = figure_runs.sweep()
    drawn = draw(archive(runs), "learning_rate")
    for row in aggregate.summarize(runs, "dead"):
        activation, rate = row.settings["activation"], row.settings["learning_rate"]
        on_probe, on_train, wrong = rows(drawn, "mean", activation=activation, rate=rate)
        whole = splits.by_split(row.members, "dead").shares["train"]
        assert on_probe["mean"] == percent(row.mean.mean)
        assert on_train["mean"] == percent(whole.mean)
        assert wrong["mean"] == percent(1 - row.accuracy.mean)
        assert wrong["low"] <= wrong["mean"] <= wrong["high"]


def test_the_line_of_a_claim_is_named_and_stands_where_it_was_claimed_of():
    runs = figure_runs.sweep()
    assert has(draw(archive(runs), "learning_rate"), "40%: CS231n")
    few = [figure_runs.record(0.1, learning_rate=rate) for rate in (1e-3, 1e-2)]
    others = [figure_runs.record(0.9, activation="elu", learning_rate=r) for r in (1e-3, 1e-2)]
    foreign = [
        foreign_record([["#.", "."], ["##", "#"]], settings={"lr": rate}) for rate in (1e-3, 1e-2)
    ]
    for runs in (few, others, foreign):
        drawn = draw(archive(runs), "learning_rate")
        assert drawn.figure is not None and not has(drawn, "CS231n")
        assert "CS231n" not in drawn.caption


def test_a_rate_beside_which_something_else_differs_makes_no_line():
    apart = made({"optimizer": "sgd", "learning_rate": 0.1}, {"learning_rate": 1e-3})
    assert "all else the same" in draw(archive(apart), "learning_rate").skipped


def test_the_line_of_one_change_at_a_time_is_of_the_common_configuration_alone():
    changes = [{f"{name}": 0.1} for name in ("l2", "dropout", "weight_decay", "adam_epsilon")]
    changes += [{"init": "he_normal"}, {"clip_norm": 1.0}, {"momentum": 0.5, "optimizer": "sgd"}]
    runs = [figure_runs.record(0.25), figure_runs.record(0.5, learning_rate=0.1)]
    runs += [figure_runs.record(0.9, **change) for change in changes]
    drawn = draw(archive(runs), "learning_rate")
    dead = [row for row in rows(drawn, "rate") if row["mean"] == row["high"]][:2]
    assert {row["mean"] for row in dead} == {25.0, 50.0}


def test_rates_at_which_runs_diverged_are_marked():
    lost = figure_runs.record(status="diverged", learning_rate=0.1, seed=1)
    drawn = draw(archive([*made({"learning_rate": 1e-3}, {"learning_rate": 0.1}), lost]),
                 "learning_rate")  # fmt: skip
    assert {row["rate"] for row in rows(drawn, diverged=1)} == {0.1}
    assert "×" in list(each(drawn.spec, "text")) and "×" in drawn.caption


@pytest.mark.parametrize(
    ("rates", "ticks"),
    [([1e-3, 5e-3], [1e-3, 5e-3]), ([1e-4 * 2**n for n in range(11)], [1e-4, 1e-3, 1e-2, 1e-1])],
)
def test_a_few_rates_are_the_ticks_and_of_many_the_powers_of_ten(rates, ticks):
    runs = [figure_runs.record(0.5, learning_rate=rate) for rate in rates]
    drawn = draw(archive(runs), "learning_rate")
    axis = next(x["axis"] for x in channels(drawn, "x") if x.get("field") == "rate")
    assert axis["values"] == pytest.approx(ticks)


# Heat map


def test_the_heat_map_has_a_cell_for_each_pair_and_none_where_nothing_ran():
    runs = figure_runs.sweep()
    holed = [r for r in runs if (r.config.activation, r.config.learning_rate) != ("elu", 0.1)]
    choices = Choices(grid=("activation", "learning_rate"))
    drawn = draw(archive(holed), "heatmap", choices=choices)
    dead, wrong = drawn.spec["datasets"].values()
    pivot = aggregate.pivot(holed, "activation", "learning_rate")
    assert len(dead) == len(wrong) == len(pivot.cells) == 3
    for (down, across), cell in pivot.cells.items():
        written = {"activation": down, "learning_rate": labels.setting(across)}
        shares = [row["value"] for row in rows(drawn, **written)]
        assert shares == [percent(cell.mean.mean), percent(1 - cell.accuracy.mean)]


def test_dark_is_bad_on_both_maps(quickstart):
    drawn = draw(quickstart, "heatmap")
    colours = [c["scale"] for c in channels(drawn, "color") if c.get("field") == "value"]
    assert [scale["range"] for scale in colours] == [list(style.SEQUENCE)] * 2
    assert all(scale["domain"][0] < scale["domain"][1] for scale in colours)
    luminance = [sum(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in style.SEQUENCE]
    assert luminance == sorted(luminance, reverse=True)


def test_the_heat_map_is_of_what_was_varied_together():
    def chosen(*settings):
        return by_grid.chosen(context.Context(archive(made(*settings))))

    pairs = [{"l2": a, "dropout": b} for a in (0.0, 0.1) for b in (0.0, 0.1, 0.2)]
    assert chosen(*pairs) == ("l2", "dropout")
    with pytest.raises(LackingError, match="no two settings were varied together"):
        chosen(*STAR[:4])
    asked = draw(archive(made(*pairs)), "heatmap", choices=Choices(grid=("dropout", "l2")))
    assert channels(asked, "y")[0]["field"] == labels.field("dropout")


# Finished networks


def test_the_scatter_has_a_point_for_every_finished_run(quickstart):
    lost = figure_runs.record(status="diverged")
    drawn = draw(archive([*quickstart.records, lost]), "accuracy")
    by_run = {row["run"]: row for row in rows(drawn, "run")}
    assert by_run.keys() == {run.id for run in quickstart.records}
    for run in quickstart.records:
        row = by_run[run.id]
        assert row["dead"] == percent(run.final.layers[0].dead)
        assert row["accuracy"] == percent(run.final.test_accuracy)
        assert row["drawn"] == percent(1 - run.final.test_accuracy)
        assert row["record"] == f"runs/{run.id}.json"
    encodings = next(e for e in each(drawn.spec, "encoding") if "shape" in e)
    assert [encodings[k]["field"] for k in ("color", "shape")] == [
        *map(labels.field, ("activation", "learning_rate"))
    ]


def ranked(drawn):
    """The rows of the ranking, from above."""
    return next(y["scale"]["domain"] for y in channels(drawn, "y") if "scale" in y)


def test_configurations_are_ranked_and_of_as_many_dead_the_more_accurate_is_first():
    shares = [(0.5, 0.9), (0.25, 0.9), (0.25, 0.95), (0.75, 0.9)]
    runs = [figure_runs.record(d, accuracy=a, l2=n / 10) for n, (d, a) in enumerate(shares)]
    drawn = draw(archive(runs), "outcome")
    assert ranked(drawn) == ["L2 0.2", "L2 0.1", "L2 0", "L2 0.3"]


def test_configurations_without_a_dead_unit_share_a_row_with_their_accuracies(quickstart):
    drawn = draw(quickstart, "outcome")
    none = [r for r in quickstart.records if r.final.layers[0].dead == 0]
    first, *others = ranked(drawn)
    assert first == f"{len(none)} without a dead unit" and len(others) == 36 - len(none)
    dead, wrong = (
        [r["value"] for r in some] for some in _halves(rows(drawn, "which", label=first))
    )
    assert set(dead) == {0} and len(wrong) == len(none)
    errors = [100 * (1 - run.final.test_accuracy) for run in none]
    assert sorted(wrong) == pytest.approx(sorted(errors), rel=1e-3)


def _halves(some):
    return some[: len(some) // 2], some[len(some) // 2 :]


def test_of_more_configurations_than_fit_those_at_the_ends_are_shown():
    shares = np.random.default_rng(0).permutation(np.linspace(0.02, 0.98, 48)).tolist()
    runs = [paired_runs.record(dead=d, l2=n / 1000) for n, d in enumerate(shares)]
    drawn = draw(archive(runs), "outcome")
    shown = [row["mean"] for row in rows(drawn, "mean") if row["mean"] != pytest.approx(10)]
    assert len(ranked(drawn)) == context.MOST_ROWS == len(shown)
    assert (min(shown), max(shown)) == (2.0, 98.0)
    middle = [100 * d for d in sorted(shares)[15:-15]]
    assert not any(low == pytest.approx(share) for low in middle for share in shown)
    assert "Of 48 configurations" in drawn.caption


def test_the_samples_of_each_configuration_are_its_shares_by_split():
    runs = [r for r in figure_runs.sweep() if r.config.activation == "relu"]
    drawn = draw(archive(runs), "samples")
    for row in aggregate.summarize(runs, "dead"):
        shares = splits.by_split(row.members, "dead").shares
        rate = labels.setting(row.settings["learning_rate"])
        by_name = {r["sample"]: r["mean"] for r in rows(drawn, "sample", learning_rate=rate)}
        assert by_name == {
            "probe (1,000)": percent(shares["probe"].mean),
            "test (200)": percent(shares["test"].mean),
            "train (5,000)": percent(shares["train"].mean),
        }


def test_splits_of_several_sizes_are_named_from_the_smallest_to_the_largest():
    run, other = figure_runs.record(), figure_runs.record(dataset="blobs")
    double = tuple(dataclasses.replace(s, examples=2 * s.examples) for s in other.samples)
    drawn = draw(archive([run, dataclasses.replace(other, samples=double)]), "samples")
    assert rows(drawn, sample="probe (1,000 to 2,000)")


# All runs


@settings(max_examples=8, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=8, max_size=8))
def test_lines_meet_an_axis_at_their_values_spread_by_their_dead_units(shares):
    grid = itertools.product(("relu", "elu"), (0, 1, 2, 3))
    runs = [
        paired_runs.record(activation, seed, dead)
        for (activation, seed), dead in zip(grid, shares, strict=True)
    ]
    drawn = draw(archive(runs), "parallel")
    by_run = {row["run"]: row for row in rows(drawn, "at0")}
    assert len(by_run) == len(runs)
    for n, activation in enumerate(("relu", "elu")):
        own = [by_run[r.id] for r in runs if r.config.activation == activation]
        own.sort(key=lambda row: row["at0"])
        assert all(n / 2 < row["at0"] < (n + 1) / 2 for row in own)
        assert len({row["at0"] for row in own}) == len(own)
        assert [row["dead"] for row in own] == sorted(row["dead"] for row in own)
        assert [row["at1"] for row in own] == pytest.approx(
            [row["dead"] / 100 for row in own], abs=1e-3
        )


def test_a_thousand_runs_are_less_than_a_megabyte():
    grid = itertools.product((1e-3, 1e-2), ("relu", "elu"), (0.0, 0.1, 0.2, 0.3, 0.4), range(50))
    runs = [
        paired_runs.record(f, s, dead=(s % 50) / 50, learning_rate=rate, l2=l2)
        for rate, f, l2, s in grid
    ]
    drawn = draw(archive(runs), "parallel")
    assert len(rows(drawn, "at0")) == 1000
    assert len(formats.render(drawn.spec, "svg", "parallel")) < 1_000_000


# Literature


def studied():
    return [figure_runs.record(d, seed=s) for s, d in enumerate((0.3, 0.4, 0.5))]


def test_published_values_stand_beside_the_interval_of_a_new_seed():
    drawn = draw(archive(studied(), reference="mnist_study"), "published")
    compared = replication.compare(studied(), load_reference("mnist_study"))
    for row, charted in zip(compared.rows, rows(drawn, "ours"), strict=True):
        assert charted["published"] == percent(row.published)
        assert charted["ours"] == percent(row.ours.mean)
        assert [charted["low"], charted["high"]] == [percent(row.ours.low), percent(row.ours.high)]
    inside = sum(row.inside is True for row in compared.rows)
    assert f"{inside} of {len(compared.rows)}" in drawn.caption


def test_a_published_range_is_a_pale_bar_between_its_ends():
    runs = [
        figure_runs.record(d, seed=s, learning_rate=0.1) for s, d in enumerate((0.8, 0.9, 0.95))
    ]
    drawn = draw(archive(runs, reference="tutorial"), "published")
    (first, *_, accuracy) = rows(drawn, "published_to")
    assert first["panel"] == f"lr 0.1, epoch {figure_runs.EPOCHS}"
    assert (first["published"], first["published_to"]) == (94, 97)
    assert (accuracy["published"], accuracy["published_to"]) == (10.6, 38)
    assert "published_to" in {
        x2.get("field", "").removesuffix(":Q") for x2 in channels(drawn, "x2")
    }
    assert "Pale: a range" in drawn.caption
    study = draw(archive(studied(), reference="mnist_study"), "published")
    assert len(channels(study, "x2")) == 1 and "Pale" not in study.caption


def test_published_values_of_many_runs_have_room_in_several_rows(tmp_path):
    rates = [0.1, 0.2, 0.3, 0.4, 0.5]
    epochs = [{"epoch": 1, "layers": [10.0]}]
    written = study_runs.broken(runs={f"lr={rate}": epochs for rate in rates})
    (tmp_path / "mine.json").write_text(written)
    runs = [figure_runs.record(seed=s, learning_rate=rate) for s in (0, 1) for rate in rates]
    drawn = draw(archive(runs, reference=str(tmp_path / "mine.json")), "published")
    assert drawn.spec["columns"] == 4


@pytest.mark.parametrize("width", style.WIDTHS)
def test_claims_have_their_range_their_interval_and_their_verdict_in_words(width):
    drawn = draw(
        archive(studied(), reference="mnist_study"), "claims", choices=Choices(width=width)
    )
    judged = claims.judge_all(replication.compare(studied(), load_reference("mnist_study")))
    known = [j for j in judged if j.estimate is not None]
    # Shares first, then differences, which have an axis of their own.
    known.sort(key=lambda j: claim_measures.limits(j.claim) != SHARE)
    for one, row in zip(known, rows(drawn, "claim"), strict=True):
        assert row["verdict"] == one.verdict.value
        assert one.claim.text in row["claim"]
        assert row["mean"] == percent(one.estimate.mean)
        if (
            claim_measures.limits(one.claim) == SHARE
            and one.low >= 0
            and one.high <= 1
            and one.high > one.low + 0.01
        ):
            assert [row["start"], row["stop"]] == [percent(one.low), percent(one.high)]
    assert {"verdict:N", "verdict"} & {t.get("field") for t in channels(drawn, "text")}


# Axes of accuracy, and widths


@given(
    st.sampled_from([(OF_CLASSES, 0.0), (OF_REGRESSION, -50.0)]).flatmap(
        lambda kind: st.tuples(
            st.just(kind[0]), st.lists(st.floats(kind[1], 1), min_size=1, max_size=9)
        )
    )
)
def test_an_error_rises_as_a_measure_falls_and_everything_lies_on_its_axis(measured):
    terms, values = measured
    shown = quality.quality(terms, [Estimate(value, None, 1) for value in values])
    assert shown.by_error == (max(values) > quality.ACCURATE)
    titles = {
        OF_CLASSES: ("test accuracy %", "test error %"),
        OF_REGRESSION: ("test R²", "1 − test R²"),
    }
    assert shown.title == titles[terms][shown.by_error]
    placed = [shown.of(value) for value in sorted(values)]
    assert placed == sorted(placed, reverse=shown.by_error)
    low, high = shown.channel("mean").to_dict()["scale"]["domain"]
    assert all(low <= place <= high for place in placed)
    if shown.by_error:
        assert low > 0 and high / low >= quality.SPAN * (1 - 1e-9)


@given(st.floats(0.5, 1), st.floats(0, 0.5), st.floats(0, 0.5))
def test_intervals_keep_their_order_where_errors_are_drawn(mean, below, above):
    low, high = max(0.0, mean - below), min(1.0, mean + above)
    value = Estimate(mean, 0.1, 5, low, high)
    row = quality.quality(OF_CLASSES, [value]).span(value)
    assert row["low"] <= row["mean"] <= row["high"]


WIDE = ("effects", "interaction", "learning_rate", "heatmap", "accuracy", "outcome", "samples",
        "parallel")  # fmt: skip


@pytest.mark.parametrize(("width", "room"), style.WIDTHS.items())
def test_no_figure_is_wider_than_what_it_is_for(quickstart, width, room):
    choices = Choices(width=width)
    for drawn in figures.drawn(quickstart, choices=choices, only=WIDE):
        if drawn.figure is not None:
            svg = formats.drawing(drawn.spec)()
            wide = float(svg.split('width="', 1)[1].split('"', 1)[0])
            assert wide <= 1.06 * room, drawn.name


def test_axes_have_the_roles_that_are_asked_for(quickstart):
    choices = Choices(facet=("init", "activation"), colour=("depth",))
    drawn = draw(quickstart, "learning_rate", choices=choices)
    facet = next(how for how in channels(drawn, "facet") if "row" in how)
    panels = (facet["column"]["field"], facet["row"]["field"])
    assert panels == tuple(map(labels.field, ("init", "activation")))
    colours = {c["field"] for c in channels(drawn, "color") if "field" in c}
    assert colours == {labels.field("depth")}

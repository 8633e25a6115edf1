"""Configurations that make no grid: a panel each, before what they have in common."""

from __future__ import annotations

from dataclasses import replace

import figure_runs
from chart_rows import draw, percent, rows
from figure_runs import archive, made
from reluprobe.analysis import aggregate
from reluprobe.config import labels
from reluprobe.report import figures
from reluprobe.report.figures import apart
from reluprobe.report.figures.context import Context

STAR = [{}, {"l2": 0.1}, {"l2": 0.2}, {"dropout": 0.1}, {"learning_rate": 0.1}]


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


def without_losses(run):
    """A run of which no loss was kept."""
    return replace(run, history=tuple(replace(e, train_loss=None) for e in run.history))


def test_where_no_change_has_a_curve_the_common_configuration_has_the_only_panel():
    records = made(*STAR)
    records[1:] = [without_losses(run) for run in records[1:]]
    drawn = draw(archive(records), "training")
    assert "unchanged" in {row["panel"] for row in rows(drawn, "panel")}
    assert figures.render(drawn.spec, "svg").startswith(b"<svg")

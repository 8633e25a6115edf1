"""Every figure: what it draws is what the summary says, and what it lacks it says."""

import dataclasses

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.image import AxesImage

import figure_runs
from reluprobe.analysis import aggregate, replication, splits
from reluprobe.config import load_reference
from reluprobe.errors import InputError
from reluprobe.records import saved_activations
from reluprobe.report import figures, formatting
from reluprobe.report.figures import by_grid, context, panels, style
from reluprobe.report.figures.context import LackingError, wrapped

NAMES = [f.name for f in figures.FIGURES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of a sweep in which one run kept its activations."""
    path = tmp_path_factory.mktemp("swept")
    run = figure_runs.sweep()[0]
    rows = (
        np.random.default_rng(0).random((2, figure_runs.WIDTH, 20))
        * ~figure_runs.masks(0.4)[-1][..., None]
    )
    saved_activations.write(list(rows), path, run.id)
    return path


@pytest.fixture(scope="module")
def drawn(folder):
    """Every figure of a sweep that lacks nothing."""
    made = figure_runs.archive(figure_runs.sweep(), folder, "mnist_study")
    return {d.name: d for d in figures.drawn(made)}


def draw(name, records, **how):
    (drawn,) = figures.drawn(figure_runs.archive(records), only=[name], **how)
    return drawn


def lines(axes, colour):
    """The curves of this colour: those of more than one point."""
    return [
        line for line in axes.lines
        if to_hex(line.get_color()) == colour and len(line.get_xdata()) > 1
    ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_sweep_that_lacks_nothing_has_every_figure_with_its_words(drawn, name):
    figure = drawn[name]
    assert figure.skipped is None and figure.figure is not None
    assert figure.title and figure.caption.endswith(".")
    assert any(c.isdigit() for c in figure.alt)


LACKS = {
    "outcome": [figure_runs.record(status="failed")],
    "training": [figure_runs.record(epochs=0)],
    "learning_rate": [figure_runs.record(seed=s) for s in range(3)],
    "heatmap": [figure_runs.record(seed=s) for s in range(3)],
    "units": [figure_runs.record(0.0)],
    "survival": [figure_runs.record(0.0)],
    "causes": [figure_runs.record(bare=True)],
    "histograms": [figure_runs.record(bare=True)],
    "activations": [figure_runs.record()],
    "samples": [figure_runs.record(bare=True)],
    "accuracy": [figure_runs.record()],
    "published": [figure_runs.record()],
    "claims": [figure_runs.record()],
}


@pytest.mark.parametrize("name", LACKS)
def test_what_a_sweep_lacks_is_skipped_with_a_word(name):
    records = LACKS[name]
    if name == "training":
        records = [dataclasses.replace(r, history=r.history[:1]) for r in records]
    drawn = draw(name, records)
    assert drawn.figure is None
    assert drawn.skipped and not drawn.skipped.endswith(".")


@pytest.mark.parametrize("name", ["definitions", "layers"])
def test_one_probe_is_no_course(name):
    run = figure_runs.record()
    once = draw(name, [dataclasses.replace(run, history=run.history[:1])])
    assert once.figure is None and "probed twice" in once.skipped


def test_lines_go_through_the_means_of_the_runs():
    records = figure_runs.sweep()
    rows = aggregate.summarize(records, "dead")
    drawn = draw("definitions", records).figure
    dead, never = drawn.axes
    for row, look in zip(rows, style.LOOKS, strict=False):
        (line,) = lines(dead, look.colour)
        assert line.get_ydata()[-1] == pytest.approx(100 * row.mean.mean)
        by_epoch = [
            aggregate.estimate(
                aggregate.share(r.history[e].layers, "never_positive") for r in row.members
            )
            for e in range(figure_runs.EPOCHS + 1)
        ]
        (line,) = lines(never, look.colour)
        assert line.get_ydata() == pytest.approx([100 * e.mean for e in by_epoch])


def test_bands_are_the_intervals_and_stay_within_none_and_all():
    records = [figure_runs.record(0.5, seed=s) for s in (0, 4)]
    (row,) = aggregate.summarize(records, "dead")
    figure = draw("definitions", records).figure
    (band,) = figure.axes[0].collections
    at_end = [y for x, y in band.get_paths()[0].vertices if x == figure_runs.EPOCHS]
    low, high = (100 * (row.mean.mean + k * row.mean.half_width) for k in (-1, 1))
    assert min(at_end) == pytest.approx(max(0, low)) and max(at_end) == pytest.approx(
        min(100, high)
    )


def test_a_panel_a_configuration_where_lines_are_too_many():
    records = [figure_runs.record(0.5, width=16, l2=l2) for l2 in np.linspace(0, 0.1, 8).tolist()]
    drawn = draw("definitions", records)
    assert len(drawn.figure.axes) == len(records)
    assert [ax.get_title() for ax in drawn.figure.axes[:2]] == ["L2 0", "L2 0.01429"]
    dead, never = (line.get_ydata()[-1] for line in drawn.figure.axes[0].lines)
    last = records[0].final.layers
    assert dead == pytest.approx(100 * aggregate.share(last, "dead"))
    assert never == pytest.approx(100 * aggregate.share(last, "never_positive"))


def test_behind_every_panel_but_its_own_is_the_first_configuration():
    records = [figure_runs.record(0.5, accuracy=a, l2=a) for a in np.linspace(0.2, 0.9, 8).tolist()]
    drawn = draw("training", records)
    assert "Grey: the first of them, L2 0.2." in drawn.caption
    assert len(drawn.figure.axes) == 2 * len(records)
    own, *others = drawn.figure.axes[len(records) :]
    assert [line.get_ydata()[-1] for line in own.lines] == pytest.approx([20])
    for record, axes in zip(records[1:], others, strict=True):
        grey, line = axes.lines
        assert grey.get_color() == style.QUIET and grey.get_ydata()[-1] == pytest.approx(20)
        assert line.get_ydata()[-1] == pytest.approx(100 * record.final.test_accuracy)


def test_more_configurations_than_fit_are_thinned_and_it_is_said():
    records = [figure_runs.record(0.5, l2=l2) for l2 in np.linspace(0, 0.1, 40).tolist()]
    drawn = draw("outcome", records)
    assert len(drawn.figure.axes[0].get_yticks()) == 30
    assert "30 of 40 configurations are shown" in drawn.caption


def test_the_figures_heed_by_and_definition():
    records = figure_runs.sweep()
    drawn = draw("outcome", records, by=["activation"], definition="never_positive")
    labels = [t.get_text() for t in drawn.figure.axes[0].get_yticklabels()]
    assert sorted(labels) == ["elu", "relu"]
    assert "never positive" in drawn.caption


@pytest.mark.parametrize(
    ("rates", "ticks"),
    [([1e-3, 5e-3], [1e-3, 5e-3]), ([1e-4, 1e-3, 1.1e-3, 1e-1], None)],
)
def test_rates_that_lie_apart_are_the_ticks(rates, ticks):
    records = [figure_runs.record(0.5, learning_rate=rate) for rate in rates]
    axis = draw("learning_rate", records).figure.axes[0].xaxis
    shown = [t for t in axis.get_ticklocs() if rates[0] <= t <= rates[-1]]
    assert shown == (ticks or pytest.approx([1e-4, 1e-3, 1e-2, 1e-1]))


def test_rates_have_a_line_for_each_activation_and_a_mark_at_40(drawn):
    probe, train = drawn["learning_rate"].figure.axes
    relu = [r for r in figure_runs.sweep() if r.config.activation == "relu"]
    rows = aggregate.summarize(relu, "dead", ["learning_rate"])
    (line,) = lines(probe, style.LOOKS[0].colour)
    assert line.get_xdata().tolist() == [1e-3, 1e-1]
    assert line.get_ydata() == pytest.approx([100 * row.mean.mean for row in rows])
    (line,) = lines(train, style.LOOKS[0].colour)
    whole = [splits.by_split(row.members, "dead").shares["train"].mean for row in rows]
    assert line.get_ydata() == pytest.approx([100 * share for share in whole])
    assert any(set(line.get_ydata()) == {40} for line in probe.lines)


def test_a_rate_beside_which_something_else_differs_makes_no_line():
    apart = [
        figure_runs.record(optimizer="sgd", learning_rate=0.1),
        figure_runs.record(learning_rate=1e-3),
    ]
    assert "all else the same" in draw("learning_rate", apart).skipped


def test_rates_at_which_runs_diverged_are_marked():
    lost = figure_runs.record(status="diverged", learning_rate=0.1, seed=1)
    records = [figure_runs.record(learning_rate=r) for r in (1e-3, 0.1)] + [lost]
    drawn = draw("learning_rate", records)
    crosses = [line for line in drawn.figure.axes[0].lines if line.get_marker() == "x"]
    assert [line.get_xdata().tolist() for line in crosses] == [[0.1]]
    assert "diverged" in drawn.caption


def test_the_heat_map_has_a_cell_for_each_pair_and_grey_where_there_is_none():
    records = figure_runs.sweep()
    drawn = draw("heatmap", records).figure
    (image,) = drawn.axes[0].images
    pivot = aggregate.pivot(records, "activation", "learning_rate")
    expected = [[pivot.cells[r, c].mean.mean for c in pivot.columns] for r in pivot.rows]
    np.testing.assert_allclose(image.get_array(), expected)
    texts = {t.get_text() for t in drawn.axes[0].texts}
    assert texts == {formatting.percent(x) for row in expected for x in row}
    holed = [r for r in records if (r.config.activation, r.config.learning_rate) != ("elu", 0.1)]
    (image,) = draw("heatmap", holed).figure.axes[0].images
    assert image.get_array().mask.tolist() == [[False, False], [False, True]]


def test_the_heat_map_is_of_what_was_varied_together():
    def runs(*settings):
        return [figure_runs.record(**s) for s in settings]

    depths = [{"l2": a, "dropout": b} for a in (0.0, 0.1) for b in (0.0, 0.1, 0.2)]
    assert by_grid.chosen(runs(*depths)) == ("l2", "dropout")
    alone = [{}, {"l2": 0.1}, {"l2": 0.2}, {"dropout": 0.1}, {"dropout": 0.2}]
    with pytest.raises(LackingError, match="no two settings were varied together"):
        by_grid.chosen(runs(*alone))
    usual = [{"activation": a, "learning_rate": b} for a in ("relu", "elu") for b in (0.1, 0.2)]
    assert by_grid.chosen(runs(*usual, *[u | {"l2": 0.1} for u in usual])) == by_grid.USUAL


def test_a_life_is_a_row_and_the_revived_are_seen(drawn):
    first = drawn["units"].figure.axes[0]
    (image,) = [child for child in first.get_children() if isinstance(child, AxesImage)]
    states = image.get_array()
    assert states.shape == (2 * figure_runs.WIDTH, figure_runs.EPOCHS + 1)
    mask = figure_runs.masks(0.4).transpose(0, 1, 2).reshape(figure_runs.EPOCHS + 1, -1)
    assert (states == 1).sum(axis=0).tolist() == mask.sum(axis=1).tolist()
    assert (states[:, -1] == 2).sum() == 1


def test_causes_are_stacked_to_the_whole_fall(drawn):
    axes = drawn["causes"].figure.axes[0]
    by_row = {}
    for bar in axes.patches:
        by_row.setdefault(round(bar.get_y() + bar.get_height() / 2), []).append(bar.get_width())
    assert by_row == {row: pytest.approx([50, 12.5, 37.5]) for row in range(figure_runs.DEPTH + 1)}


def test_published_values_stand_beside_the_interval_of_a_new_seed():
    records = [
        figure_runs.record(d, depth=2, epochs=4, seed=s) for s, d in enumerate((0.3, 0.4, 0.5))
    ]
    (drawn,) = figures.drawn(
        figure_runs.archive(records, reference="mnist_study"), only=["published"]
    )
    compared = replication.compare(records, load_reference("mnist_study"))
    row = compared.rows[0]
    bar = next(line for line in drawn.figure.axes[0].lines if len(line.get_xdata()) == 2)
    assert bar.get_xdata() == pytest.approx([100 * row.ours.low, 100 * row.ours.high])
    inside = sum(r.inside is True for r in compared.rows)
    assert f"{inside} of {len(compared.rows)}" in drawn.caption


def test_dead_rows_of_activations_are_marked(drawn):
    first = drawn["activations"].figure.axes[0]
    share = figure_runs.masks(0.4)[-1][0].mean()
    (strip,) = [p for p in first.patches if to_hex(p.get_facecolor()) == style.DEAD]
    assert strip.get_height() == pytest.approx(share)
    (image,) = first.images
    rows = np.asarray(image.get_array())
    silent = (rows == 0).all(axis=1)
    assert silent.tolist() == [False] * int(silent.size - silent.sum()) + [True] * int(silent.sum())


def test_a_damaged_file_of_activations_is_said(folder):
    run = figure_runs.sweep()[0]
    file = saved_activations.file_of(folder / "damaged", run.id)
    file.parent.mkdir(parents=True)
    file.write_bytes(saved_activations.file_of(folder, run.id).read_bytes()[:100])
    made = figure_runs.archive([run], folder / "damaged")
    (drawn,) = figures.drawn(made, only=["activations"])
    assert str(file) in drawn.skipped and drawn.left_out == (drawn.skipped,)


def test_one_damaged_file_of_activations_spoils_no_others(folder):
    runs = figure_runs.sweep()[:2]
    whole = saved_activations.file_of(folder, runs[0].id).read_bytes()
    for run in runs:
        file = saved_activations.file_of(folder / "one", run.id)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(whole)
    damaged = saved_activations.file_of(folder / "one", runs[0].id)
    damaged.write_bytes(b"garbage")
    (drawn,) = figures.drawn(figure_runs.archive(runs, folder / "one"), only=["activations"])
    assert drawn.figure is not None
    (line,) = drawn.left_out
    assert str(damaged) in line


def test_names_that_are_none_are_refused_with_the_nearest():
    with pytest.raises(InputError) as refused:
        list(figures.drawn(figure_runs.archive([figure_runs.record()]), only=["unit"]))
    assert "did you mean 'units'?" in refused.value.faults[0]


def test_names_at_the_ends_of_lines_do_not_overlap():
    places = panels.spread([0.5, 0.5, 0.52, 0.1, 0.99, 1.0], 0.1)
    assert np.diff(np.sort(places)).min() >= 0.1 - 1e-9
    assert np.argsort(places, kind="stable").tolist() == [3, 0, 1, 2, 4, 5]
    assert max(places) <= 1 and min(places) >= 0
    assert panels.spread([0.2, 0.8], 0.1) == [0.2, 0.8]


def test_long_names_part_at_their_dots():
    assert wrapped("leaky_relu · lr 1e-3 · depth 2", 22) == "leaky_relu · lr 1e-3\ndepth 2"
    assert wrapped("revive definition dormant", 12) == "revive\ndefinition\ndormant"


def test_no_word_is_longer_than_its_line():
    assert context.wrapped("data /" + 30 * "x" + " · lr 1e-3", 12) == "\n".join(
        ["data /xxxxxx", 12 * "x", 12 * "x", "lr 1e-3"]
    )

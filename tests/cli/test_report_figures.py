"""``reluprobe report`` and its figures: where they go, and what is said of those that do not."""

import json
import re

import pytest

import figure_runs
from python_processes import imported_by
from reluprobe import records
from reluprobe.analysis import effects
from reluprobe.born import bounds, result
from reluprobe.config import make_born_dead


@pytest.fixture
def swept(tmp_path):
    """``results/made``: three runs of one network."""
    folder = tmp_path / "results" / "made"
    for seed in range(3):
        records.write(figure_runs.record(seed=seed), folder)
    return folder


@pytest.fixture
def born(tmp_path):
    """``results/born-dead``: one result, as if a quarter of the networks were dead."""
    config = make_born_dead({"depth": [2, 3], "width": [2], "networks": 100})
    cells = tuple(
        result.Cell(d, 2, 100, 25, 0.25, 0.2, 0.3, *bounds.known(config, d, 2)) for d in (2, 3)
    )
    return result.write(
        result.Result(result.result_id(config), config, {"jax": "0"}, cells), tmp_path / "results"
    )


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_report_leaves_figures_and_says_where_and_what_there_is_none_of(reluprobe, swept):
    output = reluprobe("report", "results", "--only", "training,units,heatmap")
    assert output.code == 0
    written = ["training.png", "training.svg", "units.png", "units.svg"]
    assert names(swept / "report") == written
    assert "wrote 2 figures (png, svg) into results/made/report: training, units" in output.out
    assert "drawing figures into results/made/report" in output.err
    assert "no figure heatmap: no two settings were varied together" in output.err
    # The tables are first, what to do next is last.
    assert (
        output.out.index("test accuracy") < output.out.index("wrote 2") < output.out.index("next:")
    )


def test_the_formats_and_the_folder_are_the_users(reluprobe, swept, tmp_path):
    reluprobe(
        "report", "results", "--only", "training", "--format", "pdf", "--out", "paper/figures"
    )
    assert names(tmp_path / "paper/figures") == ["training.pdf"]
    assert not (swept / "report").exists()


def test_a_figure_that_there_is_no_more_does_not_stay_from_an_earlier_report(reluprobe, swept):
    reluprobe("report", "results", "--only", "units", "--format", "svg")
    old, own = swept / "report" / "units.svg", swept / "report" / "notes.txt"
    own.write_text("mine")
    for file in (swept / "runs").iterdir():
        file.unlink()
    records.write(figure_runs.record(0.0), swept)
    output = reluprobe("report", "results", "--only", "units,training")
    assert "no figure units: no unit was ever dead" in output.err
    assert not old.exists() and own.exists()


def test_several_sweeps_have_a_folder_each(reluprobe, swept, tmp_path):
    records.write(figure_runs.record(seed=9), tmp_path / "results/other")
    records.write(figure_runs.record(seed=9), tmp_path / "elsewhere/made")
    paths = ["results/made", "results/other", "elsewhere/made"]
    reluprobe("report", *paths, "--only", "training", "--format", "svg", "--out", "all")
    assert names(tmp_path / "all") == ["elsewhere-made", "other", "results-made"]


def test_no_figures_and_json_draw_none(reluprobe, swept):
    assert "wrote" not in reluprobe("report", "results", "--no-figures").out
    output = reluprobe("report", "results", "--json")
    assert json.loads(output.out)["sweeps"][0]["runs"] == 3
    assert output.err == "" and not (swept / "report").exists()


@pytest.mark.parametrize("asked", [[], ["--figures"], ["--format", "svg"]])
def test_where_figures_cannot_be_written_the_tables_are_shown_all_the_same(reluprobe, swept, asked):
    (swept / "report").write_text("a file where the folder would be")
    output = reluprobe("report", "results", *asked)
    assert output.code == 1
    assert "test accuracy" in output.out and "next:" in output.out
    assert "no figures: cannot write results/made/report/" in output.err
    assert "--out DIR puts them elsewhere, --no-figures draws none" in output.err
    assert reluprobe("report", "results", "--no-figures").code == 0


def test_a_part_of_a_sweep_does_not_overwrite_the_figures_of_the_whole(reluprobe, swept):
    file = str(next((swept / "runs").iterdir()))
    output = reluprobe("report", file)
    assert output.code == 0 and not (swept / "report").exists()
    assert "no figures of single files: --out DIR has them drawn there" in output.err
    assert reluprobe("report", file, "--figures").code == 2
    assert reluprobe("report", file, "--only", "training", "--out", "one").code == 0


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--only", "unit"], "did you mean 'units'?"),
        (["--format", "jpg"], "allowed are png, svg, pdf"),
        (["--heatmap", "activation"], "allowed are two settings"),
        (["--heatmap", "activation,dept"], "did you mean 'depth'?"),
        (["--no-figures", "--format", "svg"], "--no-figures stands beside"),
        (["--width", "colum"], "did you mean 'column'?"),
        (["--facet", "depth,width,l2"], "allowed is one setting or two"),
        (["--colour", "depth,width"], "allowed is one setting"),
        (["--colour", "dept"], "did you mean 'depth'?"),
        (["--color", "depth", "--facet", "depth"], "both name depth"),
        (["--no-figures", "--width", "column"], "--no-figures stands beside"),
    ],
)
def test_what_is_no_figure_is_refused_before_anything_is_shown(reluprobe, swept, args, words):
    output = reluprobe("report", "results", *args)
    assert output.code == 2 and output.out == ""
    assert words in output.err


@pytest.mark.parametrize("more", [(), ("--full",), ("--facet", "activation")])
def test_what_settings_do_is_worked_out_once_a_report(reluprobe, tmp_path, monkeypatch, more):
    for record in figure_runs.sweep(seeds=2):
        records.write(record, tmp_path / "results" / "made")
    counted = []

    def counting(records, definition):
        counted.append(definition)
        return computed(records, definition)

    computed = effects.effects
    monkeypatch.setattr(effects, "effects", counting)
    output = reluprobe("report", "results", "--format", "svg", *more)
    assert output.code == 0 and "wrote a page" in output.out
    assert counted == ["dead"]


@pytest.mark.parametrize("flag", ["--facet", "--colour"])
def test_what_is_folded_has_no_role_and_is_refused_before_anything_is_shown(
    reluprobe, tmp_path, flag
):
    for record in figure_runs.sweep(seeds=1):
        records.write(record, tmp_path / "results" / "made")
    output = reluprobe("report", "results", flag, "activation", "--by", "learning_rate")
    assert (output.code, output.out) == (2, "")
    assert "activation does not vary; these do: learning_rate" in output.err


def test_the_heat_map_is_of_the_axes_asked_for(reluprobe, tmp_path):
    for l2 in (0.0, 0.1):
        for dropout in (0.0, 0.1):
            folder = tmp_path / "results" / "made"
            records.write(
                figure_runs.record(l2=l2, dropout=dropout, learning_rate=l2 + 0.1), folder
            )
    output = reluprobe("report", "results", "--heatmap", "lr,dropout", "--only", "heatmap")
    assert "wrote 1 figure" in output.out, output.err
    svg = (tmp_path / "results/made/report/heatmap.svg").read_text()
    assert ">lr<" in svg and ">dropout<" in svg


def test_settings_have_the_roles_that_were_asked_for(reluprobe, tmp_path):
    folder = tmp_path / "results" / "made"
    for record in figure_runs.sweep(seeds=1):
        records.write(record, folder)
    asked = ["--only", "training", "--format", "svg", "--facet", "activation", "--colour", "lr"]
    assert reluprobe("report", "results", *asked).code == 0
    svg = (folder / "report" / "training.svg").read_text()
    texts = re.findall("<text[^>]*>([^<]*)</text>", svg)
    assert {"activation relu", "activation elu", "lr", "1e-3", "0.1"} <= set(texts)


def test_a_figure_for_a_column_is_as_wide_as_one(reluprobe, swept):
    widths = []
    for width in ("page", "column"):
        asked = ["--only", "training", "--format", "svg", "--width", width]
        assert reluprobe("report", "results", *asked).code == 0
        svg = (swept / "report" / "training.svg").read_text()
        widths.append(float(re.search(r'width="([\d.]+)pt"', svg)[1]))
    assert widths[0] > 400 and 180 < widths[1] < 250


def test_results_of_born_dead_are_shown_and_drawn(reluprobe, swept, born):
    output = reluprobe("report", "results", "--format", "svg")
    assert "born dead: 25.00% of networks" in output.out and "made" in output.out
    assert names(born.parent / "report") == [f"born_dead_{born.stem}.svg"]
    assert (swept / "report" / "training.svg").exists()
    alone = reluprobe("report", str(born), "--no-figures")
    assert alone.code == 0 and "born dead" in alone.out and "made" not in alone.out
    report = json.loads(reluprobe("report", str(born.parent), "--json").out)
    assert report["sweeps"] == [] and report["born_dead"][0]["cells"][0]["dead"] == 25


def test_a_damaged_result_of_born_dead_is_said(reluprobe, born):
    born.write_text(born.read_text()[:50])
    output = reluprobe("report", str(born))
    assert output.code == 1 and "is no whole result of born-dead" in output.err


def test_tables_alone_do_not_wait_for_what_draws(swept, tmp_path):
    modules, out = imported_by("report", str(tmp_path / "results"), "--no-figures")
    assert "test accuracy" in out and not {"altair", "vl_convert", "jax"} & modules


def test_report_leaves_a_page_of_all_figures_and_of_no_fewer(reluprobe, swept):
    reluprobe("report", "results", "--only", "training", "--format", "svg")
    assert names(swept / "report") == ["training.svg"]
    output = reluprobe("report", "results", "--format", "png")
    assert "to open in a browser" in output.out and "results/made/report/report.html" in output.out
    text = (swept / "report" / "report.html").read_text()
    assert "window.vegaEmbed" in text
    # It has its SVG whatever else is written; what there is no figure of is named with the reason.
    assert "<h1>made</h1>" in text and 'id="figure-training"' in text and "<svg" in text
    assert "no two settings were varied together" in text

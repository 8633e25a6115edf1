"""A drawn figure in a notebook and as a file."""

import pytest

import figure_runs
from reluprobe.errors import InputError
from reluprobe.report import figures


@pytest.fixture(scope="module")
def outcome():
    (drawn,) = figures.drawn(figure_runs.archive(figure_runs.sweep(seeds=1)), only=["outcome"])
    return drawn


@pytest.fixture(scope="module")
def lacking():
    (drawn,) = figures.drawn(figure_runs.archive([figure_runs.record()]), only=["heatmap"])
    return drawn


@pytest.mark.parametrize("form", figures.FORMATS)
def test_a_figure_is_saved_in_the_format_of_its_suffix(outcome, tmp_path, form):
    path = tmp_path / "new" / f"figure.{form}"
    assert outcome.save(path) == path
    assert path.read_bytes() == figures.render(outcome.spec, form, outcome.name)


def test_a_path_may_be_text_and_its_suffix_capital(outcome, tmp_path):
    assert outcome.save(f"{tmp_path}/a.SVG").read_text("utf-8") == outcome._repr_svg_()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("figure.jpg", "allowed are .png, .svg, .pdf"),
        ("figure.pgn", "did you mean 'png'?"),
        ("figure", "allowed are"),
    ],
)
def test_a_suffix_of_no_format_is_refused(outcome, tmp_path, name, hint):
    with pytest.raises(InputError) as refused:
        outcome.save(tmp_path / name)
    assert hint in refused.value.faults[0] and name in refused.value.faults[0]
    assert not list(tmp_path.iterdir())


def test_a_skipped_figure_is_not_saved_and_says_why(lacking, tmp_path):
    with pytest.raises(InputError) as refused:
        lacking.save(tmp_path / "heatmap.svg")
    assert refused.value.message == "there is no figure heatmap"
    assert refused.value.faults == ("no two settings were varied together",)
    assert not list(tmp_path.iterdir())


def test_a_notebook_shows_the_svg_and_of_a_skipped_figure_the_text(outcome, lacking):
    assert outcome._repr_svg_().startswith("<svg ")
    assert lacking._repr_svg_() is None
    assert "no two settings were varied together" in repr(lacking)

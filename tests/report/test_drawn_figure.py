"""A drawn figure in a notebook and as a file."""

import warnings

import altair as alt
import pytest
from altair.utils import schemapi

import figure_runs
from reluprobe.errors import InputError
from reluprobe.report import figures


@pytest.fixture(scope="module")
def training():
    (drawn,) = figures.drawn(figure_runs.archive(figure_runs.sweep(seeds=1)), only=["training"])
    return drawn


@pytest.fixture(scope="module")
def lacking():
    bare = figure_runs.archive([figure_runs.record(status="failed")])
    (drawn,) = figures.drawn(bare, only=["training"])
    return drawn


@pytest.mark.parametrize("form", figures.FORMATS)
def test_a_figure_is_saved_in_the_format_of_its_suffix(training, tmp_path, form):
    path = tmp_path / "new" / f"figure.{form}"
    assert training.save(path) == path
    assert path.read_bytes() == figures.render(training.spec, form, training.name)


def test_a_path_may_be_text_and_its_suffix_capital(training, tmp_path):
    written = training.save(f"{tmp_path}/a.SVG").read_bytes()
    assert written == figures.render(training.spec, "svg", training.name)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("figure.jpg", "allowed are .png, .svg, .pdf"),
        ("figure.pgn", "did you mean 'png'?"),
        ("figure", "allowed are"),
    ],
)
def test_a_suffix_of_no_format_is_refused(training, tmp_path, name, hint):
    with pytest.raises(InputError) as refused:
        training.save(tmp_path / name)
    assert hint in refused.value.faults[0] and name in refused.value.faults[0]
    assert not list(tmp_path.iterdir())


def test_a_skipped_figure_is_not_saved_and_says_why(lacking, tmp_path):
    with pytest.raises(InputError) as refused:
        lacking.save(tmp_path / "training.svg")
    assert refused.value.message == "there is no figure training"
    assert refused.value.faults == (lacking.skipped,) and lacking.skipped
    assert not list(tmp_path.iterdir())


def test_a_notebook_shows_the_chart_and_where_it_cannot_the_svg(training):
    shown = training._repr_mimebundle_()
    (chart,) = [value for kind, value in shown.items() if "vegalite" in kind]
    assert chart == training.spec and shown["image/svg+xml"].startswith("<svg")
    assert "training" in shown["text/plain"]


def test_of_a_skipped_figure_a_notebook_shows_the_text(lacking):
    assert lacking._repr_mimebundle_() == {"text/plain": repr(lacking)}
    assert lacking.skipped in repr(lacking)


def test_drawing_leaves_altair_as_it_was_and_warns_of_nothing(training):
    before = (schemapi.DEBUG_MODE, alt.theme.active, alt.data_transformers.active)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for drawn in figures.drawn(figure_runs.archive(figure_runs.sweep(seeds=1))):
            assert (schemapi.DEBUG_MODE, alt.theme.active, alt.data_transformers.active) == before
            if drawn.figure is not None:
                assert drawn.spec["config"]
    with pytest.raises(InputError):
        list(figures.drawn(figure_runs.archive([figure_runs.record()]), by=["dept"]))
    assert (schemapi.DEBUG_MODE, alt.theme.active, alt.data_transformers.active) == before


def test_the_users_theme_of_altair_changes_nothing(training, tmp_path):
    @alt.theme.register("loud", enable=False)
    def _() -> alt.theme.ThemeConfig:
        return {"config": {"background": "#ff0000", "font": "cursive"}}

    with alt.theme.enable("loud"):
        (again,) = figures.drawn(figure_runs.archive(figure_runs.sweep(seeds=1)), only=["training"])
        assert again.spec == training.spec

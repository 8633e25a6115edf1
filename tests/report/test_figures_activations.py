"""Pictures of what units give out on the examples that were kept."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

import figure_runs
from chart_rows import draw, rows
from figure_runs import archive
from reluprobe.records import saved_activations
from reluprobe.report.figures import activation_maps, formats


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

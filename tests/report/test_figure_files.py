"""Figures as files: the same bytes, a page's size, no leak into a page, colours told apart."""

import hashlib
import io
import itertools
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from xml.etree import ElementTree

import altair as alt
import numpy as np
import pytest
from PIL import Image

import figure_runs
from reluprobe.errors import InputError
from reluprobe.report import figures
from reluprobe.report.figures import formats, style

POINTS_AN_INCH = 72


def hashes():
    """Of a figure in every format."""
    (drawn,) = figures.drawn(figure_runs.archive(figure_runs.sweep()), only=["definitions"])
    return [
        hashlib.sha256(figures.render(drawn.spec, form, drawn.name)).hexdigest()
        for form in figures.FORMATS
    ]


@pytest.fixture(scope="module")
def drawn():
    """Every figure of a small sweep, by name."""
    every = figures.drawn(figure_runs.archive(figure_runs.sweep(seeds=2)))
    return {d.name: d for d in every if d.figure is not None}


@pytest.fixture(scope="module")
def images(drawn):
    """Each as an SVG, by name."""
    return {n: figures.render(d.spec, "svg", n).decode() for n, d in drawn.items()}


def test_the_same_records_make_the_same_bytes_in_any_process():
    # The order of sets does not matter.
    tests = Path(__file__).parent
    path = os.pathsep.join(map(str, (tests, tests.parent)))
    place = {"PYTHONHASHSEED": "7", "PYTHONPATH": path}
    code = "import test_figure_files as t; print(*t.hashes())"
    process = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | place, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    expected, again = hashes(), hashes()
    assert again == expected  # whatever was drawn before
    assert process.stdout.split() == expected
    assert len(set(expected)) == 3


@pytest.mark.parametrize(
    ("form", "start"), [("png", b"\x89PNG"), ("svg", b"<svg"), ("pdf", b"%PDF")]
)
def test_a_file_says_neither_when_it_was_made_nor_by_which_version(drawn, form, start):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        written = figures.render(drawn["training"].spec, form)
    assert written.startswith(start)
    for word in (b"Date", b"tIME", b"Software", b"Creator"):
        assert word not in written


@pytest.mark.parametrize(("width", "inches"), [("page", 6.8), ("column", 3.1)])
def test_a_figure_has_the_same_size_in_every_format_that_of_its_paper(width, inches):
    (figure,) = figures.drawn(
        figure_runs.archive(figure_runs.sweep(seeds=1)),
        choices=figures.Choices(width=width),
        only=["definitions"],
    )
    written = {form: figures.render(figure.spec, form) for form in figures.FORMATS}
    svg = [float(n) for n in re.findall(r'(?:width|height)="([\d.]+)pt"', written["svg"].decode())]
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", written["pdf"])
    assert box is not None
    image = Image.open(io.BytesIO(written["png"]))
    assert image.info["dpi"] == pytest.approx((formats.DPI, formats.DPI), rel=1e-3)
    png = [pixels * POINTS_AN_INCH / formats.DPI for pixels in image.size]
    assert svg == pytest.approx([float(n) for n in box.groups()], abs=0.1)
    assert svg == pytest.approx(png, abs=0.5)
    assert svg[0] / POINTS_AN_INCH == pytest.approx(inches, rel=0.06)


def test_a_chart_is_drawn_without_a_network(drawn):
    chart = alt.Chart("https://example.org/rows.csv").mark_point().encode(x="a:Q")
    with pytest.raises(ValueError, match="not allowed"):
        formats.render(formats.spec(chart), "svg")


def test_an_svg_is_text_that_can_be_found_and_read_aloud(images):
    texts = {
        t.text for t in ElementTree.fromstring(images["training"]).iter() if t.tag[-4:] == "text"
    }
    assert {"relu", "elu", "training loss", "epoch"} <= texts


def test_svgs_of_one_page_share_no_id_and_every_reference_is_met(images):
    every = []
    for svg in images.values():
        own = re.findall(r'id="([^"]+)"', svg)
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg)) <= set(own)
        every += own
    assert every and len(every) == len(set(every))


def test_an_svg_styles_itself_alone_and_turns_dark_where_that_is_asked_for(images):
    for svg in images.values():
        assert '<svg class="reluprobe"' in svg
        (sheet,) = re.findall(r"<style[^>]*>(.*?)</style>", svg)
        assert sheet.startswith(formats.SCHEME)
        rules = re.findall(r'\.reluprobe \[(fill|stroke)="(#\w+)"\]\{(fill|stroke):(#\w+)\}', sheet)
        assert len(rules) == sheet.count("[") == 2 * len(formats.NIGHT)
        turned = {(day, night) for what, day, same, night in rules if what == same}
        assert turned == set(formats.NIGHT.items())
        assert f'fill="{style.INK}"' in svg


def test_an_svg_has_no_hundreds_of_descriptions(images):
    for svg in images.values():
        assert "aria-" not in svg and "role=" not in svg


def test_what_lies_on_a_coloured_cell_does_not_turn_with_the_scheme():
    assert not {style.ON_LIGHT, style.ON_DARK} & set(formats.NIGHT)


def test_rows_that_charts_share_are_written_once_and_have_a_name():
    rows = [{"a": 1}]
    half = alt.Chart(alt.Data(values=rows)).mark_point().encode(x="a:Q")
    other = alt.Chart(alt.Data(values=[{"a": 2}])).mark_point().encode(x="a:Q")
    whole = formats.spec((half & half) | other)
    assert whole["datasets"] == {"rows_0": rows, "rows_1": [{"a": 2}]}
    assert "values" not in json.dumps(whole["hconcat"])


def test_formats_that_are_none_are_refused():
    assert formats.check_formats("svg, png,svg") == ["svg", "png"]
    for text, hint in (("jpg", "allowed are png, svg, pdf"), ("sgv", "'svg'?"), (",", "allowed")):
        with pytest.raises(InputError) as refused:
            formats.check_formats(text)
        assert hint in refused.value.faults[0]


def linear(colour):
    """Linear red, green and blue (IEC 61966-2-1)."""
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """As WCAG 2 has it."""
    light, dark = sorted((linear(c) @ [0.2126, 0.7152, 0.0722] for c in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(rgb):
    """CIE L*a*b* of linear sRGB under D65."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = (
        np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116
        for v in np.array(to_xyz) @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


#: Machado, Oliveira, Fernandes (2009), severity 1.
SEEN_BY = {
    "deuteranopes": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "protanopes": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
}


def test_lines_stand_out_on_paper_and_by_night():
    for colour in style.COLOURS:
        assert contrast(colour, style.PAPER) >= 3
        assert contrast(colour, formats.NIGHT[style.PAPER]) >= 3
    assert (
        contrast(formats.NIGHT[style.INK], formats.NIGHT[style.PAPER]) >= 7
        and contrast(style.INK, style.PAPER) >= 7
    )


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_lines_can_be_told_apart_by(eyes):
    seen = [lab(np.array(SEEN_BY[eyes]) @ linear(colour)) for colour in style.COLOURS]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 20
    assert len(set(style.SHAPES)) == len(style.SHAPES) == len(style.COLOURS)


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_dead_revived_and_alive_differ_in_lightness(eyes):
    seen = [
        lab(np.array(SEEN_BY[eyes]) @ linear(c))[0]
        for c in (style.DEAD, style.REVIVED, style.ALIVE)
    ]
    assert np.diff(seen).min() > 20


def test_cells_grow_darker_the_worse_they_are_whoever_looks():
    for matrix in (np.eye(3), *map(np.array, SEEN_BY.values())):
        assert np.diff([lab(matrix @ linear(c))[0] for c in style.SEQUENCE]).max() < -5

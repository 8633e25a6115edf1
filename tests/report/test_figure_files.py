"""Figures as files: the same bytes, no leak into a page, colours that can be told apart."""

import hashlib
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_hex

import figure_runs
from reluprobe.errors import InputError
from reluprobe.report import figures
from reluprobe.report.figures import by_epoch, by_grid, formats, style


def hashes():
    """Of a figure with lines and text, and of one with an image in it, in every format."""
    figures_drawn = figures.drawn(
        figure_runs.archive(figure_runs.sweep()), only=["definitions", "units"]
    )
    return [
        hashlib.sha256(figures.render(drawn.figure, form, drawn.name)).hexdigest()
        for drawn in figures_drawn
        for form in ("png", "svg", "pdf")
    ]


@pytest.fixture(scope="module")
def images():
    """Every figure of a small sweep as an SVG, by name."""
    figures_drawn = figures.drawn(figure_runs.archive(figure_runs.sweep(seeds=2)))
    return {
        d.name: figures.render(d.figure, "svg", d.name).decode() for d in figures_drawn if d.figure
    }


def test_the_same_records_make_the_same_bytes_in_any_process(tmp_path):
    # Neither the order of sets nor the user's own settings of matplotlib matter.
    (tmp_path / "matplotlibrc").write_text("font.size: 20\nsvg.fonttype: path\n")
    tests = Path(__file__).parent
    place = {
        "PYTHONHASHSEED": "7",
        "PYTHONPATH": os.pathsep.join(map(str, (tests, tests.parent))),
        "MATPLOTLIBRC": str(tmp_path),
    }
    code = "import test_figure_files as t; print(*t.hashes())"
    process = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | place, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    expected = hashes()
    assert process.stdout.split() == expected
    assert len(set(expected)) == 6


@pytest.mark.parametrize(
    ("form", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_a_file_says_neither_when_it_was_made_nor_by_which_version(form, start):
    (drawn,) = figures.drawn(figure_runs.archive(figure_runs.sweep(seeds=1)), only=["outcome"])
    written = figures.render(drawn.figure, form)
    assert written.startswith(start)
    for word in (b"Date", b"tIME", b"Software", b"Creator", b"Producer", b"Matplotlib v"):
        assert word not in written


def test_an_svg_is_text_that_can_be_found_and_read_aloud(images):
    texts = {
        t.text for t in ElementTree.fromstring(images["outcome"]).iter() if t.tag[-4:] == "text"
    }
    assert {"relu · lr 0.1", "dead %", "test accuracy %"} <= texts


def test_svgs_of_one_page_share_no_id_and_every_reference_is_met(images):
    every = []
    for svg in images.values():
        own = re.findall(r'id="([^"]+)"', svg)
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg)) <= set(own)
        every += own
    assert len(every) == len(set(every))


def test_an_svg_styles_itself_alone_and_turns_dark_where_that_is_asked_for(images):
    for svg in images.values():
        assert '<svg class="reluprobe"' in svg
        (sheet, inner) = re.findall(r"<style[^>]*>(.*?)</style>", svg)
        assert inner.startswith(".reluprobe *{")
        assert sheet.startswith(formats.SCHEME)
        assert sheet.count(".reluprobe [") == 4
        for day in formats.NIGHT:
            assert f'style*="fill: {day}"' in sheet and f'style*="stroke: {day}"' in sheet


def test_what_lies_on_a_coloured_cell_does_not_turn_with_the_scheme(images):
    assert not {style.ON_LIGHT, style.ON_DARK} & set(formats.NIGHT)
    assert style.ON_LIGHT in images["heatmap"]


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
    for look in (*style.LOOKS, *by_epoch.layer_looks(20)):
        assert contrast(look.colour, style.PAPER) >= 3
        assert contrast(look.colour, formats.NIGHT[style.PAPER]) >= 3
    assert contrast(*formats.NIGHT.values()) >= 7 and contrast(style.INK, style.PAPER) >= 7


def test_figures_in_cells_can_be_read():
    colours = colormaps[style.SEQUENCE]
    for share in np.linspace(0, 1, 101):
        ink = style.ON_LIGHT if share < by_grid.DARK else style.ON_DARK
        assert contrast(ink, to_hex(colours(share))) > 4


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_lines_can_be_told_apart_by(eyes):
    seen = [lab(np.array(SEEN_BY[eyes]) @ linear(look.colour)) for look in style.LOOKS]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 20
    assert len({look.marker for look in style.LOOKS}) == len(style.LOOKS)


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_dead_revived_and_alive_differ_in_lightness(eyes):
    seen = [
        lab(np.array(SEEN_BY[eyes]) @ linear(c))[0]
        for c in (style.DEAD, style.REVIVED, style.ALIVE)
    ]
    assert np.diff(seen).min() > 20

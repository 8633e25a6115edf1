"""Rows of charts in a page: packed and unpacked they are what they were; and pictures made slim."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib import resources

import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st

import figure_runs
from chart_rows import draw
from reluprobe.config import labels
from reluprobe.report import figures, page
from reluprobe.report.figures import formats
from reluprobe.report.page import images
from reluprobe.report.page.packed import Packing

values = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-9, 9) | st.text(max_size=3)
names = st.sampled_from(
    [*map(labels.field, ("activation", "mean", "a b")), "run", "seed", "record", "mean", "when", ""]
)
#: Neighbours are often alike, as in a chart.
rows = st.lists(
    st.tuples(st.dictionaries(names.filter(bool), values, min_size=1), st.integers(1, 4))
).map(lambda pairs: [row for row, times in pairs for _ in range(times)])


def unpacked(blocks, shared):
    """As ``spec.js`` does it."""
    every = []
    for block in blocks:
        columns = []
        for column in block["columns"]:
            if isinstance(column, dict):
                parts = column["runs"]
                pairs = zip(parts[::2], parts[1::2], strict=True)
                column = [value for value, times in pairs for _ in range(times)]
            columns.append(column)
        for cells in zip(*columns, strict=True):
            row = {}
            for name, value in zip(block["fields"], cells, strict=True):
                row |= {name: value} if name else shared[value]
            every.append(row)
    return every


def written(row):
    """As JSON has it, where 1 is not true; in whatever order."""
    return json.dumps(row, sort_keys=True)


@given(st.lists(rows, max_size=3))
def test_packed_rows_are_those_that_they_were(datasets):
    packing = Packing()
    packed = json.loads(json.dumps([packing.packed(dataset) for dataset in datasets]))
    shared = json.loads(json.dumps(packing.shared))
    for blocks, dataset in zip(packed, datasets, strict=True):
        assert [*map(written, unpacked(blocks, shared))] == [*map(written, dataset)]
    assert len({*map(written, packing.shared)}) == len(packing.shared)


def test_the_page_unpacks_the_rows_of_every_figure():
    archive = figure_runs.archive(figure_runs.sweep(seeds=2))
    every = [figure for figure in figures.drawn(archive) if figure.skipped is None]
    content = page.model(archive, figures=[(figure, b"<svg />") for figure in every])
    by_name = {one["name"]: one for one in (*content["leading"], *content["figures"])}
    for figure in every:
        for name, blocks in by_name[figure.name]["spec"]["datasets"].items():
            expected = figure.spec["datasets"][name]
            assert unpacked(blocks, content["shared"]) == expected, figure.name
    # A configuration's settings, and a run, stand there once.
    assert len(content["shared"]) < 40


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_pages_script_unpacks_as_we_do():
    packing = Packing()
    dataset = [
        {labels.field("lr"): "0.1", "run": "a", "seed": "0", "mean": mean, "line": "grey"}
        for mean in (1.5, None, 2.5, 2.5)
    ] + [{"end": 1.0}]
    blocks = packing.packed(dataset)
    script = (resources.files("reluprobe.report.page") / "templates" / "spec.js").read_text("utf-8")
    page_of = (
        f"const document = {{ getElementById: () => ({{ textContent: "
        f"{json.dumps(json.dumps(packing.shared))} }}) }};"
        "const matchMedia = () => ({ matches: false });"
        f"{script}\nconsole.log(JSON.stringify(unpacked({json.dumps(blocks)})));"
    )
    run = subprocess.run(["node", "-e", page_of], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == dataset


@pytest.mark.parametrize("name", ["effects", "training", "units", "histograms"])
def test_a_slim_picture_looks_as_it_did(name):
    svg = formats.drawing(draw(figure_runs.archive(figure_runs.sweep(seeds=1)), name).spec)()
    slim = images.slim(svg)
    assert len(slim) < 0.95 * len(svg)
    assert vl_convert.svg_to_png(slim) == vl_convert.svg_to_png(svg)

"""Figures as bytes: PNG, SVG and PDF, the same bytes for the same figure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import altair as alt
import vl_convert
from altair.utils import schemapi

from reluprobe.errors import InputError, nearest
from reluprobe.report.figures import style
from reluprobe.report.figures.style import GRID, INK, PAPER

#: The formats.
FORMATS = ("png", "svg", "pdf")
#: Dots an inch of a PNG.
DPI = 200
#: Ink and paper by night. Only whoever can follow a style sheet does: others have paper.
NIGHT = {INK: "#e8e8e8", PAPER: "#15181c", GRID: "#2d3238"}
SCHEME = "@media screen and (prefers-color-scheme: dark)"
#: The size of a plain SVG, in pixels.
SIZE = re.compile(r' width="([\d.]+)" height="([\d.]+)"')
#: What a page of a PDF draws on, which comes in any order.
RESOURCES = re.compile(rb"(?<=<<\n)(?: +/\w+ \d+ 0 R\n)+")
#: The version of the grammar that charts are written in.
GRAMMAR = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


def check_formats(text: str) -> list[str]:
    """``svg,png`` → the formats.

    Raises:
        InputError: one is not known, or there is none.
    """
    wanted = list(dict.fromkeys(text.replace(",", " ").split()))
    allowed = ", ".join(FORMATS)
    faults = [
        f"--format {n}: allowed are {allowed}{nearest(n, FORMATS)}"
        for n in wanted
        if n not in FORMATS
    ]
    if faults or not wanted:
        raise InputError("unknown format", faults or [f"--format: allowed are {allowed}"])
    return wanted


def spec(chart: alt.TopLevelMixin, width: int = style.PAGE) -> dict[str, Any]:
    """A chart in the grammar of Vega-Lite, its data and its theme inside."""
    with schemapi.debug_mode(False):
        whole = chart.to_dict(validate=False)
    datasets: dict[str, Any] = {}
    _name_data(whole, datasets)
    return {**whole, "datasets": datasets, "config": style.theme(width)}


def _name_data(part: Any, datasets: dict[str, Any]) -> None:
    """Give the rows of every chart within a name, by which a page can exchange them."""
    if isinstance(part, dict):
        if "values" in part.get("data", {}):
            rows = part["data"]["values"]
            name = next((n for n, others in datasets.items() if others is rows), None)
            name = name or f"rows_{len(datasets)}"
            datasets[name] = rows
            part["data"] = {"name": name}
        part = part.values()
    if not isinstance(part, str):
        for inner in part if isinstance(part, Iterable) else ():
            _name_data(inner, datasets)


def render(spec: Mapping[str, object], form: str, salt: str = "") -> bytes:
    """The bytes of a figure: ``png``, ``svg`` or ``pdf``.

    Args:
        spec: what to draw.
        form: the format.
        salt: names the figure, so that the ids of several SVGs differ within one page.
    """
    svg = drawing(spec)()
    return finished(svg.encode() if form == "svg" else conversion(svg, form)(), form, salt)


def drawing(spec: Mapping[str, object]) -> Callable[[], str]:
    """What draws a chart as a plain SVG, in any process; nothing is fetched for it."""
    text = json.dumps(spec, allow_nan=False)
    return partial(
        vl_convert.vegalite_to_svg, text, vl_version=GRAMMAR, allowed_base_urls=list[str]()
    )


def conversion(svg: str, form: str) -> Callable[[], bytes]:
    """What makes a ``png`` or a ``pdf`` of a plain SVG, in any process."""
    if form == "png":
        return partial(vl_convert.svg_to_png, svg, scale=style.POINTS, ppi=DPI)
    # A PDF takes pixels for points.
    return partial(vl_convert.svg_to_pdf, SIZE.sub(partial(_on_paper, unit=""), svg, count=1))


def finished(drawn: bytes, form: str, salt: str) -> bytes:
    """What the library made in a format, as it is written to a file."""
    if form == "svg":
        return _polished(drawn.decode(), salt).encode()
    return RESOURCES.sub(_in_order, drawn) if form == "pdf" else drawn


def _in_order(resources: re.Match[bytes]) -> bytes:
    return b"".join(sorted(resources[0].splitlines(keepends=True)))


def _polished(svg: str, salt: str) -> str:
    """A smaller SVG of a size on paper, with a dark scheme, and nothing that leaks into a page."""
    svg = re.sub(r' (?:aria-[\w-]+|role)="[^"]*"', "", svg)  # a figure has one text, not hundreds
    svg = _named(svg, salt)
    svg = re.sub(r' class="(?:mark|role|background|foreground)[^"]*"', "", svg)
    svg = re.sub(r' font-family="[^"]*"', "", svg)
    rules = "".join(_exchanged(day, night) for day, night in NIGHT.items())
    sheet = f'<style type="text/css">{SCHEME}{{{rules}}}</style>'
    root = f'<svg class="reluprobe" font-family="{style.FONT}" '
    svg = SIZE.sub(partial(_on_paper, unit="pt"), svg, count=1)
    return re.sub(r"<svg ([^>]*)>", rf"{root}\1>{sheet}", svg, count=1)


def _named(svg: str, salt: str) -> str:
    """The same with ids of its own; the library numbers them on from one drawing to the next."""
    ids = dict.fromkeys(re.findall(r'\bid="([^"]+)"', svg))
    own = {name: f"{salt or 'figure'}-{n}" for n, name in enumerate(ids)}
    return re.sub(r'(\bid="|url\(#|href="#)([^")]+)', lambda m: m[1] + own.get(m[2], m[2]), svg)


def _on_paper(size: re.Match[str], unit: str) -> str:
    width, height = (f"{style.POINTS * float(pixels):.1f}{unit}" for pixels in size.groups())
    return f' width="{width}" height="{height}"'


def _exchanged(day: str, night: str) -> str:
    return "".join(f'.reluprobe [{what}="{day}"]{{{what}:{night}}}' for what in ("fill", "stroke"))

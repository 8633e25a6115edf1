"""Figures as bytes: PNG, SVG and PDF, the same bytes for the same figure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import altair as alt
import vl_convert

from reluprobe.errors import InputError, nearest
from reluprobe.report.figures import style
from reluprobe.report.figures.style import INK, PAPER

#: The formats.
FORMATS = ("png", "svg", "pdf")
#: Dots an inch of a PNG.
DPI = 300
#: Ink and paper by night. Only whoever can follow a style sheet does: others have paper.
NIGHT = {INK: "#e8e8e8", PAPER: "#15181c"}
SCHEME = "@media screen and (prefers-color-scheme: dark)"
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
    # Charts are built by this package alone and drawn in its tests: no need to check each.
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
    return convert(drawn(spec), form, salt)


def drawn(spec: Mapping[str, object]) -> str:
    """A chart as a plain SVG, from which every format is made; nothing is fetched for it."""
    return vl_convert.vegalite_to_svg(
        json.dumps(spec, allow_nan=False), vl_version=GRAMMAR, allowed_base_urls=[]
    )


def convert(svg: str, form: str, salt: str = "") -> bytes:
    """A plain SVG in a format; see :func:`render`."""
    if form == "png":
        return vl_convert.svg_to_png(svg, scale=style.POINTS * DPI / 72, ppi=72)
    if form == "pdf":
        return vl_convert.svg_to_pdf(svg, scale=style.POINTS)
    return _polished(svg, salt).encode()


def _polished(svg: str, salt: str) -> str:
    """A smaller SVG of a size on paper, with a dark scheme, and nothing that leaks into a page."""
    svg = re.sub(r' (?:aria-[\w-]+|role)="[^"]*"', "", svg)  # a figure has one text, not hundreds
    svg = re.sub(r'\b(id="|url\(#|href="#)', rf"\1{salt}-", svg) if salt else svg
    svg = re.sub(r' class="(?:mark|role|background|foreground)[^"]*"', "", svg)
    svg = re.sub(r' font-family="[^"]*"', "", svg)
    rules = "".join(_exchanged(day, night) for day, night in NIGHT.items())
    sheet = f'<style type="text/css">{SCHEME}{{{rules}}}</style>'
    root = f'<svg class="reluprobe" font-family="{style.FONT}" '
    svg = re.sub(r' width="([\d.]+)" height="([\d.]+)"', _in_points, svg, count=1)
    return re.sub(r"<svg ([^>]*)>", rf"{root}\1>{sheet}", svg, count=1)


def _in_points(size: re.Match[str]) -> str:
    width, height = (style.POINTS * float(pixels) for pixels in size.groups())
    return f' width="{width:.1f}pt" height="{height:.1f}pt"'


def _exchanged(day: str, night: str) -> str:
    return "".join(f'.reluprobe [{what}="{day}"]{{{what}:{night}}}' for what in ("fill", "stroke"))

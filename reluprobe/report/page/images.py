"""Images in a page: SVG made smaller and inline; PNG of few colours where SVG is too large."""

from __future__ import annotations

import base64
import io
import re

from markupsafe import Markup
from PIL import Image

#: Bytes of an SVG. A larger one is on the page as PNG, of so many dots an inch and colours, lest
#: a page of many runs of many epochs gets too heavy to be sent.
LARGEST, DPI, COLOURS = 400_000, 160, 128
#: How large a figure's point is on a screen: its smallest text is as small as a page's may be.
#: On a narrow screen a figure shrinks by so much, and from there on is scrolled.
REMS_A_POINT, SHRUNK = 0.115, 0.7
#: How such a file starts.
PNG = b"\x89PNG\r\n\x1a\n"
#: Attributes whose numbers are places in a figure: a hundredth of a point is as good as less.
PLACES = re.compile(r' (?:d|x|y|points)="[^"]*"')
SURPLUS = re.compile(r"(\.\d\d)\d+")


def of_few_colours(png: bytes) -> bytes:
    """The same PNG with a palette: a third of its size, and drawings do not show it."""
    out = io.BytesIO()
    image = Image.open(io.BytesIO(png)).convert("RGB")
    few = image.quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(out, "png", optimize=True)
    return out.getvalue()


def inline(image: bytes) -> Markup:
    """A figure's file, SVG or PNG, as an element of the page."""
    if not image.startswith(PNG):
        return _svg(image.decode())
    points = 72 * Image.open(io.BytesIO(image)).width / DPI
    data = base64.b64encode(image).decode()
    tag = '<img alt="" style="{}" src="data:image/png;base64,{}">'
    return Markup(tag).format(_size(points), data)


def _svg(text: str) -> Markup:
    # As a file it names its language and its namespaces, by URLs; on a page it has no need of it.
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg ") :], flags=re.DOTALL)
    text = re.sub(r' xmlns(?::\w+)?="[^"]*"', "", text)
    text = re.sub(
        r' width="([\d.]+)pt" height="[\d.]+pt"',
        lambda match: f' style="{_size(float(match[1]))}"',
        text,
        count=1,
    )
    return Markup(PLACES.sub(lambda match: SURPLUS.sub(r"\1", match[0]), text))


def _size(points: float) -> str:
    width = REMS_A_POINT * points
    return f"width:{width:.1f}rem;min-width:{SHRUNK * width:.1f}rem"

"""Static pictures in a page: an SVG inline, as large as reads well on a screen."""

from __future__ import annotations

import re

from markupsafe import Markup

#: How large a figure's point is on a screen: its smallest text is as small as a page's may be.
#: On a narrow screen a figure shrinks to so much, and from there on is scrolled. As report.css.
REMS_A_POINT, SHRUNK = 0.1057, 0.6
#: What a figure lies on; on a page that is the page itself.
PAPER = re.compile(r'<rect width="[\d.]+" height="[\d.]+" fill="#ffffff"/>')
#: Attributes whose numbers are places in a figure: a tenth of a pixel is as good as less.
PLACES = re.compile(r' (?:d|x|y|points|transform)="[^"]*"')
#: What says nothing that is not so anyway, of a picture that nobody points at.
IDLE = re.compile(
    r' (?:pointer-events="none"|opacity="1"|stroke-width="1"|text-anchor="start"'
    r'|transform="translate\(0,0\)")'
)
#: Elements that show nothing: hidden ones, paths without an extent.
UNSEEN = re.compile(r'<path d="(?:M0,0h0v0h0Z)?"(?: display="none")?/>')
SURPLUS = re.compile(r"(\.\d)\d+")


def inline(image: bytes) -> Markup:
    """A figure's SVG as an element of the page."""
    text = image.decode()
    # As a file it names its namespaces, by URLs; on a page it has no need of them.
    text = re.sub(r' xmlns(?::\w+)?="[^"]*"', "", text[text.index("<svg ") :])
    text = PAPER.sub("", text, count=1)
    text = slim(text)
    text = re.sub(r' width="([\d.]+)pt" height="[\d.]+pt"', _size, text, count=1)
    return Markup(PLACES.sub(lambda match: SURPLUS.sub(r"\1", match[0]), text))


def slim(text: str) -> str:
    """An SVG without what changes nothing of what is seen."""
    return UNSEEN.sub("", IDLE.sub("", text))


def _size(match: re.Match[str]) -> str:
    width = REMS_A_POINT * float(match[1])
    return f' style="width:{width:.1f}rem;min-width:{SHRUNK * width:.1f}rem"'

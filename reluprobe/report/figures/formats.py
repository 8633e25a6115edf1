"""Figures as bytes: PNG, SVG and PDF, the same bytes for the same figure."""

from __future__ import annotations

import io
import re
from typing import Any

from matplotlib.figure import Figure

from reluprobe.errors import InputError, nearest
from reluprobe.report.figures import style
from reluprobe.report.figures.style import INK, PAPER

#: The formats, and what none may say: when it was written, and by which version.
FORMATS: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
#: Of zlib: a third larger than at its default, in half the time.
FAST = 3
#: Where DejaVu Sans, by which text was measured, is not to be had: all of them are narrower.
FONTS = "'DejaVu Sans', Verdana, 'Helvetica Neue', Helvetica, Arial, sans-serif"
#: Ink and paper by night. Only whoever can follow a style sheet does: others have paper.
NIGHT = {INK: "#e8e8e8", PAPER: "#15181c"}
SCHEME = "@media screen and (prefers-color-scheme: dark)"


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


def render(figure: Figure, form: str, salt: str = "", dpi: int = style.DPI) -> bytes:
    """The bytes of a figure: ``png``, ``svg`` or ``pdf``.

    Args:
        figure: what to draw.
        form: the format.
        salt: names the figure, so that the ids of several SVGs differ within one page.
        dpi: dots an inch of what has dots.
    """
    out = io.BytesIO()
    with style.applied(salt):
        how: dict[str, Any] = {"pil_kwargs": {"compress_level": FAST}} if form == "png" else {}
        figure.savefig(out, format=form, dpi=dpi, metadata=FORMATS[form], **how)
    return _polished(out.getvalue().decode()).encode() if form == "svg" else out.getvalue()


def _polished(svg: str) -> str:
    """A smaller SVG with a stack of fonts, a dark scheme, and nothing that leaks into a page.

    Ids that nothing refers to would be there twice on a page of several figures.
    """
    used = set(re.findall(r"#([\w-]+)[\")]", svg))
    svg = re.sub(r' id="([\w.-]+)"', lambda m: m[0] if m[1] in used else "", svg)
    svg = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    svg = re.sub(r' transform="rotate\(-0 [^"]*\)"', "", svg)
    svg = svg.replace(">*{", ">.reluprobe *{", 1)
    svg = re.sub(r"\n *", "\n", svg)
    rules = "".join(_exchanged(day, night) for day, night in NIGHT.items())
    sheet = f'<style type="text/css">{SCHEME}{{{rules}}}</style>'
    root = f'<svg class="reluprobe" font-family="{FONTS}" '
    return svg.replace("<svg ", root, 1).replace("<defs>", f"{sheet}\n<defs>", 1)


def _exchanged(day: str, night: str) -> str:
    # Elements say their colours in their own style; a rule that matters more finds them there.
    return "".join(
        f'.reluprobe [style*="{what}: {day}"]{{{what}:{night}!important}}'
        for what in ("fill", "stroke")
    )

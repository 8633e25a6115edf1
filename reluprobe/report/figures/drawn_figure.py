"""A drawn figure with its words; it shows itself in a notebook and saves itself to a file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import altair as alt

from reluprobe.config import arguments
from reluprobe.errors import InputError, nearest
from reluprobe.records import write_atomically
from reluprobe.report.figures import style
from reluprobe.report.figures.formats import FORMATS, render, spec

#: How a notebook calls a chart in Vega-Lite's grammar: JupyterLab and its like draw it themselves.
CHART = f"application/vnd.vegalite.{alt.SCHEMA_VERSION.split('.')[0]}+json"


@dataclass(frozen=True)
class DrawnFigure:
    """A figure of a sweep, or why there is none.

    Attributes:
        name: short, of letters and underscores: a file's stem.
        title: a heading.
        caption: what is seen and how to read it, in a sentence.
        alt: what it says, with its numbers, for those who do not see it.
        figure: Altair's chart; None where ``skipped`` says what the sweep lacks.
        left_out: a line for every file that it would show and that cannot be read.
        width: of the figure in pixels, about.
    """

    name: str
    title: str
    caption: str = ""
    alt: str = ""
    figure: alt.TopLevelMixin | None = None
    skipped: str | None = None
    left_out: tuple[str, ...] = ()
    width: int = style.PAGE

    @cached_property
    def spec(self) -> dict[str, Any]:
        """The chart in the grammar of Vega-Lite, its data and its theme inside."""
        if self.figure is None:
            raise InputError(f"there is no figure {self.name}", [self.skipped or "nothing to draw"])
        return spec(self.figure, self.width)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write it to a file, in the format that the file's suffix names; return the path.

        The same figure makes the same bytes, as :func:`render` has it.

        Raises:
            InputError: the suffix is none of ``FORMATS``, or there is no figure to write.
            ReluprobeError: the file cannot be written.
        """
        path = arguments.path("path", path)
        form = path.suffix.removeprefix(".").lower()
        if form not in FORMATS:
            allowed = ", ".join(f".{name}" for name in FORMATS)
            fault = f"{path}: allowed are {allowed}{nearest(form, FORMATS)}"
            raise InputError("unknown format", [fault])
        write_atomically(path, render(self.spec, form, self.name))
        return path

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """What a notebook shows: the chart, which answers to the mouse; where it cannot, the SVG.

        Without a figure it is the text.
        """
        text = {"text/plain": repr(self)}
        if self.figure is None:
            return text
        return {
            CHART: self.spec,
            "image/svg+xml": render(self.spec, "svg", self.name).decode(),
            **text,
        }

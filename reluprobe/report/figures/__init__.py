"""Figures of a sweep, fit for a paper: records in, Altair charts out.

``registry`` lists them all; each family has a module of its own; ``style`` is their one look,
``formats`` makes them bytes.
"""

from reluprobe.report.figures.context import Choices
from reluprobe.report.figures.drawn_figure import DrawnFigure
from reluprobe.report.figures.formats import FORMATS, check_formats, render
from reluprobe.report.figures.registry import (
    FIGURES,
    FigureKind,
    born_dead,
    check_choices,
    check_names,
    drawn,
)
from reluprobe.report.figures.style import WIDTHS

__all__ = [
    "FIGURES",
    "FORMATS",
    "WIDTHS",
    "Choices",
    "DrawnFigure",
    "FigureKind",
    "born_dead",
    "check_choices",
    "check_formats",
    "check_names",
    "drawn",
    "render",
]

"""Figures of a sweep, fit for a paper: records in, matplotlib figures out.

``registry`` lists them all; each family has a module of its own; ``style`` is their one look,
``formats`` makes them bytes. Nothing here reads a file or prints.
"""

from reluprobe.report.figures.context import Figured
from reluprobe.report.figures.formats import FORMATS, check_formats, render
from reluprobe.report.figures.registry import FIGURES, Drawn, born_dead, check_names, drawn

__all__ = [
    "FIGURES",
    "FORMATS",
    "Drawn",
    "Figured",
    "born_dead",
    "check_formats",
    "check_names",
    "drawn",
    "render",
]

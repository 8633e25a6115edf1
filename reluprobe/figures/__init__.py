"""Figures of a sweep, fit for a paper: records in, matplotlib figures out.

``registry`` lists them all; each family has a module of its own; ``style`` is their one look,
``formats`` makes them bytes. Nothing here reads a file or prints.
"""

from reluprobe.figures.formats import FORMATS, check_formats, render
from reluprobe.figures.registry import FIGURES, Drawn, born_dead, check_names, drawn
from reluprobe.figures.scene import Figured

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

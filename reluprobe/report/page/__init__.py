"""HTML page of a sweep: a single file that opens anywhere, without a network.

``model`` makes plain values of an archive, ``render`` makes them HTML; each part of the page has
a module of its own. Figures come as bytes of SVG or PNG: nothing here draws.
"""

from reluprobe.report.page.model import PageFigure, model
from reluprobe.report.page.render import html
from reluprobe.report.page.vega import charts_script

__all__ = ["PageFigure", "charts_script", "html", "model"]

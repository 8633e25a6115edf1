"""Rendering of many figures: while one is drawn, the last is turned into its files."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from reluprobe.report.figures import formats
from reluprobe.report.figures.drawn_figure import DrawnFigure

#: A figure and its bytes by format; None where it was skipped.
Rendered = tuple[DrawnFigure, dict[str, bytes] | None]


def rendered(figures: Iterable[DrawnFigure], forms: Sequence[str]) -> Iterator[Rendered]:
    """Render figures in their order, each drawn once whatever the number of its formats.

    Both the library that draws and the one that makes dots leave Python to other threads: charts
    are made of records in the first, drawn in the second, turned into files in the third.
    """
    waiting: deque[tuple[DrawnFigure, Future[dict[str, bytes]] | None]] = deque()
    with ThreadPoolExecutor(1) as draw, ThreadPoolExecutor(1) as convert:
        for figure in figures:
            files = None
            if figure.figure is not None:
                svg = draw.submit(formats.drawn, figure.spec)
                files = convert.submit(_files, svg, tuple(forms), figure.name)
            waiting.append((figure, files))
            while waiting and (waiting[0][1] is None or waiting[0][1].done()):
                yield _result(*waiting.popleft())
        while waiting:
            yield _result(*waiting.popleft())


def _files(svg: Future[str], forms: Sequence[str], name: str) -> dict[str, bytes]:
    return {form: formats.convert(svg.result(), form, name) for form in forms}


def _result(figure: DrawnFigure, files: Future[dict[str, bytes]] | None) -> Rendered:
    return figure, None if files is None else files.result()

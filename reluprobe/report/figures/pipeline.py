"""Rendering of many figures: while one is made of records, others become files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor

from reluprobe.report.figures import formats
from reluprobe.report.figures.drawn_figure import DrawnFigure

#: A figure and its bytes by format; None where it was skipped.
Rendered = tuple[DrawnFigure, dict[str, bytes] | None]
#: So many figures are on their way to files at once.
MOST = 6


def rendered(
    figures: Iterable[DrawnFigure], forms: Sequence[str], pool: Executor
) -> Iterator[Rendered]:
    """Render figures in their order, each drawn once whatever the number of its formats.

    Args:
        figures: are made here, one after another.
        forms: the formats.
        pool: draws and converts them; see :func:`reluprobe.report.processes.drawing`.
    """
    waiting: deque[tuple[DrawnFigure, Future[dict[str, bytes]] | None]] = deque()
    # These threads only wait: for the drawing, then for what is made of it.
    with ThreadPoolExecutor(MOST) as threads:
        for figure in figures:
            files = None
            if figure.figure is not None:
                draw = formats.drawing(figure.spec)
                files = threads.submit(_files, pool, draw, tuple(forms), figure.name)
            waiting.append((figure, files))
            while waiting and (waiting[0][1] is None or waiting[0][1].done()):
                yield _result(*waiting.popleft())
        while waiting:
            yield _result(*waiting.popleft())


def _files(
    pool: Executor, draw: Callable[[], str], forms: Sequence[str], name: str
) -> dict[str, bytes]:
    svg = pool.submit(draw).result()
    others = {f: pool.submit(formats.conversion(svg, f)) for f in forms if f != "svg"}
    return {
        form: formats.finished(
            others[form].result() if form in others else svg.encode(), form, name
        )
        for form in forms
    }


def _result(figure: DrawnFigure, files: Future[dict[str, bytes]] | None) -> Rendered:
    return figure, None if files is None else files.result()

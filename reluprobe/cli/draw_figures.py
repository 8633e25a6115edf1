"""Figures of ``report``: drawn into a folder, with a page that shows them."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from reluprobe import records
from reluprobe.cli import console, draw_page
from reluprobe.cli.figure_flags import Request
from reluprobe.config import labels
from reluprobe.errors import ReluprobeError
from reluprobe.records.folder import REPORT, Archive

if TYPE_CHECKING:
    from reluprobe.analysis.effects import EffectsOnce
    from reluprobe.born.result import Result
    from reluprobe.report.figures import DrawnFigure
    from reluprobe.report.page import PageFigure


def processes(asked: Request | None) -> contextlib.AbstractContextManager[Executor | None]:
    """What draws the figures that are asked for; it starts while tables are printed."""
    if asked is None:
        return contextlib.nullcontext()
    from reluprobe.report import processes

    return processes.drawing(len(asked.only) or None)


def show(
    sweeps: Sequence[Archive],
    results: Mapping[Path, Result],
    asked: Request,
    definition: str,
    by: Sequence[str] | None,
    pool: Executor,
    computed: Mapping[str, EffectsOnce],
) -> bool:
    """Draw the figures of sweeps and of results of born-dead; say where they are.

    Returns:
        False where one could not be written, or lacks what a file should have held.
    """
    good = True
    for sweep in filter(lambda sweep: sweep.records, sweeps):
        good &= _draw(sweep, sweeps, asked, definition, by, pool, computed[sweep.place])
    if results and not asked.only:
        folder = asked.out or next(iter(results)).parent / REPORT
        good &= _write(_born_dead(results), folder, asked, pool)
    return good


def _draw(
    sweep: Archive,
    sweeps: Sequence[Archive],
    asked: Request,
    definition: str,
    by: Sequence[str] | None,
    pool: Executor,
    computed: EffectsOnce,
) -> bool:
    from reluprobe.report import figures

    names = Counter(sweep.name for sweep in sweeps)
    choices = figures.Choices(asked.grid, asked.facet, asked.colour, asked.width)
    drawn = figures.drawn(sweep, definition, by, choices, asked.only, computed)
    name = sweep.name
    if names[name] > 1:
        name = f"{sweep.folder.resolve().parent.name}-{name}"
    own = asked.out and (asked.out / name if len(sweeps) > 1 else asked.out)
    folder = own or sweep.folder / REPORT
    if asked.only:  # a page is of all of a sweep's figures
        return _write(drawn, folder, asked, pool)
    write_page = draw_page.begin(sweep, folder, definition, by, pool, computed)
    return _write(drawn, folder, asked, pool, write_page)


def _born_dead(results: Mapping[Path, Result]) -> Iterator[DrawnFigure]:
    from reluprobe.report import figures

    for path, result in results.items():
        drawn = figures.born_dead(result)
        yield dataclasses.replace(drawn, name=f"{drawn.name}_{path.stem}")


def _write(
    drawn: Iterable[DrawnFigure],
    folder: Path,
    asked: Request,
    pool: Executor,
    write_page: Callable[[list[PageFigure]], None] | None = None,
) -> bool:
    """Write figures into a folder, and then the page that shows them, if one is wanted."""
    from reluprobe.report.figures import pipeline

    forms = [*asked.formats]
    if write_page and "svg" not in forms:
        forms.append("svg")
    on_page: list[PageFigure] = []
    console.err.print(Text(f"drawing figures into {folder}", style="dim"), soft_wrap=True)
    with console.status("drawing figures"):
        for figure, files in pipeline.rendered(drawn, forms, pool):
            on_page.append((figure, files["svg"] if files and write_page else None))
            try:
                _write_files(figure, files, folder, asked)
            except ReluprobeError as error:
                return _unwritten(error)
    _tell([figure for figure, _ in on_page], folder, asked)
    try:
        if write_page:
            write_page(on_page)
    except ReluprobeError as error:
        return _unwritten(error)
    left_out = [fault for figure, _ in on_page for fault in figure.left_out]
    for fault in left_out:
        console.complain(f"left out: {fault}")
    return not left_out


def _write_files(
    figure: DrawnFigure, files: Mapping[str, bytes] | None, folder: Path, asked: Request
) -> None:
    """Write a figure's files; of one that was skipped, those that an earlier report left go."""
    if files is not None:
        for form in asked.formats:
            records.write_atomically(folder / f"{figure.name}.{form}", files[form])
    elif asked.out is None:
        _forget(folder, figure.name)


def _tell(figures: Sequence[DrawnFigure], folder: Path, asked: Request) -> None:
    """Say what was drawn, and what not and why."""
    written = [figure.name for figure in figures if figure.skipped is None]
    for figure in figures:
        if figure.skipped is not None:
            reason = f"no figure {figure.name}: {figure.skipped}"
            console.err.print(Text(reason, style="dim"), soft_wrap=True)
    if written:
        count, forms = labels.count(len(written), "figure"), ", ".join(asked.formats)
        text = Text(f"wrote {count} ({forms}) into {folder}: {', '.join(written)}")
        console.out.print(text, soft_wrap=True)


def _forget(folder: Path, name: str) -> None:
    """Remove what an earlier report drew there: it is of other runs, or of another question."""
    from reluprobe.report.figures import FORMATS

    for form in FORMATS:
        with contextlib.suppress(OSError):  # there is none, or the folder cannot be written
            (folder / f"{name}.{form}").unlink()


def _unwritten(error: ReluprobeError) -> bool:
    text = Text("no figures: ", style="red").append(error.message)
    hint = "; --out DIR puts them elsewhere, --no-figures draws none"
    console.err.print(text.append(hint), soft_wrap=True)
    return False

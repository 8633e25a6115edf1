"""Figures of ``report``: its flags, and drawing into a folder."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from reluprobe import records
from reluprobe.analysis import settings
from reluprobe.cli import console, draw_page, options
from reluprobe.config import labels
from reluprobe.errors import InputError, ReluprobeError
from reluprobe.records.folder import REPORT, Archive

if TYPE_CHECKING:
    from reluprobe.born.result import Result
    from reluprobe.report.figures import DrawnFigure
    from reluprobe.report.page import PageFigure

PANEL = "Figures"
DEFAULT = ("png", "svg")
Wanted = Annotated[
    bool | None,
    typer.Option(
        "--figures/--no-figures",
        help="Whether to draw figures and write a page.",
        show_default="figures",
        rich_help_panel=PANEL,
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        help="What to write: png, svg, pdf.",
        metavar="NAME,…",
        show_default="png,svg",
        rich_help_panel=PANEL,
    ),
]
Only = Annotated[
    options.Texts,
    typer.Option(
        "--only",
        help="Draw this figure alone. Repeatable.",
        metavar="NAME",
        show_default="all",
        rich_help_panel=PANEL,
    ),
]
Heatmap = Annotated[
    str | None,
    typer.Option(
        help="The two settings of the heat map, down and across.",
        metavar="AXIS,AXIS",
        show_default="as they vary",
        rich_help_panel=PANEL,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        *("--out", "-o"),
        help="Folder for them.",
        **options.AS_PATH,
        show_default=f"{REPORT} in the sweep's",
        rich_help_panel=PANEL,
    ),
]


@dataclass(frozen=True)
class Request:
    """Which figures to draw, how and where.

    Attributes:
        asked: they were asked for by some flag; else they are drawn since nobody said not to.
        out: a folder for them; each sweep's own ``report`` where it is None.
    """

    formats: Sequence[str]
    only: Sequence[str] = ()
    grid: tuple[str, str] | None = None
    out: Path | None = None
    asked: bool = False


def request(
    wanted: bool | None,
    formats: str | None,
    only: options.Texts,
    heatmap: str | None,
    out: Path | None,
) -> Request | None:
    """What the flags ask for; None where it is no figure.

    Raises:
        InputError: a format, a figure or an axis that is none, or figures both asked for and not.
    """
    asked = [flag is not None for flag in (formats, only, heatmap, out)]
    if wanted is False:
        if any(asked):
            raise InputError("--no-figures stands beside what is to be done with figures")
        return None
    names, written = options.split(only) or [], DEFAULT
    if only or formats:
        from reluprobe.report import (
            figures,  # half a second: the tables need not wait for matplotlib
        )

        figures.check_names(names)
        written = figures.check_formats(formats or ",".join(DEFAULT))
    return Request(written, names, _axes(heatmap), out, bool(wanted) or any(asked))


def _axes(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    names = options.split([text]) or []
    if len(names) != 2 or names[0] == names[1]:
        allowed = "allowed are two settings: --heatmap activation,learning_rate"
        raise InputError(f"--heatmap {text}", [allowed])
    return names[0], names[1]


def with_names(asked: Request, sweeps: Sequence[Archive]) -> Request:
    """The same request, the settings of its heat map named in full, as these sweeps have them.

    Raises:
        InputError: one is no setting.
    """
    if asked.grid is None:
        return asked
    runs = [run for sweep in sweeps for run in sweep.records]
    typed = f"--heatmap {','.join(asked.grid)}"
    down, across = settings.check_names(asked.grid, runs, typed)
    if down == across:
        raise InputError(typed, [f"both are {down}; allowed are two settings"])
    return dataclasses.replace(asked, grid=(down, across))


def show(
    sweeps: Sequence[Archive],
    results: Mapping[Path, Result],
    asked: Request,
    definition: str,
    by: Sequence[str] | None,
) -> bool:
    """Draw the figures of sweeps and of results of born-dead; say where they are.

    Returns:
        False where one could not be written, or lacks what a file should have held.
    """
    from reluprobe.report import figures

    names = Counter(sweep.name for sweep in sweeps)
    good = True
    for sweep in filter(lambda sweep: sweep.records, sweeps):
        drawn = figures.drawn(sweep, definition, by, asked.grid, asked.only)
        name = sweep.name
        if names[name] > 1:
            name = f"{sweep.folder.resolve().parent.name}-{name}"
        own = asked.out and (asked.out / name if len(sweeps) > 1 else asked.out)
        folder = own or sweep.folder / REPORT
        # A page is of all of a sweep's figures.
        write_page = None if asked.only else partial(draw_page.write, sweep, folder, definition, by)
        good &= _write(drawn, folder, asked, write_page)
    if results and not asked.only:
        good &= _write(_born_dead(results), asked.out or next(iter(results)).parent / REPORT, asked)
    return good


def _born_dead(results: Mapping[Path, Result]) -> Iterator[DrawnFigure]:
    from reluprobe.report import figures

    for path, result in results.items():
        drawn = figures.born_dead(result)
        yield dataclasses.replace(drawn, name=f"{drawn.name}_{path.stem}")


def _write(
    drawn: Iterable[DrawnFigure],
    folder: Path,
    asked: Request,
    write_page: Callable[[list[PageFigure]], None] | None = None,
) -> bool:
    """Write figures into a folder, and then the page that shows them, if one is wanted."""
    from reluprobe.report import figures

    formats = {*asked.formats, *(["svg"] if write_page else [])}
    on_page: list[PageFigure] = []
    written: list[str] = []
    left_out: list[str] = []
    console.err.print(Text(f"drawing figures into {folder}", style="dim"), soft_wrap=True)
    with console.status("drawing figures"):
        for figure in drawn:
            left_out += figure.left_out
            if figure.figure is None:
                reason = f"no figure {figure.name}: {figure.skipped}"
                console.err.print(Text(reason, style="dim"), soft_wrap=True)
                on_page.append((figure, None))
                if asked.out is None:
                    _forget(folder, figure.name)
                continue
            images = {form: figures.render(figure.figure, form, figure.name) for form in formats}
            if write_page:
                on_page.append((figure, draw_page.image(figure, images["svg"])))
            try:
                for form in asked.formats:
                    records.write_atomically(folder / f"{figure.name}.{form}", images[form])
            except ReluprobeError as error:
                return _unwritten(error)
            written.append(figure.name)
    if written:
        count, forms = labels.count(len(written), "figure"), ", ".join(asked.formats)
        console.out.print(
            Text(f"wrote {count} ({forms}) into {folder}: {', '.join(written)}"), soft_wrap=True
        )
    try:
        if write_page:
            write_page(on_page)
    except ReluprobeError as error:
        return _unwritten(error)
    for fault in left_out:
        console.complain(f"left out: {fault}")
    return not left_out


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

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
from reluprobe.cli import console, draw_page, options, reading
from reluprobe.config import labels
from reluprobe.errors import InputError, ReluprobeError, nearest
from reluprobe.records.folder import REPORT, Archive

if TYPE_CHECKING:
    from reluprobe.born.result import Result
    from reluprobe.report.figures import DrawnFigure
    from reluprobe.report.page import PageFigure

PANEL = "Figures"
DEFAULT = ("png", "svg")
#: As ``figures.style`` has them, which bad input need not wait for.
WIDTHS = ("page", "column")
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
Facet = Annotated[
    str | None,
    typer.Option(
        help="Settings whose values are columns of panels, and rows.",
        metavar="AXIS[,AXIS]",
        show_default="by what they explain",
        rich_help_panel=PANEL,
    ),
]
Colour = Annotated[
    str | None,
    typer.Option(
        *("--colour", "--color"),
        help="The setting whose values have colours.",
        metavar="AXIS",
        show_default="by what they explain",
        rich_help_panel=PANEL,
    ),
]
Width = Annotated[
    str | None,
    typer.Option(
        "--width",
        help="How wide figures are: page, or column for one of a paper's two.",
        metavar="NAME",
        show_default="page",
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
    grid: tuple[str, ...] = ()
    facet: tuple[str, ...] = ()
    colour: tuple[str, ...] = ()
    width: str = "page"
    out: Path | None = None
    asked: bool = False


def request(
    wanted: bool | None,
    formats: str | None,
    only: options.Texts,
    heatmap: str | None,
    facet: str | None,
    colour: str | None,
    width: str | None,
    out: Path | None,
) -> Request | None:
    """What the flags ask for; None where it is no figure.

    Raises:
        InputError: a format, a figure or an axis that is none, or figures both asked for and not.
    """
    asked = [flag is not None for flag in (formats, only, heatmap, facet, colour, width, out)]
    if wanted is False:
        if any(asked):
            raise InputError("--no-figures stands beside what is to be done with figures")
        return None
    names, written = options.split(only) or [], DEFAULT
    if only or formats:
        from reluprobe.report import (
            figures,  # half a second: the tables need not wait for what draws
        )

        figures.check_names(names)
        written = figures.check_formats(formats or ",".join(DEFAULT))
    axes = {
        "grid": _axes("--heatmap", heatmap, "two settings", (2,)),
        "facet": _axes("--facet", facet, "one setting or two", (1, 2)),
        "colour": _axes("--colour", colour, "one setting", (1,)),
    }
    width = "page" if width is None else _width(width)
    return Request(written, names, **axes, width=width, out=out, asked=bool(wanted) or any(asked))


def _width(name: str) -> str:
    if name not in WIDTHS:
        fault = f"--width {name}: allowed are {', '.join(WIDTHS)}{nearest(name, WIDTHS)}"
        raise InputError("unknown width", [fault])
    return name


def _axes(flag: str, text: str | None, allowed: str, counts: tuple[int, ...]) -> tuple[str, ...]:
    """The settings that a flag names; none where it is not given."""
    if text is None:
        return ()
    names = tuple(options.split([text]) or [])
    if len(names) not in counts or len(set(names)) < len(names):
        example = ",".join(("activation", "learning_rate")[: counts[-1]])
        raise InputError(f"{flag} {text}", [f"allowed is {allowed}: {flag} {example}"])
    return names


def with_names(asked: Request, sweeps: Sequence[Archive]) -> Request:
    """The same request, the settings that it names in full, as these sweeps have them.

    Raises:
        InputError: one is no setting, or has two roles.
    """
    runs = [run for sweep in sweeps for run in sweep.records]
    flags = {"grid": "--heatmap", "facet": "--facet", "colour": "--colour"}
    whole = {
        field: tuple(
            settings.check_names(
                [reading.setting_name(name, runs) for name in getattr(asked, field)],
                runs,
                f"{flag} {','.join(getattr(asked, field))}",
            )
        )
        for field, flag in flags.items()
        if getattr(asked, field)
    }
    if twice := {*whole.get("facet", ())} & {*whole.get("colour", ())}:
        raise InputError(f"--facet and --colour both name {', '.join(twice)}")
    return dataclasses.replace(asked, **whole)


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
        choices = figures.Choices(asked.grid, asked.facet, asked.colour, asked.width)
        drawn = figures.drawn(sweep, definition, by, choices, asked.only)
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
    from reluprobe.report.figures import pipeline

    forms = [*asked.formats]
    if write_page and "svg" not in forms:
        forms.append("svg")
    on_page: list[PageFigure] = []
    console.err.print(Text(f"drawing figures into {folder}", style="dim"), soft_wrap=True)
    with console.status("drawing figures"):
        for figure, files in pipeline.rendered(drawn, forms):
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

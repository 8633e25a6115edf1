"""Figures of ``report``: its flags, and what they ask for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from reluprobe.analysis import settings
from reluprobe.analysis.effects import EffectsOnce
from reluprobe.cli import options
from reluprobe.errors import InputError, nearest
from reluprobe.records import RunRecord
from reluprobe.records.folder import REPORT, Archive

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
        "grid": _axes("--heatmap", heatmap, "allowed are two settings", (2,)),
        "facet": _axes("--facet", facet, "allowed is one setting or two", (1, 2)),
        "colour": _axes("--colour", colour, "allowed is one setting", (1,)),
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
        raise InputError(f"{flag} {text}", [f"{allowed}: {flag} {example}"])
    return names


def with_names(
    asked: Request,
    sweeps: Sequence[Archive],
    computed: Mapping[str, EffectsOnce],
    by: Sequence[str] | None = None,
) -> Request:
    """The same request, the settings that it names in full, as these sweeps have them.

    Args:
        asked: the request.
        sweeps: whose figures are drawn.
        computed: their effects, by their places.
        by: the settings that tell configurations apart; all that vary, if None.

    Raises:
        InputError: one is no setting, has two roles, or cannot have the one that it is given.
    """
    runs = [run for sweep in sweeps for run in sweep.records]
    flags = {"grid": "--heatmap", "facet": "--facet", "colour": "--colour"}
    whole = {
        field: _checked(flag, getattr(asked, field), runs)
        for field, flag in flags.items()
        if getattr(asked, field)
    }
    if twice := {*whole.get("facet", ())} & {*whole.get("colour", ())}:
        raise InputError(f"--facet and --colour both name {', '.join(twice)}")
    named = dataclasses.replace(asked, **whole)
    if named.facet or named.colour:
        from reluprobe.report import figures

        choices = figures.Choices(named.grid, named.facet, named.colour, named.width)
        for sweep in filter(lambda sweep: sweep.records, sweeps):
            figures.check_choices(sweep, choices, by, computed[sweep.place])
    return named


def _checked(flag: str, names: Sequence[str], runs: Sequence[RunRecord]) -> tuple[str, ...]:
    typed = f"{flag} {','.join(names)}"
    full = settings.check_names(names, runs, typed)
    if len(set(full)) < len(full):
        raise InputError(typed, [f"both are {full[0]}; allowed are two settings"])
    return tuple(full)

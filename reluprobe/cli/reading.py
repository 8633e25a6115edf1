"""Reading results: what report, compare and export share, from their options to unreadable files.

Never imports JAX.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from reluprobe import records
from reluprobe.analysis import aggregate, thresholds
from reluprobe.analysis.thresholds import Thresholds
from reluprobe.cli import complete, console, options
from reluprobe.config import SETTINGS, SHORT_NAMES
from reluprobe.config.choices import DEFINITIONS
from reluprobe.errors import InputError, nearest
from reluprobe.records.folder import Archive, Read, open_all

#: What a setting may be called.
NAMES = (*SETTINGS, *SHORT_NAMES)
Paths = Annotated[
    list[Path],
    typer.Argument(
        help="Folders or record files.",
        show_default=False,
        **options.AS_PATH,
    ),
]
Definition = Annotated[
    str,
    typer.Option(
        "--definition",
        "-d",
        help=f"What to count: {', '.join(DEFINITIONS)}.",
        autocompletion=complete.among(DEFINITIONS),
    ),
]
DormantThreshold = Annotated[
    float | None,
    typer.Option(
        "--dormant-threshold",
        help="τ of dormant, asked anew before training and of finished networks.",
        metavar="NUMBER",
        show_default="each run's own",
    ),
]
RareThreshold = Annotated[
    float | None,
    typer.Option(
        "--rare-threshold",
        help="Largest share of examples on which a rare unit fires, likewise.",
        metavar="NUMBER",
        show_default="each run's own",
    ),
]
By = Annotated[
    options.Texts,
    options.repeatable(
        "--by",
        "Group by this setting, folding the others.",
        "AXIS",
        "every axis but the seed",
        among=NAMES,
    ),
]
Sort = Annotated[
    str | None,
    typer.Option(
        "--sort",
        help="Order rows by dead, accuracy, r2, rmse, loss, or a setting.",
        autocompletion=complete.among((*aggregate.SORT_KEYS, *NAMES)),
    ),
]


#: Each run's own thresholds.
NONE_ASKED = Thresholds()
#: Among what to show further: all of it.
FULL = "full"


@dataclass(frozen=True)
class View:
    """How to look at records.

    Attributes:
        definition: which definition of death counts.
        by: the settings that tell configurations apart; all that vary but the seed, if None.
        sort: what to order configurations by; as the sweep has them, if None.
        also: what to show further: ``lives``, ``causes``, ``rates``, ``signals``, ``bounds``;
            ``full``: all.
        thresholds: by which units are dormant, and rare; each run's own, if none.
    """

    definition: str = "dead"
    by: Sequence[str] | None = None
    sort: str | None = None
    also: frozenset[str] = frozenset()
    thresholds: Thresholds = NONE_ASKED


def check_definition(definition: str) -> None:
    """Refuse a definition that is none.

    Raises:
        InputError: it is not.
    """
    if definition not in DEFINITIONS:
        allowed = f"allowed is one of {', '.join(DEFINITIONS)}{nearest(definition, DEFINITIONS)}"
        raise InputError("unknown definition", [f"--definition {definition}: {allowed}"])


def load(
    paths: Sequence[Path],
    needed: bool = True,
    asked: Thresholds = NONE_ASKED,
    read: Read = records.read,
) -> list[Archive]:
    """Every sweep in these folders and files, as :func:`reluprobe.records.folder.open_all`.

    Their units are told by the thresholds that are asked for; stderr says of how many they cannot.
    """
    sweeps = [thresholds.of_archive(sweep, asked) for sweep in open_all(paths, needed, read)]
    note = thresholds.note([record for sweep in sweeps for record in sweep.records], asked)
    if note is not None:
        console.err.print(Text(note, style="yellow"), soft_wrap=True)
    # Records are millions of objects that stay until the command ends: the garbage collector need
    # not walk over them again and again while tables are made.
    gc.freeze()
    return sweeps


def exit_if_unreadable(faults: Sequence[str], copies: Sequence[str]) -> None:
    """Name the files that were left out, and leave with 1 if some could not be read.

    Nothing is lost with a copy.
    """
    for copy in copies:
        console.err.print(Text(f"left out: {copy}", style="yellow"), soft_wrap=True)
    for fault in faults:
        console.complain(f"left out: {fault}")
    if faults:
        raise typer.Exit(1)


def left_out(sweeps: Sequence[Archive]) -> tuple[list[str], list[str]]:
    """The files of these sweeps that could not be read, and those that are copies; a line each."""
    faults = [fault for sweep in sweeps for fault in sweep.faults]
    return faults, [copy for sweep in sweeps for copy in sweep.copies]

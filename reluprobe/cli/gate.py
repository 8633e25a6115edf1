"""``--max-dead``: a gate for continuous integration, with an exit code of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from reluprobe.cli import console
from reluprobe.errors import InputError, shown
from reluprobe.report import formatting

#: More units are dead than is allowed.
EXIT_CODE = 4

MaxDead = Annotated[
    str | None,
    typer.Option(
        "--max-dead",
        help="End with exit code 4 where more than this percentage of a layer, or of all, is dead.",
        metavar="PERCENT",
    ),
]


def parse(text: str | None) -> float | None:
    """``20`` or ``20%`` as a share.

    Raises:
        InputError: it is no percentage.
    """
    if text is None:
        return None
    try:
        percent = float(text.strip().removesuffix("%"))
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        fault = f"--max-dead {shown(text)}: allowed is a percentage from 0 to 100"
        raise InputError("cannot read --max-dead", [fault])
    return percent / 100


def check(shares: Mapping[str, float | None], most: float | None) -> None:
    """End with the gate's exit code where a share is greater; they are named.

    Raises:
        typer.Exit: one is.
    """
    if most is None:
        return
    beyond = {name: share for name, share in shares.items() if share is not None and share > most}
    if not beyond:
        return
    ranked = sorted(beyond.items(), key=lambda item: -item[1])
    listed = ", ".join(f"{name} {formatting.percent(share)}%" for name, share in ranked[:6])
    more = f" and {len(ranked) - 6:,} more" if ranked[6:] else ""
    console.complain(f"more than {formatting.percent(most)}% dead: {listed}{more}")
    raise typer.Exit(EXIT_CODE)

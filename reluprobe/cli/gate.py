"""``--max-dead``: a gate for continuous integration, with an exit code of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

import typer

from reluprobe.analysis import aggregate
from reluprobe.cli import console
from reluprobe.cli.reading import View
from reluprobe.config import labels
from reluprobe.errors import InputError, shown
from reluprobe.foreign.result import Look
from reluprobe.records.folder import Archive
from reluprobe.report import formatting

#: More units are dead than is allowed.
EXIT_CODE = 4
#: How many are named.
MOST_NAMED = 6

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


def check(shares: Mapping[str, float | None], most: float) -> None:
    """End with the gate's exit code where a share is greater; they are named.

    Args:
        shares: of layers and of whole networks by name; None of a whole network that no number is
            known of, which passes no gate.
        most: the greatest that passes.

    Raises:
        typer.Exit: one is.
    """
    unknown = [name for name, share in shares.items() if share is None]
    beyond = {name: share for name, share in shares.items() if share is not None and share > most}
    if unknown:
        console.complain(f"no dead units known of: {formatting.few(unknown, MOST_NAMED)}")
    if beyond:
        ranked = sorted(beyond.items(), key=lambda item: -item[1])
        texts = [f"{name} {formatting.percent(share)}%" for name, share in ranked]
        named = formatting.few(texts, MOST_NAMED)
        console.complain(f"more than {formatting.percent(most)}% dead: {named}")
    if unknown or beyond:
        raise typer.Exit(EXIT_CODE)


def of_looks(look: Look) -> dict[str, float | None]:
    """The shares of a look: of each layer that examples went through, and of all."""
    by_layer = {layer.name: layer.share("dead") for layer in look.layers if layer.examples}
    return {"all layers": look.share(), **by_layer}


def of_sweeps(sweeps: Iterable[Archive], view: View) -> dict[str, float | None]:
    """The shares of each configuration's finished networks: of each layer, and of all."""
    shares: dict[str, float | None] = {}
    for sweep in sweeps:
        for row in aggregate.summarize(sweep.records, view.definition, view.by):
            name = labels.settings(row.settings) or sweep.name
            shares[f"all layers of {name}"] = row.mean.mean if row.mean else None
            known = {layer: share.mean for layer, share in row.layers.items() if share is not None}
            shares |= {f"{layer} of {name}": mean for layer, mean in known.items()}
    return shares

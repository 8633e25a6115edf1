"""``reluprobe born-dead``: how likely a network is constant before any training."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import typer
from rich.text import Text

from reluprobe.born import result
from reluprobe.cli import console, options
from reluprobe.config import AXES, BORN_DEAD, make_born_dead
from reluprobe.report.terminal import born_dead

HELP = """Count ReLU networks that are constant from birth, beside what is proved of them.

Draws networks of every depth and width asked for, trains none, and compares with the bounds of
Lu, Shin, Su, Karniadakis (2019), "Dying ReLU and Initialization"."""


@partial(options.with_settings, among=BORN_DEAD, axes=AXES)
def command(
    *,
    out: options.Out = Path("results"),
    as_json: options.Json = False,
    **settings: Any,
) -> None:
    """Run it; the help is HELP."""
    config = make_born_dead(settings)
    with console.status("drawing networks"):
        from reluprobe.born import count  # JAX, after what is wrong with the flags has been said

        found = count.measure(config)
    path = result.write(found, out)
    if as_json:
        typer.echo(json.dumps(result.to_dict(found), allow_nan=False))
        return
    show(found)
    console.out.print(Text(f"wrote {path}"), soft_wrap=True)
    console.out.print(Text(born_dead.next_command(config)), soft_wrap=True)


def show(found: result.Result) -> None:
    """Print a result: headline, table, what was drawn."""
    console.out.print(born_dead.headline(found))
    console.out.print(born_dead.legend(found.config))
    console.out.print()
    console.out.print(born_dead.table(found))
    console.out.print()
    console.out.print(born_dead.drawn(found.config))

"""``reluprobe born-dead``: how likely a network is constant before any training."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from rich.text import Text

from reluprobe.born import result
from reluprobe.cli import console, options, report_born_dead
from reluprobe.config import AXES, BORN_DEAD, make_born_dead
from reluprobe.files import check_writable
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
    from reluprobe import api

    make_born_dead(settings)  # what is wrong with the flags is said before JAX is waited for
    check_writable(out / result.FOLDER)
    with console.status("drawing networks"):
        drawn = api.born_dead(**settings)
    # Shown first: what was computed is seen even where a disk has become full meanwhile.
    if as_json:
        console.write(json.dumps(result.to_dict(drawn), allow_nan=False) + "\n")
    else:
        report_born_dead.show(drawn)
    written = result.write(drawn, out)
    if as_json:
        return
    console.out.print(Text(f"wrote {written}"), soft_wrap=True)
    console.out.print(Text(born_dead.next_command(drawn.config)), soft_wrap=True)

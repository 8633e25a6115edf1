"""``reluprobe prune``: a trained network without its dead units."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from reluprobe.cli import complete, console, options

HELP = """Take the dead units out of a trained network, and show that it gives out the same.

RUN is the record of a run that saved its weights (train or sweep with --save-weights), or the
.safetensors beside it. A unit goes that is dead on the whole training set: f′(z) = 0 on every
example. What it gives out, a constant, goes into the next layer's biases. Both networks are then
run on the training set and on the test set."""

Record = Annotated[
    Path,
    typer.Argument(
        help="A run's record, or its weights.",
        show_default=False,
        **dict(options.AS_PATH, metavar="RUN"),
    ),
]
On = Annotated[
    str,
    typer.Option(
        "--on",
        help="train: dead on the training set. certified: proven dead in its box.",
        metavar="NAME",
        autocompletion=complete.among(("train", "certified")),
    ),
]
File = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="The smaller weights.",
        show_default="RUN-pruned.safetensors",
        **options.AS_PATH,
    ),
]


def command(
    run: Record,
    *,
    on: On = "train",
    out: File = None,
    manual_dir: options.ManualDir = None,
    as_json: options.Json = False,
) -> None:
    """Run it; the help is HELP."""
    from reluprobe import pruning  # not for those who ask for help

    target = run.with_name(f"{run.stem}-pruned.safetensors") if out is None else out
    with console.status("looking at the training set"):
        report = pruning.prune(run, on=on, out=target, manual_dir=manual_dir)  # type: ignore[arg-type]
    if as_json:
        console.write(json.dumps(report.to_dict(), allow_nan=False) + "\n")
        return
    from reluprobe.report.formatting import file_size
    from reluprobe.report.terminal import pruning as shown

    for part in shown.parts(report):
        console.out.print(part)
    if report.path is None:
        return
    size = file_size(target.stat().st_size)
    console.out.print()
    console.out.print(Text(f"wrote {target}  ({size})"), soft_wrap=True)
    following = f"next: reluprobe inspect {shlex.quote(str(target))}"
    console.out.print(Text(following), soft_wrap=True)

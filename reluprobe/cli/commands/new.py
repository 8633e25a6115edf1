"""``reluprobe new``: a sweep file to start from."""

from __future__ import annotations

import json
import re
import shlex
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from reluprobe import records
from reluprobe.cli import console, options
from reluprobe.config import parse_sweep
from reluprobe.errors import InputError

HELP = """Write a commented sweep file to start from; as it stands it runs in about a minute."""

Name = Annotated[
    str, typer.Argument(help="Name of the sweep: its folder below results.", metavar="[NAME]")
]
File = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", help="The file to write.", show_default="NAME.toml", **options.AS_PATH
    ),
]


def command(name: Name = "first_sweep", *, out: File = None) -> None:
    """Run it; the help is HELP."""
    # `new my.toml` can only mean the sweep `my`.
    name = name.removesuffix(".toml")
    parse_sweep({"name": name}, where="the command line")
    file = Path(f"{name}.toml") if out is None else out
    if not str(file).isprintable():
        raise InputError(f"{str(file)!r} cannot stand in a comment", hint="a name without breaks")
    if file.exists():
        raise InputError(f"{file} is there already", hint="another NAME, or --out FILE")
    records.write_atomically(file, starter(name, file))
    console.out.print(Text(f"wrote {file}"), soft_wrap=True)
    console.out.print(Text(f"next: reluprobe sweep {shlex.quote(str(file))}"), soft_wrap=True)


def starter(name: str, file: Path) -> str:
    """The sweep file, of this name, to be called so."""
    text = (resources.files("reluprobe.config") / "starter.toml").read_text("utf-8")
    # JSON writes a text as TOML does.
    words = {"{name}": json.dumps(name, ensure_ascii=False), "{folder}": shlex.quote(name)}
    words |= {"{file}": shlex.quote(str(file))}
    return re.sub("|".join(map(re.escape, words)), lambda match: words[match[0]], text)

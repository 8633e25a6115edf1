"""Text for other programs, from export and compare: its options, and to stdout or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from reluprobe import records
from reluprobe.cli import console

Markdown = Annotated[bool, typer.Option("--markdown", help="Write a table as Markdown.")]
Latex = Annotated[bool, typer.Option("--latex", help="Write a table as LaTeX (booktabs).")]


def deliver(text: str, out: Path | None) -> None:
    """Write a text to stdout, or to a file, whole or not at all.

    Raises:
        ReluprobeError: the file cannot be written.
    """
    if out is None:
        console.write(text)
    else:
        records.write_atomically(out, text)
        console.out.print(Text(f"wrote {out}"), soft_wrap=True)

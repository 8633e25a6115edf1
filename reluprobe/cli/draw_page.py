"""Page of ``report``: written as one HTML file beside the figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from reluprobe import records
from reluprobe.cli import console
from reluprobe.records.folder import Archive

if TYPE_CHECKING:
    from reluprobe.report.page import PageFigure

FILE = "report.html"


def write(
    sweep: Archive,
    folder: Path,
    definition: str,
    by: Sequence[str] | None,
    figures: Sequence[PageFigure],
) -> None:
    """Write a sweep's page into a folder, and say where it is.

    Raises:
        ReluprobeError: it cannot be written.
    """
    from reluprobe.report import page

    with console.status("writing the page"):
        text = page.html(page.model(sweep, definition, by, figures))
        records.write_atomically(folder / FILE, text)
    size = f"{len(text.encode()) / 1e6:.1f} MB"
    written = f"wrote a page to open in a browser ({size}): {folder / FILE}"
    console.out.print(Text(written), soft_wrap=True)

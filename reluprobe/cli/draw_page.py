"""The page of a report: one HTML file beside the figures, while the terminal says so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from reluprobe import records
from reluprobe.cli import console
from reluprobe.records.folder import Archive

if TYPE_CHECKING:
    from reluprobe.report.figures import Drawn
    from reluprobe.report.page import Illustration

FILE = "report.html"


def keep(kept: list[Illustration] | None, drawn: Drawn, svg: bytes | None = None) -> None:
    """Put a figure, or why there is none, among those of a page; nothing where none is wanted."""
    if kept is None:
        return
    from reluprobe.report import figures, page

    image = svg
    if drawn.figure is not None and svg is not None and len(svg) > page.LARGEST:
        dots = figures.render(drawn.figure, "png", drawn.name, page.DPI)
        image = min(page.of_few_colours(dots), svg, key=len)
    words = drawn.name, drawn.title, drawn.caption, drawn.alt
    kept.append(page.Illustration(*words, image, drawn.skipped))


def write(
    sweep: Archive,
    folder: Path,
    definition: str,
    by: Sequence[str] | None,
    figures: Sequence[Illustration],
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
    told = f"wrote a page to open in a browser ({size}): {folder / FILE}"
    console.out.print(Text(told), soft_wrap=True)

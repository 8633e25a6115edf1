"""Page of ``report``: written as one HTML file beside the figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from reluprobe import records
from reluprobe.cli import console
from reluprobe.records.folder import Archive

if TYPE_CHECKING:
    from reluprobe.analysis.effects import EffectsOnce
    from reluprobe.report.page import PageFigure

FILE = "report.html"


def begin(
    sweep: Archive,
    folder: Path,
    definition: str,
    by: Sequence[str] | None,
    pool: Executor,
    computed: EffectsOnce | None = None,
) -> Callable[[Sequence[PageFigure]], None]:
    """Have what a page needs besides its figures made; what is returned writes it.

    It raises ReluprobeError if the page cannot be written.
    """
    from reluprobe.report import page

    script = page.charts_script(pool)

    def write(figures: Sequence[PageFigure]) -> None:
        with console.status("writing the page"):
            text = page.html(page.model(sweep, definition, by, figures, computed), script)
            records.write_atomically(folder / FILE, text)
        size = f"{len(text.encode()) / 1e6:.1f} MB"
        written = f"wrote a page to open in a browser ({size}): {folder / FILE}"
        console.out.print(Text(written), soft_wrap=True)

    return write

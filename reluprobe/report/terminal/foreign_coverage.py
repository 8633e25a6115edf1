"""Coverage of the networks of foreign runs: what was counted in them, and what not and why."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report.terminal import inspection

#: Networks of which it is said.
MOST = 3
#: Columns of a line that is not broken.
UNBROKEN = 100_000


def lines(runs: Iterable[RunRecord], width: int = UNBROKEN) -> list[Text]:
    """What of these networks was counted, and what not; of many that differ the first few."""
    seen = [(run.coverage, len(run.layers)) for run in runs if run.coverage is not None]
    every = list(dict.fromkeys(seen))
    said = [line for entry in every[:MOST] for line in inspection.coverage(*entry, width)]
    if rest := every[MOST:]:
        said.append(Text(f"and of {labels.count(len(rest), 'other network')}", style="dim"))
    return said

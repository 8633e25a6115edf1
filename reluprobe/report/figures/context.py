"""What a figure is drawn from: a sweep, its configurations with their looks, and its words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from matplotlib.figure import Figure

from reluprobe.analysis import aggregate
from reluprobe.analysis.aggregate import Estimate, Summary
from reluprobe.analysis.learning_curves import ended
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.records.folder import Archive
from reluprobe.records.schema import NAME
from reluprobe.report import formatting
from reluprobe.report.figures.style import LOOKS, Look
from reluprobe.report.terminal import tables
from reluprobe.report.terms import Terms, probe_examples, terms_of

#: More lines than there are looks cannot be told apart in one panel.
MOST_LINES = len(LOOKS)
#: More panels, or rows, than this do not fit a page.
MOST_PANELS = 30
#: So many facts stand in a figure's alternative text.
MOST_FACTS = 12

#: What draws a figure gives: matplotlib's figure; its caption, which says what is seen and how to
#: read it; its alternative text, which says it with numbers for those who do not see it.
Drawing = tuple[Figure, str, str]


class LackingError(Exception):
    """A sweep has not what a figure shows; the message says what, in a few words."""


@dataclass(frozen=True)
class Entry:
    """A configuration in a figure: its name, its runs folded, and its look."""

    label: str
    row: Summary
    look: Look

    @property
    def runs(self) -> list[RunRecord]:
        """Its runs that ended with finite numbers."""
        return ended(self.row.members)


@dataclass(frozen=True)
class Context:
    """What every figure of a sweep is drawn from.

    Attributes:
        definition: which definition of death counts.
        by: the settings that tell configurations apart; all that vary but the seed, if None.
        grid: the two settings of the heat map, down and across; chosen by the sweep, if None.
        left_out: gets a line for every file beside the records that cannot be read.
    """

    archive: Archive
    definition: str = "dead"
    by: tuple[str, ...] | None = None
    grid: tuple[str, str] | None = None
    left_out: list[str] = field(default_factory=list)

    @property
    def records(self) -> tuple[RunRecord, ...]:
        """Every run of the sweep."""
        return self.archive.records

    @property
    def word(self) -> str:
        """The definition as headings call it."""
        return tables.CALLED[self.definition][0]

    @cached_property
    def entries(self) -> list[Entry]:
        """The configurations in the sweep's order, named and looking alike in every figure."""
        rows = aggregate.summarize(self.records, self.definition, self.by)
        named = [labels.settings(c.settings) for c in tables.shortened(rows)]
        return [
            Entry(label or _unnamed(row), row, LOOKS[n % len(LOOKS)])
            for n, (label, row) in enumerate(zip(named, rows, strict=True))
        ]

    def some(self, entries: Sequence[Entry], most: int = MOST_PANELS) -> tuple[list[Entry], str]:
        """At most so many, evenly spread from the fewest dead to the most; and a word about it."""
        if len(entries) <= most:
            return list(entries), ""
        ranked = sorted(entries, key=lambda e: e.row.mean.mean if e.row.mean else 2.0)
        shown = [ranked[i] for i in tables.shown_layers(len(ranked), most)]
        note = (
            f" {most} of {len(entries):,} configurations are shown, evenly spread from the fewest "
            f"{self.word} to the most."
        )
        return [e for e in entries if e in shown], note

    @cached_property
    def examples(self) -> str:
        """The examples that units are probed on."""
        return " or ".join(sorted({probe_examples(r) for r in self.records}))

    @cached_property
    def terms(self) -> Terms:
        """What time, accuracy and layers are called."""
        return terms_of(self.records)

    @staticmethod
    def beside(estimates: Iterable[Estimate | None]) -> str:
        """What stands beside means: their 95% intervals, what they mix, or both; empty: nothing."""
        present = [e for e in estimates if e is not None]
        words = []
        if any(e.half_width is not None for e in present):
            words.append("95% interval")
        if any(e.mixed for e in present):
            words.append(formatting.min_max(present))
        return " or ".join(words)

    def seeds(self, what: str = "Lines are means", band: str = "bands") -> str:
        """How runs are folded, in a sentence or two."""
        counts = sorted({len(e.runs) for e in self.entries if e.runs})
        lost = sum(e.row.runs - len(e.runs) for e in self.entries)
        left = f" {labels.count(lost, 'failed or diverged run')} left out." if lost else ""
        if not counts or counts == [1]:
            return f"One run each, so no interval.{left}"
        number = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        beside = self.beside(e for entry in self.entries for e in _estimates(entry.row))
        bands = f", {band} their {beside.replace('interval', 'intervals')}" if band else ""
        return f"{what} of {number} runs{bands if beside else ''}.{left}"


def _estimates(row: Summary) -> tuple[Estimate | None, ...]:
    return (row.mean, row.accuracy, row.loss, row.train_loss)


def alt_text(lines: Sequence[str], most: int = MOST_FACTS) -> str:
    """A figure's facts as its alternative text; of many the first, and how many more there are."""
    more = len(lines) - most
    rest = [f"and {more} more"] if more > 0 else []
    return "; ".join([*lines[:most], *rest]) + "."


def wrapped(label: str, width: int) -> str:
    """A long name over several lines, parted where it has its dots, else between words."""
    lines: list[str] = []
    for part in label.split(" · "):
        if lines and len(lines[-1]) + len(part) + 3 <= width:
            lines[-1] += f" · {part}"
        else:
            # A word that is longer than a line, such as a path, would leave the axes no room.
            lines += textwrap.wrap(part, width, break_on_hyphens=False)
    return "\n".join(lines)


def _unnamed(row: Summary) -> str:
    """What a configuration is called that no setting tells apart."""
    names = {unnamed(run) for run in row.members}
    return names.pop() if len(names) == 1 else "all runs"


def unnamed(run: RunRecord) -> str:
    """What a run is called by nothing but its network: its activation, or a foreign one's name."""
    return labels.setting(run.settings[NAME] if run.ours is None else run.ours.activation)

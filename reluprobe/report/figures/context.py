"""What a figure is drawn from: a sweep, its axes with their roles, and its words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import altair as alt

from reluprobe.analysis import aggregate
from reluprobe.analysis.aggregate import Estimate, Summary
from reluprobe.analysis.effects import Effects, EffectsOnce
from reluprobe.analysis.learning_curves import ended
from reluprobe.analysis.settings import applies
from reluprobe.config import labels, rank
from reluprobe.records import RunRecord, Setting
from reluprobe.records.folder import Archive
from reluprobe.records.schema import NAME
from reluprobe.report import formatting
from reluprobe.report.figures import roles, style
from reluprobe.report.figures.roles import Roles
from reluprobe.report.quality_terms import QualityTerms, terms_of_quality, whole
from reluprobe.report.terminal import tables
from reluprobe.report.terms import Terms, probe_examples, terms_of

#: More rows, or panels of single configurations, than this do not fit a page.
MOST_ROWS = 30
#: So many facts stand in a figure's alternative text.
MOST_FACTS = 12
#: The field of a row that names its configuration, where no role tells it apart.
CONFIGURATION = "configuration"

#: What draws a figure gives: a chart; its caption, which says what is seen and how to read it;
#: its alternative text, which says it with numbers for those who do not see it.
Drawing = tuple[alt.TopLevelMixin, str, str]
#: One row of a chart's data.
Row = dict[str, object]


class LackingError(Exception):
    """A sweep has not what a figure shows; the message says what, in a few words."""


@dataclass(frozen=True)
class Entry:
    """Runs folded together in a figure: all that have some settings in common.

    Attributes:
        label: those settings in words.
        row: the runs folded.
        fields: those settings as a chart's data name them, printed.
    """

    label: str
    row: Summary
    fields: dict[str, str]

    @property
    def runs(self) -> list[RunRecord]:
        """Its runs that ended with finite numbers."""
        return ended(self.row.members)


@dataclass(frozen=True)
class Choices:
    """Which axes have which roles; where nothing is chosen, by what they explain.

    Attributes:
        grid: the two settings of the heat map, down and across.
        facet: those that are columns of panels, and rows.
        colour: the one that is colours.
        width: how wide figures are, a key of ``style.WIDTHS``.
    """

    grid: tuple[str, ...] = ()
    facet: tuple[str, ...] = ()
    colour: tuple[str, ...] = ()
    width: str = "page"


@dataclass(frozen=True)
class Context:
    """What every figure of a sweep is drawn from.

    Attributes:
        definition: which definition of death counts.
        by: the settings that tell configurations apart; all that vary but the seed, if None.
        choices: which axes have which roles.
        computed: the sweep's effects, where others need them too.
        left_out: gets a line for every file beside the records that cannot be read.
    """

    archive: Archive
    definition: str = "dead"
    by: tuple[str, ...] | None = None
    choices: Choices = Choices()
    left_out: list[str] = field(default_factory=list)
    computed: EffectsOnce | None = None

    @property
    def records(self) -> tuple[RunRecord, ...]:
        """Every run of the sweep."""
        return self.archive.records

    @property
    def word(self) -> str:
        """The definition as headings call it."""
        return tables.CALLED[self.definition][0]

    @property
    def width(self) -> int:
        """How wide its figures are, in pixels."""
        return style.WIDTHS[self.choices.width]

    @cached_property
    def effects(self) -> Effects | None:
        """What the grid's axes do; None where nothing varies but the seed."""
        return (self.computed or EffectsOnce(self.records, self.definition)).value

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """The axes that tell runs apart, that which explains most of the dead units first."""
        vary: Sequence[str] = aggregate.axes(self.records)
        if self.by is not None:
            vary = aggregate.check_axes(self.by, self.records)
        ranked = self.effects.axes if self.effects else ()
        return tuple(sorted(vary, key=lambda n: ranked.index(n) if n in ranked else len(ranked)))

    @cached_property
    def values(self) -> dict[str, list[Setting]]:
        """The values of each axis: numbers in their order, words in the sweep's."""
        return {axis: self._values(axis) for axis in self.axes}

    def _values(self, axis: str) -> list[Setting]:
        present = dict.fromkeys(self.value(run, axis) for run in self.records)
        words = any(isinstance(value, str) for value in present)
        return list(present) if words else sorted(present, key=rank)

    def domain(self, axis: str) -> list[str]:
        """The values of an axis as they are printed, in their order."""
        if axis == CONFIGURATION:
            return [entry.label for entry in self.entries]
        return list(dict.fromkeys(map(labels.setting, self._values(axis))))

    def value(self, run: RunRecord, axis: str) -> Setting:
        """A run's value of an axis; None where it has no effect beside the run's others."""
        settings = run.table
        return settings.get(axis) if applies(axis, settings) else None

    def fields_of(self, run: RunRecord) -> dict[str, str]:
        """A run's axes as a chart's data name them, printed."""
        return {labels.field(axis): labels.setting(self.value(run, axis)) for axis in self.axes}

    def title(self, axis: str) -> str:
        """What an axis is called in a heading."""
        return labels.name(axis)

    def roles(self, *without: str) -> Roles:
        """The roles of the axes, but those that a figure shows otherwise."""
        sizes = {axis: size for axis, size in self._sizes.items() if axis not in without}
        colour = next(iter(self.choices.colour), None)
        return roles.assigned(sizes, self.choices.facet, colour, self.columns)

    def check_roles(self) -> None:
        """See that axes can have the roles that are chosen.

        Raises:
            InputError: one does not vary, or has too many values.
        """
        colour = next(iter(self.choices.colour), None)
        roles.check(self._sizes, self.choices.facet, colour, self.columns)

    @property
    def _sizes(self) -> dict[str, int]:
        return {axis: len(self.domain(axis)) for axis in self.axes}

    @property
    def columns(self) -> int:
        """How many panels fit beside each other."""
        return roles.MOST_COLUMNS if self.width == style.PAGE else roles.FEW_COLUMNS

    def numeric(self, axis: str) -> bool:
        """Whether an axis is one of numbers, which have an order."""
        values = [value for value in self.values[axis] if value is not None]
        return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)

    @cached_property
    def entries(self) -> list[Entry]:
        """The configurations, in the sweep's order."""
        return self.folds(self.by)

    def folds(self, by: Sequence[str] | None) -> list[Entry]:
        """Runs folded by these settings; by all that tell them apart, if None."""
        rows = aggregate.summarize(self.records, self.definition, by)
        named = [labels.settings(row.settings) for row in tables.shortened(rows)]
        return [
            Entry(label or _unnamed(row), row, self._fields(row))
            for label, row in zip(named, rows, strict=True)
        ]

    def _fields(self, row: Summary) -> dict[str, str]:
        return {labels.field(name): labels.setting(value) for name, value in row.settings.items()}

    def some(self, entries: Sequence[Entry], most: int = MOST_ROWS) -> tuple[list[Entry], str]:
        """At most so many, those with the fewest dead and with the most; and a word about it."""
        if len(entries) <= most:
            return list(entries), ""
        ranked = sorted(entries, key=lambda e: e.row.mean.mean if e.row.mean else 2.0)
        fewest, few = most // 2, most - most // 2
        shown = [*ranked[:fewest], *ranked[-few:]]
        note = (
            f" Of {len(entries):,} configurations the {fewest} with the fewest {self.word} and the "
            f"{few} with the most are shown."
        )
        return [e for e in entries if e in shown], note

    @cached_property
    def examples(self) -> str:
        """The examples that units are probed on."""
        return " or ".join(sorted({probe_examples(r) for r in self.records}))

    @cached_property
    def qualities(self) -> tuple[QualityTerms, ...]:
        """What says how good the networks are."""
        return terms_of_quality(self.records)

    @property
    def qualities_named(self) -> str:
        """``test accuracy``; ``test accuracy and test R²`` where there are networks of both."""
        return " and ".join(terms.name for terms in self.qualities)

    def outcome(self, entry: Entry) -> str:
        """``relu: 40.8 ±1.2% dead, test accuracy 97.4 ±0.1%``: a fact of alternative texts."""
        return f"{entry.label}: {self.outcome_of(entry.row)}"

    def outcome_of(self, row: Summary) -> str:
        """``40.8 ±1.2% dead, test accuracy 97.4 ±0.1%``."""
        beside = whole(row) or f"{self.qualities_named} {formatting.NOT_APPLICABLE}"
        return f"{formatting.plus_minus(row.mean)}% {self.word}, {beside}"

    @cached_property
    def terms(self) -> Terms:
        """What time, measures and layers are called."""
        return terms_of(self.records)

    def fold_note(self, folded: Sequence[str]) -> str:
        """That these axes are folded together, in a sentence; empty where there are none."""
        if not folded:
            return ""
        return f" All of {', '.join(map(labels.name, folded))} are folded together."

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

    def seeds(
        self,
        entries: Sequence[Entry] | None = None,
        what: str = "Lines are means",
        band: str = "bands",
    ) -> str:
        """How runs are folded, in a sentence or two; of all configurations, if not told which."""
        entries = self.entries if entries is None else entries
        counts = sorted({len(e.runs) for e in entries if e.runs})
        lost = sum(e.row.runs - len(e.runs) for e in entries)
        left = f" {labels.count(lost, 'failed or diverged run')} left out." if lost else ""
        if not counts or counts == [1]:
            return f"One run each, so no interval.{left}"
        number = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        beside = self.beside(e for entry in entries for e in _estimates(entry.row))
        bands = f", {band} their {beside.replace('interval', 'intervals')}" if band else ""
        return f"{what} of {number} runs{bands if beside else ''}.{left}"


def _estimates(row: Summary) -> tuple[Estimate | None, ...]:
    return (row.mean, row.accuracy, row.r2, row.loss, row.train_loss)


def alt_text(lines: Sequence[str], most: int = MOST_FACTS) -> str:
    """A figure's facts as its alternative text; of many the first, and how many more there are."""
    more = len(lines) - most
    rest = [f"and {more} more"] if more > 0 else []
    return "; ".join([*lines[:most], *rest]) + "."


def _unnamed(row: Summary) -> str:
    """What a configuration is called that no setting tells apart."""
    names = {unnamed(run) for run in row.members}
    return names.pop() if len(names) == 1 else "all runs"


def unnamed(run: RunRecord) -> str:
    """What a run is called by nothing but its network: its activation, or a foreign one's name."""
    return labels.setting(run.settings[NAME] if run.ours is None else run.ours.activation)

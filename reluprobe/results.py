"""Results of sweeps: tables of runs, layers, summaries and comparisons, and figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from reluprobe.config import Value, arguments, cleaned, faults_of, full_name, with_full_names
from reluprobe.config.choices import DEFINITIONS, SPLITS
from reluprobe.errors import InputError, ReluprobeError, nearest
from reluprobe.records import RunRecord, Setting
from reluprobe.records.folder import Archive

if TYPE_CHECKING:
    import pyarrow as pa

    from reluprobe.analysis.aggregate import Summary
    from reluprobe.analysis.compare import Comparison
    from reluprobe.report.export.markup import PaperTable
    from reluprobe.report.figures import DrawnFigure


@dataclass(frozen=True, repr=False)
class Results:
    """The runs of one sweep or of several. Shares are in [0, 1], null where nothing applies.

    Attributes:
        archives: a sweep's folder each, with its records, and what is amiss there.
    """

    archives: tuple[Archive, ...]

    @property
    def records(self) -> tuple[RunRecord, ...]:
        """Every record, sweep by sweep, in the order of its plan."""
        return tuple(record for archive in self.archives for record in archive.records)

    @property
    def names(self) -> tuple[str, ...]:
        """The sweeps' names."""
        return tuple(archive.name for archive in self.archives)

    @property
    def faults(self) -> tuple[str, ...]:
        """A line for every file that could not be read."""
        return tuple(fault for archive in self.archives for fault in archive.faults)

    @property
    def copies(self) -> tuple[str, ...]:
        """A line for every run whose record lies in a sweep's folder more than once."""
        return tuple(copy for archive in self.archives for copy in archive.copies)

    @property
    def environments(self) -> Mapping[str, Mapping[str, int]]:
        """In what the machines of these runs differ: how many runs have which value of a key.

        Empty where all have one JAX, one kind of processor and so on: only then would the same
        settings give the same bits.
        """
        from reluprobe.analysis import environments

        return environments.differences(self.records)

    def with_thresholds(
        self, *, dormant_threshold: float | None = None, rare_threshold: float | None = None
    ) -> Results:
        """The same runs with their dormant and rare units told by other thresholds.

        Of the looks at which records keep numbers of every unit: before training, at the last
        epoch and on the samples of the finished network. At all other looks, and in records older
        than ``reluprobe/run/7`` and those of foreign runs, they become null.

        Args:
            dormant_threshold: τ of ``dormant``; each run's own, if None.
            rare_threshold: largest share of the examples on which a rare unit fires; likewise.

        Raises:
            InputError: a threshold that no run may have.
        """
        from reluprobe.analysis import thresholds

        asked = thresholds.checked(dormant_threshold, rare_threshold)
        return Results(tuple(thresholds.of_archive(archive, asked) for archive in self.archives))

    def __getitem__(self, name: str) -> Results:
        """The results of one sweep by its name."""
        chosen = tuple(archive for archive in self.archives if archive.name == name)
        if not chosen:
            listed = ", ".join(self.names)
            near = nearest(name, self.names)
            raise InputError(f"no sweep {name!r}; there are {listed}{near}")
        return Results(chosen)

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[RunRecord]:
        return iter(self.records)

    def runs(self) -> pa.Table:
        """One row a run: its settings, and what it came to. Columns as ``export`` has them."""
        from reluprobe.report.export import in_memory

        return in_memory.runs_table(self._pairs())

    def layers(self) -> pa.Table:
        """One row a run × epoch × hidden layer, with the settings that vary among the runs."""
        from reluprobe.report.export import in_memory

        return in_memory.layers_table(self._pairs())

    def units(self) -> pa.Table:
        """One row a run × epoch × hidden unit: whether it was dead, with the settings that vary.

        Raises:
            ReluprobeError: no record says which units were dead.
        """
        from reluprobe.report.export import in_memory

        return in_memory.units_table(self._pairs())

    def tensorboard(self, folder: str | Path, definition: str = "dead") -> Path:
        """Write a log folder for TensorBoard: curves of every run, and its hyperparameters.

        Args:
            folder: where to. What an earlier call has written there is replaced, other files stay.
            definition: what to count.

        Returns:
            The folder: ``tensorboard --logdir`` takes it.

        Raises:
            ReluprobeError: ``tensorboardX`` is not installed, or the folder cannot be written.
        """
        from reluprobe.report.export import tensorboard_log

        arguments.choice("definition", definition, DEFINITIONS)
        place = arguments.path("folder", folder)
        return tensorboard_log.write([*self._pairs()], place, definition).folder

    def _pairs(self) -> Iterator[tuple[Path, RunRecord]]:
        for archive in self.archives:
            for record in archive.records:
                yield archive.folder, record

    def summary(
        self,
        by: Sequence[str] | None = None,
        definition: str = "dead",
        sort: str | None = None,
    ) -> pa.Table:
        """What ``report`` shows: one row a configuration, seeds folded.

        A measure has its mean; ``…_half_width`` is half of its 95% t interval over seeds, and
        ``…_low`` and ``…_high`` are the interval's ends, cut at what the measure can be. A row
        whose ``configurations`` are several has no half-width: its ends are the least and the
        greatest of their means. For one run all three are null.

        Args:
            by: the settings that tell configurations apart; all that vary but the seed, if None.
            definition: what to count, one of ``reluprobe.DEFINITIONS``.
            sort: order rows by ``dead``, ``accuracy``, ``r2``, ``rmse``, ``loss`` or a setting.

        Raises:
            InputError: no such setting, definition or order.
        """
        from reluprobe.report import result_tables

        return result_tables.summary(self._summaries(by, definition, sort), definition)

    def lives(self, by: Sequence[str] | None = None, definition: str = "dead") -> pa.Table:
        """What ``report --lives`` shows: when units died, and whether they came back.

        One row a configuration × hidden layer, and one for the network, ``layer`` "all". Means
        have their ends as in :meth:`summary`. ``revives``: of the units dead at a probe, the share
        that is not at the next; ``median``: how many probes a unit is dead in a row (Kaplan–Meier;
        null: fewer than half of the stretches end), of ``closed`` stretches that ended and
        ``open`` ones that ran on; ``permanent``: of those dead at the end, the share dead ever
        since they first were. No row of a configuration whose records do not say which units were
        dead.

        Args:
            by: the settings that tell configurations apart; all that vary but the seed, if None.
            definition: whose lives: ``dead``, or ``dormant``, ``saturated``, ``rare``, ``linear``
                units, of which all this is then said.

        Raises:
            InputError: no such setting or definition.
            ReluprobeError: there is nothing to say of any run; the message says why.
        """
        from reluprobe.analysis import lacking
        from reluprobe.report import result_tables

        rows = self._summaries(by, definition, None)
        table = result_tables.lives(rows, definition)
        if not len(table):
            why = lacking.lives(self.records, definition=definition)
            raise ReluprobeError(f"no lives of units: {why}")
        return table

    def table(
        self,
        by: Sequence[str] | None = None,
        definition: str = "dead",
        sort: str | None = None,
        columns: Sequence[str] | None = None,
    ) -> PaperTable:
        """The same for a paper: ``.latex()``, ``.markdown()``; it shows itself in a notebook.

        Arguments are those of :meth:`summary`, and ``columns``: settings, definitions,
        ``accuracy``, ``r2``, ``rmse``, ``loss``, ``train_loss``, ``runs``, layers by their names
        or ``layers``; if None, the settings that vary, dead units, accuracy (of regressions R² and
        RMSE) and losses.

        Raises:
            InputError: as :meth:`summary`, a column is none, or there are several sweeps.
        """
        from reluprobe.report.export import configurations

        archive = self._one("a table")
        rows = self._summaries(by, definition, sort)
        return configurations.table(archive, rows, definition, columns)

    def _summaries(
        self, by: Sequence[str] | None, definition: str, sort: str | None
    ) -> list[Summary]:
        from reluprobe.analysis import aggregate

        arguments.choice("definition", definition, DEFINITIONS)
        chosen = None if by is None else arguments.names("by", by, self._settings())
        rows = aggregate.summarize(self.records, definition, chosen)
        if sort is not None:
            keys = [*aggregate.SORT_KEYS, *(rows[0].settings if rows else ())]
            sort = full_name(sort, keys) if isinstance(sort, str) else sort
            arguments.choice("sort", sort, keys)
        return aggregate.sort_summaries(rows, sort)

    def claims(self) -> pa.Table:
        """The claims that go with the sweeps' references, each with its verdict; one row a claim.

        ``measured`` is the mean of what decides it, of an ordering the mean difference, of a trend
        the slope a step, with ``…_half_width``, ``…_low`` and ``…_high`` as in :meth:`summary`. The
        claim is true from ``true_from`` to ``true_to``, null where that end is open. Claims of runs
        that are not there are left out, and so are sweeps that name no reference.
        """
        from reluprobe.analysis import claims, replication
        from reluprobe.report import result_tables

        judged = (
            (archive.name, one)
            for archive in self.archives
            if archive.reference is not None
            for one in claims.judge_all(replication.compare(archive.records, archive.reference))
        )
        return result_tables.claims([*judged])

    def _one(self, what: str) -> Archive:
        """The one sweep that something is of.

        Raises:
            InputError: there are several.
        """
        if len(self.archives) == 1:
            return self.archives[0]
        listed = ", ".join(map(repr, self.names)) or "none"
        hint = "results[name], or rp.load of its folder alone"
        raise InputError(f"{what} is of one sweep; here are {listed}", hint=hint)

    def compare(
        self,
        baseline: Mapping[str, Value] | None = None,
        within: Sequence[str] = (),
        definition: str = "dead",
        on: str = "probe",
        sort: str = "dead",
    ) -> pa.Table:
        """Which change of setting helps: each against a baseline, all else and the seed alike.

        A measure has its mean, its change against the baseline, and that change's 95% bootstrap-t
        interval (null below four seeds or blocks: ``over`` says which).

        Args:
            baseline: settings of the baseline. Where several configurations have them, each is a
                block with those that differ from it in these settings alone. Else every other
                configuration is compared with the one that has them, or of those that have them
                with the one whose other settings are at their defaults.
            within: compare apart at each value of these settings.
            definition: what to count.
            on: dead on which split: ``probe``, ``test`` or ``train``.
            sort: order rows by their change in ``dead``, ``accuracy``, ``r2``, ``rmse`` or
                ``loss``.

        Raises:
            InputError: the baseline is not one configuration, or nothing is beside it.
        """
        from reluprobe.report import result_tables

        compared, _ = self._compared(baseline, within, definition, on, sort)
        return result_tables.comparison(compared, sort)

    def comparison_table(
        self,
        baseline: Mapping[str, Value] | None = None,
        within: Sequence[str] = (),
        definition: str = "dead",
        on: str = "probe",
        sort: str = "dead",
        columns: Sequence[str] | None = None,
    ) -> PaperTable:
        """The same for a paper: ``.latex()``, ``.markdown()``; it shows itself in a notebook.

        Arguments are those of :meth:`compare`, and ``columns``: ``change``, ``dead``,
        ``dead_change``, the same of ``accuracy``, ``r2``, ``rmse`` and ``loss``, ``pairs``,
        ``verdict``, and settings of ``within``; if None, dead units and accuracy or R² with their
        changes.

        Raises:
            InputError: as :meth:`compare`, or a column is none.
        """
        from reluprobe.report.export import changes

        compared, runs = self._compared(baseline, within, definition, on, sort)
        return changes.table(compared, runs, ", ".join(self.names), sort, columns)

    def comparison_figure(
        self,
        baseline: Mapping[str, Value] | None = None,
        within: Sequence[str] = (),
        definition: str = "dead",
        on: str = "probe",
        sort: str = "dead",
    ) -> DrawnFigure:
        """The same as a figure: each change of dead units and accuracy, with its interval.

        Arguments are those of :meth:`compare`.

        Raises:
            InputError: as :meth:`compare`.
        """
        from reluprobe.report.figures import changes

        return changes.figure(*self._compared(baseline, within, definition, on, sort), sort)

    def _compared(
        self,
        baseline: Mapping[str, Value] | None,
        within: Sequence[str],
        definition: str,
        on: str,
        sort: str,
    ) -> tuple[Comparison, Sequence[RunRecord]]:
        """A comparison, with the runs that it is of."""
        from reluprobe.analysis import compare
        from reluprobe.analysis.contrast import Question

        arguments.choice("definition", definition, DEFINITIONS)
        own = (sample.sample for run in self.records for sample in run.samples)
        arguments.choice("on", on, list(dict.fromkeys([*SPLITS, *own])))
        arguments.choice("sort", sort, [*compare.SORT_KEYS])
        groups = arguments.names("within", within, self._settings())
        question = Question(self._baseline(baseline), groups, definition, on)
        runs, _ = compare.pool(self.archives)
        return compare.compare(runs, question), runs

    def _settings(self) -> Sequence[str]:
        """The names that a setting of these runs may have."""
        from reluprobe.analysis import settings

        return settings.known_names(self.records)

    def _baseline(self, baseline: Mapping[str, Value] | None) -> dict[str, Setting]:
        from reluprobe.analysis import settings

        chosen, faults = with_full_names(arguments.table("baseline", baseline), self._settings())
        if faults:
            raise InputError("cannot read the baseline", faults)
        foreign = any(run.ours is None for run in self.records)  # their values are anybody's
        if foreign:
            arguments.names("baseline", [*chosen], self._settings())
        values: dict[str, Any] = {
            n: settings.value_among(v, n, self.records) for n, v in chosen.items()
        }
        if foreign:
            return values
        own = {n: values.pop(n) for n in settings.own_names(self.records) if n in values}
        if faults := faults_of(values):
            raise InputError("cannot read the baseline", faults)
        return {**cleaned(values), **own}

    def figure(
        self,
        name: str,
        *,
        definition: str = "dead",
        by: Sequence[str] | None = None,
        heatmap: tuple[str, str] | None = None,
        facet: Sequence[str] = (),
        colour: str | None = None,
        width: Literal["page", "column"] = "page",
    ) -> DrawnFigure:
        """A figure of ``report``: it shows itself in a notebook, and has ``save(path)``.

        Args:
            name: ``layers``, ``definitions``, ``outcome``, …: :meth:`figures` lists them.
            definition: what to count.
            by: the settings that tell configurations apart; all that vary but the seed, if None.
            heatmap: the two settings of the figure ``heatmap``, down and across.
            facet: the settings that are columns of panels, and rows; by what they explain, if none.
            colour: the setting whose values have colours; likewise.
            width: of a paper's page, or of one of its columns.

        Raises:
            InputError: no such figure, or there are several sweeps to draw it of.
            ReluprobeError: the sweep has not what the figure shows; the message says what.
        """
        from reluprobe.report import figures

        arguments.choice("definition", definition, DEFINITIONS)
        archive = self._one("a figure")
        arguments.choice("name", name, [kind.name for kind in figures.FIGURES])
        axes = self._axes(name, heatmap)
        chosen = None if by is None else arguments.names("by", by, self._settings())
        arguments.choice("width", width, [*figures.WIDTHS])
        known = self._settings()
        rows = arguments.names("facet", facet, known) if facet else []
        colours = [] if colour is None else arguments.names("colour", [colour], known)
        choices = figures.Choices(axes, tuple(rows), tuple(colours), width)
        (drawn,) = figures.drawn(archive, definition, chosen, choices, [name])
        if drawn.skipped is not None:
            raise ReluprobeError(f"no figure {name}: {drawn.skipped}")
        return drawn

    def _axes(self, name: str, heatmap: Sequence[str] | None) -> tuple[str, ...]:
        """The two settings of the heat map, checked."""
        if heatmap is None:
            return ()
        if name != "heatmap":
            raise InputError("heatmap is for the figure heatmap")
        axes = arguments.names("heatmap", heatmap, self._settings())
        if len(axes) != 2 or axes[0] == axes[1]:
            allowed = "allowed are two settings, down and across"
            raise InputError("bad heatmap", [f"heatmap = {heatmap!r}: {allowed}"])
        return axes[0], axes[1]

    @staticmethod
    def figures() -> dict[str, str]:
        """The names of all figures, each with its title."""
        from reluprobe.report import figures

        return {kind.name: kind.title for kind in figures.FIGURES}

    def __repr__(self) -> str:
        """The headline and main table of every sweep, as ``report`` prints them."""
        from rich.text import Text

        from reluprobe.analysis import aggregate
        from reluprobe.report.terminal import layout, tables

        parts = []
        for archive in self.archives:
            rows = tables.shortened(aggregate.summarize(archive.records))
            parts += [Text(archive.name), tables.sweep_headline(rows, "dead")]
            parts += [tables.provenance(archive), tables.outcome(rows, "dead", layout.PRINTED)]
        return layout.text_of(parts, layout.PRINTED)

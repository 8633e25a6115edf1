"""What says how good a network is, as reports call and write it: accuracy in percent, R² as it is.

``analysis.quality`` decides which of them runs have; who shows one takes its words from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from reluprobe.analysis.aggregate import Estimate, Summary
from reluprobe.analysis.quality import QUALITIES, R2, Quality, qualities
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.formatting import Write
from reluprobe.report.terms import terms_of


@dataclass(frozen=True)
class QualityTerms:
    """How a measure is called and written.

    Attributes:
        quality: the measure.
        name: in full; ``short`` in a heading, ``bare`` where it is plain on what it is taken.
        lack: what a better network has less of, in full; ``more_lack`` and ``less`` are what
            is said of a worse one.
        unit: right behind a number.
        scale: what a value is multiplied by where it is drawn; ``digits``, after the point.
        write: a value; ``write_change``, by how much one changes; ``points``, the unit of that.
        best: of several networks the one with most of it.
    """

    quality: Quality
    name: str
    short: str
    bare: str
    lack: str
    more_lack: str
    less: str
    unit: str
    scale: float
    digits: int
    write: Write
    write_change: Write
    points: str
    best: str

    @property
    def heading(self) -> str:
        """``test acc %``, ``test R²``: of a column."""
        return f"{self.short} {self.unit}".strip()

    @property
    def title(self) -> str:
        """``test accuracy %``, ``test R²``: of an axis."""
        return f"{self.name} {self.unit}".strip()

    @property
    def change_heading(self) -> str:
        """``accuracy, points``, ``R², change``: of a column of changes alone."""
        return f"{self.bare}, {self.points or 'change'}"

    def mean(self, estimate: Estimate | None) -> str:
        """``97.3%``, ``0.981``."""
        return self._with_unit(formatting.mean(estimate, self.write))

    def plus_minus(self, estimate: Estimate | None) -> str:
        """``97.3 ±0.2%``, ``0.981 ±0.004``."""
        return self._with_unit(formatting.plus_minus(estimate, self.write))

    def value(self, value: float | None) -> str:
        """``97.3%``, ``0.981``."""
        return self._with_unit(self.write(value))

    def span(self, values: Sequence[float]) -> str:
        """``30.7 to 97.3%``: from the least to the greatest."""
        low, high = map(self.write, (min(values), max(values)))
        return f"{low}{self.unit}" if low == high else f"{low} to {high}{self.unit}"

    def _with_unit(self, text: str) -> str:
        return text if text == formatting.NOT_APPLICABLE else f"{text}{self.unit}"


def terms_of_quality(runs: Iterable[RunRecord]) -> tuple[QualityTerms, ...]:
    """The measures that these runs have, one at least; both where they are of both kinds."""
    runs = tuple(runs)
    return tuple(_called(quality, terms_of(runs).foreign) for quality in qualities(runs))


def _called(quality: Quality, foreign: bool) -> QualityTerms:
    # Of a foreign run nobody knows on which data its owner took it.
    on = "" if foreign else "test "
    if quality is R2:
        return QualityTerms(
            quality,
            name=f"{on}R²",
            short=f"{on}R²",
            bare="R²",
            lack=f"1 − {on}R²",
            more_lack="more error",
            less="less R²",
            unit="",
            scale=1.0,
            digits=3,
            write=formatting.r2,
            write_change=formatting.r2_change,
            points="",
            best="highest R²",
        )
    return QualityTerms(
        quality,
        name=f"{on}accuracy",
        short=f"{on}acc",
        bare="accuracy",
        lack=f"{on}error",
        more_lack="more error",
        less="less accurate",
        unit="%",
        scale=100.0,
        digits=1,
        write=formatting.percent,
        write_change=formatting.points,
        points="points",
        best="most accurate",
    )


@dataclass(frozen=True)
class ErrorTerms:
    """What stands behind the measures of quality: the loss; of regressions its root, the RMSE.

    Attributes:
        key: among ``contrast.MEASURES``.
        name: in a heading.
        write, write_change: a value, and by how much one changes.
    """

    key: str
    name: str
    write: Write
    write_change: Write


def terms_of_error(runs: Iterable[RunRecord]) -> ErrorTerms:
    """What these runs are wrong by, in one number."""
    runs = tuple(runs)
    if qualities(runs) == (R2,):
        return ErrorTerms("rmse", RMSE, formatting.significant, formatting.rmse_change)
    return ErrorTerms("loss", terms_of(runs).loss, formatting.number, formatting.loss_change)


#: Those of runs of ours.
ALL_TERMS = tuple(_called(quality, foreign=False) for quality in QUALITIES)
OF_CLASSES, OF_REGRESSION = ALL_TERMS

#: A measure of each of some rows, and how it is written.
Column = list[tuple[Estimate | None, Write]]
RMSE = "RMSE"


def columns(rows: Sequence[Summary]) -> Mapping[str, Column]:
    """The measures of configurations by the headings of their columns; beside R² the RMSE."""
    every: dict[str, Column] = {}
    for terms in terms_of_quality(run for row in rows for run in row.members):
        every[terms.heading] = [(terms.quality.among(row), terms.write) for row in rows]
        if terms.quality is R2:
            write = formatting.alike(row.rmse.mean for row in rows if row.rmse is not None)
            every[RMSE] = [(row.rmse, write) for row in rows]
    return every


def estimates(row: Summary) -> list[tuple[QualityTerms, Estimate]]:
    """What a configuration has of its measures, in words."""
    every = ((terms, terms.quality.among(row)) for terms in terms_of_quality(row.members))
    return [(terms, estimate) for terms, estimate in every if estimate is not None]


def in_words(row: Summary, write: Callable[[QualityTerms, Estimate], str]) -> str:
    """``test accuracy 97.3%``: all that a configuration has; empty where nothing."""
    return ", ".join(write(*one) for one in estimates(row))


def whole(row: Summary) -> str:
    """``test accuracy 97.3 ±0.2%``; ``test R² 0.981 ±0.004, RMSE 0.043 ±0.002``."""
    text = in_words(row, lambda terms, one: f"{terms.name} {terms.plus_minus(one)}")
    if row.rmse is None:
        return text
    return f"{text}{', ' if text else ''}{RMSE} {rmse(row)}"


def rmse(row: Summary) -> str:
    """``0.043 ±0.002``: a configuration's root mean squared error; ``n/a`` where it has none."""
    write = formatting.alike([] if row.rmse is None else [row.rmse.mean])
    return formatting.plus_minus(row.rmse, write)


def named_once(rows: Sequence[Summary]) -> list[str]:
    """Behind each row of a list, in brackets, how good it is: ``(accuracy 96.9%)``, ``(97.4%)``.

    A measure is named where it is not that of the row before.
    """
    said, listed = "", []
    for row in rows:
        parts = []
        for terms, one in estimates(row):
            named = "" if terms.bare == said else f"{terms.bare} "
            said = terms.bare
            parts.append(f"{named}{terms.mean(one)}")
        listed.append(f" ({', '.join(parts)})" if parts else "")
    return listed


def between(rows: Sequence[Summary]) -> str:
    """``accuracy 30.7 to 97.3%``: of these configurations; empty where nobody took any."""
    values: dict[QualityTerms, list[float]] = {}
    for row in rows:
        for terms, one in estimates(row):
            values.setdefault(terms, []).append(one.mean)
    return ", ".join(f"{terms.bare} {terms.span(known)}" for terms, known in values.items())

"""The table of changes for a paper: what each leaves dead beside the baseline, how accurate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reluprobe.analysis.bootstrap import Change
from reluprobe.analysis.compare import Comparison, Group, level, sort_contrasts
from reluprobe.analysis.contrast import MEASURES, Contrast, verdict
from reluprobe.analysis.sorting import SHARES
from reluprobe.config import labels
from reluprobe.records import RunRecord, Setting
from reluprobe.report.export.configurations import conditions
from reluprobe.report.export.markup import Column, PaperTable, picked
from reluprobe.report.export.paper_numbers import Measured, column, notation
from reluprobe.report.quality_terms import OF_REGRESSION, RMSE
from reluprobe.report.terminal import compare_text, meanings, tables
from reluprobe.report.terms import terms_of

#: What the first row of a group is called.
BASELINE = "baseline"


@dataclass(frozen=True)
class _Row:
    """A change, or where there is none the baseline of its group."""

    group: Group
    contrast: Contrast | None = None


def table(
    compared: Comparison,
    runs: Sequence[RunRecord],
    name: str,
    sort: str = "dead",
    names: Sequence[str] | None = None,
) -> PaperTable:
    """Each group's baseline, then its changes.

    Args:
        compared: what is shown.
        runs: of what it was made.
        name: the sweeps'.
        sort: order changes by one of ``sorting.SORT_KEYS``.
        names: columns: ``change``, ``dead``, ``dead_change``, the same of ``accuracy``, ``r2``,
            ``rmse`` and ``loss``, ``pairs``, ``verdict``, and the settings of ``within``; if None,
            dead and accuracy or R² (without these the loss), and pairs where they differ.

    Raises:
        InputError: a name is none of these.
    """
    rows = [row for group in compared.groups for row in _rows(group, sort)]
    columns = _columns(compared, rows, runs)
    chosen = _usual(compared, rows, columns) if names is None else picked(columns, names)
    return PaperTable(name, caption(compared, runs, "[ ]"), chosen)


def _rows(group: Group, sort: str) -> Iterator[_Row]:
    yield _Row(group)
    yield from (_Row(group, contrast) for contrast in sort_contrasts(group.rows, sort))


def _columns(
    compared: Comparison, rows: Sequence[_Row], runs: Sequence[RunRecord]
) -> dict[str, Column]:
    terms = terms_of(runs)
    word = tables.CALLED[compared.question.definition][0]
    columns = {
        key: Column(labels.name(key), _within(key, rows), numeric=False)
        for key in compared.question.within
    }
    columns["change"] = Column("change", named([row.contrast for row in rows]), numeric=False)
    titles = {
        **{"dead": word, "accuracy": terms.accuracy, "r2": OF_REGRESSION.name},
        **{"rmse": RMSE, "loss": terms.loss},
    }
    for measure, title in titles.items():
        percent = measure in SHARES
        levels = [_level(row, measure, compared) for row in rows]
        changes = [_change(row, measure) for row in rows]
        unit, points = (" (%)", " (points)") if percent else ("", "")
        columns[measure] = Column(f"{title}{unit}", column(levels, percent))
        cells = [
            "" if row.contrast is None else cell
            for row, cell in zip(rows, column(changes, percent, signed=True), strict=True)
        ]
        columns[f"{measure}_change"] = Column(f"change in {title}{points}", cells)
    columns["pairs"] = Column("pairs", [_pairs(row) for row in rows])
    said = [_verdict(row, compared) for row in rows]
    columns["verdict"] = Column("verdict", said, numeric=False)
    return columns


def _within(key: str, rows: Sequence[_Row]) -> list[str]:
    values = [row.group.within[key] for row in rows]
    write = notation(values)
    return [labels.setting(write(value)) for value in values]


def named(contrasts: Sequence[Contrast | None]) -> list[str]:
    """What is changed; a setting's numbers are written one way in all of them. None: nothing is."""
    every: dict[str, list[Setting]] = {}
    differs = [{} if contrast is None else contrast.differs for contrast in contrasts]
    for name, value in (item for settings in differs for item in settings.items()):
        every.setdefault(name, []).append(value)
    write = {name: notation(values) for name, values in every.items()}

    def written(settings: Mapping[str, Setting]) -> str:
        return labels.change({k: write[k](v) for k, v in settings.items()}) or BASELINE

    return [written(settings) for settings in differs]


def _level(row: _Row, measure: str, compared: Comparison) -> Measured | None:
    """Where a row lies: a baseline with its interval, a change with as many digits as it has."""
    if row.contrast is None:
        at = level(row.group, measure, compared.question)
        if at is None or at.low is None or at.high is None:
            return None if at is None else Measured(at.mean)
        return Measured(at.mean, at.low, at.high, "ends")
    mean, change = row.contrast.levels[measure], row.contrast.changes[measure]
    if mean is None or change is None or change.low is None or change.high is None:
        return None if mean is None else Measured(mean)
    return Measured(mean, change.low, change.high)


def _change(row: _Row, measure: str) -> Measured | None:
    change: Change | None = None if row.contrast is None else row.contrast.changes[measure]
    if change is None or change.low is None or change.high is None:
        return None if change is None else Measured(change.mean)
    return Measured(change.mean, change.low, change.high, "ends")


def _pairs(row: _Row) -> str:
    return "" if row.contrast is None else str(len(row.contrast.pairs))


def _verdict(row: _Row, compared: Comparison) -> str:
    return "" if row.contrast is None else verdict(row.contrast, compared.question.definition)


def _usual(
    compared: Comparison, rows: Sequence[_Row], columns: Mapping[str, Column]
) -> dict[str, Column]:
    contrasts = [row.contrast for row in rows if row.contrast is not None]
    measured = [name for name in MEASURES if any(name in row.qualities for row in contrasts)]
    names = [*compared.question.within, "change", "dead", "dead_change"]
    names += [n for quality in measured or ["loss"] for n in (quality, f"{quality}_change")]
    names += ["pairs"] * (len({_pairs(row) for row in rows if row.contrast is not None}) > 1)
    return {name: columns[name] for name in names}


def caption(compared: Comparison, runs: Sequence[RunRecord], interval: str) -> str:
    """Against what changes are held, what is counted, and what their intervals are over.

    Args:
        compared: what is shown.
        runs: of what it was made.
        interval: how the ends of an interval are shown.
    """
    question = compared.question
    named, means = tables.CALLED[question.definition][0], meanings.rule(question.definition, runs)
    if question.on != "probe":
        means = means.replace("probe", {"train": "training"}.get(question.on, question.on))
    parts = [_baseline(compared), f"{named}: {means}", conditions(runs), _over(compared, interval)]
    return f"{'; '.join(parts)}."


def _baseline(compared: Comparison) -> str:
    """Against what the changes are held; the title of a group's table says it first."""
    if not compared.question.within:
        return compare_text.title(compared.groups[0]).plain.split("; ")[0]
    settings = labels.settings(compared.question.baseline) or "the defaults"
    within = compare_text.listed(compared.question.within)
    return f"baseline: {settings}, at each {within}"


def _over(compared: Comparison, interval: str) -> str:
    """Over what the differences are averaged, and what their interval is."""
    rows = [row for group in compared.groups for row in group.rows if row.pairs]
    counted = {over: _spread([_count(row) for row in rows if row.over == over]) for over in _OVER}
    over = " or ".join(f"{number} {name}" for name, number in counted.items() if number)
    same = [name for group in compared.groups for name in group.same]
    if same:
        over += f" of the same {compare_text.listed([*dict.fromkeys(same)])}"
    text = f"change: mean of paired differences over {over}"
    measured = (row.changes[name] for row in rows for name in MEASURES)
    known = any(change is not None and change.has_interval for change in measured)
    return f"{text}; {interval}: its 95% bootstrap-t interval" if known else f"{text}, no interval"


_OVER = ("seeds", "blocks")


def _count(row: Contrast) -> int:
    return len({pair.block for pair in row.pairs}) if row.over == "blocks" else len(row.pairs)


def _spread(counts: Sequence[int]) -> str:
    ends = [f"{n}" for n in dict.fromkeys([min(counts), max(counts)])] if counts else []
    return " to ".join(ends)

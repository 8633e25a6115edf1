"""Answer of a grid in words: which setting matters, in which direction, and beside which other."""

from __future__ import annotations

from collections.abc import Sequence

from reluprobe.analysis import lacking
from reluprobe.analysis.aggregate import Summary
from reluprobe.analysis.effects import Effect, Effects, VarianceShare
from reluprobe.analysis.estimates import Estimate
from reluprobe.analysis.sorting import extremes
from reluprobe.config import labels
from reluprobe.report import formatting
from reluprobe.report.terminal import foreign_words
from reluprobe.report.terminal.tables import CALLED, UNCHANGED
from reluprobe.report.terms import terms_of

#: A setting that explains less than this hardly matters.
LITTLE = 0.02
#: Settings that are named with their values, at most; and pairs.
MOST_NAMED, MOST_PAIRS = 2, 2
#: Of configurations that differ in one setting: those named at each end.
MOST_LISTED = 2
#: Of a star: changes named at each end.
MOST_CHANGES = 3


def sentences(
    rows: Sequence[Summary], effects: Effects | None, definition: str = "dead"
) -> list[str]:
    """What the runs answer, in a sentence or a few; the first is the answer.

    Args:
        rows: the configurations.
        effects: of their settings; None where nothing varies but the seed.
        definition: which definition of death counts.
    """
    word = CALLED[definition][0]
    known = [row for row in rows if row.mean is not None]
    if not known:
        runs = [run for row in rows for run in row.members]
        return [lacking.shares(runs, definition) or formatting.NOT_APPLICABLE]
    if len(known) == 1:
        return [_alone(known, word, definition)]
    if effects is None:
        return [_listed_all(known, word)]
    if not effects.dead:
        return [_same(known, word), *_of_accuracy(effects, rows)]
    if effects.design == "star":
        return [*_star(known, word)]
    if not told_apart(effects):
        return [_listed_all(known, word)]
    return [
        *_matter(effects.dead, effects, f"{word} %", "dead"),
        *map(str, effects.interactions[:MOST_PAIRS]),
        *_of_accuracy(effects, rows),
    ]


def _alone(rows: Sequence[Summary], word: str, definition: str) -> str:
    row = rows[0]
    terms = terms_of(row.members)
    if terms.foreign:
        return foreign_words.headline(row, row, definition, word)
    text = f"{formatting.plus_minus(row.mean)}% {word}"
    if row.accuracy is not None:
        text += f"; {terms.accuracy} {formatting.plus_minus(row.accuracy)}%"
    return text


def _same(rows: Sequence[Summary], word: str) -> str:
    mean = rows[0].mean
    return f"{formatting.percent(mean and mean.mean)}% {word}, whatever the setting"


def told_apart(effects: Effects) -> bool:
    """Whether two settings vary, and each can be told from the others."""
    alone = {part.axes for part in effects.dead if len(part.axes) == 1}
    settings = {(axis,) for axis in effects.axes}
    return effects.design != "star" and len(alone & settings) > 1


def _listed_all(rows: Sequence[Summary], word: str) -> str:
    """Configurations that differ in one thing, or in several that change together."""
    best, worst = extremes(rows, MOST_LISTED)
    several = "" if len(best) + len(worst) == len(rows) else f", the ends of {len(rows):,}"
    return f"{word}{several}: {_listed([*best, *worst[::-1]])}"


def _matter(
    shares: Sequence[VarianceShare], effects: Effects, measure: str, kind: str
) -> list[str]:
    """The settings that explain most, each with its ends; those that explain next to nothing."""
    alone = {part.axes[0]: part.share for part in shares if len(part.axes) == 1}
    ranked = sorted((axis for axis in effects.axes if axis in alone), key=lambda axis: -alone[axis])
    named = [axis for axis in ranked if alone[axis] >= LITTLE][:MOST_NAMED]
    if not named:
        return [f"{measure}: no setting alone matters much"]
    first, *more = (
        f"{labels.name(axis)} ({100 * alone[axis]:.0f}%{_ends(effects, axis, kind)})"
        for axis in named
    )
    text = f"{measure}: {first} matters most" + "".join(f", then {one}" for one in more)
    little = [labels.name(axis) for axis in ranked if alone[axis] < LITTLE]
    if little:
        text += f"; {' and '.join(little)}: less than {100 * LITTLE:.0f}% alone"
    return [text]


def _ends(effects: Effects, axis: str, kind: str) -> str:
    """``: 0.0 with elu to 29.4 with relu``."""
    values = [
        (estimate.mean, e)
        for e in effects.effects
        if e.axis == axis and (estimate := _of_kind(e, kind)) is not None
    ]
    if len(values) < 2:
        return ""
    ends = (min(values, key=_first), max(values, key=_first))
    listed = [f"{100 * mean:.1f} with {labels.setting(e.value)}" for mean, e in ends]
    return f": {' to '.join(listed)}"


def _first(pair: tuple[float, Effect]) -> float:
    return pair[0]


def _of_kind(effect: Effect, kind: str) -> Estimate | None:
    return effect.dead if kind == "dead" else effect.accuracy


def _of_accuracy(effects: Effects, rows: Sequence[Summary]) -> list[str]:
    if not effects.accuracy:
        return []
    name = f"{terms_of(rows[0].members).accuracy} %"
    return _matter(effects.accuracy, effects, name, "accuracy")


def _star(rows: Sequence[Summary], word: str) -> list[str]:
    """Of changes that were each made alone: the ends, each beside its accuracy."""
    best, worst = extremes(rows, MOST_CHANGES)
    unchanged = next((row for row in rows if row.settings.get("change") == UNCHANGED), None)
    before = f" (unchanged {_numbers(unchanged)})" if unchanged else ""
    return [
        f"one change at a time{before}",
        f"fewest {word}: {_listed(best)}",
        f"most {word}: {_listed(worst)}",
    ]


def _listed(rows: Sequence[Summary]) -> str:
    return ", ".join(f"{labels.settings(row.settings)} {_numbers(row)}" for row in rows)


def _numbers(row: Summary) -> str:
    accuracy = "" if row.accuracy is None else f", accuracy {formatting.mean(row.accuracy)}%"
    return f"{formatting.mean(row.mean)}%{accuracy}"

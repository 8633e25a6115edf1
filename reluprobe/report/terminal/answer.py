"""Answer of a grid in words: which setting matters, in which direction, and beside which other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from reluprobe.analysis import lacking, splits
from reluprobe.analysis.aggregate import Summary
from reluprobe.analysis.effects import Effect, Effects, VarianceShare
from reluprobe.analysis.estimates import Estimate
from reluprobe.analysis.functional_anova import SEEDS
from reluprobe.analysis.sorting import extremes
from reluprobe.config import labels, rank
from reluprobe.records import Setting
from reluprobe.report import formatting
from reluprobe.report.quality_terms import named_once, terms_of_quality, whole
from reluprobe.report.terminal import foreign_words, in_time, one_change
from reluprobe.report.terminal.tables import CALLED
from reluprobe.report.terms import terms_of

#: A setting that explains less than this hardly matters.
LITTLE = 0.02
#: Parts of the variance that are named at most, each of this share at least; pairs in words.
MOST_NAMED, NAMED, MOST_PAIRS = 3, 0.05, 2
#: Configurations, or values of a setting, that are all named in a sentence; of more the ends.
MOST_LISTED, ENDS, MOST_VALUES = 4, 2, 3


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
    runs = [run for row in rows for run in row.members]
    if not known:
        return [lacking.shares(runs, definition) or formatting.NOT_APPLICABLE]
    if all(map(lacking.untrained, runs)):
        bare = [replace(row, accuracy=None, r2=None, rmse=None) for row in known]
        return [f"before training, {_listed_all(bare, word)}", *in_time.signals(rows)]
    # What phases do is what they are there for.
    return [
        *in_time.of_phases(known, definition),
        *_of_settings(known, effects, definition),
        *in_time.of_steps(known, definition),
    ]


def _of_settings(rows: Sequence[Summary], effects: Effects | None, definition: str) -> list[str]:
    word = CALLED[definition][0]
    if len(rows) == 1:
        return [_alone(rows, word, definition)]
    if effects is None:
        return [_listed_all(rows, word)]
    if not effects.dead:
        # None either where too little has run to tell what explains them.
        alike = len({row.mean.mean for row in rows if row.mean is not None}) == 1
        dead = _same(rows, word) if alike else _listed_all(rows, word)
        return [dead, *_of_quality(effects, rows)]
    if effects.design == "star" and (changes := one_change.of_rows(rows, definition)) is not None:
        return one_change.sentences(changes, word)
    if not told_apart(effects):
        return [_listed_all(rows, word), *_one_axis(effects, word)]
    if not checked(effects):
        return _beside(rows, effects, word, definition)
    return [
        _matter(effects.dead, effects, f"{word} %", lambda e: e.dead, formatting.percent),
        *(str(pair) for pair in effects.interactions[:MOST_PAIRS] if pair.share >= NAMED),
        *_of_quality(effects, rows),
    ]


def told_apart(effects: Effects) -> bool:
    """Whether two settings vary freely of each other, and each can be told from the others."""
    alone = {part.axes for part in effects.dead if len(part.axes) == 1}
    settings = {(axis,) for axis in effects.axes}
    # A setting that has an effect beside one value of another alone makes no pair with it.
    free = effects.design == "holes" or any(len(part.axes) > 1 for part in effects.dead)
    return effects.design != "star" and free and len(alone & settings) > 1


def checked(effects: Effects) -> bool:
    """Whether shares are exact, or something is left by which the fit of them could fail."""
    return effects.design != "holes" or any(not part.axes for part in effects.dead)


def accuracies(rows: Sequence[Summary]) -> str:
    """``accuracy 30.7% with leaky_relu to 97.3% with elu``; nothing where nobody took any."""
    said = []
    for terms in terms_of_quality(run for row in rows for run in row.members):
        known = [(one.mean, row) for row in rows if (one := terms.quality.among(row)) is not None]
        if known:
            ends = (pick(known, key=lambda k: k[0]) for pick in (min, max))
            named = (f"{terms.value(v)} with {labels.settings(r.settings)}" for v, r in ends)
            said.append(f"{terms.bare} {' to '.join(named)}")
    return ", ".join(said)


def _alone(rows: Sequence[Summary], word: str, definition: str) -> str:
    row = rows[0]
    terms = terms_of(row.members)
    if terms.foreign:
        return foreign_words.headline(row, row, definition, word)
    text = f"{formatting.plus_minus(row.mean)}% of {terms.units} are {word}"
    return f"{text}; {quality}" if (quality := whole(row)) else text


def _same(rows: Sequence[Summary], word: str) -> str:
    mean = rows[0].mean
    return f"{formatting.percent(mean and mean.mean)}% {word}, whatever the setting"


def _listed_all(rows: Sequence[Summary], word: str) -> str:
    """Configurations from the fewest dead to the most, each with how good it is."""
    if len(rows) <= MOST_LISTED:
        best, worst = extremes(rows, len(rows))
        return f"{word}: {_listed([*best, *worst[::-1]])}"
    best, worst = extremes(rows, ENDS)
    none = [row for row in rows if row.mean is not None and row.mean.mean == 0]
    if len(none) > len(best):
        text = f"{len(none):,} of {len(rows):,} configurations have no unit {word}"
        between = accuracies(none)
        some = [row for row in worst if row not in none]
        text += f" ({between})" if between else ""
        return f"{text}; most {word}: {_listed(some)}" if some else text
    return f"fewest {word}: {_listed(best)}; most: {_listed(worst)}"


def _listed(rows: Sequence[Summary]) -> str:
    """``leaky_relu 0.0% (accuracy 96.9%), relu 40.8% (97.4%)``."""
    return ", ".join(
        f"{labels.settings(row.settings)} {formatting.mean(row.mean)}%{beside}"
        for row, beside in zip(rows, named_once(rows), strict=True)
    )


def _one_axis(effects: Effects, word: str) -> list[str]:
    """How much of what varies the setting explains, the rest being the seeds."""
    first, seeds = effects.dead[0], _seeds(effects.dead)
    if first.axes == SEEDS or seeds < LITTLE:
        return []
    names = " and ".join(map(labels.name, first.axes))
    verb = "explains" if len(first.axes) == 1 else "together explain"
    shares = f"{_percent(first.share)} of the variance of {word} %, the seeds {_percent(seeds)}"
    return [f"{names} {verb} {shares}"]


def _beside(rows: Sequence[Summary], effects: Effects, word: str, definition: str) -> list[str]:
    """Of a grid of which too little has run: the ends beside each value of one setting."""
    counts = {a: len([e for e in effects.effects if e.axis == a]) for a in effects.axes}
    axis = min(effects.axes, key=lambda name: (counts[name], effects.axes.index(name)))
    if counts[axis] > MOST_LISTED or axis not in rows[0].settings:
        return [_listed_all(rows, word)]
    lines = []
    for value in dict.fromkeys(row.settings[axis] for row in rows):
        best, worst = extremes([row for row in rows if row.settings[axis] == value], 1)
        ends = [_without(row, axis) for row in (*best, *worst)]
        whole = _on_training_set((worst or best)[0], definition)
        lines.append(f"{labels.change({axis: value})}: {word} {' to '.join(ends)}{whole}")
    return lines


def _on_training_set(row: Summary, definition: str) -> str:
    """What a configuration comes to on all that it was trained on, where that was looked at."""
    shares = splits.by_split(row.members, definition)
    if shares is None or (share := shares.shares.get("train")) is None:
        return ""
    return f", on the whole training set {formatting.mean(share)}%"


def _without(row: Summary, axis: str) -> str:
    """``5.5% at lr 3e-4 (accuracy 97.5%)``."""
    rest = labels.settings({k: v for k, v in row.settings.items() if k != axis})
    return f"{formatting.mean(row.mean)}%{f' at {rest}' if rest else ''}{named_once([row])[0]}"


def _matter(
    shares: Sequence[VarianceShare],
    effects: Effects,
    measure: str,
    of_effect: Callable[[Effect], Estimate | None],
    write: formatting.Write,
) -> str:
    """What explains most, alone with its values or together; what explains next to nothing."""
    seeds = _seeds(shares)
    # What is left by a fit is no setting's, and has no name.
    parts = [p for p in shares if p.axes and p.axes != SEEDS and p.share >= NAMED][:MOST_NAMED]
    if not parts:
        beside = f"; the seeds explain {_percent(seeds)}" if seeds else ""
        return f"{measure}: no setting explains {_percent(NAMED)} of its variance{beside}"
    said = [
        f"{' × '.join(map(labels.name, part.axes))}{_verb(part, n)} {_percent(part.share)}"
        f"{' of the variance' if n == 0 else ''}{_values(effects, part.axes, of_effect, write)}"
        for n, part in enumerate(parts)
    ]
    text = f"{measure}: {', '.join(said)}"
    # A dataset does not vary among the networks that have accuracy, where all others have R².
    strongest = {
        axis: max(known)
        for axis in effects.axes
        if (known := [part.share for part in shares if axis in part.axes])
    }
    if little := [labels.name(axis) for axis, share in strongest.items() if share < LITTLE]:
        each = " each" if len(little) > 1 else ""
        text += f"; {formatting.few(little, MOST_NAMED)} less than {_percent(LITTLE)}{each}"
    return f"{text}; seeds {_percent(seeds)}" if seeds >= NAMED else text


def _verb(part: VarianceShare, number: int) -> str:
    if number:
        return ""
    return " explains" if len(part.axes) == 1 else " together explain"


def _values(
    effects: Effects,
    axes: Sequence[str],
    of_effect: Callable[[Effect], Estimate | None],
    write: formatting.Write,
) -> str:
    """`` (1.4 at 1e-3 → 22.9 at 0.02)``: what the values of one setting come to."""
    if len(axes) > 1:
        return ""
    means: dict[Setting, float] = {}
    for effect in effects.effects:
        estimate = of_effect(effect)
        if effect.axis == axes[0] and estimate is not None:
            means[effect.value] = estimate.mean
    if len(means) < 2:
        return ""
    in_order = sorted(means, key=rank)
    rising = sorted(means, key=lambda value: means[value])
    if formatting.are_numbers(means):
        ends = (in_order[0], in_order[-1])
        text = " → ".join(f"{write(means[v])} at {labels.setting(v)}" for v in ends)
        if in_order not in (rising, rising[::-1]):
            text = " to ".join(
                f"{write(means[v])} at {labels.setting(v)}" for v in (rising[0], rising[-1])
            )
    elif len(means) <= MOST_VALUES:
        text = ", ".join(f"{labels.setting(v)} {write(means[v])}" for v in rising)
    else:
        ends = (rising[0], rising[-1])
        text = " to ".join(f"{labels.setting(v)} {write(means[v])}" for v in ends)
    return f" ({text})"


def _of_quality(effects: Effects, rows: Sequence[Summary]) -> list[str]:
    """What explains how good networks are."""
    every = terms_of_quality(run for row in rows for run in row.members)
    return [
        _matter(shares, effects, terms.title, terms.quality.among, terms.write)
        for terms in every
        if (shares := terms.quality.among(effects))
    ]


def _seeds(shares: Sequence[VarianceShare]) -> float:
    return sum(part.share for part in shares if part.axes == SEEDS)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"

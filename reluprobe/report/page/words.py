"""Sentences of the page, for someone who never heard of dead units."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from reluprobe.analysis import aggregate, sorting
from reluprobe.analysis.aggregate import Estimate, Summary
from reluprobe.analysis.effects import Effects
from reluprobe.analysis.settings import SEED
from reluprobe.analysis.trained_badly import bad_runs
from reluprobe.config import labels, phases
from reluprobe.config.choices import DEFINITIONS
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.quality_terms import RMSE, QualityTerms, estimates, rmse, terms_of_quality
from reluprobe.report.terminal import answer, foreign_words, meanings, tables
from reluprobe.report.terms import probe_examples, terms_of

#: As the terminal's first screen has it.
DEAD = (
    "A dead unit no longer learns: no example sends a gradient to its weights. Usual are none or "
    "a few % before training, and 25 to 40% in the MNIST study’s ReLU network."
)
PRIMER = (
    "A neural network is made of units. With the usual activation, ReLU, a unit passes on what is "
    "positive and puts out zero for all else. One that puts out zero whatever it is shown gets no "
    "signal by which it could change: it has stopped learning, perhaps for good, and is called "
    "dead. Dead units need not make a network worse, so how good it is stands beside them."
)

#: Who counts so, or what for.
WHOSE = {
    "dead": "No gradient reaches the unit’s weights: it cannot learn. Counted where none is named.",
    "silent": "What the MNIST study’s text calls dead (§4.4): nothing after the unit hears it.",
    "never_positive": (
        "What the MNIST study’s code counts. A leaky ReLU’s unit may be dead by this, and learn."
    ),
    "constant": "The unit cannot tell one input from another, whether it puts out zero or not.",
    "dormant": "Sokar et al. 2023, definition 3.1: hardly active beside its layer.",
    "saturated": ("Rakitianskaia and Engelbrecht 2015; n/a for an activation without both bounds."),
    "rare": "Slow is not dead: it learns from the few examples it fires on (Dohare et al. 2024).",
    "linear": "The mirror image of dead: it passes all on. N/a for an f that bends everywhere.",
}
#: More settings than this are not listed one by one.
MOST_NAMED = 6
#: More runs that trained badly than this are counted.
MOST_BAD = 3


def definitions(runs: Sequence[RunRecord] = ()) -> list[dict[str, str]]:
    """Each definition of death: what it is called, how it is computed, and whose it is."""
    return [
        {
            "name": d,
            "word": tables.CALLED[d][0],
            "formula": meanings.rule(d, runs),
            "whose": WHOSE[d],
        }
        for d in DEFINITIONS
    ]


def question(runs: Sequence[RunRecord], rows: Sequence[Summary]) -> list[str]:
    """What the sweep asks, and between what it compares."""
    if terms_of(runs).foreign:
        asked = f"Which units of {foreign_words.names_of_networks(runs)} die while it trains?"
    else:
        asked = _asked(runs)
    names = [name.replace("_", " ") for name in aggregate.axes(runs)]
    shown = names[:MOST_NAMED]
    if len(names) > MOST_NAMED:
        shown.append(labels.count(len(names) - MOST_NAMED, "further setting"))
    compared = f"{labels.count(len(rows), 'configuration')} in {labels.count(len(runs), 'run')}"
    return [asked, f"{compared}, which differ in {_listed(shown)}." if shown else f"{compared}."]


def _asked(runs: Sequence[RunRecord]) -> str:
    return (
        "How many of these networks’ units die in training, and how good are the networks?"
        if _trained(runs)
        else "How many of these networks’ units are dead from birth, before any training?"
    )


def primer(runs: Sequence[RunRecord], definition: str) -> list[str]:
    """What a dead unit is, and how it is counted on this page."""
    probes = sorted({probe_examples(r) for r in runs})
    word, formula = tables.CALLED[definition][0], meanings.rule(definition, runs)
    counted = (
        f"On this page a unit is {word} if it has {formula}: z is what goes into its activation "
        f"f, f′ the slope there, and the probe is {' or '.join(probes)}."
    )
    return [PRIMER, counted]


def meaning(definition: str, runs: Sequence[RunRecord]) -> str:
    """What is counted, in a sentence or two."""
    word, formula = tables.CALLED[definition][0], meanings.rule(definition, runs)
    return DEAD if definition == "dead" else f"{word}: {formula}.".capitalize()


def headline(rows: Sequence[Summary], effects: Effects | None, definition: str) -> list[str]:
    """The outcome in a few sentences, beside deadness how good networks are.

    Args:
        rows: the configurations.
        effects: of their settings: the answer, as the terminal says it; None where nothing varies
            but the seed.
        definition: which definition of death counts.
    """
    word = tables.CALLED[definition][0]
    ended = [row for row in rows if row.runs > row.diverged + row.failed]
    if not ended:
        return ["No run ended with finite numbers."]
    dead = [row.mean for row in ended if row.mean is not None]
    qualities = terms_of_quality(run for row in ended for run in row.members)
    terms = terms_of(ended[0].members)
    when = "At the end of training" if _trained(ended[0].members) else "Before training"
    when = "At the last look" if terms.foreign else when
    first = f"{when}, {_span(dead)} of {terms.units} are {word}"
    if not dead:
        first = f"“{word}” does not apply to these networks"
    elif len(dead) > 1:
        first += ", depending on the configuration"
    for quality in qualities:
        known = [e for row in ended if (e := quality.quality.among(row)) is not None]
        first += f"; {quality.name} is {_span(known, quality)}" if known else ""
    whole = sum(estimate.mean == 0 for estimate in dead)
    several = effects is not None and len(dead) > 1
    answered = answer.sentences(rows, effects, definition) if several else []
    measures = (f"{word} %", *(quality.title for quality in qualities))
    lines = [*(_sentence(text, measures) for text in answered), f"{first}."]
    if whole and len(dead) > 1:
        configurations = labels.count(len(rows), "configuration")
        lines.append(f"Without any {word} unit: {whole:,} of {configurations}.")
    return [*lines, *_lost(rows), *_trained_badly(rows)]


def _sentence(text: str, measures: tuple[str, ...]) -> str:
    """A line of the terminal as a sentence; a setting's name keeps its letters."""
    return f"{text[:1].upper()}{text[1:]}." if text.startswith(measures) else f"{text}."


def _span(estimates: Sequence[Estimate], quality: QualityTerms | None = None) -> str:
    """``37.4 ±1.2%``, or from the least mean to the greatest; of shares where nothing is named."""
    write, unit = (quality.write, quality.unit) if quality else (formatting.percent, "%")
    low, high = min(estimates, key=_mean, default=None), max(estimates, key=_mean, default=None)
    if low is high:
        return f"{formatting.plus_minus(low, write)}{unit}"
    return f"from {write(low and low.mean)}{unit} to {write(high and high.mean)}{unit}"


def _mean(estimate: Estimate) -> float:
    return estimate.mean


def _lost(rows: Sequence[Summary]) -> list[str]:
    said = {
        "diverged": "ran into numbers that are not finite (diverged) and count in no mean",
        "failed": "could not be finished (failed) and count in no mean",
        "collapsed": "collapsed: the output is the same whatever the input; they are averaged",
    }
    counts = {fate: sum(getattr(row, fate) for row in rows) for fate in said}
    runs = sum(row.runs for row in rows)
    return [f"{n:,} of {labels.count(runs, 'run')} {said[f]}." for f, n in counts.items() if n]


def _trained_badly(rows: Sequence[Summary]) -> list[str]:
    bad = [
        f"{labels.settings({**row.settings, SEED: run.seed})}: {how.reason}"
        for row in rows
        for run, how in bad_runs(row.members)
    ]
    if not bad:
        return []
    runs, shown = sum(row.runs for row in rows), bad[:MOST_BAD]
    more = [f"{len(bad) - MOST_BAD:,} more"] if len(bad) > MOST_BAD else []
    return [
        f"{len(bad):,} of {labels.count(runs, 'run')} trained badly, so that few dead units "
        f"in them mean little: {'; '.join([*shown, *more])}."
    ]


def ends(rows: Sequence[Summary], definition: str) -> list[dict[str, Any]]:
    """The configurations with the fewest dead, the most dead, and the best by each measure."""
    word = tables.CALLED[definition][0]
    if len(rows) < 2:
        return []
    titled: dict[int, tuple[list[str], Summary]] = {}
    fewest, most = sorting.extremes(rows, 1)
    chosen = {f"fewest {word}": fewest, f"most {word}": most}
    for terms in terms_of_quality(run for row in rows for run in row.members):
        known = [row for row in rows if terms.quality.among(row) is not None]
        chosen[terms.best] = sorted(known, key=partial(sorting.place, terms.quality.name))[:1]
    for title, rows_there in chosen.items():
        for row in rows_there:
            titled.setdefault(id(row), ([], row))[0].append(title)
    return [
        {
            "title": _listed([titles[0][:1].upper() + titles[0][1:], *titles[1:]]),
            "label": labels.settings(row.settings),
            "measures": {word: f"{formatting.plus_minus(row.mean)}%", **_of_quality(row)},
        }
        for titles, row in titled.values()
    ]


def _of_quality(row: Summary) -> dict[str, str]:
    """How good a configuration is, by the names of its measures."""
    measures = {terms.name: terms.plus_minus(one) for terms, one in estimates(row)}
    if row.rmse is not None:
        measures[RMSE] = rmse(row)
    return measures


def beside(rows: Sequence[Summary]) -> str:
    """What stands beside the means on this page, in a sentence or two."""
    ends = tables.ends(rows)
    said = f"Beside a mean: {ends.plain}. " if ends is not None else ""
    return f"{said}“n/a” is a measure that does not apply."


def _trained(runs: Sequence[RunRecord]) -> bool:
    configs = (run.ours for run in runs)
    return any(c is None or phases.total_epochs(c.phases, c.epochs) for c in configs)


def _listed(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)

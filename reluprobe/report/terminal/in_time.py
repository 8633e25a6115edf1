"""What becomes of units over time, in words and small tables: steps, phases, the init's signal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from reluprobe.analysis import init_signal, phase_outcomes, step_course, unit_fates
from reluprobe.analysis.aggregate import Summary
from reluprobe.analysis.estimates import Estimate
from reluprobe.analysis.phase_outcomes import Turn
from reluprobe.analysis.step_course import StepPoint
from reluprobe.config import labels
from reluprobe.report import formatting
from reluprobe.report.life_words import words_of
from reluprobe.report.quality_terms import QualityTerms, terms_of_quality
from reluprobe.report.terminal import step_course as course_table
from reluprobe.report.terminal.layout import plain_table, shown_layers
from reluprobe.report.terminal.tables import CALLED, cell

#: Configurations that have a row each in such a table, and in that of units' lives.
MOST_ROWS, MOST_LIVES = 12, 6
#: Phases, and layers, that have a column.
MOST_PHASES, MOST_LAYERS = 4, 6
#: Configurations that a sentence names.
NAMED = 3

Rows = Sequence[Summary]


def tables(rows: Rows, definition: str) -> list[RenderableType]:
    """Steps, phases and lives in numbers, each table below its title; of few configurations."""
    if len(rows) > MOST_ROWS:
        return []
    shown = [*_steps(rows, definition), *_phases(rows, definition)]
    return shown or _revivals(rows, definition)


def _courses(rows: Rows, definition: str) -> list[tuple[Summary, list[StepPoint]]]:
    courses = [(row, step_course.course(row.members, definition)) for row in rows]
    return [(row, c) for row, c in courses if len(c) > 2 and all(point.mean for point in c)]


def of_steps(rows: Rows, definition: str) -> list[str]:
    """When in an epoch units die, in a sentence; nothing where nobody looked between epochs."""
    if len(rows) > NAMED:
        return []
    lines = []
    for row, course in _courses(rows, definition):
        last = course[-1].mean
        if last is None or not last.mean:
            continue
        half, most = (
            next(p.step for p in course if p.mean and p.mean.mean >= part * last.mean)
            for part in (0.5, 0.9)
        )
        name = f"{labels.settings(row.settings)}: " if len(rows) > 1 else ""
        lines.append(
            f"{name}half as many are {CALLED[definition][0]} by step {half:,} as at the end, nine "
            f"tenths by step {most:,} of {course[-1].step:,}"
        )
    return lines


def _steps(rows: Rows, definition: str) -> list[RenderableType]:
    courses = _courses(rows, definition) if len(rows) == 1 else []
    if not courses:
        return []
    drawn = course_table.tables([(row.settings, course) for row, course in courses])
    return [course_table.title(definition), drawn]


def _turns(rows: Rows, definition: str) -> list[tuple[Summary, list[Turn]]]:
    turns = [(row, phase_outcomes.turns(row.members, definition)) for row in rows]
    # By a threshold asked anew nobody knows of the phases before the last.
    return [(row, t) for row, t in turns if t and all(turn.end for turn in t)]


def of_phases(rows: Rows, definition: str) -> list[str]:
    """From the first phase's end to the last's, and how many of the dead new data wake."""
    phased = _turns(rows, definition)
    if not phased:
        return []
    word = CALLED[definition][0]
    moved = [(row, t) for row, t in phased if any(x.end and x.end.mean for x in t)]
    if not moved:
        return [f"over {len(phased[0][1])} phases no unit is {word} at the end of any"]
    moved.sort(key=lambda pair: -_mean(pair[1][-1].end))
    listed = [
        f"{formatting.mean(t[0].end)} → {formatting.mean(t[-1].end)}%{_named(row, rows)}"
        for row, t in moved
    ]
    text = f"over {len(moved[0][1])} phases {word} {formatting.few(listed, NAMED)}"
    woken = [(turn.wakes.mean, row) for row, t in moved for turn in t if turn.wakes is not None]
    if woken:
        most, row = max(woken, key=lambda pair: pair[0])
        text += (
            f"; new data wake at most {formatting.percent(most)}% of the dead{_named(row, rows)}"
        )
    return [text]


def _named(row: Summary, rows: Rows) -> str:
    return f" with {labels.settings(row.settings)}" if len(rows) > 1 else ""


def _of_quality(turns: Sequence[Turn], terms: QualityTerms) -> tuple[str, str]:
    """From the first phase's end to the last's; and then on the first phase's data."""
    first, last = (
        formatting.mean(terms.quality.among(turn), terms.write) for turn in (turns[0], turns[-1])
    )
    return f"{first} → {last}", formatting.mean(turns[-1].still(terms.quality), terms.write)


def _phases(rows: Rows, definition: str) -> list[RenderableType]:
    """A row a configuration: some phases' ends, what wakes, and what is remembered."""
    phased = _turns(rows, definition)
    if not phased:
        return []
    longest = max((turns for _, turns in phased), key=len)
    shown = shown_layers(len(longest), MOST_PHASES)
    word = CALLED[definition][0]
    table = plain_table()
    table.add_column("at the end of phase")
    for n in shown:
        table.add_column(str(n + 1), justify="right", no_wrap=True)
    qualities = terms_of_quality(run for row, _ in phased for run in row.members)
    measures = [
        title
        for terms in qualities
        for title in (terms.heading, f"on first {terms.unit or terms.bare}")
    ]
    for title in ("wakes %", *measures):
        table.add_column(title, justify="right", no_wrap=True)
    none = [row for row, turns in phased if not any(_mean(turn.end) for turn in turns)]
    for row, turns in phased:
        cells = [cell(turns[n].end, formatting.mean) if n < len(turns) else Text("") for n in shown]
        wakes = [turn.wakes.mean for turn in turns if turn.wakes is not None]
        if row not in none:
            table.add_row(
                labels.settings(row.settings) or "every run",
                *cells,
                formatting.percent(sum(wakes) / len(wakes)) if wakes else formatting.NOT_APPLICABLE,
                *(text for terms in qualities for text in _of_quality(turns, terms)),
            )
    bare = " and ".join(terms.bare for terms in qualities)
    legend = f"wakes: of the dead, how many fire on new data; on first: {bare} on them at the end"
    lines = [Text(legend, style="dim")]
    if none:
        names = formatting.few([labels.settings(row.settings) for row in none], NAMED)
        lines.insert(0, Text(f"no unit {word} at the end of any phase: {names}"))
    title = f"{word} % by phase, each on its own probe  (--full)"
    return [Text(title, style="italic"), *([table] if len(none) < len(phased) else []), *lines]


def _revivals(rows: Rows, definition: str) -> list[RenderableType]:
    """A row a configuration: of the units dead at a probe, how many live at the next, by layer."""
    if not 1 < len(rows) <= MOST_LIVES:
        return []
    fates = [(row, unit_fates.fates(row.members, definition)) for row in rows]
    known = [(row, f) for row, f in fates if f is not None and f.network.revives is not None]
    if len({tuple(f.layers) for _, f in known}) != 1:
        return []
    names = [*known[0][1].layers]
    shown = [names[i] for i in shown_layers(len(names), MOST_LAYERS)]
    table = plain_table()
    words = words_of(definition)
    table.add_column(words.returned)
    for title in (*shown, "all", "for good %"):
        table.add_column(title, justify="right", no_wrap=True)
    for row, f in known:
        table.add_row(
            labels.settings(row.settings),
            *(formatting.mean(f.layers[name].revives) for name in shown),
            Text(formatting.mean(f.network.revives), style="bold"),
            formatting.mean(f.network.permanent),
        )
    title = (
        f"of the units {words.state} at a probe, % {words.other} at the next; {words.state} for "
        "good  (--lives)"
    )
    return [Text(title, style="italic"), table]


def signals(rows: Rows) -> list[str]:
    """What becomes of an untrained network's signal from layer to layer, from end to end."""
    ratios = [
        (ratio.mean, row)
        for row in rows
        if (layers := init_signal.signals(row.members)) and (ratio := layers[-1].ratio)
    ]
    if not ratios:
        return []
    ends = [min(ratios, key=lambda pair: pair[0]), max(ratios, key=lambda pair: pair[0])]
    listed = [f"{ratio:.2g}{_named(row, rows)}" for ratio, row in ends]
    return [f"mean z² from one layer to the next: × {' to × '.join(dict.fromkeys(listed))}"]


def signals_table(rows: Rows) -> list[RenderableType]:
    """A row a configuration: the signal's growth, its spread at both ends, zeros, dead units."""
    every = [(row, init_signal.signals(row.members)) for row in rows[:MOST_ROWS]]
    known = [(row, layers) for row, layers in every if len(layers) > 1]
    if not known:
        return []
    deepest = max(len(layers) for _, layers in known)
    table = plain_table()
    table.add_column("before training", min_width=20)
    for title in ("z² ratio", "deviation L1", f"L{deepest}", "zeros %", "dead %"):
        table.add_column(title, justify="right", no_wrap=True)
    for row, layers in known:
        ratios = [layer.ratio.mean for layer in layers if layer.ratio is not None]
        table.add_row(
            labels.settings(row.settings) or "every run",
            _between(ratios),
            formatting.mean(layers[0].deviation, _short),
            formatting.mean(layers[-1].deviation, _short),
            formatting.mean(layers[-1].zeros),
            cell(row.mean, formatting.mean),
        )
    legend = (
        f"z² ratio: mean z² of a layer over the one before; deviation: of outputs of layers 1 and "
        f"{deepest}; zeros: of the last layer's outputs  (--signals)"
    )
    return [table, Text(legend, style="dim")]


def _between(ratios: Sequence[float]) -> str:
    if not ratios:
        return formatting.NOT_APPLICABLE
    ends = dict.fromkeys(f"{x:.2f}" for x in (min(ratios), max(ratios)))
    return "–".join(ends)


def _short(value: float | None) -> str:
    return formatting.NOT_APPLICABLE if value is None else labels.setting(float(f"{value:.2g}"))


def _mean(estimate: Estimate | None) -> float:
    return 0.0 if estimate is None else estimate.mean

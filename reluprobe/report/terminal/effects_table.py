"""Table of effects: each value of each setting, means over all else, with intervals over blocks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.analysis.effects import Effect, Effects, VarianceShare
from reluprobe.analysis.functional_anova import SEEDS
from reluprobe.config import labels
from reluprobe.report import formatting
from reluprobe.report.quality_terms import QualityTerms
from reluprobe.report.terminal.layout import Fitted, fitted, plain_table, shown_layers
from reluprobe.report.terminal.tables import CALLED, cell

Qualities = Sequence[QualityTerms]

#: Rows of the table; values of a setting that are all shown: of more, so many evenly spread.
MOST_ROWS, MOST_VALUES = 14, 5
#: Settings together that a line names, each of this share at least.
MOST_TOGETHER, NAMED = 2, 0.01


def title(effects: Effects, definition: str) -> Text:
    """What the table shows."""
    text = f"what each setting does to {CALLED[definition][0]} %, means over all else"
    return Text(text, style="italic")


def table(
    effects: Effects, definition: str, qualities: Qualities, width: int, *, every: bool = False
) -> Fitted:
    """A row a value, the setting that matters most first; of many values as many as fit, or all.

    Where ``width`` is short, intervals of how good networks are go, then all.
    """
    full, means = formatting.plus_minus, formatting.mean
    less_of = f"± of {' and '.join(terms.bare for terms in qualities)}"
    writes = (((full, full), ""), ((full, means), less_of), ((means, means), "±"))
    shown = [*_shown(effects, every)]
    layouts = (
        (_table(effects, shown, definition, qualities, *write), less) for write, less in writes
    )
    return fitted(layouts, width)


def _table(
    effects: Effects,
    shown: Sequence[tuple[str, Sequence[Effect]]],
    definition: str,
    qualities: Qualities,
    write: Callable[..., str],
    write_quality: Callable[..., str],
) -> Table:
    listed = plain_table()
    listed.add_column("setting", no_wrap=True)
    listed.add_column("explains", justify="right", no_wrap=True)
    listed.add_column("value", no_wrap=True)
    headings = [terms.heading for terms in qualities]
    for name in (f"{CALLED[definition][0]} %", *headings, "runs"):
        listed.add_column(name, justify="right", no_wrap=True)
    for axis, values in shown:
        head = (labels.name(axis), _explains(effects, qualities, (axis,)))
        for effect in values:
            listed.add_row(
                *head,
                labels.setting(effect.value),
                cell(effect.dead, write),
                *(Text(write_quality(t.quality.among(effect), t.write)) for t in qualities),
                f"{effect.runs:,}",
            )
            head = ("", "")
        if left := _of(effects, axis, len(values)):
            listed.add_row("", "", Text(f"… {left:,} more", style="dim"))
    return listed


def _shown(effects: Effects, every: bool) -> Iterator[tuple[str, list[Effect]]]:
    """The settings that matter most, one at least, and of each the values that have a row."""
    room = MOST_ROWS
    for n, axis in enumerate(effects.axes):
        of_axis = [effect for effect in effects.effects if effect.axis == axis]
        values = of_axis if every else _spread(of_axis)
        rows = len(values) + (len(values) < len(of_axis))
        if n and rows > room and not every:
            return
        room -= rows
        yield axis, values


def _spread(values: Sequence[Effect]) -> list[Effect]:
    """Of many values some evenly spread, and those with the fewest dead and with the most."""
    if len(values) <= MOST_VALUES:
        return [*values]
    known = [n for n, effect in enumerate(values) if effect.dead is not None]
    ends = {pick(known, key=lambda n: _dead(values[n])) for pick in (min, max) if known}
    even = shown_layers(len(values), max(MOST_VALUES - len(ends), 2))
    return [values[n] for n in sorted({*even, *ends})]


def _dead(effect: Effect) -> float:
    return effect.dead.mean if effect.dead else 0.0


def _of(effects: Effects, axis: str, shown: int) -> int:
    return sum(effect.axis == axis for effect in effects.effects) - shown


def _explained(effects: Effects, qualities: Qualities) -> list[Sequence[VarianceShare]]:
    """What there is to explain: the variance of dead units, and of how good networks are."""
    every = (effects.dead, *(terms.quality.among(effects) for terms in qualities))
    return [shares for shares in every if shares]


def _explains(effects: Effects, qualities: Qualities, axes: tuple[str, ...]) -> str:
    """``43%``; ``43 / 9%`` of the variance of dead units and of accuracy."""
    shares = [_share(part, axes) for part in _explained(effects, qualities)]
    known = [f"{100 * share:.0f}" for share in shares if share is not None]
    return f"{' / '.join(known)}%" if known else formatting.NOT_APPLICABLE


def _share(parts: Sequence[VarianceShare], axes: tuple[str, ...]) -> float | None:
    return next((part.share for part in parts if part.axes == axes), None)


def legend(
    effects: Effects, definition: str, qualities: Qualities, *, every: bool = False
) -> list[RenderableType]:
    """What settings explain together, what stands beside means, and what is left out."""
    word = CALLED[definition][0]
    lines = []
    if together := _together(effects, qualities):
        lines.append(f"together: {together}")
    varying = [terms.heading for terms in qualities if terms.quality.among(effects)]
    both = "".join(f" / {heading}" for heading in varying)
    text = f"explains: of the variance of {word} %{both}; {effects.method}"
    if effects.untold:
        text += f"; whether settings matter together cannot be told: {effects.untold}"
    lines.append(text)
    if any(e.dead is not None and e.dead.half_width is not None for e in effects.effects):
        lines.append(
            "±: 95% over blocks that differ in this setting alone: what does not meet differs"
        )
    shown = [axis for axis, _ in _shown(effects, every)]
    if hidden := [labels.name(axis) for axis in effects.axes if axis not in shown]:
        lines.append(f"not shown: {formatting.few(hidden, 6)} (--full)")
    return [Text(line, style="" if line.startswith("together") else "dim") for line in lines]


def _together(effects: Effects, qualities: Qualities) -> str:
    """``activation × lr 35 / 21%, …; seeds 1 / 36%``."""
    largest: dict[tuple[str, ...], float] = {}
    for part in itertools.chain(*_explained(effects, qualities)):
        largest[part.axes] = max(part.share, largest.get(part.axes, 0.0))
    ranked = sorted(largest, key=lambda axes: -largest[axes])
    several = [axes for axes in ranked if len(axes) > 1 and largest[axes] >= NAMED]
    listed = [
        f"{' × '.join(map(labels.name, axes))} {_explains(effects, qualities, axes)}"
        for axes in several[:MOST_TOGETHER]
    ]
    if largest.get(SEEDS, 0.0) >= NAMED:
        listed.append(f"seeds {_explains(effects, qualities, SEEDS)}")
    return ", ".join(listed)

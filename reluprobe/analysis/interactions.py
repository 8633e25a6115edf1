"""Interactions: pairs of axes that matter together, above noise, each in a sentence.

A pair counts where its share of the variance is at least ``LEAST`` and it passes an F test at 5%
over all pairs (Holm 1979): F = mean square of the pair / mean square of the noise. The noise is
what seeds of one configuration differ by. With one seed it is what is left: the interactions of
three axes and more of a full factorial, the residual of a fit; where those are real the test finds
less than there is. With fewer than ``FEWEST`` degrees of freedom of either it cannot be told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reluprobe.analysis.design import Grid
from reluprobe.analysis.functional_anova import LEFT, SEEDS, Component
from reluprobe.analysis.variance import Decomposition
from reluprobe.config import labels, rank
from reluprobe.records import Setting

LEAST = 0.01
#: Degrees of freedom of the noise.
FEWEST = 4
LEVEL = 0.05
#: An axis that moves a measure by less than this part of what it moves it elsewhere does nothing
#: there.
NOTHING = 0.1
#: By at least this part, about as much.
ALIKE = 0.7
#: A sentence has so many characters at most.
LONGEST = 100
#: What is no share of anything, and how it is called.
CALLED = {"r2": "R²"}


@dataclass(frozen=True)
class Interaction:
    """Two axes that matter together.

    Attributes:
        axes: the one that matters more beside some values of the other, and the other.
        measure: of what: the definition of death, ``accuracy`` or ``r2``.
        share: of the variance.
        p: of the F test, before it is held against Holm's levels.
        sentence: what they do; means over all else, shares in percent.
    """

    axes: tuple[str, str]
    measure: str
    share: float
    p: float
    sentence: str

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class Interactions:
    """Those above noise, the largest first; or why that cannot be told."""

    present: tuple[Interaction, ...] = ()
    untold: str = ""


def judge(
    grid: Grid, parts: Decomposition, means: np.ndarray, seeds: int, measure: str
) -> Interactions:
    """Which pairs of axes matter together.

    Args:
        grid: of the configurations that have the measure.
        parts: of its variance.
        means: of every configuration.
        seeds: that the configuration with the fewest has.
        measure: what it is called.
    """
    pairs = [p for p in parts.parts if len(p.axes) == 2 and _order(grid, p.axes) == 2]
    if len(grid.factors) < 2:
        return Interactions()
    if not pairs:
        return Interactions(untold="no combinations of settings to tell it from")
    noise = _noise(grid, parts)
    if noise is None:
        needed = 1 + math.ceil(FEWEST / len(grid.codes))
        had = labels.count(seeds, "seed")
        return Interactions(untold=f"{had}, {max(needed, seeds + 1)} needed")
    if not parts.total:
        return Interactions()
    square, freedom = noise
    tested = sorted(((_p(part, square, freedom), part) for part in pairs), key=lambda t: t[0])
    present = []
    for at, (p, part) in enumerate(tested):
        if p > LEVEL / (len(tested) - at):
            break
        share = part.variance / parts.total
        if share >= LEAST:
            present.append(_interaction(grid, part, means, measure, share, p))
    return Interactions(tuple(sorted(present, key=lambda one: -one.share)))


def _order(grid: Grid, axes: Sequence[str]) -> int:
    """Of how many factors these are: axes that change together are one."""
    return sum(not set(axes).isdisjoint(factor.axes) for factor in grid.factors)


def _noise(grid: Grid, parts: Decomposition) -> tuple[float, int] | None:
    """The mean square of noise and its degrees of freedom."""
    seeds = [part for part in parts.parts if part.axes == SEEDS and part.freedom >= FEWEST]
    if seeds:
        return seeds[0].square, seeds[0].freedom
    higher = [p for p in parts.parts if p.axes == LEFT or _order(grid, p.axes) > 2]
    freedom = sum(part.freedom for part in higher)
    if freedom < FEWEST:
        return None
    return math.fsum(part.square * part.freedom for part in higher) / freedom, freedom


def _p(part: Component, square: float, freedom: int) -> float:
    """Of the F test."""
    # Imported here: SciPy takes 0.4 s to import, which --help should not wait for.
    from scipy.special import fdtrc

    if not part.square:
        return 1.0
    return float(fdtrc(part.freedom, freedom, part.square / square)) if square else 0.0


@dataclass(frozen=True)
class _Move:
    """What one axis does beside a value of another: the means of its values, by rank."""

    value: Setting
    means: tuple[float, ...]

    @property
    def size(self) -> float:
        return max(self.means) - min(self.means)

    @property
    def rises(self) -> bool:
        """From the first value to the last."""
        return self.means[-1] > self.means[0]


def _interaction(
    grid: Grid, part: Component, means: np.ndarray, measure: str, share: float, p: float
) -> Interaction:
    one, other = part.axes

    def reads(axes: tuple[str, str]) -> tuple[bool, float]:
        """A number moves best: "the rate matters for relu"; else what moves the most unlike."""
        return _is_number(grid, axes[0]), _unlike(_moves(grid, means, *axes))

    chosen = max(((one, other), (other, one)), key=reads)
    moves, is_number = _moves(grid, means, *chosen), _is_number(grid, chosen[0])
    sentence = _sentence(chosen, moves, is_number, measure)
    return Interaction(chosen, measure, share, p, sentence)


def _unlike(moves: Sequence[_Move]) -> float:
    """How unlike the sizes are of what an axis does beside each value of another, in [0, 1]."""
    sizes = [move.size for move in moves]
    return 1 - min(sizes) / max(sizes) if max(sizes, default=0.0) else 0.0


def _moves(grid: Grid, means: np.ndarray, mover: str, holder: str) -> list[_Move]:
    columns = [grid.axes.index(name) for name in (mover, holder)]
    values = grid.values[columns[0]]
    order = sorted(range(len(values)), key=lambda code: rank(values[code]))
    moves = []
    for code, value in enumerate(grid.values[columns[1]]):
        here = grid.codes[:, columns[1]] == code
        cells = [means[here & (grid.codes[:, columns[0]] == c)] for c in order]
        ends = tuple(float(cell.mean()) for cell in cells if len(cell))
        if len(ends) > 1:
            moves.append(_Move(value, ends))
    return moves


def _is_number(grid: Grid, axis: str) -> bool:
    return all(
        isinstance(v, int | float) and not isinstance(v, bool)
        for v in grid.values[grid.axes.index(axis)]
    )


def _sentence(axes: tuple[str, str], moves: Sequence[_Move], is_number: bool, measure: str) -> str:
    """``lr matters for relu (4.3 → 66.2% dead), not for leaky_relu``."""
    mover, holder = labels.name(axes[0]), axes[1]
    ranked = sorted(moves, key=lambda move: -move.size)
    most, least = ranked[0], ranked[-1]
    much = [move for move in ranked if move.size >= ALIKE * most.size]
    turned = [move for move in much if move.rises != most.rises]
    if is_number and turned:
        text = (
            f"{mover} cuts both ways: {_of(most, holder, True, measure)}, "
            f"{_of(turned[0], holder, True, measure, short=True)}"
        )
    elif nothing := [m.value for m in ranked if m.size <= NOTHING * most.size]:
        text = f"{mover} matters for {_of(most, holder, is_number, measure)}, not for "
        text += _these(holder, nothing, LONGEST - len(text))
    else:
        text = (
            f"{mover} matters more for {_of(most, holder, is_number, measure)} than for "
            f"{_of(least, holder, is_number, measure, short=True)}"
        )
    return text


def _of(move: _Move, holder: str, is_number: bool, measure: str, *, short: bool = False) -> str:
    """``relu (4.3 → 66.2% dead)``; ``relu (4.3–66.2%)`` where the ends are not the values'."""
    low, high = min(move.means), max(move.means)
    in_order = is_number and {move.means[0], move.means[-1]} == {low, high}
    ends = (move.means[0], move.means[-1]) if in_order else (low, high)
    return f"{labels.change({holder: move.value})} ({_ends(ends, in_order, measure, short)})"


def _ends(ends: tuple[float, float], in_order: bool, measure: str, short: bool) -> str:
    """``4.3 → 66.2% dead``, ``R² 0.120 → 0.980``; in short without what is measured."""
    if measure in CALLED:
        # A dash between numbers that may be negative reads as a minus.
        between = " → " if in_order else " to "
        text = between.join(f"{end:.3f}" for end in ends).replace("-", "−")
        return text if short else f"{CALLED[measure]} {text}"
    text = f"{(' → ' if in_order else '–').join(f'{100 * end:.1f}' for end in ends)}%"
    return text if short else f"{text} {measure.replace('_', ' ')}"


def _these(holder: str, values: Sequence[Setting], room: int) -> str:
    """``leaky_relu and elu``; ``leaky_relu and 3 more`` where there is no room."""
    words = [labels.change({holder: value}) for value in values]
    whole = " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
    if len(whole) <= room:
        return whole
    return f"{words[0]} and {len(words) - 1} more" if len(words) > 1 else words[0]

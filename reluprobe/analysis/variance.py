"""Variance of a measure over a grid: which share each axis, each pair, and the seeds explain.

A measure y of a configuration x, the mean over its seeds, is a sum of parts, one for each set of
axes: f_∅ the grand mean, f_u(x_u) = mean of y over all axes but u − Σ_{v ⊂ u} f_v (functional
ANOVA; Hoeffding 1948; Hutter, Hoos and Leyton-Brown 2014, eq. 4–6). Where every combination has
run, parts are orthogonal, their variances add up to that of y, and nothing is estimated.

Each configuration counts once, however many seeds it has. The seeds' part is the mean over
configurations, of those with two seeds or more, of the variance (over n) between seeds; with it the
parts add up to the variance of a run drawn from the grid (law of total variance). Shares are of the
runs at hand: what seeds do to the mean of a configuration stays in the axes' parts, the more of it
the fewer seeds there are.

Where combinations are lacking, axes, and the pairs of which every cell has run, are fitted to the
configurations' means by least squares, as far as data tell them apart. The fit is decomposed over
all combinations, exactly: with coefficients that add to 0 over each factor they are its parts.
What configurations differ by from the fit, RSS / (n − p), is what is left (axes ``()``).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reluprobe.analysis.design import Factor, Grid

SEEDS = ("seed",)
LEFT = ()
#: Eigenvalues below this, of the largest, are zero: data do not tell such columns apart.
SINGULAR = 1e-9
#: Variances below this, of the squared largest value, are rounding.
ROUNDING = 1e-24


@dataclass(frozen=True)
class Component:
    """A part of the variance.

    Attributes:
        axes: whose; :data:`SEEDS`, or :data:`LEFT`.
        variance: in the measure's units, squared.
        freedom: its degrees of freedom.
        square: its mean square, on the scale of the mean of a configuration: what noise alone
            would leave equal to that of the seeds' means.
    """

    axes: tuple[str, ...]
    variance: float
    freedom: int
    square: float


@dataclass(frozen=True)
class Decomposition:
    """The parts of a measure's variance over a grid.

    Attributes:
        parts: of every axis, pair and so on; of the seeds, where a configuration has two; and of
            what is left, where it is an estimate.
        exact: whether every combination has run.
        pairs: those that were fitted, where it is an estimate.
    """

    parts: tuple[Component, ...]
    exact: bool
    pairs: tuple[tuple[str, ...], ...] = ()

    @property
    def total(self) -> float:
        """The variance."""
        return math.fsum(part.variance for part in self.parts)


def decompose(grid: Grid, seeds: Sequence[Sequence[float]]) -> Decomposition | None:
    """The parts of the variance; None where axes cannot be told apart.

    Args:
        grid: of the configurations that have the measure.
        seeds: of every configuration the measure of each of its runs.
    """
    means = np.array([math.fsum(values) / len(values) for values in seeds])
    rounding = ROUNDING * max((abs(v) for values in seeds for v in values), default=0.0) ** 2
    if grid.complete:
        table = np.empty([factor.size for factor in grid.factors])
        table[tuple(factor.levels for factor in grid.factors)] = means
        parts = list(components(table, grid.factors, rounding))
        pairs: tuple[tuple[str, ...], ...] = ()
    else:
        fitted = _fitted(grid, means, rounding)
        if fitted is None:
            return None
        parts, pairs = fitted
    within = _between_seeds(seeds, rounding)
    return Decomposition((*parts, *([within] if within else [])), grid.complete, pairs)


def _between_seeds(seeds: Sequence[Sequence[float]], rounding: float) -> Component | None:
    several = [np.asarray(values) for values in seeds if len(values) > 1]
    if not several:
        return None
    variance = math.fsum(float(values.var()) for values in several) / len(several)
    freedom = sum(len(values) - 1 for values in several)
    pooled = math.fsum(float(values.var()) * len(values) for values in several) / freedom
    # Of the means of configurations with unlike numbers of seeds: with the harmonic mean of these.
    per_mean = math.fsum(1 / len(values) for values in seeds) / len(seeds)
    if variance <= rounding:
        variance = pooled = 0.0
    return Component(SEEDS, variance, freedom, pooled * per_mean)


def components(
    table: np.ndarray, factors: Sequence[Factor], rounding: float = 0.0
) -> Iterator[Component]:
    """Every part of a full table of values, one axis a factor, but for the grand mean."""
    pieces: list[tuple[tuple[str, ...], np.ndarray, np.ndarray, int]] = [
        ((), table, np.ones(()), 1)
    ]
    for at, factor in enumerate(factors):
        pieces = [
            ((*axes, *own), part, np.multiply.outer(weights, share), freedom * more)
            for axes, values, weights, freedom in pieces
            for own, part, share, more in _along(values, at, factor)
        ]
    for axes, part, weights, freedom in pieces:
        if axes:
            variance = float((part**2 * weights).sum())
            variance = variance if variance > rounding else 0.0
            yield Component(axes, variance, freedom, table.size * variance / freedom)


def _along(
    values: np.ndarray, at: int, factor: Factor
) -> Iterator[tuple[tuple[str, ...], np.ndarray, np.ndarray, int]]:
    """The mean along one factor, then what each of its parts adds to the parts before."""
    before = values.mean(at, keepdims=True)
    yield (), before, np.ones(1), 1
    parents, size = np.zeros(factor.size, np.int64), 1
    for part in factor.parts:
        counts = np.bincount(part.groups)
        # (group, level): the mean over the group's levels.
        folding = (part.groups == np.arange(len(counts))[:, None]) / counts[:, None]
        means = np.moveaxis(np.tensordot(folding, values, (1, at)), 0, at)
        parent = np.zeros(len(counts), np.int64)
        parent[part.groups] = parents
        yield (
            part.axes,
            means - before.take(parent, at),
            counts / factor.size,
            len(counts) - size,
        )
        before, parents, size = means, part.groups, len(counts)


@dataclass(frozen=True)
class _Term:
    """A factor, or two, among the columns of a fit."""

    factors: tuple[Factor, ...]
    columns: np.ndarray

    @property
    def axes(self) -> tuple[str, ...]:
        return tuple(name for factor in self.factors for name in factor.axes)


def _fitted(
    grid: Grid, means: np.ndarray, rounding: float
) -> tuple[list[Component], tuple[tuple[str, ...], ...]] | None:
    """The parts of a fit of factors and pairs; None where it does not tell the factors apart."""
    mains = [_Term((factor,), _coded(factor)) for factor in grid.factors]
    terms = _told_apart(mains, len(means))
    if terms is None:
        return None
    design = _design(terms)
    inverse = np.linalg.inv(design.T @ design)
    weights = inverse @ (design.T @ means)
    residual = means - design @ weights
    freedom = len(means) - design.shape[1]
    parts, start = [], 1
    for term in terms:
        own = slice(start, start := start + term.columns.shape[1])
        table = weights[own].reshape([factor.size - 1 for factor in term.factors])
        for at, factor in enumerate(term.factors):
            table = np.moveaxis(np.tensordot(_contrasts(factor.size), table, (1, at)), 0, at)
        # What the fit would lose without these columns: exact, where the parts share them not.
        lost = float(weights[own] @ np.linalg.solve(inverse[own, own], weights[own]))
        parts += _parts_of(table, term, lost, rounding)
    if freedom:
        left = float(residual @ residual) / freedom
        left = left if left > rounding else 0.0
        parts.append(Component(LEFT, left, freedom, left))
    return parts, tuple(term.axes for term in terms if len(term.factors) > 1)


def _parts_of(table: np.ndarray, term: _Term, lost: float, rounding: float) -> list[Component]:
    parts = [
        part
        for part in components(table, term.factors, rounding)
        if all(set(factor.axes) & set(part.axes) for factor in term.factors)
    ]
    whole = math.fsum(part.variance for part in parts)
    return [
        Component(p.axes, p.variance, p.freedom, lost * p.variance / whole / p.freedom)
        if whole
        else p
        for p in parts
    ]


def _told_apart(mains: Sequence[_Term], number: int) -> list[_Term] | None:
    """The factors and, one after the other, pairs that data tell apart from all before."""
    terms = list(mains)
    if not _full_rank(_design(terms)):
        return None
    pairs = [
        _Term((*one.factors, *other.factors), _products(one, other))
        for one, other in itertools.combinations(mains, 2)
        if _every_cell(one.factors[0], other.factors[0])
    ]
    # Mostly all of them are told apart: that is asked first, as each question costs as much.
    if _fits([*terms, *pairs], number):
        return [*terms, *pairs]
    for pair in pairs:
        if _fits([*terms, pair], number):
            terms.append(pair)
    return terms


def _every_cell(one: Factor, other: Factor) -> bool:
    """Whether every combination of two factors' levels has run."""
    return len(np.unique(one.levels * other.size + other.levels)) == one.size * other.size


def _products(one: _Term, other: _Term) -> np.ndarray:
    products = one.columns[:, :, None] * other.columns[:, None, :]
    return products.reshape(len(products), -1)


def _fits(terms: Sequence[_Term], number: int) -> bool:
    """Whether so many configurations tell these terms apart, and leave something to check by."""
    size = 1 + sum(term.columns.shape[1] for term in terms)
    return size < number and _full_rank(_design(terms))


def _design(terms: Sequence[_Term]) -> np.ndarray:
    ones = np.ones((len(terms[0].columns), 1))
    return np.concatenate([ones, *(term.columns for term in terms)], 1)


def _full_rank(design: np.ndarray) -> bool:
    if design.shape[1] > len(design):
        return False
    eigenvalues = np.linalg.eigvalsh(design.T @ design)
    return bool(eigenvalues[0] > SINGULAR * eigenvalues[-1])


def _contrasts(size: int) -> np.ndarray:
    """``(level, column)``: coefficients that add to 0 over the levels."""
    return np.concatenate([np.eye(size - 1), -np.ones((1, size - 1))])


def _coded(factor: Factor) -> np.ndarray:
    return _contrasts(factor.size)[factor.levels]

"""Least-squares fit of a grid with holes: what axes, and pairs of them, add to the variance.

Coefficients add to 0 over each factor's levels, so that they are the parts of the functional ANOVA
of the fit over all combinations (``analysis.functional_anova``), exactly. A pair is fitted where
every cell of it has run and the configurations tell it apart from what was fitted before.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reluprobe.analysis.design import Factor, Grid
from reluprobe.analysis.functional_anova import LEFT, Component, components

#: Columns of a fit at most: what more takes too long for a look.
MOST_COLUMNS = 500
#: Eigenvalues below this, of the largest, are zero: data do not tell such columns apart.
SINGULAR = 1e-9


@dataclass(frozen=True)
class _Term:
    """A factor, or two, among the columns of a fit."""

    factors: tuple[Factor, ...]
    columns: np.ndarray

    @property
    def size(self) -> int:
        """How many columns."""
        return self.columns.shape[1]

    @property
    def axes(self) -> tuple[str, ...]:
        return tuple(name for factor in self.factors for name in factor.axes)


def fitted(
    grid: Grid, means: np.ndarray, rounding: float
) -> tuple[list[Component], tuple[tuple[str, ...], ...]] | None:
    """The parts of a fit of factors and pairs; None where it does not tell the factors apart."""
    if sum(factor.size - 1 for factor in grid.factors) >= MOST_COLUMNS:
        return None
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
        own = slice(start, start := start + term.size)
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
    if not _full_rank(mains):
        return None
    eligible = [
        pair
        for pair in itertools.combinations(mains, 2)
        if _every_cell(pair[0].factors[0], pair[1].factors[0])
    ]
    # One configuration at least is left over to check the fit by.
    most = min(number - 1, MOST_COLUMNS)
    # Mostly all of them are told apart: that is asked first, as each question costs as much.
    if _size(mains) + sum(one.size * other.size for one, other in eligible) <= most:
        whole = [*mains, *(_pair(one, other) for one, other in eligible)]
        if _full_rank(whole):
            return whole
    terms = list(mains)
    for one, other in eligible:
        if _size(terms) + one.size * other.size <= most:
            longer = [*terms, _pair(one, other)]
            if _full_rank(longer):
                terms = longer
    return terms


def _every_cell(one: Factor, other: Factor) -> bool:
    """Whether every combination of two factors' levels has run."""
    return len(np.unique(one.levels * other.size + other.levels)) == one.size * other.size


def _pair(one: _Term, other: _Term) -> _Term:
    products = one.columns[:, :, None] * other.columns[:, None, :]
    return _Term((*one.factors, *other.factors), products.reshape(len(products), -1))


def _design(terms: Sequence[_Term]) -> np.ndarray:
    ones = np.ones((len(terms[0].columns), 1))
    return np.concatenate([ones, *(term.columns for term in terms)], 1)


def _size(terms: Sequence[_Term]) -> int:
    """How many columns a fit of them has, with that of the grand mean."""
    return 1 + sum(term.size for term in terms)


def _full_rank(terms: Sequence[_Term]) -> bool:
    """Whether the configurations tell these terms apart."""
    if _size(terms) > len(terms[0].columns):
        return False
    design = _design(terms)
    eigenvalues = np.linalg.eigvalsh(design.T @ design)
    return bool(eigenvalues[0] > SINGULAR * eigenvalues[-1])


def _contrasts(size: int) -> np.ndarray:
    """``(level, column)``: coefficients that add to 0 over the levels."""
    return np.concatenate([np.eye(size - 1), -np.ones((1, size - 1))])


def _coded(factor: Factor) -> np.ndarray:
    return _contrasts(factor.size)[factor.levels]

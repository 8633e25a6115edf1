"""Slices of a plan: which of its runs ``--chunk I/N`` does."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from reluprobe.plan.grouping import group_runs
from reluprobe.plan.runs import Run

#: Slice i of n, i from 1.
Part = tuple[int, int]
#: The part of a sweep that is not divided.
WHOLE: Part = (1, 1)


def runs_of_part(runs: Sequence[Run], part: Part) -> list[Run]:
    """A part's runs: as many for each, give or take one, and those that share programs together.

    The whole is the plan in its order.
    """
    number, count = part
    if count == 1:
        return list(runs)
    alike = _alike(runs)
    start, end = (len(alike) * n // count for n in (number - 1, number))
    return alike[start:end]


def slices(runs: Sequence[Run], count: int) -> list[list[Run]]:
    """So many slices, as :func:`runs_of_part` has them, in order."""
    alike = _alike(runs)
    ends = [len(alike) * number // count for number in range(count + 1)]
    return [alike[start:end] for start, end in itertools.pairwise(ends)]


def _alike(runs: Sequence[Run]) -> list[Run]:
    """Runs in an order in which those that share a program, and an activation, lie together."""
    return [run for g in group_runs(runs) for h in group_runs(g, ("activation",)) for run in h]

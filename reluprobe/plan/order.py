"""Order: which runs are trained first, so that a grid that is not done shows itself whole.

A run's id, its record and its place in tables do not depend on it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Hashable, Sequence

from reluprobe.config.choices import Order
from reluprobe.plan.grouping import dials_of, group_runs, program_settings
from reluprobe.plan.runs import Run

#: A sweep of more programs than this is done that many at a time, each part of it in the order that
#: is asked for: programs are kept until no run needs them, at about 50 MB each.
MOST_PROGRAMS = 32


def arranged(runs: Sequence[Run], order: Order, order_seed: int = 0) -> list[Run]:
    """Runs in the order in which they are to be trained.

    ``seeds``: the first seed of every configuration, then the second of every one, and so on; of a
    seed those together that share a program. ``grid``: program by program. ``random``: shuffled.

    Args:
        runs: those of a plan, or of a slice of it, in its order; also those that are done, so that
            what is left comes in the same order after a stop.
        order: one of the three.
        order_seed: of the shuffle.
    """
    return [run for part in _parts(runs) for run in _ORDERS[order](part, order_seed)]


def _parts(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs that need no more than ``MOST_PROGRAMS`` programs together, in order of appearance."""
    numbers: dict[Hashable, int] = {}
    parts: dict[int, list[Run]] = {}
    for group in group_runs(runs):
        config = group[0].config
        program = (program_settings(config), *dials_of(config))
        number = numbers.setdefault(program, len(numbers))
        parts.setdefault(number // MOST_PROGRAMS, []).extend(group)
    return list(parts.values())


def _by_seed(runs: Sequence[Run], _: int) -> list[Run]:
    earlier: Counter[Hashable] = Counter()
    turns: dict[str, int] = {}
    for run in runs:
        configuration = tuple(v for name, v in vars(run.config).items() if name != "seed")
        turns[run.id] = earlier[configuration]
        earlier[configuration] += 1
    return sorted(runs, key=lambda run: turns[run.id])


def _by_program(runs: Sequence[Run], _: int) -> list[Run]:
    return list(runs)


def _shuffled(runs: Sequence[Run], seed: int) -> list[Run]:
    shuffled = list(runs)
    random.Random(seed).shuffle(shuffled)
    return shuffled


_ORDERS = {"seeds": _by_seed, "grid": _by_program, "random": _shuffled}

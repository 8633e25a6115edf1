"""What a change of settings alone does, pooled over all blocks of a comparison.

With ``within`` a comparison has a group of blocks at each value, and the best row of all groups is
a block's, not a change's: where the baseline does worst, everything looks good. So each change is
taken over all groups at once, every block beside the baseline that differs in the change alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reluprobe.analysis.compare import Comparison, Group, sort_contrasts
from reluprobe.analysis.contrast import Contrast, Untold, contrast, measure, untold
from reluprobe.records import Setting


@dataclass(frozen=True)
class ChangeAlone:
    """One change over all of a comparison's blocks.

    Attributes:
        pooled: the contrast over all blocks; its intervals are over these, or where there is one
            alone over its seeds.
        same: the settings in which these blocks differ, the same on both sides of each.
        agree: in how many of them (or of the seeds) the dead share moves to the side that the
            mean moves to; where the mean does not move, in how many it does not.
        parts: in how many it is known.
        untold: why no interval can tell what the change does; None where one does.
    """

    pooled: Contrast
    same: tuple[str, ...]
    agree: int
    parts: int
    untold: Untold | None

    @property
    def differs(self) -> Mapping[str, Setting]:
        """The settings that are changed."""
        return self.pooled.differs


def changes_alone(comparison: Comparison, sort: str = "dead") -> list[ChangeAlone]:
    """Every change over all groups, sorted as rows are: the best first.

    Raises:
        InputError: there is no such measure to sort by.
    """
    rows: dict[tuple[tuple[str, Setting], ...], list[tuple[Group, Contrast]]] = {}
    for group in comparison.groups:
        for row in group.rows:
            rows.setdefault(tuple(row.differs.items()), []).append((group, row))
    pooled = {}
    for several in rows.values():
        (_, first), *others = several
        blocks = [block for _, row in several for block in row.blocks]
        whole = contrast(blocks, comparison.question) if others else first
        pooled[id(whole)] = whole, several
    ordered = sort_contrasts((whole for whole, _ in pooled.values()), sort)
    return [_alone(whole, pooled[id(whole)][1], comparison) for whole in ordered]


def _alone(
    pooled: Contrast, rows: Sequence[tuple[Group, Contrast]], comparison: Comparison
) -> ChangeAlone:
    names = [*comparison.question.within, *(name for group, _ in rows for name in group.same)]
    baselines = [block.baseline.settings for block in pooled.blocks]
    same = [n for n in dict.fromkeys(names) if len({one[n] for one in baselines}) > 1]
    moves = _moves(pooled, comparison)
    dead = pooled.changes["dead"]
    side = 0.0 if dead is None else _sign(dead.mean)
    agree = sum(_sign(move) == side for move in moves)
    return ChangeAlone(pooled, tuple(same), agree, len(moves), untold(pooled))


def _moves(pooled: Contrast, comparison: Comparison) -> list[float]:
    """The change of the dead share in each block, of its seeds on average; or of each seed."""
    moves: dict[int, list[float]] = {}
    for pair in pooled.pairs:
        sides = [measure(run, "dead", comparison.question) for run in (pair.other, pair.baseline)]
        other, baseline = sides
        if other is not None and baseline is not None:
            moves.setdefault(pair.block, []).append(other - baseline)
    if pooled.over == "seeds":
        return [move for seeds in moves.values() for move in seeds]
    return [math.fsum(seeds) / len(seeds) for seeds in moves.values()]


def _sign(move: float) -> float:
    return math.copysign(1.0, move) if move else 0.0

"""One change of settings against the baseline: paired differences, and a verdict in plain words.

Runs of one seed see the same data in the same order, and start from
the same draw where the shapes agree, so that their difference owes less to chance than the
difference of two means.

Where the baseline is several configurations, each is a block with the one that differs from it in
the change alone. Seeds of one block are not independent of each other in what the block does: they
are averaged first, and the interval is over blocks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reluprobe.analysis import bootstrap
from reluprobe.analysis.blocks import Block, Pair
from reluprobe.analysis.bootstrap import Change
from reluprobe.analysis.estimates import ANY, SHARE, share
from reluprobe.analysis.trained_badly import bad_runs
from reluprobe.config import labels
from reluprobe.records import RunRecord, Setting

#: The verdict where one side's loss is a cross-entropy and the other's a squared error.
UNLIKE = "losses not comparable"
#: What is said of accuracy.
BETTER, WORSE = "more accurate", "less accurate"


@dataclass(frozen=True)
class Question:
    """What to compare.

    Attributes:
        baseline: settings that pick the baseline.
        within: settings for each of whose values the comparison is made apart.
        definition: which definition of death counts.
        on: the split on which it counts: ``probe``, ``test`` or ``train``.
    """

    baseline: Mapping[str, Setting] = field(default_factory=dict)
    within: tuple[str, ...] = ()
    definition: str = "dead"
    on: str = "probe"


@dataclass(frozen=True)
class Contrast:
    """One change of settings beside the baseline.

    Attributes:
        differs: the settings that are changed, those that have an effect.
        blocks: each configuration with the change, and its baseline: one, or several that differ
            in something else.
        pairs: the runs that ended on both sides, block by block.
        changes: ``dead``, ``accuracy`` and ``loss``, other − baseline; None where one does not
            apply.
        levels: the same three of the changed runs that have a pair.
    """

    differs: Mapping[str, Setting]
    blocks: tuple[Block, ...]
    pairs: tuple[Pair, ...]
    changes: Mapping[str, Change | None]
    levels: Mapping[str, float | None]

    @property
    def over(self) -> bootstrap.Over:
        """What the intervals are over."""
        return "blocks" if len({pair.block for pair in self.pairs}) > 1 else "seeds"

    @property
    def lost(self) -> int:
        """How many of its runs have no final numbers."""
        return sum(len(b.other.runs) - len(b.other.done) for b in self.blocks)

    def value(self, key: str) -> float | None:
        """By how much ``dead``, ``accuracy`` or ``loss`` changes: what rows are sorted by."""
        change = self.changes[key]
        return None if change is None else change.mean

    def count(self, status: str) -> int:
        """How many of its runs diverged, failed or collapsed."""
        return sum(len(block.other.seeds(status)) for block in self.blocks)

    @property
    def badly(self) -> int:
        """How many of the changed runs that have a pair trained badly."""
        return _bad(pair.other for pair in self.pairs)

    @property
    def baseline_badly(self) -> int:
        """How many of those that they are held against did."""
        return _bad(pair.baseline for pair in self.pairs)

    @property
    def quality(self) -> Change | None:
        """The change of accuracy; of a regression, of the loss upside down: more is better."""
        accuracy, loss = self.changes["accuracy"], self.changes["loss"]
        if accuracy is not None or loss is None:
            return accuracy
        low, high = (None if end is None else -end for end in (loss.high, loss.low))
        return replace(loss, mean=-loss.mean, low=low, high=high)

    @property
    def has_interval(self) -> bool:
        """Whether dead units and accuracy both have an interval to judge by."""
        dead, quality = self.changes["dead"], self.quality
        return (
            dead is not None and quality is not None and dead.has_interval and quality.has_interval
        )

    @property
    def helps(self) -> bool:
        """Fewer dead, accuracy not clearly worse, no run lost, and no more that trained badly."""
        dead, quality = self.changes["dead"], self.quality
        if dead is None or quality is None or not self.has_interval or self.lost:
            return False
        return dead.falls and not quality.falls and self.badly <= self.baseline_badly


def measure(run: RunRecord, name: str, question: Question) -> float | None:
    """``dead``, ``accuracy`` or ``loss`` of a run that ended; the last two on the test set."""
    if name == "accuracy":
        return run.final.test_accuracy
    if name == "loss":
        return run.final.test_loss
    if question.on == "probe":
        return share(run.final.layers, question.definition)
    layers = next((s.layers for s in run.samples if s.sample == question.on), ())
    return share(layers, question.definition)


#: What is compared, and between what each can lie.
MEASURES = {"dead": SHARE, "accuracy": SHARE, "loss": ANY}


def contrast(blocks: Sequence[Block], question: Question) -> Contrast:
    """The row of one change: its blocks, one at least."""
    pairs = tuple(
        Pair(n, seed, block.other.done[seed], block.baseline.done[seed])
        for n, block in enumerate(blocks)
        for seed in block.seeds
    )
    sides = {name: _sides(pairs, name, question) for name in MEASURES}
    several = len({pair.block for pair in pairs}) > 1
    over: bootstrap.Over = "blocks" if several else "seeds"
    return Contrast(
        blocks[0].differs,
        tuple(blocks),
        pairs,
        {name: bootstrap.change(sides[name], MEASURES[name], over) for name in MEASURES},
        {name: _mean([other for other, _ in sides[name]]) for name in MEASURES},
    )


def _sides(pairs: Sequence[Pair], name: str, question: Question) -> list[tuple[float, float]]:
    """The measure on both sides: of each pair in one block, of each block where there are more."""
    by_block: dict[int, list[tuple[float, float]]] = {}
    for pair in pairs:
        if name == "loss" and not _one_loss(pair):
            continue
        ours, theirs = (measure(run, name, question) for run in (pair.other, pair.baseline))
        if ours is not None and theirs is not None:
            by_block.setdefault(pair.block, []).append((ours, theirs))
    if len({pair.block for pair in pairs}) < 2:
        return [both for block in by_block.values() for both in block]
    return [
        (math.fsum(o for o, _ in block) / len(block), math.fsum(b for _, b in block) / len(block))
        for block in by_block.values()
    ]


def _bad(runs: Iterable[RunRecord]) -> int:
    """How many of these trained badly; one that stands in several pairs counts once."""
    return len(bad_runs({run.id: run for run in runs}.values()))


def _one_loss(pair: Pair) -> bool:
    """Whether both runs have classes, or neither: their losses are of one kind."""
    return len({run.final.test_accuracy is None for run in (pair.other, pair.baseline)}) == 1


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


@dataclass(frozen=True)
class Untold:
    """There are too few pairs or blocks to tell what a change does: no interval is to be had.

    Attributes:
        n: how many there are; ``needed``: from how many on there is one (``bootstrap.FEWEST``).
        over: what they are.
    """

    n: int
    needed: int
    over: bootstrap.Over

    def __str__(self) -> str:
        """``cannot tell: 1 seed, 4 needed``."""
        return f"cannot tell: {labels.count(self.n, self.over[:-1])}, {self.needed} needed"


def untold(row: Contrast) -> Untold | None:
    """Why a row's intervals cannot tell anything; None where they can, or nothing pairs."""
    counts = [one.n for one in (row.changes["dead"], row.quality) if one is not None]
    if not counts or min(counts) >= bootstrap.FEWEST:
        return None
    return Untold(min(counts), bootstrap.FEWEST, row.over)


def verdict(row: Contrast, definition: str = "dead") -> str:
    """What a row's intervals say, in a few plain words."""
    if not row.pairs:
        return _without_pairs(row)
    dead, quality = row.changes["dead"], row.quality
    if quality is None and not all(map(_one_loss, row.pairs)):
        return UNLIKE
    if dead is None or quality is None:
        return "n/a"
    lacking = untold(row)
    if lacking is not None:
        return str(lacking)
    if not row.has_interval:
        return "no clear change"
    better, worse = (BETTER, WORSE) if row.changes["accuracy"] else ("lower loss", "higher loss")
    moved = better if quality.rises else worse if quality.falls else ""
    word = definition.replace("_", " ")
    if dead.falls:
        spoilt = f"{row.badly} trained badly" if row.badly > row.baseline_badly else ""
        return f"fewer {word}, {moved or spoilt or 'no worse'}"
    if dead.rises:
        return f"more {word}, {moved}" if moved else f"more {word}"
    return f"{moved} only" if moved else "no clear change"


def _without_pairs(row: Contrast) -> str:
    """Why no two runs pair: one side of every block is lost, or their seeds are others."""
    sides = {"": [b.other for b in row.blocks], "baseline ": [b.baseline for b in row.blocks]}
    for who, side in sides.items():
        if not any(one.done for one in side):
            fates = [f for f in ("diverged", "failed") if any(one.seeds(f) for one in side)]
            return f"{who}{' or '.join(fates)}"
    return "no common seed"

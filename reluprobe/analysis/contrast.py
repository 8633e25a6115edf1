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
from reluprobe.analysis.quality import QUALITIES, one_loss
from reluprobe.analysis.trained_badly import bad_runs
from reluprobe.config import labels
from reluprobe.records import RunRecord, Setting

#: The verdict where one side's loss is a cross-entropy and the other's a squared error.
UNLIKE = "losses not comparable"
#: What is said of networks that are better, and of those that are worse.
SAID = {
    "accuracy": ("more accurate", "less accurate"),
    "r2": ("higher R²", "lower R²"),
    "loss": ("lower loss", "higher loss"),
}


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
        changes: of each of ``MEASURES``, other − baseline; None where one does not apply.
        levels: the same of the changed runs that have a pair.
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
        """By how much one of ``MEASURES`` changes: what rows are sorted by."""
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
    def qualities(self) -> dict[str, Change]:
        """The changes of what says how good networks are: more is better.

        Accuracy and R², where the pairs are of both kinds both; of records that have neither the
        loss upside down.
        """
        names = [quality.name for quality in QUALITIES]
        known = {name: change for name in names if (change := self.changes[name]) is not None}
        loss = self.changes["loss"]
        if known or loss is None:
            return known
        low, high = (None if end is None else -end for end in (loss.high, loss.low))
        return {"loss": replace(loss, mean=-loss.mean, low=low, high=high)}

    @property
    def has_interval(self) -> bool:
        """Whether dead units and how good networks are all have an interval to judge by."""
        dead, qualities = self.changes["dead"], self.qualities.values()
        known = dead is not None and dead.has_interval and bool(qualities)
        return known and all(change.has_interval for change in qualities)

    @property
    def worse(self) -> bool:
        """Networks are clearly worse, by one of their measures."""
        return any(change.falls for change in self.qualities.values())

    @property
    def better(self) -> bool:
        """Networks are clearly better by one of their measures, and worse by none."""
        return not self.worse and any(change.rises for change in self.qualities.values())

    @property
    def helps(self) -> bool:
        """Fewer dead, networks not clearly worse, none lost, and no more that trained badly."""
        dead = self.changes["dead"]
        if dead is None or not self.has_interval or self.lost:
            return False
        return dead.falls and not self.worse and self.badly <= self.baseline_badly


def measure(run: RunRecord, name: str, question: Question) -> float | None:
    """One of ``MEASURES`` of a run that ended; all but the first are on the test set."""
    if name != "dead":
        return getattr(run.final, ON_TEST_SET[name])
    if question.on == "probe":
        return share(run.final.layers, question.definition)
    layers = next((s.layers for s in run.samples if s.sample == question.on), ())
    return share(layers, question.definition)


#: What is compared, and between what each can lie. An interval is cut only between two ends.
MEASURES = {"dead": SHARE, "accuracy": SHARE, "r2": ANY, "rmse": ANY, "loss": ANY}
#: Fields of an epoch's record.
ON_TEST_SET = {
    **{quality.name: quality.field for quality in QUALITIES}, "rmse": "rmse", "loss": "test_loss",
}  # fmt: skip


def contrast(blocks: Sequence[Block], question: Question) -> Contrast:
    """The row of one change: its blocks, one at least."""
    pairs = tuple(
        Pair(n, seed, block.other.done[seed], block.baseline.done[seed])
        for n, block in enumerate(blocks)
        for seed in block.seeds
    )
    sides = {name: _sides(pairs, name, question) for name in MEASURES}
    if not one_loss([run for pair in pairs for run in (pair.other, pair.baseline)]):
        sides["loss"] = []
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
    every = (row.changes["dead"], *row.qualities.values())
    counts = [one.n for one in every if one is not None]
    if not counts or min(counts) >= bootstrap.FEWEST:
        return None
    return Untold(min(counts), bootstrap.FEWEST, row.over)


def verdict(row: Contrast, definition: str = "dead") -> str:
    """What a row's intervals say, in a few plain words."""
    if not row.pairs:
        return _without_pairs(row)
    dead = row.changes["dead"]
    if not row.qualities and not all(one_loss([p.other, p.baseline]) for p in row.pairs):
        return UNLIKE
    if dead is None or not row.qualities:
        return "n/a"
    lacking = untold(row)
    if lacking is not None:
        return str(lacking)
    if not row.has_interval:
        return "no clear change"
    moved = _moved(row)
    word = definition.replace("_", " ")
    if dead.falls:
        spoilt = f"{row.badly} trained badly" if row.badly > row.baseline_badly else ""
        return f"fewer {word}, {moved or spoilt or 'no worse'}"
    if dead.rises:
        return f"more {word}, {moved}" if moved else f"more {word}"
    return f"{moved} only" if moved else "no clear change"


def _moved(row: Contrast) -> str:
    """``more accurate``; of pairs of both kinds ``more accurate, lower R²``."""
    said = (
        words[0] if change.rises else words[1] if change.falls else ""
        for name, change in row.qualities.items()
        for words in (SAID[name],)
    )
    return ", ".join(filter(None, said))


def _without_pairs(row: Contrast) -> str:
    """Why no two runs pair: one side of every block is lost, or their seeds are others."""
    sides = {"": [b.other for b in row.blocks], "baseline ": [b.baseline for b in row.blocks]}
    for who, side in sides.items():
        if not any(one.done for one in side):
            fates = [f for f in ("diverged", "failed") if any(one.seeds(f) for one in side)]
            return f"{who}{' or '.join(fates)}"
    return "no common seed"

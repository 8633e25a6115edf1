"""Blocks: a configuration and the baseline beside it, alike in all that the change leaves alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reluprobe.analysis.axes import depth_follows
from reluprobe.analysis.baseline import Configuration, matching
from reluprobe.analysis.settings import applies, without_idle
from reluprobe.records import RunRecord, Setting


@dataclass(frozen=True)
class Pair:
    """Two runs of one seed, and the number of their block."""

    block: int
    seed: int
    other: RunRecord
    baseline: RunRecord


@dataclass(frozen=True)
class Block:
    """A changed configuration and the one that it is held against."""

    other: Configuration
    baseline: Configuration

    @property
    def seeds(self) -> tuple[int, ...]:
        """Those that ended on both sides."""
        return tuple(sorted(self.other.done.keys() & self.baseline.done.keys()))

    @property
    def lacking(self) -> tuple[int, ...]:
        """Seeds that the baseline has and the other side has not."""
        return tuple(sorted(self.baseline.runs.keys() - self.other.runs.keys()))

    @property
    def extra(self) -> tuple[int, ...]:
        """The other way round."""
        return tuple(sorted(self.other.runs.keys() - self.baseline.runs.keys()))

    @property
    def differs(self) -> dict[str, Setting]:
        """The settings in which the other side differs, those that have an effect in it.

        What a foreign run lacks, and the baseline has, is None.
        """
        settings, before = self.other.settings, self.baseline.settings
        follows = before.get("width") != settings.get("width") and depth_follows([before, settings])
        return {
            k: v
            for k, v in settings.items()
            if v != before[k] and applies(k, settings) and not (follows and k == "depth")
        }


def paired(
    members: Sequence[Configuration], baseline: Mapping[str, Setting]
) -> tuple[list[Block], list[Configuration]]:
    """Each configuration that has not the baseline's settings beside the one that differs so alone.

    What the change brings along is part of it: the slope of a leaky ReLU beside a ReLU, which has
    none.

    Returns:
        the blocks, and the configurations without one.
    """
    # Where a width says how many layers there are, depth goes with it.
    free = ("depth",) if depth_follows([one.settings for one in members]) else ()
    bases = {_key(one.settings, free): one for one in matching(members, baseline)}
    blocks, alone = [], []
    for one in members:
        if all(one.settings[k] == v for k, v in baseline.items()):
            continue
        base = bases.get(_key(without_idle({**one.settings, **baseline}), free))
        if base is None:
            alone.append(one)
        else:
            blocks.append(Block(one, base))
    return blocks, alone


def _key(settings: Mapping[str, Setting], free: tuple[str, ...]) -> tuple[Setting, ...]:
    # Configurations that are compared have the same names in the same order.
    return tuple(value for name, value in settings.items() if name not in free)


def by_change(blocks: Sequence[Block]) -> list[list[Block]]:
    """The blocks of each change of settings, in order of appearance."""
    changes: dict[tuple[tuple[str, Setting], ...], list[Block]] = {}
    for block in blocks:
        changes.setdefault(tuple(block.differs.items()), []).append(block)
    return list(changes.values())

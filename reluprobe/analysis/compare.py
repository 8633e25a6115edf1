"""Compare every change of settings with the baseline of its group, and sort the contrasts.

A baseline that several configurations have (``activation=relu`` in a factorial sweep) is held
block by block: each of them beside the one that differs from it in the change alone. A baseline
that is one configuration is held beside every other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reluprobe.analysis import bootstrap
from reluprobe.analysis.axes import check_axes
from reluprobe.analysis.baseline import (
    Configuration,
    choose,
    configurations,
    matching,
    varying,
)
from reluprobe.analysis.blocks import Block, by_change, paired
from reluprobe.analysis.contrast import MEASURES, Contrast, Question, contrast, measure
from reluprobe.analysis.quality import one_loss
from reluprobe.analysis.sorting import SORT_KEYS, place, unknown_key
from reluprobe.config import rank
from reluprobe.errors import InputError
from reluprobe.records import RunRecord, Setting
from reluprobe.records.folder import Archive

__all__ = ["SORT_KEYS", "Comparison", "Group", "Level", "compare", "level", "pool"]
__all__ += ["sort_contrasts", "splits"]


@dataclass(frozen=True)
class Group:
    """The comparison at one value of each setting of ``within``.

    Attributes:
        within: these settings and values.
        baselines: one configuration, which every other is held against; or where the comparison
            is within blocks, the baseline of each.
        rows: the changes.
        alone: configurations that have no other beside them, and are in no row.
    """

    within: Mapping[str, Setting]
    baselines: tuple[Configuration, ...]
    rows: tuple[Contrast, ...]
    alone: tuple[Configuration, ...] = ()

    @property
    def same(self) -> list[str]:
        """The settings in which blocks differ: they are the same on both sides of each."""
        return varying(self.baselines)


@dataclass(frozen=True)
class Comparison:
    """All groups; and the values of ``within`` at which no run has the baseline's settings."""

    question: Question
    groups: tuple[Group, ...]
    without: tuple[Mapping[str, Setting], ...] = ()


def pool(archives: Iterable[Archive]) -> tuple[list[RunRecord], int]:
    """Every run of these folders once, and how many stood there again.

    Of two records of one id, one that ended goes before one that did not.
    """
    by_id: dict[str, RunRecord] = {}
    again = 0
    for record in (r for a in archives for r in a.records):
        known = by_id.get(record.id)
        again += known is not None
        if known is None or (record.ended and not known.ended):
            by_id[record.id] = record
    return list(by_id.values()), again


def compare(records: Sequence[RunRecord], question: Question) -> Comparison:
    """Each change against its group's baseline, in order of appearance.

    Raises:
        InputError: a setting is unknown, the baseline is not one configuration, or there is
            nothing beside it.
    """
    _check(question, records)
    every = configurations(records)
    groups, without = [], []
    for within, members in _grouped(every, question.within):
        if question.within and not matching(members, question.baseline):
            without.append(within)
            continue
        groups.append(_group(members, within, question))
    if not groups:
        choose(every, question.baseline)
    if not any(group.rows for group in groups):
        apart = f" within {', '.join(question.within)}" if question.within else ""
        raise InputError(f"nothing to compare: all runs{apart} share one configuration")
    return Comparison(question, tuple(groups), tuple(without))


def _group(
    members: Sequence[Configuration], within: Mapping[str, Setting], question: Question
) -> Group:
    blocks, alone = paired(members, question.baseline)
    used = list({id(block.baseline): block.baseline for block in blocks}.values())
    if len(used) > 1:
        rows = [contrast(those, question) for those in by_change(blocks)]
        alone += [c for c in matching(members, question.baseline) if c not in used]
        return Group(within, tuple(used), tuple(rows), tuple(alone))
    baseline = choose(members, question.baseline, within, used)
    others = [other for other in members if other is not baseline]
    rows = [contrast([Block(other, baseline)], question) for other in others]
    return Group(within, (baseline,), tuple(rows))


@dataclass(frozen=True)
class Level:
    """What a baseline comes to: a mean over runs or blocks, and its 95% bootstrap-t interval."""

    mean: float
    low: float | None
    high: float | None


def level(group: Group, name: str, question: Question) -> Level | None:
    """A measure of a group's baseline; None where no run has it."""
    measured = [
        [v for run in one.done.values() if (v := measure(run, name, question)) is not None]
        for one in group.baselines
    ]
    values = [math.fsum(runs) / len(runs) for runs in measured if runs]
    if not group.same:
        (values,) = measured
    runs = [run for one in group.baselines for run in one.done.values()]
    if not values or (name == "loss" and not one_loss(runs)):
        return None
    low, high = bootstrap.interval(values, MEASURES[name]) or (None, None)
    return Level(math.fsum(values) / len(values), low, high)


def _check(question: Question, records: Sequence[RunRecord]) -> None:
    check_axes([*question.baseline, *question.within], records)
    faults = [
        f"{name} is named both by --baseline and by --within; name it once"
        for name in question.within
        if name in question.baseline
    ]
    if "seed" in (*question.baseline, *question.within):
        faults.append("seed: runs are paired by it; name other settings")
    if faults:
        raise InputError("invalid comparison", faults)


def _grouped(
    every: Sequence[Configuration], within: Sequence[str]
) -> list[tuple[dict[str, Setting], list[Configuration]]]:
    members: dict[tuple[Setting, ...], list[Configuration]] = {}
    for one in every:
        members.setdefault(tuple(one.settings[k] for k in within), []).append(one)
    ranked = sorted(members, key=lambda values: [rank(v) for v in values])
    return [(dict(zip(within, values, strict=True)), members[values]) for values in ranked]


def sort_contrasts(rows: Iterable[Contrast], key: str = "dead") -> list[Contrast]:
    """Rows by their change in ``key``, the best first; those without one last.

    Those that change it alike, such as all that leave no unit dead, by accuracy or R².

    Raises:
        InputError: there is no such measure.
    """
    if key not in SORT_KEYS:
        raise unknown_key(key, SORT_KEYS)
    return sorted(rows, key=lambda row: place(key, row))


def splits(records: Sequence[RunRecord], question: Question) -> str | None:
    """A setting to compare within too: several of its values have a baseline and a change."""
    every = configurations(records)
    before = len(_grouped(every, question.within))
    for name in varying(every):
        members = [m for _, m in _grouped(every, (*question.within, name))]
        known = [m for m in members if len(m) > 1 and matching(m, question.baseline)]
        if name not in question.baseline and len(members) > before and len(known) > 1:
            return name
    return None

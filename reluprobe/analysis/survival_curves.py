"""Survival curves: how long units live and stay dead, over runs; and every unit's states in one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from reluprobe.analysis import unit_lives
from reluprobe.analysis.dead_masks import Mask, masks, timeline
from reluprobe.analysis.learning_curves import Curve, ended, folded
from reluprobe.analysis.survival import kaplan_meier
from reluprobe.records import RunRecord

#: What a unit may be at a probe.
ALIVE, DEAD, REVIVED = 0, 1, 2


def states(mask: Mask) -> Int[np.ndarray, "unit probe"]:
    """Every unit of a layer at every probe, sorted by when it first died.

    ``ALIVE`` before its first death, ``DEAD``, or ``REVIVED``: alive after it. Of units that died
    at the same probe the one dead at most probes comes first; those that never died are last.
    """
    seen = np.maximum.accumulate(mask, axis=0)
    by_unit = np.where(mask, DEAD, np.where(seen, REVIVED, ALIVE)).T
    first = np.where(mask.any(0), mask.argmax(0), len(mask))
    return by_unit[np.lexsort((-mask.sum(0), first))]


def thinned(rows: np.ndarray, most: int) -> np.ndarray:
    """At most so many of these rows, evenly spread: of a sorted picture the same picture."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]


def not_yet_dead(runs: Sequence[RunRecord]) -> Curve:
    """Share of all hidden units that no probe so far has seen dead, by epoch.

    Every unit is watched to the end, so this is the Kaplan–Meier curve of the first death. The
    interval is over runs: the units of one network do not die independently.
    """
    curves = [_not_yet_dead(run) for run in ended(runs)]
    return folded([curve for curve in curves if curve])


def _not_yet_dead(run: RunRecord) -> dict[float, float]:
    layers = masks(run)
    if not layers:
        return {}
    ever = np.maximum.accumulate(np.concatenate(layers, axis=1), axis=0)
    times = [when for when, _ in timeline(run)]
    return dict(zip(times, (1 - ever.mean(axis=1)).tolist(), strict=True))


def still_dead(runs: Sequence[RunRecord]) -> Curve:
    """Share of the times that a unit was dead which last longer than so many probes.

    The Kaplan–Meier curve of each run that saw a death, folded; from 1 at 0 probes on.
    """
    curves = [_still_dead(run) for run in ended(runs)]
    return folded([curve for curve in curves if len(curve) > 1])


def _still_dead(run: RunRecord) -> dict[float, float]:
    layers = masks(run)
    if not layers:
        return {}
    episodes = unit_lives.episodes(np.concatenate(layers, axis=1))
    shares = kaplan_meier(episodes.length, episodes.closed)
    return dict(enumerate([1.0, *shares])) if len(episodes.length) else {}

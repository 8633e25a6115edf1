"""Survival curves: how long units live and stay dead, over runs; and every unit's states in one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from jaxtyping import Int

from reluprobe.analysis import unit_lives
from reluprobe.analysis.dead_masks import Mask, side_by_side, timeline, watched
from reluprobe.analysis.estimates import numbered
from reluprobe.analysis.learning_curves import Curve, ended, folded
from reluprobe.analysis.survival import kaplan_meier
from reluprobe.records import RunRecord

#: What a unit may be at a probe.
ALIVE, DEAD, REVIVED, REDRAWN, DIED_AGAIN = range(5)


def states(dead: Mask, redrawn: Mask | None = None) -> Int[np.ndarray, "unit probe"]:
    """Every unit of a layer at every probe, sorted by when it first died.

    ``ALIVE`` before its first death, ``DEAD``, ``REVIVED``: alive after it; ``REDRAWN``: alive
    since it was drawn anew, ``DIED_AGAIN``: dead at the first probe after that. Of units that died
    at the same probe the one dead at most probes comes first; those that never died are last.
    """
    anew = np.zeros_like(dead) if redrawn is None else redrawn
    alive_as = np.full(dead.shape[1], ALIVE)
    at_probe = []
    for t, now in enumerate(dead):
        if t:
            alive_as[dead[t - 1] & ~now] = REVIVED
        alive_as[anew[t]] = REDRAWN
        at_probe.append(np.where(now, np.where(anew[t], DIED_AGAIN, DEAD), alive_as))
    first = np.where(dead.any(0), dead.argmax(0), len(dead))
    return np.stack(at_probe, axis=1)[np.lexsort((-dead.sum(0), first))]


def thinned(rows: np.ndarray, most: int) -> np.ndarray:
    """At most so many of these rows, evenly spread: of a sorted picture the same picture."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]


def not_yet_dead(runs: Sequence[RunRecord], definition: str = "dead") -> Curve:
    """Share of all hidden units that no probe so far has seen dead, by the runs' clock.

    Every unit is watched to the end, so this is the Kaplan–Meier curve of the first death. The
    interval is over runs: the units of one network do not die independently. One that is drawn
    anew counts as the unit in whose place it is.
    """
    return _of_those(runs, partial(_not_yet_dead, definition=definition), least=1)


def _of_those(
    runs: Sequence[RunRecord], course: Callable[[RunRecord], dict[float, float]], least: int
) -> Curve:
    """Fold the courses of the runs that have so many points at least."""
    courses = [(run, course(run)) for run in ended(runs)]
    known = [(run, points) for run, points in courses if len(points) >= least]
    return folded([points for _, points in known], numbered([run for run, _ in known]))


def _not_yet_dead(run: RunRecord, definition: str) -> dict[float, float]:
    layers = watched(run, definition)
    if not layers:
        return {}
    ever = np.maximum.accumulate(side_by_side(layers.values()).dead, axis=0)
    times = [when for when, _ in timeline(run)]
    return dict(zip(times, (1 - ever.mean(axis=1)).tolist(), strict=True))


def still_dead(runs: Sequence[RunRecord], definition: str = "dead") -> Curve:
    """Share of the times that a unit was dead which last longer than so many probes.

    The Kaplan–Meier curve of each run that saw a death, folded; from 1 at 0 probes on. A unit
    that is drawn anew is dead no more; dead at the next probe, it is so a second time.
    """
    return _of_those(runs, partial(_still_dead, definition=definition), least=2)


def _still_dead(run: RunRecord, definition: str) -> dict[float, float]:
    layers = watched(run, definition)
    if not layers:
        return {}
    episodes = unit_lives.episodes(*side_by_side(layers.values()))
    shares = kaplan_meier(episodes.length, episodes.closed)
    return dict(enumerate([1.0, *shares])) if len(episodes.length) else {}

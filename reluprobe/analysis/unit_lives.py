"""Unit lives: births, deaths and revivals of each unit, from the masks of a run's probes.

A mask is ``(probe, unit)`` bool: whether the unit was ``dead`` at that probe (see
``dead_masks``), or had been drawn anew since the one before. Time is counted in probes, since
between two of them nothing is known: a unit that died and came back in between was alive, here.
A unit that is drawn anew ends its life, or its death, and begins another: dead at the next probe
it has died again. By another definition that has masks a unit is, say, ``saturated`` where it is
called dead here, and a revival is that it no longer is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from reluprobe.analysis.dead_masks import Mask, Watched, bits, side_by_side, timeline, watched
from reluprobe.analysis.survival import kaplan_meier
from reluprobe.records import RunRecord

__all__ = ["Episodes", "Lives", "Mask", "Units", "Watched", "bits", "episodes", "lives"]
__all__ += ["median_length", "of_network", "timeline", "units", "watched"]

#: A product of fractions that is ½ may come out a little above.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Episodes:
    """Every maximal stretch of probes at which a unit was dead: arrays of one entry an episode.

    Attributes:
        unit: whose it is; ascending, and a unit's own episodes in order.
        start: index of its first probe.
        length: how many probes it was seen dead at.
        closed: the unit was alive at the next probe, or drawn anew before it. The others ran on
            at the last probe: they lasted *at least* ``length`` (censored).
        redrawn: those that ended as the unit was drawn anew, whatever it was at the next probe.
    """

    unit: Int[np.ndarray, " episode"]
    start: Int[np.ndarray, " episode"]
    length: Int[np.ndarray, " episode"]
    closed: Bool[np.ndarray, " episode"]
    redrawn: Bool[np.ndarray, " episode"]


def episodes(dead: Mask, redrawn: Mask | None = None) -> Episodes:
    """The episodes of every unit of a layer."""
    nobody = np.zeros((1, dead.shape[1]), bool)
    anew = np.zeros_like(dead) if redrawn is None else redrawn
    before, after = np.vstack([nobody, dead[:-1]]), np.vstack([dead[1:], nobody])
    next_anew = np.vstack([anew[1:], nobody])
    unit, start = np.nonzero((dead & (~before | anew)).T)
    _, last = np.nonzero((dead & (~after | next_anew)).T)
    return Episodes(unit, start, last - start + 1, last < len(dead) - 1, next_anew[last, unit])


@dataclass(frozen=True)
class Units:
    """What became of each unit of a layer. All arrays ``(unit,)``.

    Attributes:
        born_dead: dead at the first probe.
        first_death: index of the first probe at which it was dead; -1 if none.
        revivals: how often it was dead at a probe and alive at the next, not drawn anew between.
        episodes: how many stretches it was dead for.
        dead_at_end: dead at the last probe.
        redrawn: how often it was drawn anew.
        died_again: how often it was so, and dead at the next probe.
    """

    born_dead: Bool[np.ndarray, " unit"]
    first_death: Int[np.ndarray, " unit"]
    revivals: Int[np.ndarray, " unit"]
    episodes: Int[np.ndarray, " unit"]
    dead_at_end: Bool[np.ndarray, " unit"]
    redrawn: Int[np.ndarray, " unit"]
    died_again: Int[np.ndarray, " unit"]


def units(dead: Mask, redrawn: Mask | None = None) -> Units:
    """The life of every unit of a layer. There must be at least one probe."""
    anew = np.zeros_like(dead) if redrawn is None else redrawn
    return Units(
        born_dead=dead[0],
        first_death=np.where(dead.any(0), dead.argmax(0), -1),
        revivals=(dead[:-1] & ~dead[1:] & ~anew[1:]).sum(0),
        episodes=np.bincount(episodes(dead, anew).unit, minlength=dead.shape[1]),
        dead_at_end=dead[-1],
        redrawn=anew.sum(0),
        died_again=(anew & dead).sum(0),
    )


def median_length(length: np.ndarray, closed: np.ndarray) -> int | None:
    """The median length of an episode in probes; None: not reached.

    The least t with S(t) ≤ ½ (see ``survival``), where Σ d_i / Σ n_i is the chance of a revival.
    """
    for t, share in enumerate(kaplan_meier(length, closed), start=1):
        if share <= 0.5 + ROUNDING:
            return t
    return None


@dataclass(frozen=True)
class Lives:
    """The units of one layer, or of one network, of one run. Shares in [0, 1]; None: no case.

    Attributes:
        born: dead at the first probe, before any step.
        ever: dead at one probe at least.
        end: dead at the last.
        revives: P(alive at the next probe | dead at this one, not drawn anew), over units and
            probes.
        closed_length: median length of the closed episodes alone, in probes: too short wherever
            episodes are open.
        permanent: of the units dead at the end, those dead at every probe since their first death
            and never drawn anew since.
        redrawn: how many times a unit was drawn anew; None where the run draws none anew.
        died_again: of these times, those after which it was dead at the next probe.
    """

    born: float
    ever: float
    end: float
    revives: float | None
    closed_length: float | None
    permanent: float | None
    redrawn: float | None = None
    died_again: float | None = None


def lives(dead: Mask, redrawn: Mask | None = None) -> Lives:
    """Sum up what was seen of one layer, or of several side by side."""
    by_unit, stretches = units(dead, redrawn), episodes(dead, redrawn)
    # A unit that was drawn anew had no next probe as what it was.
    lost = int(stretches.redrawn.sum())
    followed, last = int(dead[:-1].sum()) - lost, by_unit.dead_at_end
    closed, anew = stretches.length[stretches.closed], int(by_unit.redrawn.sum())
    return Lives(
        born=float(by_unit.born_dead.mean()),
        ever=float((by_unit.first_death >= 0).mean()),
        end=float(last.mean()),
        revives=float(by_unit.revivals.sum()) / followed if followed else None,
        closed_length=float(np.median(closed)) if len(closed) else None,
        permanent=float((by_unit.episodes[last] == 1).mean()) if last.any() else None,
        redrawn=None if redrawn is None else float(anew),
        died_again=float(by_unit.died_again.sum()) / anew if anew else None,
    )


def of_network(record: RunRecord, definition: str = "dead") -> Lives | None:
    """All hidden units of one run together; None where it has no timeline."""
    layers = watched(record, definition)
    return lives(*side_by_side(layers.values())) if layers else None

"""Unit lives: births, deaths and revivals of each unit, from the masks of a run's probes.

A mask is ``(probe, unit)`` bool: whether the unit was ``dead`` at that probe (see
``dead_masks``). Time is counted in probes, since between two of them nothing is known: a unit that
died and came back in between was alive, here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from reluprobe.analysis.dead_masks import Mask, bits, masks, timeline
from reluprobe.analysis.estimates import Estimate, estimate
from reluprobe.analysis.survival import kaplan_meier
from reluprobe.records import RunRecord

__all__ = ["Episodes", "Fate", "Fates", "Lives", "Mask", "Units", "bits", "episodes", "fates"]
__all__ += ["lives", "masks", "median_length", "of_network", "timeline", "units"]

#: A product of fractions that is ½ may come out a little above.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Episodes:
    """Every maximal stretch of probes at which a unit was dead: arrays of one entry an episode.

    Attributes:
        unit: whose it is; ascending, and a unit's own episodes in order.
        start: index of its first probe.
        length: how many probes it was seen dead at.
        closed: the unit was alive at the next probe. The others ran on at the last probe: they
            lasted *at least* ``length`` (censored).
    """

    unit: Int[np.ndarray, " episode"]
    start: Int[np.ndarray, " episode"]
    length: Int[np.ndarray, " episode"]
    closed: Bool[np.ndarray, " episode"]


def episodes(mask: Mask) -> Episodes:
    """The episodes of every unit of a layer."""
    edges = np.diff(np.pad(mask, ((1, 1), (0, 0))).T.astype(np.int8), axis=1)
    unit, start = np.nonzero(edges == 1)
    _, end = np.nonzero(edges == -1)
    return Episodes(unit, start, end - start, end < len(mask))


@dataclass(frozen=True)
class Units:
    """What became of each unit of a layer. All arrays ``(unit,)``.

    Attributes:
        born_dead: dead at the first probe.
        first_death: index of the first probe at which it was dead; -1 if none.
        revivals: how often it was dead at a probe and alive at the next.
        episodes: how many stretches it was dead for; ``revivals``, or one more.
        dead_at_end: dead at the last probe.
    """

    born_dead: Bool[np.ndarray, " unit"]
    first_death: Int[np.ndarray, " unit"]
    revivals: Int[np.ndarray, " unit"]
    episodes: Int[np.ndarray, " unit"]
    dead_at_end: Bool[np.ndarray, " unit"]


def units(mask: Mask) -> Units:
    """The life of every unit of a layer. There must be at least one probe."""
    return Units(
        born_dead=mask[0],
        first_death=np.where(mask.any(0), mask.argmax(0), -1),
        revivals=(mask[:-1] & ~mask[1:]).sum(0),
        episodes=np.bincount(episodes(mask).unit, minlength=mask.shape[1]),
        dead_at_end=mask[-1],
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
        revives: P(alive at the next probe | dead at this one), over units and probes.
        closed_length: median length of the closed episodes alone, in probes: too short wherever
            episodes are open.
        permanent: of the units dead at the end, those dead at every probe since their first death.
    """

    born: float
    ever: float
    end: float
    revives: float | None
    closed_length: float | None
    permanent: float | None


def lives(mask: Mask) -> Lives:
    """Sum up a mask: of one layer, or of several side by side."""
    by_unit, stretches = units(mask), episodes(mask)
    watched, last = int(mask[:-1].sum()), by_unit.dead_at_end
    closed = stretches.length[stretches.closed]
    return Lives(
        born=float(by_unit.born_dead.mean()),
        ever=float((by_unit.first_death >= 0).mean()),
        end=float(last.mean()),
        revives=float(by_unit.revivals.sum()) / watched if watched else None,
        closed_length=float(np.median(closed)) if len(closed) else None,
        permanent=float((by_unit.revivals[last] == 0).mean()) if last.any() else None,
    )


@dataclass(frozen=True)
class Fate:
    """:class:`Lives` over seeds: each measure's mean and 95% interval; None where nothing died.

    Attributes:
        median: Kaplan–Meier median length over the episodes of all seeds together, in probes.
            Pooled, since a seed whose median is not reached has no number to average.
        closed, open: how many of those episodes ended, and how many ran on at the last probe.
    """

    born: Estimate | None
    ever: Estimate | None
    end: Estimate | None
    revives: Estimate | None
    closed_length: Estimate | None
    permanent: Estimate | None
    median: int | None
    closed: int
    open: int


@dataclass(frozen=True)
class Fates:
    """The fates of a configuration's units: over the network, and layer by layer.

    Attributes:
        probes: how many probes a run has; the fewest, where they differ.
        first, last: the epochs of the first probe and of the last.
    """

    network: Fate
    layers: tuple[Fate, ...]
    probes: int
    first: float
    last: float


def fates(records: Sequence[RunRecord]) -> Fates | None:
    """Fold the runs of one configuration; None where no run has a timeline."""
    watched = [(timeline(run), layers) for run in records if (layers := masks(run))]
    if not watched:
        return None
    times = [[when for when, _ in probes] for probes, _ in watched]
    by_run = [layers for _, layers in watched]
    depth = max(map(len, by_run))
    return Fates(
        _fold([np.concatenate(layers, axis=1) for layers in by_run]),
        tuple(_fold([layers[i] for layers in by_run if i < len(layers)]) for i in range(depth)),
        min(map(len, times)),
        min(when[0] for when in times),
        max(when[-1] for when in times),
    )


def _fold(by_run: Sequence[Mask]) -> Fate:
    each, stretches = [lives(mask) for mask in by_run], [episodes(mask) for mask in by_run]
    length = np.concatenate([s.length for s in stretches])
    closed = np.concatenate([s.closed for s in stretches])
    folded = {f.name: estimate(getattr(e, f.name) for e in each) for f in dataclasses.fields(Lives)}
    ended = int(closed.sum())
    return Fate(
        **folded, median=median_length(length, closed), closed=ended, open=len(closed) - ended
    )


def of_network(record: RunRecord) -> Lives | None:
    """All hidden units of one run together; None where it has no timeline."""
    layers = masks(record)
    return lives(np.concatenate(layers, axis=1)) if layers else None

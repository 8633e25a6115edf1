"""Slow or dead: what becomes of units that fire rarely, how far they move, how often all fire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reluprobe.analysis.estimates import Estimate, Fold, share
from reluprobe.analysis.firing import Firing, firing
from reluprobe.analysis.movement import Movement, movement
from reluprobe.analysis.unit_states import STATES, Flows, flows, shares
from reluprobe.records import RunRecord

#: Definitions of what no longer learns, or hardly.
SLOW = ("dead", "rare")


@dataclass(frozen=True)
class Rates:
    """What the records of one configuration say of it, over seeds.

    Attributes:
        end: share of all hidden units in each state on the last probe.
        flows: None where no run was probed twice.
        movement: None where no record has a pace: of somebody's own network, or of one probe.
    """

    end: Mapping[str, Estimate | None]
    firing: Firing
    flows: Flows | None
    movement: Movement | None


def rates(runs: Sequence[RunRecord]) -> Rates | None:
    """Fold the runs of one configuration that ended; None where no record has firing rates."""
    ended = [run for run in runs if run.ended]
    of_firing = firing(ended)
    if of_firing is None:
        return None
    return Rates(at_end(ended), of_firing, flows(ended), movement(ended))


def at_end(runs: Sequence[RunRecord]) -> dict[str, Estimate | None]:
    """Share of all hidden units in each state on the last probe; of those runs that say it."""
    known = {run.id: of for run in runs if run.ended and (of := shares(run.final.layers))}
    average = Fold(run for run in runs if run.id in known)
    return {state: average(lambda run, s=state: known[run.id][s]) for state in STATES}


def slow(runs: Sequence[RunRecord]) -> float:
    """Share of units that are dead or rare at the end, by which configurations are ordered."""
    shares = [share(run.final.layers, name) or 0.0 for run in runs if run.ended for name in SLOW]
    return len(SLOW) * sum(shares) / len(shares) if shares else 0.0

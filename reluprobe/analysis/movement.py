"""Movement by state: how far dead, rare, linear and healthy units went from probe to probe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reluprobe.analysis.dead_masks import timeline
from reluprobe.analysis.estimates import POSITIVE, Estimate, Fold
from reluprobe.analysis.layers import by_name, names_of
from reluprobe.analysis.unit_states import STATES
from reluprobe.records import MovementRecord, PaceRecord, RunRecord

REFERENCE = "healthy"


@dataclass(frozen=True)
class Pace:
    """How far the units of one state went from a probe to the next, ‖Δ(w, b)‖ / ‖(w, b)‖ each.

    A unit counts where it is in the state at both probes.

    Attributes:
        mean: over units and steps from probe to probe, of each run; then over runs.
        ratio: the same, divided by what the healthy units of the same layers moved over the same
            steps, each weighted by its units of this state: layers and stages of training move
            at paces of their own. None where there were no healthy units beside them, or none
            that moved.
        most: that of the one that went the farthest, in any run.
        n: how many units times steps that is, of all runs together.
    """

    mean: Estimate | None
    ratio: Estimate | None
    most: float
    n: int


@dataclass(frozen=True)
class Movement:
    """The pace of each state: over the network, and by layer. None: no unit was in it twice."""

    network: Mapping[str, Pace | None]
    layers: Mapping[str, Mapping[str, Pace | None]]


def movement(runs: Sequence[RunRecord]) -> Movement | None:
    """Fold the runs of one configuration; None where no record has a pace."""
    average = Fold(run for run in runs if any(True for _ in _steps(run)))
    if not average.runs:
        return None
    names = names_of(average.runs)
    return Movement(_by_state(average), {name: _by_state(average, name) for name in names})


def _steps(run: RunRecord, name: str | None = None) -> Iterator[MovementRecord]:
    """What moved in each step from probe to probe, layer by layer; in the layer of this name."""
    for _, layers in timeline(run):
        for called, layer in by_name(run, layers).items():
            if layer.movement is not None and name in (None, called):
                yield layer.movement


def _by_state(average: Fold, name: str | None = None) -> dict[str, Pace | None]:
    return {state: _pace(average, state, name) for state in STATES}


def _pace(average: Fold, state: str, name: str | None) -> Pace | None:
    pairs = {
        run.id: [
            (own, step.healthy)
            for step in _steps(run, name)
            if (own := getattr(step, state)) is not None
        ]
        for run in average.runs
    }
    every = [own for of_run in pairs.values() for own, _ in of_run]
    if not every:
        return None
    return Pace(
        average(lambda run: _mean([own for own, _ in pairs[run.id]]), POSITIVE),
        average(lambda run: _ratio(pairs[run.id]), POSITIVE),
        max(own.most for own in every),
        sum(own.units for own in every),
    )


def _mean(paces: Sequence[PaceRecord]) -> float | None:
    units = sum(pace.units for pace in paces)
    return sum(pace.units * pace.mean for pace in paces) / units if units else None


def _ratio(pairs: Sequence[tuple[PaceRecord, PaceRecord | None]]) -> float | None:
    beside = [(own, healthy) for own, healthy in pairs if healthy is not None]
    moved = sum(own.units * own.mean for own, _ in beside)
    expected = sum(own.units * healthy.mean for own, healthy in beside)
    return moved / expected if expected else None

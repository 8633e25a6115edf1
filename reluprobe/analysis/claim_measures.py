"""Measures that decide claims: what a claim says of a run, as a number.

Their names, and what each may be told, are in ``config.claim_measures``.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from reluprobe.analysis import unit_lives, unit_sets
from reluprobe.analysis.collapse import collapsed
from reluprobe.analysis.estimates import SHARE, Limits, share
from reluprobe.config.choices import DEFINITIONS
from reluprobe.config.claim_form import Claim, PhaseEnd, TrendClaim
from reluprobe.records import LayerRecord, RunRecord

#: A run, what is claimed of it and the epoch that is its end there, to a number; None where the
#: measure has no case.
Measure = Callable[[RunRecord, Claim, int], float | None]
#: Between what differences of two shares can lie.
DIFFERENCE: Limits = (-1.0, 1.0)
#: Two points make a slope.
FEWEST = 2


def measured(run: RunRecord, claim: Claim, end: int) -> float | None:
    """The claim's measure of one run, a fraction; of a trend the slope a step.

    Args:
        run: one that ended.
        claim: what is claimed.
        end: the epoch to look at where the claim names none.
    """
    if isinstance(claim, TrendClaim):
        return slope(series(run, claim, end))
    return MEASURES[claim.measure](run, claim, end)


def limits(claim: Claim) -> Limits:
    """Between what the measure can lie."""
    signed = claim.measure in ("gain", "smallest_step") or claim.minus is not None
    return DIFFERENCE if signed or isinstance(claim, TrendClaim) else SHARE


def is_count(claim: Claim) -> bool:
    """Whether the measure of a run is yes or no, so that runs are counted by it."""
    return claim.measure == "collapsed"


def series(run: RunRecord, claim: TrendClaim, end: int) -> list[tuple[int, float | None]]:
    """The measure by phase, epoch or layer, numbered from 1; epoch 0 is before the first step."""
    steps = {
        "phases": (
            (n, {"at": PhaseEnd(n)}) for n in range(1, len(run.phases) + 1)
        ),
        "epochs": ((e.epoch, {"at": e.epoch}) for e in run.history if 0 < e.epoch <= end),
        "layers": ((n, {"layer": n}) for n in range(1, len(run.layer_names) + 1)),
    }  # fmt: skip
    return [
        (number, MEASURES[claim.measure](run, dataclasses.replace(claim, **place), end))
        for number, place in steps[claim.over]
    ]


def slope(points: Sequence[tuple[int, float | None]]) -> float | None:
    """The least-squares slope of values against their numbers; None of fewer than two."""
    known = [(number, value) for number, value in points if value is not None]
    if len(known) < FEWEST:
        return None
    middle = math.fsum(n for n, _ in known) / len(known)
    level = math.fsum(v for _, v in known) / len(known)
    spread = math.fsum((n - middle) ** 2 for n, _ in known)
    return math.fsum((n - middle) * (v - level) for n, v in known) / spread


def _epoch(run: RunRecord, claim: Claim, end: int) -> int | None:
    """The epoch at which a claim looks; None where the run has no such phase, or ended before."""
    if isinstance(claim.at, PhaseEnd):
        phase = claim.at.phase
        return run.phases[phase - 1].last_epoch if phase <= len(run.phases) else None
    when = end if claim.at is None else claim.at
    return when if when <= end else None


def _layers(run: RunRecord, claim: Claim, end: int) -> Sequence[LayerRecord]:
    """The hidden layers where a claim looks; none where nobody did."""
    if claim.on == "probe":
        return _at(run, _epoch(run, claim, end))
    if run.final.epoch != end:
        return ()
    return next((s.layers for s in run.samples if s.sample == claim.on), ())


def _at(run: RunRecord, epoch: int | None) -> Sequence[LayerRecord]:
    entry = None if epoch is None else run.at_epoch(epoch)
    return () if entry is None else entry.layers


def _within(layers: Sequence[LayerRecord], layer: int | None) -> Sequence[LayerRecord]:
    """All layers, or the one of this number; none where the network lacks it."""
    return layers if layer is None else layers[layer - 1 : layer]


def _share(run: RunRecord, claim: Claim, end: int) -> float | None:
    layers = _within(_layers(run, claim, end), claim.layer)
    ours = share(layers, claim.measure)
    if claim.minus is None:
        return ours
    less = share(layers, claim.minus)
    return None if ours is None or less is None else ours - less


def _accuracy(run: RunRecord, claim: Claim, end: int) -> float | None:
    epoch = _epoch(run, claim, end)
    entry = None if epoch is None else run.at_epoch(epoch)
    return None if entry is None else entry.test_accuracy


def _mean_accuracy(run: RunRecord, claim: Claim, end: int) -> float | None:
    """None where a phase has none: a mean over some of them is another measure."""
    ends = [run.at_epoch(phase.last_epoch) for phase in run.phases]
    values = [None if entry is None else entry.test_accuracy for entry in ends]
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(values) else None


def _collapsed(run: RunRecord, claim: Claim, end: int) -> float | None:
    if run.ours is None or run.final.epoch != end:
        return None
    if collapsed(run) is not None:
        return 1.0
    return None if any(layer.constant is None for layer in run.final.layers) else 0.0


def _lives(run: RunRecord, claim: Claim) -> unit_lives.Lives | None:
    """Of the network, or of the claim's layer, over the whole run."""
    if claim.layer is None:
        return unit_lives.of_network(run)
    names = run.layer_names[claim.layer - 1 : claim.layer]
    seen = [units for name in names if (units := unit_lives.watched(run).get(name))]
    return unit_lives.lives(*seen[0]) if seen else None


def _revives(run: RunRecord, claim: Claim, end: int) -> float | None:
    lives = _lives(run, claim)
    return lives.revives if lives else None


def _died_once(run: RunRecord, claim: Claim, end: int) -> float | None:
    lives = _lives(run, claim)
    return lives.ever if lives else None


def _smallest_step(run: RunRecord, claim: Claim, end: int) -> float | None:
    units = claim.definition or "dead"
    shares = [getattr(layer, units) for layer in _layers(run, claim, end)]
    known = [value for value in shares if value is not None]
    return min((b - a for a, b in itertools.pairwise(known)), default=None)


def _gain(run: RunRecord, claim: Claim, end: int) -> float | None:
    layers, units = _layers(run, claim, end), claim.definition or "dead"
    sides = [share(_within(layers, number), units) for number in claim.layers or ()]
    known = [value for value in sides if value is not None]
    return known[1] - known[0] if len(known) == 2 else None


def _overlap(run: RunRecord, claim: Claim, end: int) -> float | None:
    epoch = _epoch(run, claim, end)
    before = None if epoch is None else _before(run, epoch)
    units = str(claim.definition)
    sets = (
        unit_sets.of_network(_within(_at(run, when), claim.layer), units)
        for when in (before, epoch)
    )
    return unit_sets.overlap(*sets)


def _before(run: RunRecord, epoch: int) -> int | None:
    """The phase's end before this epoch; of a run without phases the epoch before."""
    if not run.phases:
        return epoch - 1
    return max((p.last_epoch for p in run.phases if p.last_epoch < epoch), default=None)


def _measures() -> Iterator[tuple[str, Measure]]:
    yield from dict.fromkeys(DEFINITIONS, _share).items()
    yield "accuracy", _accuracy
    yield "mean_accuracy", _mean_accuracy
    yield "collapsed", _collapsed
    yield "revives", _revives
    yield "died_once", _died_once
    yield "gain", _gain
    yield "smallest_step", _smallest_step
    yield "overlap", _overlap


#: By the names of ``config.claim_measures``.
MEASURES: Mapping[str, Measure] = MappingProxyType(dict(_measures()))

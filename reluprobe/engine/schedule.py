"""Probe schedule: splits training into segments, phase after phase."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reluprobe.config import RunConfig, phases, triggers
from reluprobe.config.sizes import probed, steps_per_epoch
from reluprobe.engine.state import Segment


@dataclass(frozen=True)
class Call:
    """One call of the compiled program.

    Attributes:
        kind: ``run``: a part of the run. ``switch``: a probe on a new phase's data before its
            first step. ``reference``: the first phase's probe again, at a phase's end.
        stretch: the phase, and the epochs that it has.
        segment: what the call does.
    """

    kind: Literal["run", "switch", "reference"]
    stretch: phases.Stretch
    segment: Segment


def calls(config: RunConfig, examples: int) -> Iterator[Call]:
    """Every call that a run makes, in order."""
    stretches = phases.stretches(config.phases, config.epochs)
    probe_only = _segment(config, examples, 0, 0, 0, closes=False)
    for stretch in stretches:
        if stretch.index:
            yield Call("switch", stretch, probe_only._replace(epoch=np.int32(stretch.first)))
        for segment in _segments_of(config, examples, stretch):
            yield Call("run", stretch, segment)
        if len(stretches) > 1:
            yield Call("reference", stretch, probe_only._replace(epoch=np.int32(stretch.last)))


def segments(config: RunConfig, examples: int) -> Iterator[Segment]:
    """Every segment of a run: epoch 0, then the steps between one probe and the next.

    A probe comes after every epoch, after every ``probe_every`` steps counted from the first of
    the run, and before units are revived.
    """
    for stretch in phases.stretches(config.phases, config.epochs):
        yield from _segments_of(config, examples, stretch)


def _segments_of(config: RunConfig, examples: int, stretch: phases.Stretch) -> Iterator[Segment]:
    if stretch.index == 0:
        yield _segment(config, examples, 0, 0, 0, closes=True)
    steps, revive_at = steps_per_epoch(config, examples), triggers.parse(config.revive_at)
    reviving = config.revive != "none"
    for epoch in range(stretch.first, stretch.last + 1):
        before = (epoch - 1) * steps  # steps of the run
        ends = {steps}
        for every in (config.probe_every, revive_at.steps if reviving else 0):
            ends |= set(range(every - before % every, steps, every)) if every else set()
        first = 0
        for last in sorted(ends):
            starts = stretch.index > 0 and epoch == stretch.first and first == 0
            due = reviving and _due(revive_at, epoch - 1, before + first, first == 0, starts)
            closes = last == steps
            yield _segment(config, examples, epoch, first, last, closes=closes, revives=due)
            first = last


def _due(
    at: triggers.Trigger, epochs: int, steps: int, epoch_starts: bool, phase_starts: bool
) -> bool:
    """Whether units are revived after this many epochs and steps."""
    if at.phases:
        return phase_starts
    if at.steps:
        return steps > 0 and steps % at.steps == 0
    return epoch_starts and epochs > 0 and at.after(epochs)


def _segment(
    config: RunConfig,
    examples: int,
    epoch: int,
    first: int,
    last: int,
    *,
    closes: bool,
    revives: bool = False,
) -> Segment:
    ends = closes and epoch == phases.total_epochs(config.phases, config.epochs)
    size = probed(config, examples)
    # Causes cost four more products a layer: a probe of the whole training set goes without.
    explained = 0 if config.probe_examples == "all" else size
    place = (np.int32(n) for n in (epoch, first, last))
    flags = np.bool_(closes), np.bool_(ends)
    sizes = np.int32(size), np.int32(explained)
    return Segment(*place, *flags, *sizes, np.bool_(revives))  # type: ignore[arg-type]


def example() -> Segment:
    """A segment to compile by."""
    return next(segments(RunConfig(), 1))

"""When a run is looked at: the sections into which its steps fall, phase after phase."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reluprobe.config import RunConfig, phases, triggers
from reluprobe.config.sizes import probed, steps_per_epoch
from reluprobe.engine.state import Section


@dataclass(frozen=True)
class Stop:
    """One call of the compiled section.

    Attributes:
        kind: ``run``: a part of the run. ``switch``: a look at a new phase's data before its
            first step. ``reference``: a look at the first phase's probe, at a phase's end.
    """

    kind: Literal["run", "switch", "reference"]
    stretch: phases.Stretch
    section: Section


def itinerary(config: RunConfig, examples: int) -> Iterator[Stop]:
    """Every call that a run makes, in order."""
    every = phases.stretches(config.phases, config.epochs)
    look = _section(config, examples, 0, 0, 0, closes=False)
    for stretch in every:
        if stretch.index:
            yield Stop("switch", stretch, look._replace(epoch=np.int32(stretch.first)))
        for section in _of_stretch(config, examples, stretch):
            yield Stop("run", stretch, section)
        if len(every) > 1:
            yield Stop("reference", stretch, look._replace(epoch=np.int32(stretch.last)))


def sections(config: RunConfig, examples: int) -> Iterator[Section]:
    """Every section of a run: epoch 0, then the steps between one probe and the next.

    A probe comes after every epoch, after every ``probe_every`` steps counted from the first of
    the run, and before units are revived.
    """
    for stretch in phases.stretches(config.phases, config.epochs):
        yield from _of_stretch(config, examples, stretch)


def _of_stretch(config: RunConfig, examples: int, stretch: phases.Stretch) -> Iterator[Section]:
    if stretch.index == 0:
        yield _section(config, examples, 0, 0, 0, closes=True)
    steps, at = steps_per_epoch(config, examples), triggers.parse(config.revive_at)
    reviving = config.revive != "none"
    for epoch in range(stretch.first, stretch.last + 1):
        done = (epoch - 1) * steps
        stops = {steps}
        for every in (config.probe_every, at.steps if reviving else 0):
            stops |= set(range(every - done % every, steps, every)) if every else set()
        first = 0
        for last in sorted(stops):
            starts = stretch.index > 0 and epoch == stretch.first and first == 0
            due = reviving and _due(at, epoch - 1, done + first, first == 0, starts)
            closes = last == steps
            yield _section(config, examples, epoch, first, last, closes=closes, revives=due)
            first = last


def _due(at: triggers.Trigger, epochs: int, steps: int, whole: bool, phase_starts: bool) -> bool:
    """Whether units are revived after this many epochs and steps."""
    if at.phases:
        return phase_starts
    if at.steps:
        return steps > 0 and steps % at.steps == 0
    return whole and epochs > 0 and at.after(epochs)


def _section(
    config: RunConfig,
    examples: int,
    epoch: int,
    first: int,
    last: int,
    *,
    closes: bool,
    revives: bool = False,
) -> Section:
    ends = closes and epoch == phases.total_epochs(config.phases, config.epochs)
    size = probed(config, examples)
    # Causes cost four more products a layer: a probe of the whole training set goes without.
    explained = 0 if config.probe_examples == "all" else size
    place = (np.int32(n) for n in (epoch, first, last))
    flags = np.bool_(closes), np.bool_(ends)
    sizes = np.int32(size), np.int32(explained)
    return Section(*place, *flags, *sizes, np.bool_(revives))  # type: ignore[arg-type]


def example() -> Section:
    """A section to compile by."""
    return next(sections(RunConfig(), 1))

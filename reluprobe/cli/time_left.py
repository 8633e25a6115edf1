"""Time left of a sweep: from how long the epochs of each compiled program have taken so far."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from reluprobe.engine import events
from reluprobe.plan.grouping import group_runs
from reluprobe.plan.runs import Run


class TimeLeft:
    """Holds epochs against the time between events, each program's apart: sizes differ.

    Args:
        todo: the runs.
        epochs: how many each has, its start among them, by id.
    """

    def __init__(self, todo: Sequence[Run], epochs: dict[str, int]) -> None:
        groups = group_runs(todo)
        self.group_of = {run.id: n for n, group in enumerate(groups) for run in group}
        self.left = Counter[int]()
        for id_, number in epochs.items():
            self.left[self.group_of[id_]] += number
        self.seconds: dict[int, float] = dict.fromkeys(self.left, 0.0)
        self.trained = Counter[int]()
        self.waited: list[float] = []
        #: Groups of which nothing has come yet: their programs are to be compiled still.
        self.new = set(self.left)
        self.last = time.monotonic()

    def see(self, event: events.Event) -> None:
        """Account for the time since the last event."""
        now = time.monotonic()
        since, self.last = now - self.last, now
        match event:
            case events.Compiled():
                self.waited.append(since)
            case events.EpochDone(run=run) | events.RunDone(run=run):
                self.seconds[self.group_of[run.id]] += since
                self.new.discard(self.group_of[run.id])
            case events.Resumed(run=run) | events.Saved(run=run) | events.WeightsTaken(run=run):
                self.seconds[self.group_of[run.id]] += since
            case events.Compiling() | events.BegunAgain() | events.MemoryShort():
                pass

    def ended(self, id_: str, epochs: int, trained: bool) -> None:
        """So many epochs of a run are not left: they were ``trained`` now, or need not be."""
        group = self.group_of[id_]
        self.left[group] -= epochs
        self.trained[group] += epochs * trained

    def estimate(self) -> float | None:
        """Seconds; None before an epoch has been trained.

        Of programs that nothing was trained with yet it is the mean of the others, and what they
        were waited for.
        """
        trained = self.trained.total()
        if not trained:
            return None
        usual = sum(self.seconds.values()) / trained
        paces = {n: self.seconds[n] / count for n, count in self.trained.items() if count}
        seconds = sum(count * paces.get(n, usual) for n, count in self.left.items())
        if self.waited:
            seconds += len(self.new) * sum(self.waited) / len(self.waited)
        return max(0.0, seconds - (time.monotonic() - self.last))

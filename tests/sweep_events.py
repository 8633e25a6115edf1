"""What a sweep in this process came to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reluprobe import data, records
from reluprobe.engine import runner
from reluprobe.plan.runs import Run


def records_in(events: Iterable[object]) -> dict[str, records.RunRecord]:
    """The record of every run that ended, by its id."""
    return {e.run.id: e.record for e in events if isinstance(e, runner.RunDone)}


def execute(*runs: Run) -> list[runner.Event]:
    """All that happens as these runs do."""
    return list(runner.execute(runs, data.load))


def compiled_in(events: Sequence[runner.Event]) -> list[int]:
    """How many runs were in the chunk that each program was compiled for."""
    return [e.runs for e in events if isinstance(e, runner.Compiled)]

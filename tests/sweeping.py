"""What a sweep in this process came to."""

from __future__ import annotations

from collections.abc import Iterable

from reluprobe import records, sweep


def records_in(events: Iterable[object]) -> dict[str, records.RunRecord]:
    """The record of every run that ended, by its id."""
    return {e.run.id: e.record for e in events if isinstance(e, sweep.RunDone)}

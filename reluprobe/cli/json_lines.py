"""``--json``: what happens in a sweep, one object a line on stdout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reluprobe.cli.sweep_output import Invocation, Outcome
from reluprobe.engine.events import BegunAgain, Compiled, EpochDone, RunDone
from reluprobe.plan.grouping import group_runs
from reluprobe.plan.slices import Part
from reluprobe.records import resume


class Machines:
    """Events for programs. Fields are added, never renamed."""

    silent = True

    def plan(self, job: Invocation) -> None:
        """The whole plan and this slice of it."""
        programs = len(group_runs(job.mine))
        sizes = {"runs": len(job.plan.runs), "folded": job.plan.folded, "mine": len(job.mine)}
        _say("plan", name=job.sweep.name, folder=str(job.folder), slice=_slice(job.part),
             programs=programs, **sizes)  # fmt: skip

    def start(self, job: Invocation, found: resume.Standing) -> None:
        """What is there already."""
        _say("start", damaged=list(found.damaged), **_counts(job, found))

    def happened(self, event: Any, path: Path | None) -> None:
        """An event of the engine."""
        kind, fields = _told(event)
        _say(kind, **fields, **({"path": str(path)} if path else {}))

    def end(self, job: Invocation, outcome: Outcome) -> None:
        """How it ended."""
        compiling = None if outcome.compiling is None else round(outcome.compiling, 3)
        times = {"seconds": round(outcome.seconds, 3), "compiling": compiling}
        _say("done", written=outcome.written, **times, **_counts(job, outcome),
             exit=outcome.code, again=job.again)  # fmt: skip


def _slice(part: Part) -> str | None:
    return f"{part[0]}/{part[1]}" if part[1] > 1 else None


def _counts(job: Invocation, found: resume.Standing | Outcome) -> dict[str, int]:
    counts = {status: found.count(status) for status in ("ok", "diverged", "failed")}
    return counts | {"missing": len(job.mine) - sum(counts.values())}


def _told(event: Any) -> tuple[str, dict[str, Any]]:
    """The event's name and fields."""
    if isinstance(event, Compiled):
        return "compiled", {"runs": event.runs, "seconds": round(event.seconds, 3)}
    if isinstance(event, EpochDone):
        epoch = event.epoch
        names = ("epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy")
        told = {name: getattr(epoch, name) for name in names}
        dead = [layer.dead for layer in epoch.layers]
        return "epoch", {"id": event.run.id, **told, "dead": dead, "diverged": event.diverged}
    if isinstance(event, RunDone):
        record = event.record
        if record.status == "failed":
            return "failed", {"id": record.id, "error": record.error}
        return "run", {"id": record.id, "status": record.status, "seconds": record.seconds}
    if isinstance(event, BegunAgain):
        return "again", {"runs": event.runs, "host": event.host}
    return "memory", {"lanes": event.lanes, "error": event.error}


def _say(event: str, **fields: Any) -> None:
    print(json.dumps({"event": event, **fields}, allow_nan=False), flush=True)

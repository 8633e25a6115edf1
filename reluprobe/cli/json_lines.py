"""``sweep --json``: what happens in a sweep, one JSON object per line on stdout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, assert_never

from reluprobe.cli import console
from reluprobe.cli.sweep_output import Invocation, Outcome
from reluprobe.cli.weights_on_disk import Cost
from reluprobe.engine import events
from reluprobe.files.printable import printable
from reluprobe.plan.grouping import group_runs
from reluprobe.plan.slices import Part
from reluprobe.records import resume


class JsonLinesOutput:
    """Events for programs. Fields are added, never renamed."""

    silent = True

    def plan(self, job: Invocation) -> None:
        """The whole plan and this slice of it."""
        programs = len(group_runs(job.mine))
        sizes = {"runs": len(job.plan.runs), "folded": job.plan.folded, "mine": len(job.mine)}
        _print("plan", name=job.sweep.name, folder=printable(job.folder), slice=_slice(job.part),
               programs=programs, **sizes)  # fmt: skip

    def start(self, job: Invocation, standing: resume.Standing) -> None:
        """How many runs are done already, and which files are no whole records."""
        again = {"damaged": list(standing.damaged), "weightless": list(standing.weightless)}
        _print("start", **again, **_counts(job, standing))

    def weights(self, cost: Cost) -> None:
        """What the weights that are to be saved will take."""
        _print("to_be_saved", files=cost.files, bytes=cost.bytes)

    def event(self, event: events.Event, path: Path | None) -> None:
        """An event of the engine."""
        kind, fields = _name_and_fields(event)
        _print(kind, **fields, **({"path": printable(path)} if path else {}))

    def end(self, job: Invocation, outcome: Outcome) -> None:
        """How it ended."""
        compiling = None if outcome.compiling is None else round(outcome.compiling, 3)
        times = {"seconds": round(outcome.seconds, 3), "compiling": compiling}
        _print("done", written=outcome.written, **times, **_counts(job, outcome),
               exit=outcome.code, again=job.again)  # fmt: skip


def _slice(part: Part) -> str | None:
    return f"{part[0]}/{part[1]}" if part[1] > 1 else None


def _counts(job: Invocation, standing: resume.Standing | Outcome) -> dict[str, int]:
    counts = {status: standing.count(status) for status in ("ok", "diverged", "failed")}
    return counts | {"missing": len(job.mine) - sum(counts.values())}


def _name_and_fields(event: events.Event) -> tuple[str, dict[str, Any]]:
    match event:
        case events.Compiling(run, runs):
            sizes = {name: getattr(run.config, name) for name in ("depth", "width")}
            return "compiling", {"runs": runs, **sizes}
        case events.Compiled(runs, seconds):
            return "compiled", {"runs": runs, "seconds": round(seconds, 3)}
        case events.Resumed(run, history):
            return "resumed", {"id": run.id, "epoch": history[-1].epoch}
        case events.Saved(run, checkpoint):
            return "saved", {"id": run.id, "epoch": checkpoint.record.final.epoch}
        case events.WeightsTaken(run, weights):
            return "weights", {"id": run.id, "epoch": weights.notes.epoch}
        case events.EpochDone(run, epoch, diverged):
            names = ("epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy",
                     "r2", "rmse")  # fmt: skip
            fields = {name: getattr(epoch, name) for name in names}
            dead = [layer.dead for layer in epoch.layers]
            return "epoch", {"id": run.id, **fields, "dead": dead, "diverged": diverged}
        case events.RunDone(record=record) if record.status == "failed":
            return "failed", {"id": record.id, "error": record.error}
        case events.RunDone(record=record):
            return "run", {"id": record.id, "status": record.status, "seconds": record.seconds}
        case events.BegunAgain(runs, host):
            return "again", {"runs": runs, "host": host}
        case events.MemoryShort(lanes, error):
            return "memory", {"lanes": lanes, "error": error}
        case _:
            assert_never(event)


def _print(event: str, **fields: Any) -> None:
    console.write(json.dumps({"event": event, **fields}, allow_nan=False) + "\n")

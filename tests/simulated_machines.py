"""Machines that are played in this process: an executor, and an engine that trains nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from plain_records import record_of
from reluprobe import records
from reluprobe.config import make_run
from reluprobe.config.choices import SaveWeights
from reluprobe.engine.events import EpochDone, RunDone
from reluprobe.executor import chunks, local
from reluprobe.executor.interface import Ended, Happening
from reluprobe.executor.worker import work
from reluprobe.plan.runs import Run, as_run


def runs_of(seeds: int = 9, **axes: Sequence[Any]) -> list[Run]:
    base = {"dataset": "blobs", "width": 4, "depth": 1, "epochs": 1, "probe_examples": 9}
    name, values = next(iter(axes.items()), ("depth", [1]))
    plan = [base | {name: value, "seed": seed} for value in values for seed in range(seeds)]
    return [as_run(make_run(settings)) for settings in plan]


class DeathError(Exception):
    """The end of a process."""


class Machine:
    """An executor in this process.

    Args:
        deaf: whether messages get lost.
        retries: how often a chunk is begun again whose process has died.
        before: called before each try of a chunk.
    """

    slots = 2

    def __init__(
        self, deaf: bool = False, before: Callable[[], None] = lambda: None, retries: int = 0
    ) -> None:
        self.deaf, self.before, self.retries = deaf, before, retries
        self.waiting: list[Path] = []
        self.tried: list[Path] = []
        self.cancelled = False

    def submit(self, file: Path) -> None:
        self.waiting.append(file)

    def cancel(self) -> None:
        self.cancelled = True

    def as_completed(self) -> Iterator[Happening]:
        while self.waiting:
            file = self.waiting.pop(0)
            if self.cancelled:
                yield Ended(file, lost="cancelled")
                continue
            self.tried.append(file)
            self.before()
            yield None
            messages: list[Any] = []
            end = self._try(file, messages)
            yield from [] if self.deaf else messages
            yield end

    def _try(self, file: Path, messages: list[Any]) -> Ended:
        for again in range(self.retries, -1, -1):
            try:
                work(file, messages.append)
            except DeathError as error:
                if not again:
                    return Ended(file, lost=str(error))
            except Exception as error:
                return Ended(file, error=error)
            else:
                break
        return Ended(file)


class Engine:
    """In ``executor.local``'s place.

    Attributes:
        ran: the ids of what it ran.
        failing: the seeds of runs that fail.
        deadly: those that end their process, and how many times they still do.
        asked: of which weights it was asked, each time.
        absent: whether what it writes is seen by nobody else.
    """

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.failing: Sequence[int] = ()
        self.deadly: dict[int, int] = {}
        self.absent = False
        self.asked: list[SaveWeights | None] = []

    def put(self, monkeypatch: pytest.MonkeyPatch) -> Engine:
        """Have it in its place; and nobody waits for a network's file system."""
        monkeypatch.setattr(local, "start", self.start)
        monkeypatch.setattr(chunks, "PATIENCE", 0.0)
        monkeypatch.setattr(chunks, "PAUSE", 0.0)
        return self

    def start(
        self,
        folder: Path,
        runs: Sequence[Run],
        manual_dir: Path | None,
        *,
        keep: Collection[str],
        save_weights: SaveWeights | None,
        own_dir: Path,
        compile_cache: bool = True,
    ) -> Iterator[Any]:
        self.asked.append(save_weights)
        for run in runs:
            if self.deadly.get(run.config.seed, 0):
                self.deadly[run.config.seed] -= 1
                raise DeathError("signal 9")
            self.ran.append(run.id)
            yield EpochDone(run, record_of(run).final, False), None
            failing = run.config.seed in self.failing
            fields = {"status": "failed", "error": "no good", "history": ()} if failing else {}
            if not self.absent:
                records.write(record_of(run, **fields), folder)
            yield RunDone(run, record_of(run, **fields)), folder

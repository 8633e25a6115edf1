"""A plan on an executor: chunks go out, records come in. No JAX here, and none is imported."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reluprobe import __version__, data, records
from reluprobe.config.sizes import probed
from reluprobe.engine import checks
from reluprobe.engine.events import BegunAgain, Event, RunDone
from reluprobe.errors import ReluprobeError
from reluprobe.executor import chunks
from reluprobe.executor.interface import Begun, Ended, Executor, Happening, Written
from reluprobe.plan.runs import Run
from reluprobe.plan.slices import WHOLE, Part
from reluprobe.records import resume
from reluprobe.records.folder import RUNS


@dataclass(frozen=True)
class Job:
    """What is to be done with runs: whose folder they go to, and with what.

    Attributes:
        folder: the sweep's, the caller's own.
        part: of the sweep, that the caller holds.
        manual_dir: where dataset files lie that are not downloaded.
        retry: whether failed runs are to be run again.
        keep: whether activations are written beside the records.
    """

    folder: Path
    part: Part = WHOLE
    manual_dir: Path | None = None
    retry: bool = False
    keep: bool = False


def start(
    executor: Executor,
    errand: Job,
    runs: Sequence[Run],
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Event, Path | None]]:
    """Have an executor run them; yield what happens, and where each record lies, as ``local``.

    A run whose process dies each time it is tried ends as failed, and takes no other with it.

    Raises:
        InputError, DatasetError: data that cannot be had, or do not fit, before anything is run.
        ReluprobeError: a machine cannot do its part, or its records are not in the folder here.
    """
    for name in checks.wanted(runs):
        data.check_name(name)
    found = checks.gathered(runs, lambda name: data.load(name, manual_dir=errand.manual_dir))
    drive = _Drive(executor, errand, {n: len(d.train_targets) for n, d in found.items()})
    del found
    chunks.clear(errand.folder, errand.part)
    try:
        for some in chunks.cut(runs, executor.slots):
            drive.submit(some)
        for happening in executor.as_completed():
            if stop():
                drive.stop()
            yield from drive.take(happening)
    finally:
        executor.cancel()
        chunks.clear(errand.folder, errand.part)


class _Drive:
    """Which chunks are out, and which of their runs have not ended."""

    def __init__(self, executor: Executor, errand: Job, examples: dict[str, int]) -> None:
        self.executor, self.errand = executor, errand
        self.examples = examples
        self.out: dict[Path, Sequence[Run]] = {}
        self.open: dict[str, Run] = {}
        self.begun: set[Path] = set()
        self.stopped = False

    def submit(self, runs: Sequence[Run]) -> None:
        place = self.errand.manual_dir
        manual_dir = None if place is None else str(place.absolute())
        chunk = chunks.Chunk(
            __version__, self.errand.retry, self.errand.keep, manual_dir, tuple(runs)
        )
        file = chunks.write(chunk, self.errand.folder.absolute(), self.errand.part)
        self.out[file] = runs
        self.open |= {run.id: run for run in runs}
        self.executor.submit(file)

    def stop(self) -> None:
        if not self.stopped:
            self.stopped = True
            self.executor.cancel()

    def take(self, happening: Happening) -> Iterator[tuple[Event, Path | None]]:
        """What this means to whoever watches the sweep."""
        if isinstance(happening, Begun):
            yield from self._begun(happening)
        elif isinstance(happening, Written):
            run = self.open.get(happening.id)
            yield from self._told([run] if run else [], retry=False)
        elif isinstance(happening, Ended):
            yield from self._ended(happening)
        elif happening is not None:
            yield happening, None

    def _begun(self, begun: Begun) -> Iterator[tuple[Event, Path | None]]:
        if begun.file in self.begun:
            left = sum(run.id in self.open for run in self.out.get(begun.file, ()))
            yield BegunAgain(left, begun.host), None
        self.begun.add(begun.file)

    def _told(self, runs: Sequence[Run], retry: bool) -> Iterator[tuple[Event, Path | None]]:
        """The ends of those that have a record."""
        found = resume.progress_of(self.errand.folder, runs, self.errand.keep).done(retry)
        for run in runs:
            if run.id in found and self.open.pop(run.id, None):
                yield RunDone(run, found[run.id]), self.errand.folder / RUNS / f"{run.id}.json"

    def _ended(self, ended: Ended) -> Iterator[tuple[Event, Path | None]]:
        runs = self.out.pop(ended.file)
        ended.file.unlink(missing_ok=True)
        done = ended.error is None and ended.lost is None
        # Of a chunk that was not done, a failure on disk may be the one that was to be retried.
        yield from self._told(runs, retry=self.errand.retry and not done)
        if ended.error is not None:
            raise ended.error
        tired = time.monotonic() + chunks.PATIENCE
        while (left := [run for run in runs if run.id in self.open]) and done:
            if time.monotonic() > tired:
                raise self._unseen(left[0])
            time.sleep(chunks.PAUSE)
            yield from self._told(left, retry=False)
        if left and not self.stopped:
            yield from self._again(left, ended.lost or "")

    def _again(self, left: Sequence[Run], why: str) -> Iterator[tuple[Event, Path | None]]:
        """Find out which run it is that no process survives: by halves, as ``faults`` does."""
        if len(left) > 1:
            self.submit(left[: len(left) // 2])
            self.submit(left[len(left) // 2 :])
            return
        (run,) = left
        del self.open[run.id]
        record = records.RunRecord(
            schema=records.SCHEMA,
            id=run.id,
            config=run.config,
            status="failed",
            environment={"reluprobe": __version__, "python": platform.python_version()},
            seconds=0.0,
            probe=records.ProbeRecord(
                "train", probed(run.config, self.examples[run.config.dataset])
            ),
            history=(),
            error=f"its process died each time it was tried: {why}",
        )
        yield RunDone(run, record), records.write(record, self.errand.folder)

    def _unseen(self, run: Run) -> ReluprobeError:
        return ReluprobeError(
            f"a machine has run {run.id}, and its record is not in {self.errand.folder / RUNS}",
            hint="give an --out that every machine sees under the same name",
        )

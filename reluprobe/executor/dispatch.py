"""Dispatch: sends a sweep's chunks to an executor and follows their records. Imports no JAX."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from reluprobe import __version__, data, records
from reluprobe.config.choices import SaveWeights
from reluprobe.config.sizes import probed
from reluprobe.engine import checks, events
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
        save_activations: whether a run without activations beside its record is run again.
        save_weights: the same of its weights, which all runs write.
        keep: ids of runs whose activations are written beside their records.
        compile_cache: whether programs are read and kept where a process's environment says.
    """

    folder: Path
    part: Part = WHOLE
    manual_dir: Path | None = None
    retry: bool = False
    save_activations: bool = False
    save_weights: SaveWeights | None = None
    keep: frozenset[str] = frozenset()
    compile_cache: bool = True


def start(
    executor: Executor,
    job: Job,
    runs: Sequence[Run],
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[events.Event, Path | None]]:
    """Have an executor run them; yield what happens, and where each record lies, as ``local``.

    A run whose process dies each time it is tried ends as failed, and takes no other with it.

    Raises:
        InputError, DatasetError: data that cannot be had, or do not fit, before anything is run.
        ReluprobeError: a machine cannot do its part, or its records are not in the folder here.
    """
    for name in checks.all_dataset_names(runs):
        data.check_name(name)
    datasets = checks.load_and_check(runs, lambda name: data.load(name, manual_dir=job.manual_dir))
    dispatcher = _Dispatcher(executor, job, {n: len(d.train_targets) for n, d in datasets.items()})
    del datasets
    chunks.clear(job.folder, job.part)
    try:
        for chunk in chunks.cut(runs, executor.slots):
            dispatcher.submit(chunk)
        for happening in executor.as_completed():
            if stop():
                dispatcher.stop()
            yield from dispatcher.events_of(happening)
    finally:
        executor.cancel()
        chunks.clear(job.folder, job.part)


class _Dispatcher:
    """Which chunks are out, and which of their runs have not ended."""

    def __init__(
        self, executor: Executor, job: Job, examples: Mapping[data.DatasetKey, int]
    ) -> None:
        self.executor, self.job = executor, job
        self.examples = examples
        self.out: dict[Path, Sequence[Run]] = {}
        self.open: dict[str, Run] = {}
        self.begun: set[Path] = set()
        self.stopped = False

    def submit(self, runs: Sequence[Run]) -> None:
        given = self.job.manual_dir
        manual_dir = None if given is None else str(given.absolute())
        job, keep = self.job, tuple(run.id for run in runs if run.id in self.job.keep)
        chunk = chunks.Chunk(
            __version__,
            job.retry,
            job.save_activations,
            job.save_weights,
            keep,
            manual_dir,
            str(Path.cwd()),
            tuple(runs),
            job.compile_cache,
        )
        file = chunks.write(chunk, self.job.folder.absolute(), self.job.part)
        self.out[file] = runs
        self.open |= {run.id: run for run in runs}
        self.executor.submit(file)

    def stop(self) -> None:
        if not self.stopped:
            self.stopped = True
            self.executor.cancel()

    def events_of(self, happening: Happening) -> Iterator[tuple[events.Event, Path | None]]:
        """What this means to whoever watches the sweep."""
        match happening:
            case None:
                return
            case Begun():
                yield from self._begun(happening)
            case Written(id_):
                run = self.open.get(id_)
                yield from self._run_ends([run] if run else [], retry=False)
            case Ended():
                yield from self._ended(happening)
            case (
                events.Compiling()
                | events.Compiled()
                | events.Resumed()
                | events.EpochDone()
                | events.Saved()
                | events.WeightsTaken()
                | events.RunDone()
            ):
                yield happening, None
            case events.MemoryShort() | events.BegunAgain():
                yield happening, None
            case _:
                assert_never(happening)

    def _begun(self, begun: Begun) -> Iterator[tuple[events.Event, Path | None]]:
        if begun.file in self.begun:
            left = sum(run.id in self.open for run in self.out.get(begun.file, ()))
            yield events.BegunAgain(left, begun.host), None
        self.begun.add(begun.file)

    def _run_ends(
        self, runs: Sequence[Run], retry: bool
    ) -> Iterator[tuple[events.Event, Path | None]]:
        """The ends of those that have a record."""
        job = self.job
        standing = resume.progress_of(job.folder, runs, job.save_activations, job.save_weights)
        done = standing.done(retry)
        for run in runs:
            if run.id in done and self.open.pop(run.id, None):
                yield events.RunDone(run, done[run.id]), self.job.folder / RUNS / f"{run.id}.json"

    def _ended(self, ended: Ended) -> Iterator[tuple[events.Event, Path | None]]:
        runs = self.out.pop(ended.file)
        ended.file.unlink(missing_ok=True)
        done = ended.error is None and ended.lost is None
        # Of a chunk that was not done, a failure on disk may be the one that was to be retried.
        yield from self._run_ends(runs, retry=self.job.retry and not done)
        if ended.error is not None:
            raise ended.error
        deadline = time.monotonic() + chunks.PATIENCE
        while (left := [run for run in runs if run.id in self.open]) and done:
            if time.monotonic() > deadline:
                raise self._missing(left[0])
            time.sleep(chunks.PAUSE)
            yield from self._run_ends(left, retry=False)
        if left and not self.stopped:
            yield from self._after_loss(left, ended.lost or "")

    def _after_loss(
        self, left: Sequence[Run], why: str
    ) -> Iterator[tuple[events.Event, Path | None]]:
        """Find the run that no process survives: by halves, as ``engine.retry`` does."""
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
                "train", probed(run.config, self.examples[data.key_of(run.config)])
            ),
            history=(),
            error=f"its process died each time it was tried: {why}",
        )
        yield events.RunDone(run, record), records.write(record, self.job.folder)

    def _missing(self, run: Run) -> ReluprobeError:
        return ReluprobeError(
            f"a machine has run {run.id}, and its record is not in {self.job.folder / RUNS}",
            hint="give an --out that every machine sees under the same name",
        )

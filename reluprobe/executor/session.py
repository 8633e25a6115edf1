"""A session: a sweep's folder claimed, what is done there known, and the rest run.

The library and the command line both train through here, so that either goes on where the other
one stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reluprobe.engine.events import Event, RunDone
from reluprobe.plan import order
from reluprobe.plan.pictured import pictured
from reluprobe.plan.runs import Run
from reluprobe.records import RunRecord, checkpoints
from reluprobe.records.ownership import Claim, occupied
from reluprobe.records.resume import Standing, progress_of

#: An event, and where its record was written if it had one.
Step = tuple[Event, Path | None]
#: Runs and when to stop → what happens, and where records were written.
Engine = Callable[[Sequence[Run], Callable[[], bool]], Iterator[Step]]
#: What takes an event.
Listener = Callable[[Event], None]


def never() -> bool:
    """Stop for nobody."""
    return False


@dataclass(frozen=True)
class Session:
    """A folder that is ours while the session lasts.

    Attributes:
        runs: those that this session is about, in the order in which they are to be trained.
        standing: how far they had come before.
        records: of the runs that need not be run; :meth:`run` adds those that end.
    """

    folder: Path
    runs: tuple[Run, ...]
    standing: Standing
    records: dict[str, RunRecord]

    @property
    def todo(self) -> list[Run]:
        """The runs that have no record, in that order."""
        return [run for run in self.runs if run.id not in self.records]

    def run(self, engine: Engine, stop: Callable[[], bool] = never) -> Iterator[Step]:
        """Have the engine run what is left; yield what happens."""
        for event, path in engine(self.todo, stop):
            if isinstance(event, RunDone):
                self.records[event.run.id] = event.record
            yield event, path


@contextmanager
def opened(claim: Claim, *, retry_failed: bool = False, again: bool = False) -> Iterator[Session]:
    """Claim a folder and read what lies there.

    Args:
        claim: the folder, the plan, and what to do about another plan.
        retry_failed: run failed runs again.
        again: run all runs again, as ``train`` does.

    Raises:
        InputError: the folder holds records of another plan.
        ReluprobeError: somebody else is at work there, or it cannot be written.
    """
    with occupied(claim) as runs:
        sweep = claim.sweep
        standing = progress_of(claim.folder, runs, sweep.save_activations, sweep.save_weights)
        records = {} if again else standing.done(retry_failed)
        checkpoints.remove(claim.folder, records)  # of a run whose process died as it ended
        arranged = order.arranged(runs, sweep.order, sweep.order_seed)
        yield Session(claim.folder, tuple(arranged), standing, records)


def in_memory(
    runs: Sequence[Run],
    manual_dir: Path | None,
    devices: int | None,
    progress: bool | Listener,
    compile_cache: bool = True,
) -> list[RunRecord]:
    """Train these runs on this machine and write nothing; give their records, in this order.

    Args:
        runs: what to train, the first of them first.
        manual_dir: where dataset files lie that are not downloaded.
        devices: how many of the process's devices to use; None for all.
        progress: True for a bar on stderr, or what takes every event.
        compile_cache: whether programs are read and kept where the environment says.
    """
    from reluprobe import data
    from reluprobe.engine import runner

    records: dict[str, RunRecord] = {}
    with _listening(progress, runs) as listen:
        load = partial(data.load, manual_dir=manual_dir)
        for event in runner.execute(runs, load, most=devices, compile_cache=compile_cache):
            listen(event)
            if isinstance(event, RunDone):
                records[event.run.id] = event.record
    return [records[run.id] for run in runs]


def follow(
    session: Session,
    claim: Claim,
    manual_dir: Path | None,
    devices: int | None,
    progress: bool | Listener,
    stop: Callable[[], bool] = never,
    compile_cache: bool = True,
) -> None:
    """Run what is left of a session on this machine; see :func:`in_memory` for the arguments.

    ``stop`` is asked between segments.
    """
    todo = session.todo
    if not todo:
        return
    from reluprobe.executor import local

    def engine(runs: Sequence[Run], stop: Callable[[], bool]) -> Iterator[Step]:
        keep = pictured(claim.runs, claim.sweep.save_activations)
        where = claim.folder, runs, manual_dir
        asked = {"save_weights": claim.sweep.save_weights, "compile_cache": compile_cache}
        return local.start(*where, stop, devices, keep, **asked)

    with _listening(progress, todo) as listen:
        for event, _ in session.run(engine, stop):
            listen(event)


def _listening(progress: bool | Listener, runs: Sequence[Run]) -> AbstractContextManager[Listener]:
    if progress is True:
        from reluprobe.executor.progress_bar import progress_bar

        return progress_bar(runs)
    return nullcontext(progress if callable(progress) else lambda event: None)

"""A session: a sweep's folder claimed, what is done there known, and the rest run.

The library and the command line both train through here, so that either goes on where the other
one stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reluprobe.engine.events import Event, RunDone
from reluprobe.plan.runs import Run
from reluprobe.records import RunRecord
from reluprobe.records.ownership import Claim, occupied
from reluprobe.records.resume import Standing, progress_of

#: An event, and where its record was written if it had one.
Step = tuple[Event, Path | None]
#: Runs and when to stop → what happens, and where records were written.
Engine = Callable[[Sequence[Run], Callable[[], bool]], Iterator[Step]]


def never() -> bool:
    """Stop for nobody."""
    return False


@dataclass(frozen=True)
class Session:
    """A folder that is ours while the session lasts.

    Attributes:
        runs: those that this session is about, in the plan's order.
        standing: how far they had come before.
        records: of the runs that need not be run; :meth:`run` adds those that end.
    """

    folder: Path
    runs: tuple[Run, ...]
    standing: Standing
    records: dict[str, RunRecord]

    @property
    def todo(self) -> list[Run]:
        """The runs that have no record, in order."""
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
        standing = progress_of(claim.folder, runs, claim.sweep.save_activations)
        records = {} if again else standing.done(retry_failed)
        yield Session(claim.folder, tuple(runs), standing, records)

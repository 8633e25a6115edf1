"""Progress of a plan in a folder: which runs have a whole record, which are missing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reluprobe.config import phases
from reluprobe.config.choices import SaveWeights
from reluprobe.errors import ReluprobeError
from reluprobe.garbage import uncollected
from reluprobe.plan.runs import Run
from reluprobe.records import saved_activations, saved_weights
from reluprobe.records.folder import RUNS
from reluprobe.records.io import NewerRecordError, RecordError, present, read
from reluprobe.records.schema import RunRecord


@dataclass(frozen=True)
class Standing:
    """How far the runs of a plan have come.

    Attributes:
        records: their whole records by id, failed ones too.
        missing: runs without one, in the plan's order.
        damaged: a line for every file that should be such a record and is none.
        weightless: ids of those missing that have a record, and lack weights that are wanted.
    """

    records: dict[str, RunRecord]
    missing: tuple[Run, ...]
    damaged: tuple[str, ...]
    weightless: tuple[str, ...] = ()

    def done(self, retry: bool) -> dict[str, RunRecord]:
        """The records of runs that need not be run: of failed ones too, unless to be retried."""
        return {id_: r for id_, r in self.records.items() if not (retry and r.status == "failed")}

    def count(self, status: str) -> int:
        """How many runs have this status."""
        return sum(record.status == status for record in self.records.values())


@uncollected()
def progress_of(
    folder: Path,
    runs: Sequence[Run],
    with_activations: bool = False,
    save_weights: SaveWeights | None = None,
) -> Standing:
    """Read the records of these runs.

    Args:
        folder: the sweep's.
        runs: whose records are looked for.
        with_activations: whether a run that ended is to have its activations beside its record:
            without them it is missing, and is run again.
        save_weights: the same of its weights.

    Raises:
        ReluprobeError: one was written by a newer reluprobe, whose work is not to be overwritten.
    """
    whole: dict[str, RunRecord] = {}
    damaged: list[str] = []
    weightless: list[str] = []
    for run in runs:
        file = present(folder / RUNS / f"{run.id}.json")
        try:
            record = read(file)
        except NewerRecordError as error:
            raise ReluprobeError(error.message) from None
        except RecordError as error:
            if file.exists():
                damaged.append(error.message)
            continue
        if not _is_of(record, run):
            damaged.append(f"{file}: is no whole record of the run that its name says")
            continue
        ended = record.status == "ok"
        if ended and saved_weights.lacking(folder, run, saved_weights.wanted_of(run, save_weights)):
            weightless.append(run.id)
            continue
        if ended and with_activations and not saved_activations.file_of(folder, run.id).exists():
            continue
        # Its settings are the plan's; the path of a file may be another by now.
        whole[run.id] = dataclasses.replace(record, config=run.config)
    missing = tuple(run for run in runs if run.id not in whole)
    return Standing(whole, missing, tuple(damaged), tuple(weightless))


def _is_of(record: RunRecord, run: Run) -> bool:
    if record.id != run.id:
        return False
    epochs = phases.total_epochs(run.config.phases, run.config.epochs) + 1
    return record.status == "failed" or len(record.history) == epochs

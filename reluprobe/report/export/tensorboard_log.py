"""A log folder for TensorBoard: a folder a run, the first of which names all hyperparameters.

Every file of ours has one name, so that an export replaces what an earlier one has left, and
nothing else that lies there.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reluprobe.analysis.settings import SEED
from reluprobe.config import labels
from reluprobe.errors import ReluprobeError
from reluprobe.files import remove_empty
from reluprobe.records import RunRecord
from reluprobe.report.export import tensorboard_curves as curves
from reluprobe.report.export.columns import Pair, Run, Value
from reluprobe.report.export.settings import Place, Settings, places, settings_of, varying
from reluprobe.report.export.tensorboard_events import (
    EventFile,
    Hyperparameter,
    Scalar,
    check_installed,
)

#: TensorBoard reads files with ``tfevents`` in their names.
FILE = "events.out.tfevents.0.reluprobe"
#: The name of the sweep among the hyperparameters, where there are several.
SWEEP = "sweep"
#: Letters of a folder's name, which file systems hold to 255 bytes.
LONGEST = 120


@dataclass(frozen=True)
class Log:
    """What was written: how many runs, and how many files of an earlier export went for it."""

    folder: Path
    runs: int
    replaced: int
    by_step: bool


def write(pairs: Sequence[Pair], folder: Path, definition: str = "dead") -> Log:
    """Write the runs' curves and hyperparameters.

    Args:
        pairs: records with the folders of their sweeps.
        folder: where to; made if it is not there. Files of an earlier export are replaced once all
            are written, and other files are left alone.
        definition: what to count.

    Raises:
        ReluprobeError: ``tensorboardX`` is not installed, or the folder cannot be written.
    """
    check_installed()
    runs = [Run(home, record) for home, record in pairs]
    by_step = _by_step([record for _, record in pairs])
    every = [settings_of(run) for run in runs]
    among = _hyperparameters(every)
    names = _names(runs, every, among)
    several = _several(runs)
    with _staged(folder) as part:
        for n, (run, settings, name) in enumerate(zip(runs, every, names, strict=True)):
            (part / name).mkdir(parents=True)
            with EventFile(part / name / FILE) as file:
                if not n:  # TensorBoard looks for it among the runs, in whichever it lies
                    infos = _infos(runs, every, among)
                    file.experiment(infos, _metrics(runs, definition), _said(by_step))
                file.start(_values(run, settings, among, several))
                for step, seconds, values in curves.looks(run.record, definition, by_step):
                    file.scalars(values, step, seconds)
                file.end(run.record.ended, run.record.seconds)
        replaced = _put(part, folder)
    return Log(folder, len(runs), replaced, by_step)


def _by_step(records: Sequence[RunRecord]) -> bool:
    """Whether curves go by steps: epochs have no place for a look between them.

    Older records do not say at which step an epoch ended; theirs go by epochs.
    """
    dated = all(epoch.step is not None for record in records for epoch in record.history)
    return any(r.foreign for r in records) or (dated and any(r.steps for r in records))


def _said(by_step: bool) -> str:
    return f"Curves go by {'steps' if by_step else 'epochs'}; shares and accuracies are in [0, 1]."


def _several(runs: Sequence[Run]) -> bool:
    return len({run.home for run in runs}) > 1


def _hyperparameters(every: Sequence[Settings]) -> list[Place]:
    """The settings in which the runs differ; where they differ in nothing, the seed."""
    among = places(every)
    return varying(every, among) or [place for place in among if place.column.name == SEED]


def _values(
    run: Run, settings: Settings, among: Sequence[Place], several: bool
) -> dict[str, Value]:
    values = {place.column.name: place.cell(settings) for place in among}
    return ({SWEEP: run.sweep} if several else {}) | values


def _infos(
    runs: Sequence[Run], every: Sequence[Settings], among: Sequence[Place]
) -> list[Hyperparameter]:
    infos = [
        Hyperparameter(
            place.column.name,
            labels.name(place.column.name),
            place.column.meaning,
            place.column.kind,
            [place.cell(settings) for settings in every],
        )
        for place in among
    ]
    names = [run.sweep for run in runs]
    sweep = Hyperparameter(SWEEP, SWEEP, "Name of the sweep.", "text", names)
    return [sweep, *infos] if _several(runs) else infos


def _metrics(runs: Sequence[Run], definition: str) -> list[Scalar]:
    """What runs are compared by: the share of all units, then the outcomes that any has."""
    metrics: dict[Scalar, None] = {curves.network(definition, [run.record for run in runs]): None}
    for run in runs:
        for field, scalar in curves.outcomes(run.record).items():
            if any(getattr(epoch, field) is not None for epoch in run.record.history):
                metrics[scalar] = None
    return [*metrics]


def _names(runs: Sequence[Run], every: Sequence[Settings], among: Sequence[Place]) -> list[Path]:
    """A folder a run, called by what sets it apart; below its sweep's, where there are several."""
    plain = [_plain(_label(settings, among)) for settings in every]
    sweeps = [_plain(run.sweep) if _several(runs) else "" for run in runs]
    folded = [(sweep, name.casefold()) for sweep, name in zip(sweeps, plain, strict=True)]
    times = Counter(folded)
    return [
        Path(sweep, name if times[sweep, key] == 1 else f"{name} {run.record.id}")
        for run, name, (sweep, key) in zip(runs, plain, folded, strict=True)
    ]


def _label(settings: Settings, among: Sequence[Place]) -> str:
    shown: Mapping[str, Value] = {place.column.name: place.cell(settings) for place in among}
    return labels.settings(shown).replace(" · ", ", ") or "run"


def _plain(text: str) -> str:
    """A name that every system takes for a folder's, and no part of a path."""
    name = re.sub(r"[^\w .,=+()-]|(?<!\d)\.|\.(?!\d)", "_", text)[:LONGEST].strip()
    return name or "run"


@contextmanager
def _staged(folder: Path) -> Iterator[Path]:
    """A folder beside this one to fill; gone at the end. What was made for it goes if it fails."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as part:
            yield Path(part)
    except BaseException as error:
        remove_empty(missing)
        if not isinstance(error, OSError):
            raise
        raise ReluprobeError(f"cannot write {folder}: {error.strerror or error}") from None


def _put(part: Path, folder: Path) -> int:
    """Put what was written into its place, and take away what an earlier export had put there.

    Returns:
        How many files of that there were.

    Raises:
        ReluprobeError: something else is in the place of one of ours; then nothing was changed.
        OSError: a file cannot be moved.
    """
    made = [file.relative_to(part) for file in sorted(part.rglob(FILE))]
    before = {file.relative_to(folder) for file in folder.rglob(FILE)}
    for file in made:
        inner = [folder / parent for parent in file.parents if (folder / parent) != folder]
        wrong = [path for path in inner if path.exists() and not path.is_dir()]
        wrong += [folder / file] * ((folder / file).exists() and not (folder / file).is_file())
        if wrong:
            raise ReluprobeError(f"cannot write {folder}: {wrong[0]} is in the way")
    for file in made:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        os.replace(part / file, folder / file)
    for file in before - {*made}:
        (folder / file).unlink()
        remove_empty(path for path in (folder / file).parents if path.is_relative_to(folder))
    return len(before)

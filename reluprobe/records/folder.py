"""Folders of results: find the sweeps below some paths and read their records.

::

    results/<sweep name>/sweep.toml      the sweep, resolved
    results/<sweep name>/runs/<id>.json  one record a run
    results/<sweep name>/report/         what is drawn of them

What else lies in ``runs`` is no record: activations (``.npz``), runs that have not ended
(``checkpoints``). A folder of foreign runs has no plan. Runs of ours and foreign ones have hardly a
setting in common, and no table of both is of use: in a folder of both those of one kind are left
out, the foreign ones where there is a plan, else all that are not as the first.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from reluprobe import records
from reluprobe.config import (
    Reference,
    SweepConfig,
    load_reference,
    rank,
    read_sweep,
    settings_of,
)
from reluprobe.errors import InputError, ReluprobeError, nearest
from reluprobe.files.printable import printable
from reluprobe.garbage import uncollected
from reluprobe.plan.runs import expand, with_letter
from reluprobe.records.one_path import OnePath

RUNS = "runs"
#: Figures and a page of the sweep's runs.
REPORT = "report"
SWEEP_FILE = "sweep.toml"
#: Reads a record's file; raises RecordError where that is none.
Read = Callable[[Path], records.RunRecord]
#: Where a sweep's folder keeps what was set aside for a fresh start.
_ASIDE = re.compile(r"old-\d+")
#: How the files of runs end that have no record yet (``checkpoints``).
UNFINISHED = ".unfinished.safetensors"


@dataclass(frozen=True)
class Archive:
    """The records of one sweep's folder, in the sweep's order, and what is amiss there.

    Attributes:
        faults: a line for every file that could not be read.
        missing: how many of the sweep's runs have no readable record.
        reference: the published record that the sweep names, if it names one.
        copies: a line for every run whose record lies there more than once: it counts once.
    """

    name: str
    folder: Path
    records: tuple[records.RunRecord, ...]
    faults: tuple[str, ...] = ()
    missing: int = 0
    reference: Reference | None = None
    copies: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The folder in characters that can be shown."""
        return printable(self.folder)


def open_all(
    paths: Sequence[Path], needed: bool = True, read: Read = records.read
) -> list[Archive]:
    """Every sweep in these folders and files, each once.

    Args:
        paths: folders of results, of one sweep, or of its runs; or single records.
        needed: whether a record has to be there.
        read: reads a file, as ``records.read`` does.

    Raises:
        InputError: a path does not exist.
        ReluprobeError: nothing readable is there.
    """
    moved = OnePath()

    def read_alike(file: Path) -> records.RunRecord:
        return moved.of(read(file))

    with uncollected():
        archives = [_open(folder, files, read_alike) for folder, files in _by_folder(paths).items()]
    if needed and not any(a.records for a in archives):
        raise _nothing(paths, [fault for a in archives for fault in a.faults])
    return archives


def stream_records(
    paths: Sequence[Path], faults: list[str], copies: list[str]
) -> Iterator[tuple[Path, records.RunRecord]]:
    """The same records one by one, each with its sweep's folder: more than memory holds.

    A sweep's runs come in its order; records of no known plan follow by the names of their files,
    and last those whose file is not called by their id.

    Args:
        paths: as in :func:`open_all`.
        faults: gets a line for every file that cannot be read.
        copies: gets a line for every run whose record lies in a folder more than once.

    Raises:
        InputError: a path does not exist.
        ReluprobeError: nothing readable is there; when the last file has been tried.
    """
    readable, moved = False, OnePath()
    for folder, files in _by_folder(paths).items():
        home = _home(folder)
        plan, _ = _sweep(home, faults)
        place = {id_: n for n, id_ in enumerate(plan)}
        in_order = sorted(files, key=lambda f: (place.get(with_letter(f.stem), len(place)), f.name))
        for record in _of_a_kind(_each_once(in_order, faults, copies), home, faults):
            readable = True
            yield home, moved.of(record)
    if not readable:
        raise _nothing(paths, faults)


def _each_once(
    files: Iterable[Path], faults: list[str], copies: list[str], read: Read = records.read
) -> Iterator[records.RunRecord]:
    """The records of a folder, each run's once: that in the file which is called by its id.

    Others are copies: a synchronizer's, a colleague's, or what a writer that was killed has left
    under the name of an older id.
    """
    ids: set[str] = set()
    extra: dict[str, list[Path]] = {}
    called_otherwise: list[Path] = []
    newer_ids_first = sorted(files, key=lambda f: with_letter(f.stem) != f.stem)
    for any_name, group in ((False, newer_ids_first), (True, called_otherwise)):
        for file in group:
            record = _read(file, faults, read)
            if record is None:
                continue
            if record.id in ids:
                extra.setdefault(record.id, []).append(file)
            elif any_name or with_letter(file.stem) == record.id:
                ids.add(record.id)
                yield record
            else:  # read again after all others: no more than one record is in memory
                called_otherwise.append(file)
    copies += [_copies(id_, same) for id_, same in extra.items()]


def _of_a_kind(
    loaded: Iterable[records.RunRecord], home: Path, faults: list[str]
) -> Iterator[records.RunRecord]:
    """The records of a folder that are all of ours, or all of foreign runs."""
    ours = True if (home / SWEEP_FILE).exists() else None
    kinds = {True: "trained by reluprobe", False: "of somebody's own network"}
    for record in loaded:
        own = record.ours is not None
        ours = own if ours is None else ours
        if own is ours:
            yield record
        else:
            file = home / RUNS / f"{record.id}.json"
            faults.append(f"{file}: is {kinds[own]}, in a folder of runs {kinds[ours]}")


def _read(file: Path, faults: list[str], read: Read) -> records.RunRecord | None:
    try:
        return read(file)
    except records.RecordError as error:
        faults.append(error.message)
        return None


def _copies(id_: str, files: Sequence[Path]) -> str:
    more = f" and {len(files) - 1:,} more" if len(files) > 1 else ""
    return printable(f"{files[0]}{more}, {'copies' if more else 'a copy'} of run {id_}")


def _nothing(paths: Sequence[Path], broken: Sequence[str]) -> ReluprobeError:
    where = ", ".join(str(p) for p in paths)
    hint = None if broken else "reluprobe sweep sweeps/quickstart.toml"
    # Runs that were stopped before any ended are no reason to begin something else.
    if any(path.is_dir() and any(path.rglob(f"{RUNS}/*{UNFINISHED}")) for path in paths):
        hint = "runs there are unfinished: the command that trained them resumes them"
    return ReluprobeError("\n  ".join([f"no readable record in {where}", *broken]), hint=hint)


def _by_folder(paths: Sequence[Path]) -> dict[Path, dict[Path, None]]:
    """The files of these folders and files, each once, by the folder that they lie in.

    However a folder is spelled, and by whatever link it is reached.
    """
    spelled: dict[Path, Path] = {}
    by_folder: dict[Path, dict[Path, None]] = {}
    for path in paths:
        for parent, files in itertools.groupby(_record_files(path), attrgetter("parent")):
            folder = spelled.setdefault(parent.resolve(), parent)
            known = by_folder.setdefault(folder, {})
            known |= dict.fromkeys(f if folder == parent else folder / f.name for f in files)
    return by_folder


def _home(folder: Path) -> Path:
    """The sweep's folder, of one that holds records."""
    return folder.parent if folder.name == RUNS else folder


def name_of(home: Path) -> str:
    """What a sweep is called: as its folder, in characters that can be shown."""
    return printable(home.resolve().name)


def read_plan(folder: Path, overrides: Mapping[str, Any] | None = None) -> SweepConfig:
    """The sweep that a folder of results is for.

    Its name is the folder's. That of its file may be one that is refused by now: it goes unread,
    as does what ``overrides`` has.

    Raises:
        InputError: it has no file, or that has faults.
    """
    file = folder / SWEEP_FILE
    if file.exists() and not file.is_file():
        raise InputError(f"cannot read the sweep file {file}: it is no regular file")
    return read_sweep(file, {"name": "sweep", **(overrides or {})})


def _record_files(path: Path) -> list[Path]:
    if (file := records.present(path)).is_file():
        return [file]
    if not path.is_dir():
        near = nearest(path.name, (p.name for p in _listed(path.parent)))
        raise InputError(f"no such file or folder: {path}{near}")
    # A folder called runs is a sweep's records, or a sweep that an older reluprobe let be called
    # so: then its records lie in another runs below it.
    places = [path / RUNS if (path / RUNS).is_dir() else path]
    # A sweep's own folder may hold others that were set aside for it: they are asked for by name.
    if not (path / SWEEP_FILE).is_file():
        own = (path / RUNS).is_dir()
        children = [p for p in _listed(path) if not (own and _ASIDE.fullmatch(p.name))]
        places += [child / RUNS for child in children]
    return [file for place in places for file in _records_in(place)]


def _records_in(folder: Path) -> list[Path]:
    return [file for file in _listed(folder) if _is_record(file)]


def _is_record(file: Path) -> bool:
    # A name that starts with a dot is a write that was cut off: the record itself is not there.
    return file.suffix == ".json" and not file.name.startswith(".") and file.parent.name == RUNS


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir(), key=attrgetter("name")) if folder.is_dir() else []


def _open(folder: Path, files: Collection[Path], read: Read) -> Archive:
    faults: list[str] = []
    copies: list[str] = []
    home = _home(folder)
    by_name = sorted(files, key=attrgetter("name"))  # as they are streamed, see _of_a_kind
    loaded = [*_of_a_kind(_each_once(by_name, faults, copies, read), home, faults)]
    plan, reference = _sweep(home, faults)
    place = {id_: n for n, id_ in enumerate(plan)}

    foreign = [record.settings for record in loaded if record.foreign is not None]
    given = [*dict.fromkeys(name for settings in foreign for name in settings)]

    def order(record: records.RunRecord) -> tuple[Any, ...]:
        if record.id in place:
            return (place[record.id],)
        # Records of no known plan follow, ranked by their settings.
        if record.ours is not None:
            return len(place), *map(rank, settings_of(record.ours).values())
        return len(place), *map(rank, map(record.settings.get, given)), record.seed

    loaded.sort(key=order)
    # Single files are what they are; only a whole folder can lack something.
    whole = len(files) == len(_records_in(folder))
    missing = len(place.keys() - {r.id for r in loaded}) if whole else 0
    unread, again = (tuple(map(printable, lines)) for lines in (faults, copies))
    return Archive(name_of(home), home, tuple(loaded), unread, missing, reference, again)


def _sweep(home: Path, faults: list[str]) -> tuple[list[str], Reference | None]:
    """The ids of the sweep's runs in order, and what it names; nothing where it left no file."""
    if not (home / SWEEP_FILE).exists():
        return [], None
    try:
        sweep = read_plan(home)
        named = load_reference(sweep.reference) if sweep.reference else None
        return [run.id for run in expand(sweep).runs], named
    except InputError as error:
        faults.append(": ".join([error.message, *filter(None, ["; ".join(error.faults)])]))
    try:  # what the plan is held against may be amiss, and the plan itself not
        return [run.id for run in expand(read_plan(home, {"reference": None})).runs], None
    except InputError:
        return [], None

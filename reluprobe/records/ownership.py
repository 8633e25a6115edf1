"""Claim a sweep folder: lock it, check its plan, then refuse, extend or start fresh."""

from __future__ import annotations

import dataclasses
import os
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reluprobe import records
from reluprobe.config import SETTINGS, SweepConfig, settings_of, sweep_toml
from reluprobe.config.reference import SHIPPED
from reluprobe.errors import InputError, ReluprobeError
from reluprobe.files import remove_empty
from reluprobe.files.printable import printable
from reluprobe.plan import diff
from reluprobe.plan.runs import Run, expand, without_letter
from reluprobe.plan.slices import WHOLE, Part, runs_of_part
from reluprobe.records import checkpoints, lock, saved_activations, saved_weights, undo
from reluprobe.records.folder import REPORT, RUNS, SWEEP_FILE, read_plan

#: What to do about a folder that holds another plan.
Way = Literal["refuse", "fresh", "extend"]
HINT = "--extend (keeps those runs and adds these), --fresh (moves them to {aside}), another --out"

UNREAD_HINT = "mend that, --fresh (moves all of it to {aside}), another --out"
#: Of files that cannot be read, so many are named.
MOST_FAULTS = 5


@dataclass(frozen=True)
class Claim:
    """What is asked for: a plan, a part of it, and what to do about another plan.

    Attributes:
        hint: what to do where another plan is there.
        unread_hint: what to do where something is there that cannot be read.
    """

    folder: Path
    sweep: SweepConfig
    runs: Sequence[Run]
    part: Part = WHOLE
    way: Way = "refuse"
    hint: str = HINT
    unread_hint: str = UNREAD_HINT


@contextmanager
def occupied(claim: Claim) -> Iterator[list[Run]]:
    """Have a folder, or a part of it, for one's own, with this plan in it; give the part's runs.

    Raises:
        InputError: the folder holds records of another plan, or what cannot be read, and that is to
            be refused.
        ReluprobeError: somebody else is at work there, or it cannot be written.

    An error in the block that comes before anything is in ``runs`` undoes the claim: the folder is
    as it was, or not there.
    """
    part_runs = runs_of_part(claim.runs, claim.part)
    _check_twins(claim.folder)

    def settle(crowded: bool) -> None:
        _settle(claim, crowded)
        _clean(claim.folder, part_runs if claim.part[1] > 1 else None)

    before = undo.remember(claim.folder)
    try:
        with lock.held(claim.folder, claim.part, settle, before.restore):
            yield part_runs
    except Exception:
        if before.missing or lock.GATE not in before.entries:
            lock.clear_away(claim.folder)
        remove_empty(before.missing[1:])
        raise


def _check_twins(folder: Path) -> None:
    """Refuse a new folder whose name another has in other letters: a Mac takes both for one."""
    try:
        names = [path.name for path in folder.parent.iterdir()]
    except OSError:  # it is made by and by, or refused where it is written to
        return
    twins = [name for name in names if _folded(name) == _folded(folder.name)]
    if twins and folder.name not in twins:
        raise InputError(
            f"{folder.parent} holds {printable(twins[0])!r}, which macOS and Windows take for "
            f"{folder.name!r}",
            hint="the same name, or one that differs in more than case",
        )


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _settle(claim: Claim, crowded: bool) -> None:
    """Have the plan in the folder's ``sweep.toml``, or refuse."""
    folder, way = claim.folder, claim.way
    if way == "fresh":
        if _has_runs(folder) or not _replaceable(folder / SWEEP_FILE):
            _set_aside(folder)
        _write(claim.sweep, folder)
        return
    existing, reference = _plan_of(claim, crowded)
    if existing:
        old, new = ([run.id for run in runs] for runs in (existing, claim.runs))
        written = (folder / SWEEP_FILE).exists()
        # Slices are places in a plan's order, and the first has written it: none writes it again.
        if claim.part[1] > 1 and written and old == new:
            return
        # So beside others the order has to be the same, too.
        if set(old) != set(new) or (crowded and old != new):
            if way == "refuse":
                hint = claim.hint.format(aside=_aside(folder))
                lines = diff.lines(existing, claim.runs)
                raise InputError(f"{folder} holds another plan", lines, hint=hint)
            if written and set(new) <= set(old):
                return
            if not set(old) <= set(new):
                both = merged(claim.sweep, existing, claim.runs)
                _write(both if both.reference else _referring(both, reference), folder)
                return
    _write(claim.sweep, folder)


def _referring(sweep: SweepConfig, reference: str | None) -> SweepConfig:
    return dataclasses.replace(sweep, reference=reference)


def _has_runs(folder: Path) -> bool:
    """Whether anything of runs is there, if only one that has not ended."""
    return any((folder / RUNS).glob("[!.]*"))


def _replaceable(plan_file: Path) -> bool:
    """Whether a plan without runs may go: it can be written again, since all of it is known."""
    try:
        read_plan(plan_file.parent)
    except InputError:
        return not os.path.lexists(plan_file)
    return True


def _plan_of(claim: Claim, crowded: bool) -> tuple[list[Run], str | None]:
    """The runs that a folder is for, and its reference.

    None where nothing of a run is there that another plan could lose, and nobody is at work.

    Raises:
        InputError: something there cannot be read. It is somebody's: of a newer reluprobe, or to
            be mended.
    """
    folder = claim.folder
    try:
        sweep = read_plan(folder)
        runs = list(expand(sweep).runs)
    except InputError as error:
        if os.path.lexists(folder / SWEEP_FILE):
            raise _unread(claim, [error.message, *error.faults]) from None
        return _runs_of_records(claim), None  # the plan is gone: the records say what they are of
    return (runs, sweep.reference) if crowded or _has_runs(folder) else ([], None)


def _runs_of_records(claim: Claim) -> list[Run]:
    place = claim.folder / RUNS
    runs: dict[str, Run] = {}
    faults: list[str] = []
    for file in sorted(place.glob("[!.]*.json")):
        try:
            record = records.read(file)
        except records.RecordError as error:
            faults.append(error.message)
        else:
            if record.ours is None:
                faults.append(f"{file}: is a run of somebody's own network")
            else:
                runs[record.id] = Run(record.id, record.ours)
    asked_for = {f"{run.id}{checkpoints.SUFFIX}" for run in claim.runs}
    for file in sorted(place.glob(f"[!.]*{checkpoints.SUFFIX}")):
        if file.name not in asked_for:
            faults.append(f"{file}: is a run that has not ended, and its plan is gone")
    if faults:
        raise _unread(claim, faults)
    return [*runs.values()]


def _unread(claim: Claim, faults: Sequence[str]) -> InputError:
    shown = [printable(fault) for fault in faults[:MOST_FAULTS]]
    rest = len(faults) - len(shown)
    lines = [*shown, *([f"and {rest:,} more"] if rest else [])]
    hint = claim.unread_hint.format(aside=_aside(claim.folder))
    return InputError(f"{claim.folder} holds somebody's work that cannot be read", lines, hint=hint)


def _write(sweep: SweepConfig, folder: Path) -> None:
    """The plan beside its runs, and a reference that is a file, so that results can be moved."""
    if sweep.reference is not None and sweep.reference not in SHIPPED:
        file = Path(sweep.reference)
        records.write_atomically(folder / file.name, file.read_text("utf-8"))
        sweep = dataclasses.replace(sweep, reference=file.name)
    records.write_atomically(folder / SWEEP_FILE, sweep_toml(sweep))


def merged(sweep: SweepConfig, existing: Sequence[Run], runs: Sequence[Run]) -> SweepConfig:
    """A plan of the runs of both, each as an ``[[include]]``; its axes are in the runs."""
    both = {run.id: run for run in (*existing, *runs)}
    include = [
        {n: v for n, v in settings_of(run.config).items() if v != SETTINGS[n].default}
        for run in both.values()
    ]
    # An include must say something: the default run says its seed.
    include_tables = tuple(settings or {"seed": SETTINGS["seed"].default} for settings in include)
    return SweepConfig(
        sweep.name,
        include=include_tables,
        reference=sweep.reference,
        save_activations=sweep.save_activations,
        save_weights=sweep.save_weights,
        order=sweep.order,
        order_seed=sweep.order_seed,
    )


def _aside(folder: Path) -> Path:
    number = 1
    while (folder / f"old-{number}").exists():
        number += 1
    return folder / f"old-{number}"


def _set_aside(folder: Path) -> None:
    """Move what came of runs to ``old-<n>``, with a copy of their plan: a sweep's folder again."""
    aside = _aside(folder)
    try:
        aside.mkdir()
        for file in (*folder.glob("*.toml"), *folder.glob("*.json")):
            if file.is_file():
                shutil.copy2(file, aside)
        for entry in (folder / RUNS, folder / REPORT, folder / SWEEP_FILE):
            if os.path.lexists(entry) and not (entry.name == SWEEP_FILE and entry.is_file()):
                entry.rename(aside / entry.name)
    except OSError as error:
        raise ReluprobeError(f"cannot write {aside}: {error.strerror or error}") from None


def _clean(folder: Path, only: Sequence[Run] | None) -> None:
    """Remove what writers that were killed have left: all of it, or that of these runs.

    Whoever calls this holds their lock, so that nobody is writing there.
    """
    names = ["*"] if only is None else [n for r in only for n in {r.id, without_letter(r.id)}]
    stale = [*folder.glob(".*.toml.*"), *folder.glob(".*.json.*")]
    kinds = (".json", saved_activations.SUFFIX, checkpoints.SUFFIX)
    kinds += (saved_weights.SUFFIX, f"-e*{saved_weights.SUFFIX}")
    stale += [f for n in names for kind in kinds for f in (folder / RUNS).glob(f".{n}{kind}.*")]
    for file in stale:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise ReluprobeError(f"cannot write {file}: {error.strerror or error}") from None

"""Claim a sweep folder: lock it, check its plan, then refuse, extend or start fresh."""

from __future__ import annotations

import dataclasses
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
from reluprobe.records import checkpoints, lock, saved_activations, undo
from reluprobe.records.folder import RUNS, SWEEP_FILE, read_plan

#: What to do about a folder that holds another plan.
Way = Literal["refuse", "fresh", "extend"]
HINT = "--extend (keeps those runs and adds these), --fresh (moves them to {aside}), another --out"


@dataclass(frozen=True)
class Claim:
    """What is asked for: a plan, a part of it, and what to do about another plan."""

    folder: Path
    sweep: SweepConfig
    runs: Sequence[Run]
    part: Part = WHOLE
    way: Way = "refuse"
    hint: str = HINT


@contextmanager
def occupied(claim: Claim) -> Iterator[list[Run]]:
    """Have a folder, or a part of it, for one's own, with this plan in it; give the part's runs.

    Raises:
        InputError: the folder holds records of another plan, and that is to be refused.
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
    existing, reference = _plan_of(folder, crowded)
    if existing and way == "fresh":
        _set_aside(folder)
    elif existing:
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


def _plan_of(folder: Path, crowded: bool) -> tuple[list[Run], str | None]:
    """The runs that a folder is for, and its reference.

    None where it has no record and no unfinished run that another plan could lose, and nobody is
    at work.
    """
    files = [f for f in (folder / RUNS).glob("*.json") if not f.name.startswith(".")]
    if not files and not crowded and not any((folder / RUNS).glob(f"[!.]*{checkpoints.SUFFIX}")):
        return [], None
    try:
        sweep = read_plan(folder)
        return list(expand(sweep).runs), sweep.reference
    except InputError:  # gone or damaged: the records say what they are of
        return [Run(r.id, r.config) for f in sorted(files) if (r := _read(f))], None


def _read(file: Path) -> records.RunRecord | None:
    try:
        return records.read(file)
    except records.RecordError:
        return None


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
    )


def _aside(folder: Path) -> Path:
    number = 1
    while (folder / f"old-{number}").exists():
        number += 1
    return folder / f"old-{number}"


def _set_aside(folder: Path) -> None:
    """Move the records to ``old-<n>``, with a copy of their plan: a sweep's folder again."""
    aside = _aside(folder)
    try:
        aside.mkdir()
        for file in (*folder.glob("*.toml"), *folder.glob("*.json")):
            shutil.copy2(file, aside)
        (folder / RUNS).rename(aside / RUNS)
    except OSError as error:
        raise ReluprobeError(f"cannot write {aside}: {error.strerror or error}") from None


def _clean(folder: Path, only: Sequence[Run] | None) -> None:
    """Remove what writers that were killed have left: all of it, or that of these runs.

    Whoever calls this holds their lock, so that nobody is writing there.
    """
    names = ["*"] if only is None else [n for r in only for n in {r.id, without_letter(r.id)}]
    stale = [*folder.glob(".*.toml.*"), *folder.glob(".*.json.*")]
    kinds = (".json", saved_activations.SUFFIX, checkpoints.SUFFIX)
    stale += [f for n in names for kind in kinds for f in (folder / RUNS).glob(f".{n}{kind}.*")]
    for file in stale:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise ReluprobeError(f"cannot write {file}: {error.strerror or error}") from None

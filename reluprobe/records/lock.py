"""Lock on a sweep's folder, whole or by slices, which ends with the process that holds it.

One file a holder, ``.lock-<i>-of-<n>``, locked and signed as long as the holder lives; a whole
sweep is part 1 of 1. Parts of one division go side by side, everything else excludes each other.
Locks are taken, judged and cleared away behind one gate, ``.lock``, which is held for moments.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from reluprobe.errors import ReluprobeError
from reluprobe.files import locks
from reluprobe.plan.slices import WHOLE, Part
from reluprobe.records import signs

GATE = ".lock"
#: How long to wait at the gate. A thousand slices that start at once pass it within a minute.
PATIENCE = 120.0


@contextmanager
def held(
    folder: Path,
    part: Part,
    settle: Callable[[bool], None],
    undo: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Hold one part of a folder.

    Args:
        folder: the sweep's; made if it is not there.
        part: ``(i, n)``, i from 1.
        settle: called before anybody else can enter, with whether other parts are at work.
        undo: called after a failure, of ``settle`` too, where no other part is at work.

    Raises:
        ReluprobeError: somebody else holds this part, or one that is not beside it; or the
            folder cannot be written or locked.
    """
    with contextlib.ExitStack() as ours:
        with _gate(folder):
            others, file = _others(folder, part), _file(folder, part)
            handle, holder = _lock(file)
            if holder == "others":
                locks.drop(handle)
                raise _busy(folder, part, file)
            ours.push(partial(_leave, folder, file, handle, undo))
            ours.enter_context(signs.signed(handle))
            settle(bool(others))
        yield


def clear_away(folder: Path) -> None:
    """Remove the gate of a folder in which nobody is at work, and the folder if it is empty."""
    with contextlib.suppress(OSError, ReluprobeError):
        if not folder.is_dir():
            return
        with _gate(folder):
            free = not _at_work(folder)
            if free and sys.platform != "win32":
                (folder / GATE).unlink()
        if free and sys.platform == "win32":  # which removes no file that is open, by whomsoever
            (folder / GATE).unlink()
        folder.rmdir()


@contextmanager
def _gate(folder: Path) -> Iterator[None]:
    gate, deadline = folder / GATE, time.monotonic() + PATIENCE
    handle, holder = _open_gate(folder)
    try:
        while holder == "others" or not _is_there(handle, gate):
            if holder != "others":  # a file that was cleared away since it was opened
                gone, (handle, holder) = handle, _open_gate(folder)
                locks.drop(gone)
                continue
            if time.monotonic() > deadline:
                raise _busy(folder, WHOLE, gate)
            time.sleep(0.02)
            holder = _try(handle, gate)
        yield
    finally:
        locks.drop(handle)


def _open_gate(folder: Path) -> tuple[int, locks.Holder]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReluprobeError(f"cannot write {folder}: {error.strerror or error}") from None
    return _lock(folder / GATE)


def _is_there(handle: int, file: Path) -> bool:
    """Whether the file of a handle has its name still: another may have cleared it away."""
    try:
        return os.path.samestat(os.fstat(handle), file.stat())
    except FileNotFoundError:
        return False


def _leave(
    folder: Path,
    file: Path,
    handle: int,
    undo: Callable[[], None],
    failure: type[BaseException] | None,
    *rest: object,
) -> None:
    failed = failure is not None and issubclass(failure, Exception)
    with contextlib.ExitStack() as behind:
        with contextlib.suppress(OSError, ReluprobeError):
            behind.enter_context(_gate(folder))
            if failed:
                behind.callback(_undo, folder, undo)
            # Behind the gate nobody can hold the file that goes; where it cannot be had, it stays.
            # Dropped before it goes: Windows removes no file that is open.
            behind.callback(_remove, file)
        locks.drop(handle)


def _undo(folder: Path, undo: Callable[[], None]) -> None:
    with contextlib.suppress(OSError, ReluprobeError):  # it stays as it has become
        if not _at_work(folder):
            undo()


def _remove(file: Path) -> None:
    with contextlib.suppress(OSError):  # a folder that is read-only by now: the next start cleans
        file.unlink(missing_ok=True)


def _file(folder: Path, part: Part) -> Path:
    return folder / f".lock-{part[0]}-of-{part[1]}"


def _lock(file: Path) -> tuple[int, locks.Holder]:
    """A handle on a file, and who has its lock now."""
    try:
        handle = locks.open_lock(file)
    except OSError as error:
        raise ReluprobeError(f"cannot write {file}: {error.strerror or error}") from None
    try:
        return handle, _try(handle, file)
    except ReluprobeError:
        locks.drop(handle)
        raise


def _try(handle: int, file: Path) -> locks.Holder:
    try:
        return locks.try_lock(handle, file)
    except OSError as error:
        why = error.strerror or error
        hint = "give an --out on another file system"
        raise ReluprobeError(f"cannot lock {file}: {why}", hint=hint) from None


def _others(folder: Path, part: Part) -> list[Path]:
    """The parts at work beside this one; what dead processes have left is cleared away."""
    others = _at_work(folder)
    for file in others:
        if file == _file(folder, part) or _numbers(file)[1] != part[1]:
            raise _busy(folder, part, file)
    return others


def _at_work(folder: Path) -> list[Path]:
    at_work, left, unsure = [], [], []
    for file in sorted(folder.glob(".lock-*-of-*")):
        if not _numbers(file):
            continue
        handle, holder = _lock(file)
        locks.drop(handle)
        if holder == "others":
            at_work.append(file)
        elif holder == "we" and not signs.of_another_machine(file):
            left.append(file)
        else:  # to be free says nothing of a lock that we may not see
            unsure.append(file)
    renewed = signs.renewed(unsure)
    for file in (*left, *(file for file in unsure if file not in renewed)):
        _remove(file)
    return at_work + renewed


def _numbers(file: Path) -> tuple[int, ...]:
    numbers = re.fullmatch(r"\.lock-(\d+)-of-(\d+)", file.name)
    return tuple(map(int, numbers.groups())) if numbers else ()


def _busy(folder: Path, part: Part, file: Path) -> ReluprobeError:
    slice_, of = _numbers(file) or WHOLE
    what = f" with slice {slice_}/{of}" if of > 1 else ""
    asked = f"slice {part[0]}/{part[1]} of it" if part[1] > 1 else "it"
    return ReluprobeError(
        f"{folder} is in use by {signs.holder(file)}{what}; {asked} was not started",
        hint="wait for it to end, end it, or give another --out",
    )

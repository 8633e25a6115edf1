"""Lock on a sweep's folder, whole or by slices, which ends with the process that holds it.

One file a holder, ``.lock-<i>-of-<n>``, locked by ``flock`` as long as the holder lives; a whole
sweep is part 1 of 1. Parts of one division go side by side, everything else excludes each other.
Locks are taken, judged and cleared away behind one gate, ``.lock``, which is held for moments.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from reluprobe.errors import ReluprobeError
from reluprobe.files import locks
from reluprobe.plan.slices import WHOLE, Part

log = logging.getLogger(__name__)
#: How long to wait at the gate. A thousand slices that start at once pass it within a minute.
PATIENCE = 120.0
#: What a file system without locks answers.
LOCKLESS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@contextmanager
def held(folder: Path, part: Part, settle: Callable[[bool], None]) -> Iterator[None]:
    """Hold one part of a folder.

    Args:
        folder: the sweep's; made if it is not there.
        part: ``(i, n)``, i from 1.
        settle: called before anybody else can enter, with whether other parts are at work.

    Raises:
        ReluprobeError: somebody else holds this part, or one that is not beside it; or the
            folder cannot be written.
    """
    with _gate(folder):
        file = _file(folder, part)
        others, handle = _others(folder, part), _open(file)
        if not _lock(handle):
            os.close(handle)
            raise _busy(folder, part, file)
        try:
            settle(bool(others))
        except BaseException:
            with contextlib.suppress(OSError):
                file.unlink()
            os.close(handle)
            raise
        _sign(handle)
    try:
        yield
    finally:
        _leave(folder, part, handle)


@contextmanager
def _gate(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReluprobeError(f"cannot write {folder}: {error.strerror or error}") from None
    gate, deadline = _open(folder / ".lock"), time.monotonic() + PATIENCE
    try:
        while not _lock(gate):
            if time.monotonic() > deadline:
                raise _busy(folder, WHOLE, folder / ".lock")
            time.sleep(0.02)
        yield
    finally:
        os.close(gate)


def _leave(folder: Path, part: Part, handle: int) -> None:
    # Behind the gate nobody can hold the file that goes; where it cannot be had, the file stays.
    with contextlib.suppress(OSError, ReluprobeError), _gate(folder):
        _file(folder, part).unlink(missing_ok=True)
    os.close(handle)


def _file(folder: Path, part: Part) -> Path:
    return folder / f".lock-{part[0]}-of-{part[1]}"


def _open(file: Path) -> int:
    try:
        return locks.open_lock(file)
    except OSError as error:
        raise ReluprobeError(f"cannot write {file}: {error.strerror or error}") from None


def _lock(handle: int) -> bool:
    """Whether the lock was free."""
    try:
        return locks.try_lock(handle)
    except OSError as error:
        if error.errno not in LOCKLESS:
            raise
        log.warning("this file system has no locks: see to it that nothing else writes there")
    return True


def _others(folder: Path, part: Part) -> list[Path]:
    """The parts at work beside this one; what dead processes have left is cleared away."""
    others = []
    for file in folder.glob(".lock-*-of-*"):
        numbers = re.fullmatch(r"\.lock-(\d+)-of-(\d+)", file.name)
        if numbers is None or file == _file(folder, part):
            continue
        handle = _open(file)
        try:
            if _lock(handle):
                file.unlink(missing_ok=True)
                continue
        finally:
            os.close(handle)
        if int(numbers[2]) != part[1]:
            raise _busy(folder, part, file)
        others.append(file)
    return others


def _sign(handle: int) -> None:
    holder = {"pid": os.getpid(), "host": socket.gethostname()}
    holder["since"] = datetime.now().astimezone().isoformat(" ", "seconds")
    # Only for the message to others: a disk that is full is met where it matters.
    with contextlib.suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(holder).encode(), 0)


def _busy(folder: Path, part: Part, file: Path) -> ReluprobeError:
    try:
        holder = json.loads(file.read_text("utf-8"))
        by = f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        by = "another process"
    numbers = re.search(r"(\d+)-of-(\d+)$", file.name)
    what = f" with slice {numbers[1]}/{numbers[2]}" if numbers and numbers[2] != "1" else ""
    asked = f"slice {part[0]}/{part[1]} of it" if part[1] > 1 else "it"
    return ReluprobeError(
        f"{folder} is in use by {by}{what}; {asked} was not started",
        hint="wait for it to end, end it, or give another --out",
    )

"""File locks, which the system drops when their process ends, however it ends."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path


def open_lock(file: Path) -> int:
    """A handle on a file to lock, made if it is not there; whoever closes it drops the lock.

    Raises:
        OSError: the file cannot be made or opened.
    """
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)


def try_lock(handle: int) -> bool:
    """Take the lock; False where another handle has it.

    Raises:
        OSError: the file system has no locks.
    """
    import fcntl  # late: Windows has none, and most of reluprobe needs no lock

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def locked(file: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a file's lock; ``waiting`` is called once where another process has it.

    Raises:
        OSError: as :func:`open_lock` and :func:`try_lock`.
    """
    import fcntl

    handle = open_lock(file)
    try:
        if not try_lock(handle):
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)

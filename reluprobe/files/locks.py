"""File locks, which the system drops when their process ends, however it ends.

``filelock`` takes them: ``flock`` on Linux and macOS, ``LockFileEx`` on Windows.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

_log = logging.getLogger("reluprobe")
#: What a file system without locks answers; 524 is the kernel's ENOTSUPP, which has no name here.
LOCKLESS = {
    errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, 524
}  # fmt: skip
#: Seconds between two tries.
PAUSE = 0.05

#: Who has a lock that was asked for; nobody can where the file system has none.
Holder = Literal["we", "others", "nobody"]


def open_lock(file: Path) -> int:
    """A handle on a file to lock, made if it is not there.

    A link is not followed: where others may write, it could lead to any file of ours.

    Raises:
        OSError: the file cannot be made or opened, or is a link, or no plain file.
    """
    if file.is_symlink():  # for systems whose open follows them
        raise OSError(errno.ELOOP, "it is a symbolic link; remove it", str(file))
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(file, flags, 0o666)
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        os.close(handle)
        raise OSError(errno.EMLINK, "it is another file's name, too; remove it", str(file))
    return handle


def try_lock(handle: int, file: Path) -> Holder:
    """Take the lock on a file's handle, if nobody has it.

    Where the file system has no locks that is told, once a folder, and the caller may go on.

    Raises:
        OSError: the lock cannot be taken for any other reason.
    """
    import filelock  # late: most of reluprobe needs no lock

    try:
        return "we" if filelock.lock_descriptor(handle, blocking=False) else "others"
    except OSError as error:
        if error.errno not in LOCKLESS:
            raise
        _tell_lockless(file.parent)
        return "nobody"


def drop(handle: int) -> None:
    """Close a handle; a lock on it ends at once, even if a child has inherited the handle."""
    import filelock

    with contextlib.suppress(OSError):  # it was not locked, or there are no locks
        filelock.unlock_descriptor(handle)
    os.close(handle)


@contextlib.contextmanager
def locked(file: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a file's lock; ``waiting`` is called once where another process has it.

    Raises:
        OSError: as :func:`open_lock` and :func:`try_lock`.
    """
    handle = open_lock(file)
    try:
        if try_lock(handle, file) == "others":
            waiting()
            while try_lock(handle, file) == "others":
                time.sleep(PAUSE)
        yield
    finally:
        drop(handle)


@functools.cache
def _tell_lockless(folder: Path) -> None:
    _log.warning("%s has no file locks: see to it that nothing else writes there", folder)

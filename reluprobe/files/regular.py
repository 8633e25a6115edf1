"""Regular files, read whole: a pipe would be waited for, and a device has no end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

#: Bytes that are read of one file. A record of 200,000 layers' probes has a tenth of that.
LARGEST = 2**30


#: Windows would turn line ends; elsewhere a pipe would be waited for.
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


def read_regular(path: Path) -> bytes:
    """All bytes of a file.

    With few calls of the system, which on a network's drive are most of the time.

    Raises:
        OSError: it cannot be read, is a folder, a pipe, a socket or a device, or is too large.
    """
    handle = os.open(path, _FLAGS)
    try:
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            raise OSError(errno.EISDIR, "is a folder")
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "is no regular file")
        if status.st_size > LARGEST:
            raise OSError(errno.EFBIG, f"has {status.st_size:,} bytes, more than {LARGEST:,}")
        content = os.read(handle, status.st_size)
        while len(content) < status.st_size and (more := os.read(handle, status.st_size)):
            content += more
        return content
    finally:
        os.close(handle)

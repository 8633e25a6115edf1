"""Stderr filter: what a library writes to file descriptor 2, past Python, and nobody needs."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator

#: One at a time: the descriptor is the whole process's.
_LOCK = threading.Lock()
#: Whether the process is ours: somebody else's keeps its descriptors as they are.
ours = False


@contextlib.contextmanager
def without(words: bytes) -> Iterator[None]:
    """Whatever is written to stderr in here is written when it ends, but lines with these words."""
    if not ours:
        yield
        return
    with _LOCK, tempfile.TemporaryFile() as held:
        saved = os.dup(2)
        try:
            os.dup2(held.fileno(), 2)
            yield
        finally:
            os.dup2(saved, 2)
            held.seek(0)
            for line in held:
                if words not in line:
                    os.write(saved, line)
            os.close(saved)

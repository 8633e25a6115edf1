"""Signs: who holds a part of a folder, in its lock file, kept fresh as long as he is at work.

Some file systems lock within one machine only (GPFS, Lustre, NFS, as they may be mounted), others
not at all. A lock file there may be free and its holder at work; it is told from what a killed one
has left by watching whether its sign is renewed.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

_log = logging.getLogger("reluprobe")
#: Seconds from one renewal to the next.
BEAT = 5.0
#: Seconds without one after which a holder is taken to have ended.
WATCH = 20.0
#: Seconds between two looks.
PAUSE = 0.5
#: Windows lets nobody read what is locked, and the lock is on the first byte.
START = 1


@contextlib.contextmanager
def signed(handle: int) -> Iterator[None]:
    """Put this process's sign into a file that it has locked, and renew it until the end."""
    holder = {"pid": os.getpid(), "host": socket.gethostname()}
    holder["since"] = datetime.now().astimezone().isoformat(" ", "seconds")
    ended = threading.Event()

    def renew() -> None:
        for beat in itertools.count(1):
            if ended.wait(BEAT):
                return
            _write(handle, holder, beat)

    _write(handle, holder, 0)
    thread = threading.Thread(target=renew, name="lock", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _write(handle: int, holder: dict[str, str | int], beat: int) -> None:
    # Of one length, so that nobody reads half of it. The file is its only use: a full disk is met
    # where it matters. Synced, for other machines see what has come to the disk.
    text = b" " * START + json.dumps({**holder, "beat": f"{beat:09}"}).encode()
    with contextlib.suppress(OSError):
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, text)
        os.ftruncate(handle, len(text))
        os.fsync(handle)


def holder(file: Path) -> str:
    """Who has signed a file, as a sentence's part."""
    try:
        sign = json.loads(_read(file) or b"")
        return f"process {sign['pid']} on {sign['host']} since {sign['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"


def of_another_machine(file: Path) -> bool:
    """Whether another machine's process has signed a file."""
    try:
        return json.loads(_read(file) or b"")["host"] != socket.gethostname()
    except (ValueError, KeyError, TypeError):  # its process ended before it could sign
        return False


def renewed(files: Sequence[Path]) -> list[Path]:
    """Those of these files whose sign is renewed, or goes with its holder, while it is watched."""
    before = {file: _read(file) for file in files}
    seen: list[Path] = []
    if files:
        more = f" (and {len(files) - 1} more)" if len(files) > 1 else ""
        who = f"{holder(files[0])}{more}"
        _log.warning("looking for up to %.0f s whether %s is still at work", WATCH, who)
    deadline = time.monotonic() + WATCH
    while len(seen) < len(files) and time.monotonic() < deadline:
        time.sleep(PAUSE)
        seen += [file for file in files if file not in seen and _read(file) != before[file]]
    return seen


def _read(file: Path) -> bytes | None:
    try:
        with open(file, "rb", buffering=0) as opened:
            opened.seek(START)
            return opened.read()
    except OSError:
        return None

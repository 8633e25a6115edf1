"""Atomic writes: a file or a folder takes its place whole, or what was there stays."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from reluprobe.errors import ReluprobeError


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all: a temporary file beside it, synced, then renamed.

    Text becomes UTF-8.

    Raises:
        ReluprobeError: the folder cannot be made or written.
    """
    with replacing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write bytes to, which takes ``path``'s place when the block ends without an error.

    Until then it is ``.<name>.<random>`` beside it, and may be read by whom the umask admits. If
    the block fails, folders that were made for it go again.

    Raises:
        ReluprobeError: as :func:`write_atomically`.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    missing = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as file:
            yield file
            sync(file)
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):  # made read-only meanwhile: the next start cleans
            temporary.unlink(missing_ok=True)
            remove_empty(missing)
        if not isinstance(error, OSError):  # Ctrl-C, say: cleaned up after, not swallowed
            raise
        raise ReluprobeError(f"cannot write {path}: {error.strerror or error}") from None


@contextlib.contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill, which takes ``folder``'s place when the block ends without an error.

    Only one process may do so at a time: what killed ones have left beside it is removed.

    Raises:
        OSError: it cannot be made, renamed or synced.
    """
    for leftover in folder.parent.glob(f".{folder.name}.*.part"):
        shutil.rmtree(leftover, ignore_errors=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".part"))
    old = part.with_suffix(".old.part")
    try:
        yield part
        _sync_folder(part)
        if folder.exists():  # moved aside, since a rename replaces no full folder
            os.rename(folder, old)
        os.rename(part, folder)
        _sync_folder(folder.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def check_writable(folder: Path) -> None:
    """Know before hours of work whether its outcome can be written there; leave nothing.

    Raises:
        ReluprobeError: no file can be made in the folder, or the folder cannot be.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ReluprobeError(f"cannot write {folder}: {error.strerror or error}") from None
    finally:
        remove_empty(missing)


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove these folders, innermost first, as far as nothing is in them."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


def sync(file: IO[bytes]) -> None:
    """Have what was written on the disk itself, where a loss of power leaves it."""
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if (
        sys.platform == "win32"
    ):  # Windows opens no folder, and keeps renames in order by its journal
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

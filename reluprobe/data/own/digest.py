"""SHA-256 of a file, or of a folder's files, taken again only where one of them has changed."""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

from reluprobe.errors import InputError


def sha256(path: Path, written: str) -> str:
    """The SHA-256 of a file; of a folder, that of the list which ``sha256sum`` prints of its files.

    In that list a path starts below the folder, and the files are in the order of their paths as
    UTF-8. Hidden files are left out.

    Args:
        path: where it lies.
        written: what the user calls it.

    Raises:
        InputError: it cannot be read.
    """
    try:
        if not path.is_dir():
            return _of_file(path)
        names = {file.relative_to(path).as_posix(): file for file in _files_in(path)}
        lines = (f"{_of_file(names[name])}  {name}\n" for name in sorted(names))
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
    except OSError as error:
        raise InputError(f"dataset: cannot read {written}: {error.strerror or error}") from None


def shortened(digest: str) -> str:
    """A SHA-256 as people compare it."""
    return f"{digest[:12]}…"


def visible(entry: os.DirEntry[str] | Path) -> bool:
    """Whether a file counts: not what systems and editors leave behind."""
    return not entry.name.startswith(".")


def _files_in(folder: Path) -> list[Path]:
    files = []
    for place, folders, names in os.walk(folder, followlinks=True, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(place, name) for name in names if not name.startswith(".")]
    return files


def _raise(error: OSError) -> None:
    raise error


def _of_file(path: Path) -> str:
    status = path.stat()
    return _digest(path.absolute(), status.st_size, status.st_mtime_ns, status.st_ino)


@functools.lru_cache(maxsize=1 << 17)
def _digest(path: Path, size: int, changed: int, inode: int) -> str:
    """Of a file as it is now: planning and reading a sweep need not take it twice."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
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

    Raises:
        ReluprobeError: as :func:`write_atomically`.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException as error:
        if temporary is not None:
            with contextlib.suppress(OSError):  # made read-only meanwhile: the next start cleans
                Path(temporary).unlink(missing_ok=True)
        if not isinstance(error, OSError):  # Ctrl-C, say: cleaned up after, not swallowed
            raise
        raise ReluprobeError(f"cannot write {path}: {error.strerror or error}") from None


def _umask() -> int:
    # mkstemp makes files for the owner alone; results are for whoever the umask admits.
    mask = os.umask(0)
    os.umask(mask)
    return mask

"""Standard streams: a reader that goes, a disk that is full, a stream that is closed.

Whoever reads a table may leave before its end, ``report results | head``: the command then ends in
silence, with 141 as a program does that SIGPIPE ends. What cannot be written for another reason is
named in one line, with 1. A command whose work is not what it prints, ``train`` and ``sweep``, goes
on without its reader: see :func:`work_goes_on`.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any, TextIO

from reluprobe.errors import ReluprobeError

#: The exit code where the reader of a pipe has gone: 128 and the number of SIGPIPE.
READER_GONE = 141


class OutputError(ReluprobeError):
    """Standard output cannot be written."""


class ReaderGoneError(OutputError):
    """Nobody reads standard output any more."""

    exit_code = READER_GONE


class _Stream(io.FileIO):
    """A standard stream that fails once, and takes all that comes later to nowhere."""

    fault: OSError | None = None
    raises = True

    def write(self, data: Any, /) -> int | None:
        """As a file's; the first failure is a ReluprobeError, or only remembered."""
        if self.fault is not None:
            return len(data)
        try:
            return super().write(data)
        except OSError as error:
            self.fault = error
        if self.raises:
            raise self.error()
        return len(data)

    def error(self) -> OutputError:
        """What the fault means to whoever typed the command."""
        assert self.fault is not None
        if self.fault.errno in (errno.EPIPE, errno.ESHUTDOWN):
            return ReaderGoneError("nobody reads the output any more")
        why = self.fault.strerror or self.fault
        return OutputError(f"cannot write standard output: {why}")


_out: _Stream | None = None


def guard() -> None:
    """Put the two streams in the place of Python's; open those that the caller has closed."""
    global _out
    _open_closed()
    sys.stdout, _out = _guarded(sys.stdout)
    sys.stderr, err = _guarded(sys.stderr)
    if err is not None:  # there is nobody to tell
        err.raises = False


def work_goes_on() -> None:
    """From here on a reader that goes is not missed, and a fault of stdout is told at the end."""
    if _out is not None:
        _out.raises = False


def settle() -> None:
    """Write what is still held back.

    Raises:
        OutputError: it cannot be written; or something before could not, while work went on, for
            another reason than a reader that had gone.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if _out is None or _out.raises or _out.fault is None:
        return
    error = _out.error()
    if not isinstance(error, ReaderGoneError):
        raise error


def _guarded(stream: TextIO) -> tuple[TextIO, _Stream | None]:
    """A stream of the same kind over a :class:`_Stream`; as it is, where it is no file's."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream, None
    buffered = isinstance(stream.buffer, io.BufferedWriter)  # not so with python -u
    if type(stream.buffer.raw if buffered else stream.buffer) is not io.FileIO:
        return stream, None
    raw = _Stream(stream.fileno(), "wb", closefd=False)
    guarded = io.TextIOWrapper(
        io.BufferedWriter(raw) if buffered else raw,
        stream.encoding,
        stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    return guarded, raw


def _open_closed() -> None:
    """Have descriptors 0, 1 and 2: a file opened in the place of one would get what is printed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free, and so this one
            os.set_inheritable(number, True)
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))

"""Everything reluprobe refuses or fails at, as one small tree.

::

    ReluprobeError            exit code 1: the work could not be done
    ├── InputError            exit code 2: what was typed or written is wrong
    └── DatasetError          exit code 1: a dataset could not be had or is damaged

The command line catches ``ReluprobeError`` in one place, prints its message and leaves with its
exit code; anything else is a bug and keeps its traceback.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable, Sequence


class ReluprobeError(Exception):
    """A failure with a message a person can act on. ``hint`` says what to do next."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """All that the command line would print of it: a notebook shows this."""
        return "\n".join([*self._lines(), *([f"try: {self.hint}"] if self.hint else [])])

    def _lines(self) -> list[str]:
        return [self.message]


class InputError(ReluprobeError):
    """Bad input. ``faults`` holds every fault found, one line each: where, got, allowed."""

    exit_code = 2

    def __init__(
        self, message: str, faults: Sequence[str] = (), *, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.faults = tuple(faults)

    def _lines(self) -> list[str]:
        return [self.message, *(f"  {fault}" for fault in self.faults)]


class DatasetError(ReluprobeError):
    """A dataset could not be downloaded, prepared or read."""


def nearest(name: object, allowed: Iterable[str]) -> str:
    """``"; did you mean 'relu'?"``, or the empty string when nothing is close, in whatever case."""
    if not isinstance(name, str):
        return ""
    as_given = {known.casefold(): known for known in allowed}
    close = difflib.get_close_matches(name.casefold(), list(as_given), n=1, cutoff=0.6)
    return f"; did you mean {as_given[close[0]]!r}?" if close else ""


#: More bits than this are many digits.
_BITS = 4096


class _Short(reprlib.Repr):
    """What was written, as an error quotes it: whatever it is, at most a line of it."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxlist = self.maxtuple = self.maxdict = 8
        self.maxstring = self.maxother = self.maxlong = 80

    def repr_int(self, x: int, level: int) -> str:
        """Python itself refuses to write integers of more than 4,300 digits."""
        if x.bit_length() > _BITS:
            return f"an integer of about {round(x.bit_length() * 0.30103):,} digits"
        return super().repr_int(x, level)


_SHORT = _Short()


def shown(value: object) -> str:
    """A value as an error quotes it: its ``repr``, cut short where it is long or deep."""
    return _SHORT.repr(value)

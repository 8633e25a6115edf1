"""Executor interface: what ``dispatch`` asks of an engine that has many machines; Ray is one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reluprobe.engine.events import Event


@dataclass(frozen=True)
class Begun:
    """A machine has taken a chunk up, for the first time or after another has died."""

    file: Path
    host: str


@dataclass(frozen=True)
class Written:
    """A run's record is in the folder."""

    id: str


@dataclass(frozen=True)
class Ended:
    """A chunk has ended: it was done, if there is neither ``error`` nor ``lost``.

    Attributes:
        file: the chunk's, as it was submitted.
        error: what the work raised, which trying again would raise again.
        lost: why its process died, each time it was tried, or that it was cancelled.
    """

    file: Path
    error: Exception | None = None
    lost: str | None = None


#: None: nothing has happened for a moment.
Happening = Event | Begun | Written | Ended | None


class Executor(Protocol):
    """Has ``worker.work`` done on chunks, somewhere.

    Attributes:
        slots: how many chunks it works on at a time.
    """

    slots: int

    def submit(self, file: Path) -> None:
        """Have the work done on this chunk, once a machine is free.

        A process that dies is replaced and the chunk begun again, some times; work that raises is
        not tried again.
        """
        ...

    def as_completed(self) -> Iterator[Happening]:
        """What happens, as it happens, until all that was submitted, meanwhile too, has ended.

        A chunk's end comes after all other messages about it. Those may be lost, with a machine
        say; ends are not. Something comes every moment, so that a caller can change its mind.
        """
        ...

    def cancel(self) -> None:
        """Have no other chunk begun, and those at work stopped at the end of their epoch."""
        ...

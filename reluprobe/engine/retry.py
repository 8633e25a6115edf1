"""Retry a failed chunk: halve lanes when out of memory, else bisect to the failing run.

Where not even one run fits that a device of its own would hold, other processes hold the memory:
no run is at fault, and none is recorded as failed.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from reluprobe.engine.events import Event, MemoryShort, RunDone
from reluprobe.nn.device_memory import memory_held, out_of_memory
from reluprobe.plan.runs import Run

PACKAGE = str(Path(__file__).parents[1])
MOST_LINES, MOST_CHARACTERS = 5, 600


class BrokenProgramError(Exception):
    """A program that is known not to compile; its text is that of the first time."""


def describe(error: BaseException) -> str:
    """The first lines of an error, and where in this package it was raised."""
    if isinstance(error, BrokenProgramError):
        return str(error)
    lines = f"{type(error).__name__}: {error}".strip().splitlines()[:MOST_LINES]
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if f.filename.startswith(PACKAGE) and f.filename != __file__]
    place = f" ({Path(ours[-1].filename).name}:{ours[-1].lineno})" if ours else ""
    return "\n".join(lines)[:MOST_CHARACTERS] + place


class Chunk(Protocol):
    """Runs that are trained together."""

    def events(self) -> Iterator[Event]:
        """Train them; what happens, up to a :class:`RunDone` for each run that ends."""
        ...

    def failure(self, run: Run, error: str) -> RunDone:
        """The end of a run of the chunk that raises on its own, with the message."""
        ...

    def fits_an_idle_device(self) -> bool:
        """Whether one of its runs would fit a device whose memory nobody else holds."""
        ...


class Division:
    """Runs of one group, attempted chunk by chunk; what raises is found, and goes without others.

    Args:
        runs: of one group, those to come first first.
        lanes: how many a device has side by side.
        devices: how many there are.
        chunk_of: runs, and the size of a full chunk → their chunk. One that is not full has the
            size of a full one, and so its program.
    """

    def __init__(
        self,
        runs: Sequence[Run],
        lanes: int,
        devices: int,
        chunk_of: Callable[[Sequence[Run], int], Chunk],
    ) -> None:
        self.left = list(runs)
        self.lanes, self.devices, self.chunk_of = lanes, devices, chunk_of
        #: How many runs of ``left`` the next chunks have; what is beyond them comes in full ones.
        self.sizes: list[int] = []

    @property
    def size(self) -> int:
        """Of a full chunk."""
        return self.lanes * self.devices

    def attempt(self) -> Iterator[Event]:
        """Attempt one chunk; those of its runs that have not failed alone are left.

        Raises:
            ReluprobeError: other processes hold the devices' memory.
        """
        chosen = self.left[: self.sizes.pop() if self.sizes else self.size]
        chunk = self.chunk_of(chosen, self.size)
        ended: set[str] = set()
        error, memory = None, False
        try:
            for event in chunk.events():
                yield event
                if isinstance(event, RunDone):
                    ended.add(event.run.id)
        except Exception as raised:
            # Only its words outlive this block: its traceback would hold the chunk's arrays.
            error, memory = describe(raised), out_of_memory(raised)
        if error is None:
            self.left = self.left[len(chosen) :]
            return
        self.left = [run for run in self.left if run.id not in ended]
        unended = [run for run in chosen if run.id not in ended]
        yield from self._without(unended, chunk, error, memory)

    def _without(
        self, unended: Sequence[Run], chunk: Chunk, error: str, memory: bool
    ) -> Iterator[Event]:
        """Have the next chunks smaller; of one run alone, it has failed."""
        if memory and self.lanes > 1:
            self.lanes, self.sizes = self.lanes // 2, []
            yield MemoryShort(self.lanes, error)
        elif memory and chunk.fits_an_idle_device():
            raise memory_held(error)
        elif len(unended) > 1:
            half = len(unended) // 2
            self.sizes += [len(unended) - half, half]
        elif unended:
            self.left = [run for run in self.left if run is not unended[0]]
            alone = "too little memory for this run alone: " if memory else ""
            yield chunk.failure(unended[0], alone + error)


class BrokenPrograms:
    """Programs that could not be compiled, so that no other run waits for the same again."""

    def __init__(self) -> None:
        self.errors: dict[Hashable, str] = {}

    @contextmanager
    def watching(self, key: Hashable) -> Iterator[None]:
        """Compile this program in here; what it raised before is raised again.

        Raises:
            BrokenProgramError: it is known to be broken.
        """
        if key in self.errors:
            raise BrokenProgramError(self.errors[key])
        try:
            yield
        except Exception as error:
            if not out_of_memory(error):
                self.errors[key] = describe(error)
            raise

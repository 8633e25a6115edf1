"""What a chunk that raises costs: too much memory, half the lanes; else the one run at fault."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from reluprobe.engine.events import MemoryShort
from reluprobe.plan.runs import Run

Event = TypeVar("Event")

#: How XLA and its allocators say that a device's memory does not do.
NO_MEMORY = ("RESOURCE_EXHAUSTED", "out of memory")
PACKAGE = str(Path(__file__).parents[1])
MOST_LINES, MOST_CHARACTERS = 5, 600


class BrokenError(Exception):
    """A program that is known not to compile; its text is that of the first time."""


def out_of_memory(error: BaseException) -> bool:
    """Whether fewer lanes may help."""
    told = str(error).lower()
    return isinstance(error, MemoryError) or any(sign.lower() in told for sign in NO_MEMORY)


def describe(error: BaseException) -> str:
    """The first lines of an error, and where in this package it was raised."""
    if isinstance(error, BrokenError):
        return str(error)
    lines = f"{type(error).__name__}: {error}".strip().splitlines()[:MOST_LINES]
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if f.filename.startswith(PACKAGE) and f.filename != __file__]
    place = f" ({Path(ours[-1].filename).name}:{ours[-1].lineno})" if ours else ""
    return "\n".join(lines)[:MOST_CHARACTERS] + place


def divided(
    runs: Sequence[Run],
    lanes: int,
    devices: int,
    attempt: Callable[[Sequence[Run], int], Iterator[Event]],
    ends: Callable[[Event], Run | None],
    failed: Callable[[Run, str], Event],
    stop: Callable[[], bool],
) -> Iterator[Event | MemoryShort]:
    """Attempt runs in chunks; where one raises, find out what it can be done without.

    Args:
        runs: of one group.
        lanes: how many a device has side by side.
        devices: how many there are.
        attempt: runs that share a chunk, and its size → their events. A chunk that is not full
            has the size of a full one, and so its program.
        ends: the run that an event ends, if it does.
        failed: the event that ends a run which raises on its own, with the message.
        stop: asked before every chunk.
    """
    left = list(runs)
    #: How many runs of ``left`` the next chunks have; what is beyond them comes in full ones.
    sizes: list[int] = []
    while left and not stop():
        size = lanes * devices
        chunk = left[: sizes.pop() if sizes else size]
        ended: set[str] = set()
        error = None
        try:
            for event in attempt(chunk, size):
                yield event
                if (run := ends(event)) is not None:
                    ended.add(run.id)
        except Exception as raised:
            # Only its words outlive this block: its traceback would hold the chunk's arrays.
            error, memory = describe(raised), out_of_memory(raised)
        if error is None:
            left = left[len(chunk) :]
            continue
        left = [run for run in left if run.id not in ended]
        unended = [run for run in chunk if run.id not in ended]
        if memory and lanes > 1:
            lanes, sizes = lanes // 2, []
            yield MemoryShort(lanes, error)
        elif len(unended) > 1:
            half = len(unended) // 2
            sizes += [len(unended) - half, half]
        elif unended:
            left = [run for run in left if run is not unended[0]]
            yield failed(unended[0], error)


class Broken:
    """Programs that could not be compiled, so that no other run waits for the same again."""

    def __init__(self) -> None:
        self.known: dict[Hashable, str] = {}

    @contextmanager
    def watching(self, key: Hashable) -> Iterator[None]:
        """Compile this program in here; what it raised before is raised again.

        Raises:
            BrokenError: it is known to be broken.
        """
        if key in self.known:
            raise BrokenError(self.known[key])
        try:
            yield
        except Exception as error:
            if not out_of_memory(error):
                self.known[key] = describe(error)
            raise

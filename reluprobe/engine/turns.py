"""Turns: which chunk is trained next, and whose programs are compiled and kept meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from reluprobe.engine import compiler, retry
from reluprobe.engine.context import Context
from reluprobe.plan.grouping import group_runs
from reluprobe.plan.runs import Run

#: How many programs are compiled before their turn. Two, so that a short chunk leaves one to do.
AHEAD = 2


class Group(retry.Division):
    """Runs that share a program and have made the same calls of it, so that chunks are of them.

    Args:
        turns: of all groups.
        runs: of this one, the first of them first.
        lanes: how many a device has side by side.
        chunk_of: as :class:`Turns` has it.
    """

    def __init__(self, turns: Turns, runs: Sequence[Run], lanes: int, chunk_of: ChunkOf) -> None:
        devices = turns.context.mesh.size
        super().__init__(runs, lanes, devices, lambda few, size: chunk_of(few, size, self))
        self.turns = turns
        self.requests: dict[int, compiler.ProgramRequest] = {}

    def request(self, run: Run, size: int) -> compiler.ProgramRequest:
        """The program for chunks of this size; ``run`` is whose start is looked at for it.

        It is one of the chunk's own, so that a run which raises there takes no other chunk with it.
        """
        if size not in self.requests:
            self.requests[size] = self.turns.context.request(run, size)
        return self.requests[size]


#: Runs, the size of a full chunk, and the group → the chunk.
ChunkOf = Callable[[Sequence[Run], int, Group], retry.Chunk]


class Turns:
    """All runs by the programs that they need, to be trained in their order.

    The next chunk is of the group that has the first run of those that are left, and that group's
    next ones fill it: no chunk is smaller than it would be if groups came one by one. Runs that
    were begun before come first. While that group's program is still being compiled, the next group
    that has its own goes on in its place: no device waits while there is something to train.

    Args:
        context: of all chunks.
        runs: the first of them first.
        chunk_of: what makes a chunk.
    """

    def __init__(self, context: Context, runs: Sequence[Run], chunk_of: ChunkOf) -> None:
        self.context = context
        self.places = {run.id: (-context.calls_made(run), n) for n, run in enumerate(runs)}
        groups = [
            Group(self, list(alike), context.lanes_per_device(group), chunk_of)
            for group in group_runs(runs, ("activation",) if context.lanes == "vmap" else ())
            for _, alike in itertools.groupby(
                sorted(group, key=context.calls_made, reverse=True), context.calls_made
            )
        ]
        self.groups = sorted(groups, key=self._place)
        #: Those whose program nobody has asked for, in the order of their turns.
        self.waiting = list(self.groups)

    def next(self) -> Group | None:
        """The group whose turn it is; None where no run is left."""
        self.groups = sorted((group for group in self.groups if group.left), key=self._place)
        self.compile_ahead()
        first = next(iter(self.groups), None)
        group = next((g for g in self.groups if not self._is_awaited(g)), first)
        if group in self.waiting:
            self.waiting.remove(group)
        return group

    def compile_ahead(self) -> None:
        """Start to compile programs of groups whose turn is yet to come."""
        while self.waiting and self.context.compiler.unready < AHEAD:
            group = self.waiting.pop(0)
            try:
                self.context.compiler.begin(group.request(group.left[0], group.size))
            except Exception:
                # A run that raises here raises again in its turn, and is recorded as failed then.
                continue

    def _is_awaited(self, group: Group) -> bool:
        """Whether its program is being compiled, or is to be. One that cannot be is not awaited."""
        request = group.requests.get(group.size)
        if request is None:
            return group in self.waiting
        return not self.context.compiler.is_ready(request)

    def forget_programs(self) -> None:
        """Keep the programs that runs are left for, and as many others as may be."""
        requests = (request for g in self.groups if g.left for request in g.requests.values())
        compiler.forget_all_but({request.key for request in requests})

    def _place(self, group: Group) -> tuple[int, int]:
        return self.places[group.left[0].id]

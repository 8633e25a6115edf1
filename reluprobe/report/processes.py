"""Processes that draw figures: the library that does keeps Python waiting while it works.

They are started before anything else is imported, and know nothing of this package: what they are
given are calls of that library, so that they are ready in a fraction of a second.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import vl_convert

from reluprobe.errors import ReluprobeError

#: More processes than this wait for the one that makes charts of records.
MOST = 4
#: So few figures are drawn before a process has started.
FEW = 2
#: What a process draws first, to have its engine running.
NOTHING = '{"data": {"values": []}, "mark": "point"}'


@contextlib.contextmanager
def drawing(figures: int | None = None) -> Iterator[Executor]:
    """What runs calls of the library that draws: processes; for few figures this one.

    Args:
        figures: how many figures there are to draw; many, if None.

    Raises:
        ReluprobeError: a process was ended from outside.
    """
    if figures is not None and figures <= FEW:
        with ThreadPoolExecutor(1) as thread:
            yield thread
        return
    count = min(MOST, _cores())
    # Ctrl-C is for the process that waits: it ends the others.
    start = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_IGN)}
    with ProcessPoolExecutor(count, get_context("spawn"), **start) as processes:
        for _ in range(count):
            processes.submit(vl_convert.vegalite_to_svg, NOTHING)
        try:
            yield processes
        except BrokenProcessPool as error:
            message = "a process that draws figures was ended from outside, or found no memory"
            raise ReluprobeError(message) from error
        finally:
            processes.shutdown(cancel_futures=True)


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # Linux alone has it
    return len(affinity(0)) if affinity else os.cpu_count() or 1

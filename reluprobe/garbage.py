"""Garbage: the collector left out while much is made that stays, such as modules or records."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Make many objects that are to stay without looking for garbage among them.

    Ten thousand records are read in two thirds of the time, as no reference in them runs in a
    circle; of a start, most of which is imports, it saves a tenth. A program that keeps them to its
    end gains by ``gc.freeze()`` after that: no library call should do so for it.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()

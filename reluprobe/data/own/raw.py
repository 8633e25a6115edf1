"""Raw: what a file holds before it is made to fit a network; and how a file is refused."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reluprobe.errors import InputError

#: What is worth a line before training: what was chosen, and what one would want to know.
log = logging.getLogger("reluprobe.data.own")


@dataclass(frozen=True)
class Raw:
    """Examples and targets as they were read, first axis the examples.

    Attributes:
        inputs: of all examples, or of the training set where ``test_inputs`` are there.
        targets: as many.
        columns: the features' names, where a table has given them.
        called: what the file calls inputs and targets, training set and test set.
        shuffled: whether training examples are to be dealt out in a random order although there
            is a test set: those of a folder come class by class.
        class_names: what the labels stand for, where it is known already.
    """

    inputs: np.ndarray
    targets: np.ndarray
    test_inputs: np.ndarray | None = None
    test_targets: np.ndarray | None = None
    columns: tuple[str, ...] | None = None
    called: tuple[str, str, str, str] = ("x", "y", "x_test", "y_test")
    shuffled: bool = False
    class_names: tuple[str, ...] | None = None


def refused(path: str, *faults: str, hint: str | None = None) -> InputError:
    """The error for a file that cannot be trained on."""
    return InputError(f"cannot train on {path}", faults, hint=hint)


def check_memory(path: str, needed: int) -> None:
    """Refuse what does not fit into memory before it is read.

    Args:
        path: what the user calls the file.
        needed: bytes.

    Raises:
        InputError: it does not fit.
    """
    free = available_memory()
    if free is not None and needed > free:
        raise refused(
            path,
            f"it needs about {_gigabytes(needed)} of memory, and {_gigabytes(free)} are free",
            hint="fewer examples, or fewer features, or uint8 pixels",
        )


def available_memory() -> int | None:
    """Bytes that a program can have; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError, IndexError):
        pass
    try:  # macOS says how much there is, not how much is free
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"

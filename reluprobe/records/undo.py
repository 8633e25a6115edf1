"""Undo of a claim: what a session that failed before its first record has made goes again."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reluprobe import records
from reluprobe.records.folder import RUNS


@dataclass(frozen=True)
class Before:
    """A sweep's folder as it was before a claim.

    Attributes:
        missing: the folder itself and those above it that were not there, innermost first.
        entries: names of what lay in it.
        runs: names of what lay in its ``runs``.
        plans: its plan and the reference beside it, with what they held.
    """

    folder: Path
    missing: tuple[Path, ...]
    entries: frozenset[str]
    runs: frozenset[str]
    plans: Mapping[Path, bytes]

    def restore(self) -> None:
        """Have the folder as it was, unless something came of the session: a file in ``runs``.

        Whoever calls this holds the folder's gate, and nobody else is at work there.
        """
        asides = [f for f in self.folder.glob("old-*") if f.name not in self.entries]
        new = {file.name for file in (self.folder / RUNS).glob("[!.]*")}
        if new - (frozenset() if asides else self.runs):
            return
        for aside in asides:
            with contextlib.suppress(OSError):
                (self.folder / RUNS).rmdir()
            for entry in aside.iterdir():
                if not entry.is_file():  # files are copies
                    entry.rename(self.folder / entry.name)
            shutil.rmtree(aside)
        for file in _plan_files(self.folder):
            if file not in self.plans:
                file.unlink()
            elif file.read_bytes() != self.plans[file]:
                records.write_atomically(file, self.plans[file])
        if RUNS not in self.entries:
            with contextlib.suppress(OSError):
                (self.folder / RUNS).rmdir()


def remember(folder: Path) -> Before:
    """The folder as it is now."""
    above = (folder, *folder.parents)
    missing = tuple(path for path in above if not path.exists())
    plans = {file: file.read_bytes() for file in _plan_files(folder)}
    entries = frozenset(file.name for file in folder.glob("*"))
    runs = frozenset(file.name for file in (folder / RUNS).glob("[!.]*"))
    return Before(folder, missing, entries, runs, plans)


def _plan_files(folder: Path) -> Iterator[Path]:
    yield from (f for end in ("toml", "json") for f in folder.glob(f"*.{end}") if f.is_file())

"""Environments of runs that stand side by side: in what they differ, if in anything.

The same settings give the same bits with one JAX on one kind of processor, and only there: results
of several are near each other, and a small difference between them may be the machines'.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from reluprobe.records import RunRecord

#: What the bits of a result hang on besides its settings (``precision`` is one), by their
#: names in records. Not how many devices: a run has one to itself.
KEYS = ("reluprobe", "jax", "jaxlib", "backend", "device", "processor")
#: Of each key in which runs differ, how many runs have which value.
Differences = Mapping[str, Mapping[str, int]]


class Environments:
    """Where runs were trained, counted one run at a time."""

    def __init__(self, records: Iterable[RunRecord] = ()) -> None:
        self._counts: dict[str, Counter[str]] = {key: Counter() for key in KEYS}
        for record in records:
            self.see(record)

    def see(self, record: RunRecord) -> None:
        """Count a run. Older records lack some keys: what is not told cannot differ."""
        on_gpu = record.environment.get("backend", "cpu") != "cpu"
        for key in KEYS:
            # The processor beside a GPU changes nothing that the GPU computes.
            if key in record.environment and not (on_gpu and key == "processor"):
                self._counts[key][str(record.environment[key])] += 1

    def differences(self) -> Differences:
        """The keys of which there is more than one value."""
        return {key: dict(c) for key, c in self._counts.items() if len(c) > 1}


def differences(records: Iterable[RunRecord]) -> Differences:
    """In what the environments of these runs differ."""
    return Environments(records).differences()

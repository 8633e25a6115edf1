"""Sentences of foreign runs: which network, how many of its units, and when; claims no dataset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reluprobe.analysis.aggregate import Summary
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.terms import FOREIGN, probe_examples


def headline(least: Summary, most: Summary, definition: str, word: str) -> str:
    """``cnn: 12.3% of 1,440 units dead at step 1,200 (3 seeds; accuracy 97.1%)``."""
    runs = [run for row in {id(row): row for row in (least, most)}.values() for run in row.members]
    ended = [run for run in runs if run.ended]
    of = f"of {spread(counted_units(run, definition) for run in ended)} units {word}{_when(ended)}"
    if least is most:
        seeds = labels.count(len(ended), "seed") if len(ended) > 1 else ""
        if most.configurations > 1:
            seeds = labels.count(most.configurations, "configuration")
        text = f"{formatting.plus_minus(most.mean)}% {of}{_aside(most, seeds)}"
    else:
        first, last = (f"{formatting.plus_minus(c.mean)}%{_aside(c)}" for c in (least, most))
        text = f"from {first} to {last} {of}"
    return f"{names_of_networks(ended)}: {text}"


def names_of_networks(runs: Iterable[RunRecord]) -> str:
    """``cnn``, ``cnn, mlp``."""
    return ", ".join(sorted({run.foreign.name for run in runs if run.foreign is not None}))


def counted_units(run: RunRecord, definition: str) -> int:
    """Units of the layers to which a definition applies, where any example reached them."""
    return sum(x.units for x in run.final.layers if getattr(x, definition) is not None)


def spread(numbers: Iterable[int]) -> str:
    """``1,440``, or from the least to the greatest ``240–1,440``; ``0`` of none."""
    ends = sorted(set(numbers)) or [0]
    return "–".join(f"{n:,}" for n in dict.fromkeys([ends[0], ends[-1]]))


def _when(runs: Sequence[RunRecord]) -> str:
    steps = {run.when(run.final) for run in runs}
    if len(steps) == 1:
        return f" at {FOREIGN.at(steps.pop())}"
    return f" at the end, {FOREIGN.span(min(steps), max(steps))}"


def _aside(row: Summary, seeds: str = "") -> str:
    accuracy = row.accuracy and f"accuracy {formatting.plus_minus(row.accuracy)}%"
    parts = [part for part in (labels.settings(row.settings), seeds, accuracy) if part]
    return f" ({'; '.join(parts)})" if parts else ""


def provenance(runs: Sequence[RunRecord], seconds: float, places: Iterable[str]) -> str:
    """``3 runs of cnn, 240–1,200 steps, probed on 1,000 examples; 2.5 s of looking``."""
    steps = spread(run.when(run.final) for run in runs if run.history)
    probes = " or ".join(sorted({probe_examples(run) for run in runs}))
    where = " and ".join(sorted(places))
    return (
        f"{labels.count(len(runs), 'run')} of {names_of_networks(runs)}, {steps} steps, "
        f"probed on {probes}; {formatting.duration(seconds)} of looking"
        f"{f' on {where}' if where else ''}"
    )

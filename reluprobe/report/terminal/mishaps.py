"""What is amiss with runs: failed, diverged or collapsed ones, a line each; unlike machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group
from rich.text import Text

from reluprobe.analysis.aggregate import Collapse, Summary
from reluprobe.analysis.aggregate import collapsed as collapse_of
from reluprobe.analysis.environments import Differences
from reluprobe.analysis.trained_badly import bad_runs
from reluprobe.config import labels
from reluprobe.files.printable import printable
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.terms import run_label, terms_of

#: What may become of runs, as :class:`Summary` counts them.
MISHAPS = ("diverged", "failed", "collapsed")
#: What is said of runs whose machines or versions differ.
UNLIKE = "not all trained alike, so that small differences may be the machines'"
#: What is said of a run that diverged although every epoch of its history is finite.
DIVERGED_LATE = "diverged after the last whole epoch"


def fate(summary: Summary) -> str:
    """Why runs have no mean share: what became of all of them; n/a where one ended."""
    if summary.runs > summary.diverged + summary.failed:
        return formatting.NOT_APPLICABLE
    return " or ".join(word for word in ("diverged", "failed") if getattr(summary, word))


def lost(records: Sequence[RunRecord]) -> Group | None:
    """What diverged or failed, one line per run; None where nothing did."""
    bad = [r for r in records if r.status != "ok"]
    if not bad:
        return None
    lines = [Text(f"{labels.count(len(bad), 'failed or diverged run')}:", style="bold red")]
    return Group(*lines, *(Text(f"  {r.id}  {fate_of(r)}  {run_label(r)}") for r in bad))


def collapsed(records: Sequence[RunRecord]) -> Group | None:
    """What collapsed, one line per run with the evidence; None where nothing did."""
    evidence = [(r, c) for r in records if (c := collapse_of(r)) is not None]
    if not evidence:
        return None
    what = "output does not depend on input (a hidden layer is constant on the probe)"
    head = Text(f"{labels.count(len(evidence), 'run')} collapsed: {what}:", style="bold red")
    rows = (f"  {r.id}  {_evidence(c)}  {run_label(r)}" for r, c in evidence)
    return Group(head, *map(Text, rows))


def badly(records: Sequence[RunRecord]) -> Group | None:
    """What trained badly, one line per run with the evidence; None where nothing did."""
    bad = bad_runs(records)
    if not bad:
        return None
    head = Text(f"{labels.count(len(bad), 'run')} trained badly:", style="bold yellow")
    return Group(head, *(Text(f"  {r.id}  {how.reason}  {run_label(r)}") for r, how in bad))


def unlike(differences: Differences) -> Text | None:
    """In what the machines of these runs differ, in one line; None where in nothing."""
    if not differences:
        return None
    return Text(f"{UNLIKE}: {'; '.join(unlike_lines(differences))}", style="bold yellow")


def unlike_lines(differences: Differences) -> list[str]:
    """``jax 0.10.1 (3 runs), 0.10.2 (1 run)``: a line for each key in which they differ."""
    return [f"{key} {_counted(values)}" for key, values in differences.items()]


def _counted(values: Mapping[str, int]) -> str:
    return ", ".join(f"{printable(v)} ({labels.count(n, 'run')})" for v, n in values.items())


def _evidence(collapse: Collapse) -> str:
    text = f"layer {collapse.layer} is constant, loss {formatting.number(collapse.loss, 3)}"
    if collapse.accuracy is not None:
        text += f", accuracy {formatting.percent(collapse.accuracy)}%"
    # The same on the probe, and yet better than chance: the test set is another sample.
    return text + (" (better than chance)" if collapse.chance is False else "")


def failure(record: RunRecord) -> str:
    """Why a run failed, where its record knows."""
    return f"failed: {printable(record.error)}" if record.error else "failed"


def fate_of(record: RunRecord) -> str:
    """What became of a run that has no final numbers."""
    if record.status == "failed":
        return failure(record)
    when = record.diverged_at
    if when is not None:
        return f"diverged {'in' if record.clock == 'epoch' else 'at'} {terms_of([record]).at(when)}"
    # A run may diverge after its last whole epoch: then no epoch of its history says so.
    return DIVERGED_LATE if record.clock == "epoch" else "diverged"

"""What is amiss with a sweep's runs, a line a kind: lost, collapsed, badly trained, unlike."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from reluprobe.analysis import aggregate, environments
from reluprobe.analysis.aggregate import Summary
from reluprobe.analysis.trained_badly import bad_runs
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.records.folder import Archive
from reluprobe.report import formatting
from reluprobe.report.terminal import mishaps

#: Configurations that a line names, and where it says how badly they trained.
NAMED, NAMED_BAD = 2, 1


def lines(sweep: Archive, rows: Sequence[Summary]) -> list[RenderableType]:
    """Which configurations' runs failed, diverged, collapsed or trained badly."""
    settings = {run.id: labels.settings(row.settings) for row in rows for run in row.members}

    def line(what: str, runs: Sequence[RunRecord], style: str, why: str = "") -> Text:
        named = [name for name in dict.fromkeys(settings[run.id] for run in runs) if name]
        where = formatting.few(named, NAMED_BAD if why else NAMED)
        said = ": ".join(filter(None, [f"{labels.count(len(runs), 'run')} {what}", where, why]))
        return Text(f"{said}  (--full)", style=style)

    shown: list[RenderableType] = []
    for status in ("failed", "diverged"):
        lost = [run for run in sweep.records if run.status == status]
        if lost:
            why = mishaps.fate_of(lost[0]) if status == "failed" else ""
            shown.append(line(status, lost, "bold red", why.removeprefix("failed: ")))
    collapsed = [run for run in sweep.records if aggregate.collapsed(run) is not None]
    if collapsed:
        what = "collapsed"
        shown.append(line(what, collapsed, "bold red"))
    known = {run.id for run in collapsed}
    bad = [(run, how) for run, how in bad_runs(sweep.records) if run.id not in known]
    if bad:
        worst, how = max(bad, key=lambda pair: pair[1].train_loss or 0.0)
        runs = [worst, *(run for run, _ in bad if run is not worst)]
        what = "trained badly"
        shown.append(line(what, runs, "bold yellow", how.reason))
    if (unlike := mishaps.unlike(environments.differences(sweep.records))) is not None:
        shown.append(unlike)
    return shown

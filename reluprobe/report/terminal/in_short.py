"""What a report's sections say, a line each, with the flag that shows the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from reluprobe.analysis import (
    claims,
    death_causes,
    init_signal,
    phase_outcomes,
    replication,
    splits,
    step_course,
    unit_fates,
)
from reluprobe.analysis.aggregate import Summary
from reluprobe.analysis.claims import Verdict
from reluprobe.analysis.sorting import extremes
from reluprobe.config import labels
from reluprobe.records.folder import Archive
from reluprobe.report import formatting
from reluprobe.report.terminal import phase_outcomes as phase_table
from reluprobe.report.terminal.tables import CALLED

#: Configurations whose phases have a line each, at most.
MOST_PHASED = 6
#: Of so few configurations those with the most dead have a line of their lives each, so many.
FEW, MOST_LIVES = 4, 3
Rows = Sequence[Summary]


def lines(sweep: Archive, rows: Rows, definition: str) -> list[Text]:
    """Of the configuration with the most dead units, unless a line says otherwise."""
    worst = next(iter(extremes(rows, 1)[1] or extremes(rows, 1)[0]), None)
    if worst is None:
        return []
    name = f" ({labels.settings(worst.settings)})" if len(rows) > 1 else ""
    sections = [
        *_phases(rows, definition),
        *_steps(worst, definition),
        *_layers(worst, definition),
        *_splits(worst, definition),
        *_lives(rows if len(rows) <= FEW else [worst]),
        *_causes(worst),
        *_signals(rows),
        *_claims(sweep),
    ]
    head = [Text(f"where most are {CALLED[definition][0]}{name}:", style="italic")]
    return [*head, *(Text(f"  {line}") for line in sections)] if sections else []


def _layers(row: Summary, definition: str) -> Iterator[str]:
    shares = {name: e for name, e in row.layers.items() if e is not None}
    if len(shares) < 2:
        return
    listed = [f"{name} {formatting.mean(e)}" for name, e in shares.items()]
    if len(listed) > 6:
        listed = [*listed[:3], "…", *listed[-2:]]
    yield f"by layer  {', '.join(listed)} % {CALLED[definition][0]}  (--full)"


def _splits(row: Summary, definition: str) -> Iterator[str]:
    by_split = splits.by_split(row.members, definition)
    if by_split is None:
        return
    parts = [
        f"{formatting.mean(share)}% on {name} ({by_split.examples[name]:,})"
        for name, share in by_split.shares.items()
    ]
    wakes = by_split.awakened
    more = f"; {formatting.mean(wakes)}% of the probe's dead fire in training" if wakes else ""
    yield f"by data   {', '.join(parts)}{more}  (--bounds)"


def _lives(rows: Rows) -> Iterator[str]:
    """Of a few configurations, those with the most dead: whether death was for good."""
    for row in extremes(rows, MOST_LIVES)[1] or rows[:1]:
        fates = unit_fates.fates(row.members)
        if fates is None or fates.network.revives is None:
            continue
        fate = fates.network
        name = f" with {labels.settings(row.settings)}" if len(rows) > 1 else ""
        yield (
            f"lives     {formatting.mean(fate.revives)}% of the dead are alive at the next probe"
            f"{name}; {formatting.mean(fate.permanent)}% of those dead at the end never came back"
            "  (--lives)"
        )


def _causes(row: Summary) -> Iterator[str]:
    blamed = death_causes.blame(row.members)
    if not blamed or blamed[-1].weights is None:
        return
    whole = blamed[-1]
    parts = ("weights", "bias", "upstream")
    listed = ", ".join(f"{name} {formatting.mean(getattr(whole, name))}%" for name in parts)
    yield f"causes    {listed} of the fall  (--causes)"


def _steps(row: Summary, definition: str) -> Iterator[str]:
    course = [point for point in step_course.course(row.members, definition) if point.mean]
    if len(course) < 3:
        return
    last = course[-1].mean
    half = next(p for p in course if p.mean and last and p.mean.mean >= last.mean / 2)
    start, end = course[0], course[-1]
    yield (
        f"by step   {formatting.mean(start.mean)}% at step {start.step:,}, "
        f"{formatting.mean(half.mean)}% by step {half.step:,}, "
        f"{formatting.mean(last)}% at step {end.step:,}  (--full)"
    )


def _phases(rows: Rows, definition: str) -> Iterator[str]:
    for row in rows[:MOST_PHASED]:
        turns = phase_outcomes.turns(row.members, definition)
        if turns and (last := turns[-1].end) is not None and last.mean:
            yield phase_table.headline(row.settings, turns, definition).plain


def _signals(rows: Rows) -> Iterator[str]:
    """Of networks that made no step: what became of the signal, at its ends."""
    if any(run.when(run.final) for row in rows for run in row.members if run.ended):
        return
    ratios = [
        (ratio.mean, row)
        for row in rows
        if (signals := init_signal.signals(row.members)) and (ratio := signals[-1].ratio)
    ]
    for end in (min, max) if len(ratios) > 1 else ():
        ratio, row = end(ratios, key=lambda pair: pair[0])
        yield (
            f"signal    last layer's mean z² over that before it: {ratio:.2f} with "
            f"{labels.settings(row.settings)}  (--signals)"
        )


def _claims(sweep: Archive) -> Iterator[str]:
    if sweep.reference is None:
        return
    judged = claims.judge_all(replication.compare(sweep.records, sweep.reference))
    if judged:
        counts = {v: sum(j.verdict is v for j in judged) for v in Verdict}
        listed = ", ".join(f"{v.value}: {n}" for v, n in counts.items() if n)
        yield f"claims    of {len(judged)} published claims  {listed}  (--full)"

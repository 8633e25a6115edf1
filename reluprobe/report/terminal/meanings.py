"""What a definition means for these runs: with the threshold by which their units are told."""

from __future__ import annotations

from collections.abc import Sequence

from reluprobe.analysis import thresholds
from reluprobe.analysis.thresholds import AskedAnew
from reluprobe.records import RunRecord
from reluprobe.report.terminal.tables import CALLED, USUAL

#: Said of curves by a threshold that was asked anew.
ENDS_ALONE = " By a threshold asked anew it is known before training and at the end alone."


def rule(definition: str, runs: Sequence[RunRecord]) -> str:
    """``mean |output| ≤ 10% of its layer's mean``: in a line, with all thresholds that count."""
    return with_threshold(CALLED[definition][1], definition, runs)


def with_threshold(text: str, definition: str, runs: Sequence[RunRecord]) -> str:
    """A text with the threshold that counts in the place of the usual one.

    Several, of runs that were looked at by several: ``2.5% or 10% (dormant_threshold)``.
    """
    if definition not in USUAL or not runs:
        return text
    counted = sorted({getattr(thresholds.counted(run), definition) for run in runs})
    shares = " or ".join(f"{100 * threshold:.12g}%" for threshold in counted)
    named = f" ({thresholds.SETTINGS[definition]})" if len(counted) > 1 else ""
    return text.replace(USUAL[definition], f"{shares}{named}")


def of_curves(definitions: Sequence[str], runs: Sequence[RunRecord]) -> str:
    """What to know of curves by these definitions; empty where all probes are told."""
    anew = {name for run in runs if isinstance(run, AskedAnew) for name in run.asked}
    return ENDS_ALONE if anew & {*definitions} else ""

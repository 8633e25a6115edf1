"""Pictured runs: those that keep what their hidden units give out, for a report to draw."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from reluprobe.plan.runs import Run

#: So many configurations of a plan keep theirs unasked.
FEW = 6
#: Hidden units of a network that does, at most: of 200 images they are 4 MB before they are packed.
MOST_UNITS = 10_000


def pictured(runs: Sequence[Run], every: bool = False) -> frozenset[str]:
    """The ids of the runs that keep their activations.

    Args:
        runs: all of a plan, in its order.
        every: whether all do, as ``save_activations`` asks. Else it is the first run of each of a
            few configurations, evenly spread over the plan from its first to its last.
    """
    if every:
        return frozenset(run.id for run in runs)
    firsts: dict[Hashable, Run] = {}
    for run in runs:
        # Of somebody's own network nothing is drawn but what is counted.
        if 0 < sum(run.config.sizes) <= MOST_UNITS:
            settings = tuple(v for name, v in vars(run.config).items() if name != "seed")
            firsts.setdefault(settings, run)
    few = list(firsts.values())
    if len(few) > FEW:
        few = [few[round(n * (len(few) - 1) / (FEW - 1))] for n in range(FEW)]
    return frozenset(run.id for run in few)

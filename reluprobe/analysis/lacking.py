"""Why an analysis has nothing to show of these runs, in a few words: each reason is checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reluprobe.analysis.dead_masks import WITH_MASKS, known, timeline, unknown
from reluprobe.analysis.death_causes import sought
from reluprobe.analysis.estimates import share
from reluprobe.analysis.thresholds import NO_NUMBERS, AskedAnew
from reluprobe.config import phases
from reluprobe.records import LayerRecord, RunRecord

NONE_ENDED = "no run ended with finite numbers"
SEVERAL_DEPTHS = "networks of several depths are folded together"
#: What nobody can look for in a network that is not of plain ReLU layers.
PLAIN = (
    "causes are sought in plain ReLU networks (no norm, no residual connections) that are not "
    "probed on the whole training set"
)
OLDER = "the records do not say"
OLDER_THAN_RATES = "these records are older than firing rates: train again"
FOREIGN_RATES = "of networks that others trained no record says how often each unit fires"


def end(runs: Sequence[RunRecord]) -> str | None:
    """Where no run ended; None where one did."""
    if not runs:
        return "there is no run"
    return None if any(run.ended for run in runs) else NONE_ENDED


def shares(runs: Sequence[RunRecord], definition: str) -> str | None:
    """Where no finished network has a share of units by this definition."""
    if (reason := end(runs)) is not None:
        return reason
    if any(share(run.final.layers, definition) is not None for run in runs if run.ended):
        return None
    word = definition.replace("_", " ")
    if any(isinstance(run, AskedAnew) and definition in run.asked for run in runs if run.ended):
        return f"{word} cannot be told by another threshold: {NO_NUMBERS}"
    return f"{word} does not apply to these networks"


def courses(runs: Sequence[RunRecord]) -> str | None:
    """Where no run that ended was probed twice."""
    if (reason := end(runs)) is not None:
        return reason
    ended = [run for run in runs if run.ended]
    if any(len(timeline(run)) > 1 for run in ended):
        return None
    return f"no run was probed twice{': epochs is 0' if _untrained(ended) else ''}"


def training(runs: Sequence[RunRecord]) -> str | None:
    """Where no run that ended has a loss of training."""
    if (reason := end(runs)) is not None:
        return reason
    ended = [run for run in runs if run.ended]
    if any(e.train_loss is not None for run in ended for e in run.history):
        return None
    if all(run.ours is None for run in ended):
        return None if any(map(_measured, ended)) else "no loss and no accuracy was given"
    untrained = "no run was trained: epochs is 0"
    return untrained if _untrained(ended) else f"{OLDER} how training went"


def _measured(run: RunRecord) -> bool:
    """Whether the owner of a foreign run said how it went."""
    return any(x is not None for e in run.history for x in (e.test_loss, e.test_accuracy))


def _untrained(runs: Sequence[RunRecord]) -> bool:
    configs = [run.ours for run in runs]
    return not any(c is None or phases.total_epochs(c.phases, c.epochs) for c in configs)


def untrained(run: RunRecord) -> bool:
    """Whether a run was only looked at before training, by its settings."""
    return run.ours is not None and run.ours.epochs == 0


def lives(
    runs: Sequence[RunRecord], followed: bool = False, definition: str = "dead"
) -> str | None:
    """Where no unit's death can be followed.

    Args:
        runs: finished or not.
        followed: a death at the last probe, after which nobody looked, is none to follow.
        definition: what is followed, of which there may be no mask.
    """
    if (reason := masks(definition) or courses(runs)) is not None:
        return reason
    several = [run for run in runs if len(timeline(run)) > 1]
    if (reason := applies(several, definition)) is not None:
        return reason
    told = [run for run in several if unknown(run, definition) is None]
    if any(_died(run, followed, definition) for run in told):
        return None
    if len(told) < len(several):
        what = next(reason for run in several if (reason := unknown(run, definition)) is not None)
        return f"the records say {what}"
    if any(isinstance(run, AskedAnew) and definition in run.asked for run in told) and not any(
        known(column, definition) for run in told for column in _columns(run)
    ):
        return f"{OLDER} which units were {definition} by another threshold between start and end"
    if any(_died(run, followed=False, definition=definition) for run in told):
        return f"no unit was ever {definition} at a probe before the last"
    return f"no unit was ever {definition} at a probe"


def masks(definition: str) -> str | None:
    """Where records say how many units a definition meant, never which."""
    if definition in WITH_MASKS:
        return None
    word = definition.replace("_", " ")
    which = f"{', '.join(WITH_MASKS[:-1])} or {WITH_MASKS[-1]}"
    return f"records say how many units were {word}, not which: lives are of {which} ones"


def applies(runs: Sequence[RunRecord], definition: str) -> str | None:
    """Where no probe of these runs has a share of units by a definition that has masks."""
    layers = [x for run in runs for _, seen in timeline(run) for x in seen if x.dead is not None]
    if definition == "dead" or any(getattr(x, definition) is not None for x in layers):
        return None
    # Rare applies to every network: a record without it is from before there was such a word.
    if definition in ("rare", "linear") and all(x.rare is None for x in layers):
        return f"{OLDER} which units were {definition}"
    return f"{definition} does not apply to these networks"


def mortal(run: RunRecord, followed: bool = False, definition: str = "dead") -> bool:
    """Whether the death of a unit can be followed in this run."""
    return lives([run], followed, definition) is None


def _died(run: RunRecord, followed: bool, definition: str) -> bool:
    # Of a layer that some probe did not reach no life is known.
    reached = (column for column in _columns(run) if known(column, definition))
    return any(
        getattr(x, definition) for column in reached for x in (column[:-1] if followed else column)
    )


def _columns(run: RunRecord) -> Iterator[tuple[LayerRecord, ...]]:
    """Each layer at all probes."""
    return zip(*(seen for _, seen in timeline(run)), strict=True)


def causes(runs: Sequence[RunRecord]) -> str | None:
    """Where no death has a cause."""
    if (reason := courses(runs)) is not None:
        return reason
    layers = [x for run in runs for _, seen in timeline(run) for x in seen]
    if any(layer.causes for layer in layers):
        return None
    if all(layer.deaths is None for layer in layers):
        return f"{OLDER} how many units died between probes"
    if not any(layer.deaths for layer in layers):
        return "no unit died between two probes"
    if any(sought(run) for run in runs if run.ended):
        return f"{OLDER} of what units died"
    return PLAIN


def signals(runs: Sequence[RunRecord]) -> str | None:
    """Where no network's outputs before training are known."""
    starts = [e.layers for run in runs if (e := run.at_epoch(0)) is not None]
    if not starts:
        return "no run was probed before training"
    if not any(layers and all(layer.activations for layer in layers) for layers in starts):
        return f"{OLDER} what the units gave out before training"
    return None


def rates(runs: Sequence[RunRecord]) -> str | None:
    """Where no finished network says how often its units fire."""
    if (reason := end(runs)) is not None:
        return reason
    if any(layer.firing is not None for run in runs if run.ended for layer in run.final.layers):
        return None
    return FOREIGN_RATES if all(run.ours is None for run in runs) else OLDER_THAN_RATES


def flows(runs: Sequence[RunRecord]) -> str | None:
    """Where no unit was anything but healthy, or nobody looked twice."""
    if (reason := rates(runs) or courses(runs)) is not None:
        return reason
    layers = (x for run in runs for _, seen in timeline(run) for x in seen)
    if any(x.dead or x.rare or x.linear for x in layers):
        return None
    return "no unit was dead, rare or linear at any probe"

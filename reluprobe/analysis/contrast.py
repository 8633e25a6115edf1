"""One configuration against the baseline: paired differences, and a verdict in plain words.

Runs of one seed see the same data in the same order, and start from
the same draw where the shapes agree, so that their difference owes less to chance than the
difference of two means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reluprobe.analysis import bootstrap
from reluprobe.analysis.baseline import Configuration
from reluprobe.analysis.bootstrap import Change
from reluprobe.analysis.estimates import share
from reluprobe.config import SETTINGS, Value
from reluprobe.records import RunRecord

#: What is said of accuracy.
BETTER, WORSE = "more accurate", "less accurate"


@dataclass(frozen=True)
class Question:
    """What to compare.

    Attributes:
        baseline: settings that pick the baseline.
        within: settings for each of whose values the comparison is made apart.
        definition: which definition of death counts.
        on: the split on which it counts: ``probe``, ``test`` or ``train``.
    """

    baseline: Mapping[str, Value] = field(default_factory=dict)
    within: tuple[str, ...] = ()
    definition: str = "dead"
    on: str = "probe"


@dataclass(frozen=True)
class Contrast:
    """One configuration beside the baseline.

    Attributes:
        differs: the settings in which it differs, those that have an effect in it.
        configuration: the configuration.
        pairs: the seeds that ended on both sides.
        changes: ``dead``, ``accuracy`` and ``loss``, other − baseline; None where one does not
            apply.
        lacking: seeds that the baseline has and this row has not.
        extra: the other way round.
    """

    differs: Mapping[str, Value]
    configuration: Configuration
    pairs: tuple[int, ...]
    changes: Mapping[str, Change | None]
    lacking: tuple[int, ...]
    extra: tuple[int, ...]

    @property
    def lost(self) -> int:
        """How many of its runs have no final numbers."""
        return len(self.configuration.runs) - len(self.configuration.done)

    @property
    def quality(self) -> Change | None:
        """The change of accuracy; of a regression, of the loss upside down: more is better."""
        accuracy, loss = self.changes["accuracy"], self.changes["loss"]
        if accuracy is not None or loss is None:
            return accuracy
        low, high = (None if end is None else -end for end in (loss.high, loss.low))
        return Change(-loss.mean, low, high, loss.n)

    @property
    def has_interval(self) -> bool:
        """Whether dead units and accuracy both have an interval to judge by."""
        dead, quality = self.changes["dead"], self.quality
        return (
            dead is not None and quality is not None and dead.has_interval and quality.has_interval
        )

    @property
    def helps(self) -> bool:
        """Fewer dead, accuracy not clearly worse, and no run lost on the way there."""
        dead, quality = self.changes["dead"], self.quality
        if dead is None or quality is None or not self.has_interval or self.lost:
            return False
        return dead.falls and not quality.falls


def measure(run: RunRecord, name: str, question: Question) -> float | None:
    """``dead``, ``accuracy`` or ``loss`` of a run that ended; the last two on the test set."""
    if name == "accuracy":
        return run.final.test_accuracy
    if name == "loss":
        return run.final.test_loss
    if question.on == "probe":
        return share(run.final.layers, question.definition)
    layers = next((s.layers for s in run.samples if s.sample == question.on), ())
    return share(layers, question.definition)


def contrast(other: Configuration, baseline: Configuration, question: Question) -> Contrast:
    """The row of one configuration."""
    ours, theirs = other.done, baseline.done
    pairs = tuple(sorted(ours.keys() & theirs.keys()))

    def changed(name: str, limits: tuple[float, float] | None = None) -> Change | None:
        def difference(seed: int) -> float | None:
            ends = [measure(run, name, question) for run in (ours[seed], theirs[seed])]
            return None if ends[0] is None or ends[1] is None else ends[0] - ends[1]

        return bootstrap.change(map(difference, pairs), *([limits] if limits else []))

    return Contrast(
        {
            k: v
            for k, v in other.settings.items()
            if v != baseline.settings[k] and SETTINGS[k].applies(other.settings)
        },
        other,
        pairs,
        {
            "dead": changed("dead", bootstrap.SHARES),
            "accuracy": changed("accuracy", bootstrap.SHARES),
            "loss": changed("loss"),
        },
        tuple(sorted(baseline.runs.keys() - other.runs.keys())),
        tuple(sorted(other.runs.keys() - baseline.runs.keys())),
    )


def verdict(row: Contrast, baseline: Configuration, definition: str = "dead") -> str:
    """What a row's intervals say, in a few plain words."""
    if not row.pairs:
        return _without_pairs(row.configuration, baseline)
    dead, quality = row.changes["dead"], row.quality
    if dead is None or quality is None:
        return "n/a"
    seeds = min(dead.n, quality.n)
    if seeds < bootstrap.FEWEST:
        return f"too few seeds ({seeds} of {bootstrap.FEWEST})"
    if not row.has_interval:
        return "no clear change"
    better, worse = (BETTER, WORSE) if row.changes["accuracy"] else ("lower loss", "higher loss")
    moved = better if quality.rises else worse if quality.falls else ""
    word = definition.replace("_", " ")
    if dead.falls:
        return f"fewer {word}, {moved or 'no worse'}"
    if dead.rises:
        return f"more {word}, {moved}" if moved else f"more {word}"
    return f"{moved} only" if moved else "no clear change"


def _without_pairs(other: Configuration, baseline: Configuration) -> str:
    for who, side in (("", other), ("baseline ", baseline)):
        if not side.done:
            return f"{who}diverged" if side.seeds("diverged") else f"{who}failed"
    return "no common seed"

"""Running dead %: while a sweep runs, the mean share of dead units at each value of one axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reluprobe.analysis.estimates import share
from reluprobe.config import Value, labels, spelled_out
from reluprobe.engine import events
from reluprobe.plan.runs import Run
from reluprobe.records import RunRecord
from reluprobe.report import formatting


@dataclass
class _Mean:
    """Of one value: runs that have ended, and where none has, those under way."""

    ended: dict[str, float] = field(default_factory=dict)
    under_way: dict[str, float] = field(default_factory=dict)

    def text(self) -> str | None:
        shares = list((self.ended or self.under_way).values())
        return formatting.percent(sum(shares) / len(shares)) if shares else None


class RunningDead:
    """Counts as a sweep goes on. What has diverged or failed has no share.

    Args:
        axis: the setting, and its values as the sweep has them.
        runs: all runs of this command.
        records: of those that had ended before.
    """

    def __init__(
        self, axis: tuple[str, Sequence[Value]], runs: Iterable[Run], records: Iterable[RunRecord]
    ) -> None:
        name, values = axis
        own = name in labels.SPEAKING
        self.title = "dead %" if own else f"dead % by {labels.name(name)}"
        partial = [spelled_out({name: value}) for value in values]
        texts = [labels.settings(p) if own else labels.setting(p[name]) for p in partial]
        self.means = {text: _Mean() for text in texts}
        # The value that says most of a run: leaky_relu(0.1) rather than leaky_relu.
        named = sorted(zip(partial, texts, strict=True), key=lambda pair: -len(pair[0]))
        self.value_of = {run.id: text for run in runs if (text := _fitting(run, named))}
        for record in records:
            self._end(record.id, record)

    def see(self, event: events.Event) -> None:
        """Count what an event says."""
        match event:
            case events.EpochDone(run=run, epoch=epoch, diverged=diverged):
                dead = None if diverged else share(epoch.layers, "dead")
                if run.id in self.value_of and dead is not None:
                    self.means[self.value_of[run.id]].under_way[run.id] = dead
            case events.RunDone(run=run, record=record):
                self._end(run.id, record)
            case _:
                pass

    def _end(self, id_: str, record: RunRecord) -> None:
        if id_ not in self.value_of:
            return
        mean = self.means[self.value_of[id_]]
        mean.under_way.pop(id_, None)
        dead = share(record.final.layers, "dead") if record.status == "ok" else None
        if dead is not None:
            mean.ended[id_] = dead

    def line(self, width: int) -> str:
        """``dead %: relu 34.1 · leaky_relu 0.0``; empty where nothing is known.

        Where not all values fit in so many columns, those between the most and the fewest dead are
        left out.
        """
        shown = {value: text for value, mean in self.means.items() if (text := mean.text())}
        parts = [self._part(value, text) for value, text in shown.items()]
        by_dead = sorted(shown, key=lambda value: -float(shown[value]))
        named = len(shown)
        while len(line := self._line(parts)) > width and named > 2:
            named -= 1
            first = (named + 1) // 2
            ends = by_dead[:first], by_dead[first - named :]
            most, fewest = ([self._part(value, shown[value]) for value in end] for end in ends)
            parts = [*most, f"… {len(shown) - named} between", *fewest]
        return line

    def _part(self, value: str, text: str) -> str:
        return f"{value} {text}" if self.title == "dead %" else f"{value}: {text}"

    def _line(self, parts: Sequence[str]) -> str:
        return f"{self.title}: {' · '.join(parts)}" if parts else ""


def _fitting(run: Run, named: Iterable[tuple[Mapping[str, Value], str]]) -> str | None:
    fitting = (
        text for settings, text in named
        if all(getattr(run.config, name) == value for name, value in settings.items())
    )  # fmt: skip
    return next(fitting, None)

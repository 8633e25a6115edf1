"""Accuracy as figures draw it: itself, or where networks are accurate their error.

Between 97 and 98% of accuracy lies as much as between 90 and 93: an error on a logarithmic axis
shows both, and rises where networks get worse, as dead units do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import altair as alt

from reluprobe.analysis.aggregate import Estimate
from reluprobe.report.figures import charts

#: Above this accuracy, in percent, networks are told apart by their errors.
ACCURATE = 80
#: No error is drawn smaller, in percent: 0 has no logarithm.
LEAST_ERROR = 0.05
#: An axis of errors spans this factor at least: chance is not made to look like much.
SPAN = 2.0
#: Intervals have room on it up to this factor from the nearest mean; one to 0% would take it all.
REACH = 2.0


@dataclass(frozen=True)
class Quality:
    """An axis of accuracy, in percent.

    Attributes:
        title: what the axis is called.
        by_error: whether it is the error that is drawn.
        drawn: the values that it has room for.
    """

    title: str
    by_error: bool
    drawn: tuple[float, ...]

    def of(self, accuracy: float) -> float:
        """What stands for an accuracy in [0, 1]."""
        return max(100 * (1 - accuracy), LEAST_ERROR) if self.by_error else 100 * accuracy

    def span(self, value: Estimate) -> charts.Row:
        """A mean and its ends as fields of a row, from the lesser to the greater."""
        ends = [value.mean if end is None else end for end in (value.low, value.high)]
        low, high = sorted(map(self.of, ends))
        numbers = {"mean": self.of(value.mean), "low": low, "high": high}
        return {name: charts.number(number) for name, number in numbers.items()}

    def channel(self, field: str, channel: Any = alt.Y, **axis: Any) -> Any:
        """The encoding of a field."""
        if self.by_error:
            return charts.logarithmic(self.title, field, self.drawn, channel, grid=True, **axis)
        scale = alt.Scale(domain=charts.around(self.drawn), nice=False)
        how = alt.Axis(tickCount=4, **axis)
        return channel(f"{field}:Q", title=self.title, scale=scale, axis=how)


def quality(name: str, values: Iterable[Estimate]) -> Quality:
    """The axis of these accuracies.

    Args:
        name: what accuracy is called.
        values: means in [0, 1], at least one, and the ends beside them.
    """
    spreads = list(values)
    means = [value.mean for value in spreads]
    by_error = 100 * max(means) > ACCURATE
    title = f"{name.replace('accuracy', 'error') if by_error else name} %"
    shown = Quality(title, by_error, ())
    centres = [shown.of(mean) for mean in means]
    ends = [
        shown.of(end) for value in spreads for end in (value.low, value.high) if end is not None
    ]
    if not by_error:
        return Quality(title, by_error, (*centres, *ends))
    low, high = min(centres), max(centres)
    reach = [min(max(end, low / REACH), high * REACH) for end in ends]
    low, high = min([low, *reach]), max([high, *reach])
    wider = max(1.0, math.sqrt(SPAN * low / high))
    return Quality(title, by_error, (low / wider, high * wider))

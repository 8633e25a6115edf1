"""Accuracy and R² as figures draw them: themselves, or where networks are good what they lack.

Between 97 and 98% of accuracy lies as much as between 90 and 93: an error on a logarithmic axis
shows both, and rises where networks get worse, as dead units do. So does 1 − R², the share of the
variance that a regression leaves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import altair as alt

from reluprobe.analysis.aggregate import Estimate
from reluprobe.report.figures import charts
from reluprobe.report.quality_terms import QualityTerms

#: Above this accuracy or R² networks are told apart by what they lack of 1.
ACCURATE = 0.8
#: Nothing is drawn smaller: 0 has no logarithm.
LEAST_ERROR = 0.0005
#: An axis of errors spans this factor at least: chance is not made to look like much.
SPAN = 2.0
#: Intervals have room on it up to this factor from the nearest mean; one to 0% would take it all.
REACH = 2.0


@dataclass(frozen=True)
class Quality:
    """An axis of accuracy, in percent, or of R².

    Attributes:
        terms: the measure.
        by_error: whether what it lacks of 1 is drawn.
        drawn: the values that it has room for.
    """

    terms: QualityTerms
    by_error: bool
    drawn: tuple[float, ...]

    @property
    def name(self) -> str:
        """What is drawn."""
        return self.terms.lack if self.by_error else self.terms.name

    @property
    def worse(self) -> str:
        """What lies where networks are worse: up where what they lack is drawn, else down."""
        return self.terms.more_lack if self.by_error else self.terms.less

    @property
    def title(self) -> str:
        """What the axis is called."""
        return f"{self.name} {self.terms.unit}".strip()

    def of(self, value: float) -> float:
        """What stands for an accuracy or R²."""
        return self.terms.scale * (max(1 - value, LEAST_ERROR) if self.by_error else value)

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
        low, high = (self.terms.scale * limit for limit in self.terms.quality.limits)
        scale = alt.Scale(domain=charts.around(self.drawn, low, high), nice=False)
        how = alt.Axis(tickCount=4, **axis)
        return channel(f"{field}:Q", title=self.title, scale=scale, axis=how)


def quality(terms: QualityTerms, values: Iterable[Estimate]) -> Quality:
    """The axis of these accuracies, or of these R².

    Args:
        terms: the measure.
        values: means, at least one, and the ends beside them.
    """
    spreads = list(values)
    means = [value.mean for value in spreads]
    by_error = max(means) > ACCURATE
    shown = Quality(terms, by_error, ())
    centres = [shown.of(mean) for mean in means]
    ends = [
        shown.of(end) for value in spreads for end in (value.low, value.high) if end is not None
    ]
    if not by_error:
        low, high = (terms.scale * limit for limit in terms.quality.limits)
        return Quality(terms, by_error, (*centres, *charts.reached(centres, ends, (low, high))))
    low, high = min(centres), max(centres)
    reach = [min(max(end, low / REACH), high * REACH) for end in ends]
    low, high = min([low, *reach]), max([high, *reach])
    wider = max(1.0, math.sqrt(SPAN * low / high))
    return Quality(terms, by_error, (low / wider, high * wider))

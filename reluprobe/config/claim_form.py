"""Claims of a reference file: ranges, orderings and trends of measures, as they are written.

Every number of a claim is in percent, or in points of it for a difference: accuracies too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag

from reluprobe.config.field import INT32_MAX

#: The key of ``of`` for every run of the sweep that fits the protocol.
ALL = "all"
Percent = Annotated[float, Field(ge=-100, le=100)]
Points = Annotated[float, Field(ge=0, le=100)]
Number = Annotated[int, Field(ge=1, le=INT32_MAX)]
Epoch = Annotated[int, Field(ge=0, le=INT32_MAX)]
_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class PhaseEnd:
    """The end of a phase of a run, counted from 1 as tables have it."""

    __pydantic_config__ = _STRICT

    phase: Number


def _place(written: Any) -> str:
    return "phase" if isinstance(written, dict | PhaseEnd) else "epoch"


Place = Annotated[
    Annotated[Epoch, Tag("epoch")] | Annotated[PhaseEnd, Tag("phase")], Discriminator(_place)
]


@dataclass(frozen=True, kw_only=True)
class _Claim:
    """What claims of every kind say.

    Attributes:
        text: what is claimed.
        measure: a name of ``claim_measures.MEASURES``.
        source: who says so; the file's source, if empty.
        definition: of what units a measure is that is one of any definition.
        minus: a definition whose share is taken off.
        layer: from 1; the whole network, if None.
        layers: two of them, of a measure that is their difference.
        on: the split; of others than the probe there is the finished network alone.
        at: an epoch, or a phase's end; the end of the run, if None.
    """

    __pydantic_config__ = _STRICT

    text: Annotated[str, Field(min_length=1)]
    measure: str
    source: str = ""
    definition: str | None = None
    minus: str | None = None
    layer: Number | None = None
    layers: tuple[Number, Number] | None = None
    on: Literal["probe", "test", "train"] = "probe"
    at: Place | None = None

    @property
    def counted(self) -> str:
        """What was counted, for people."""
        units = self.definition or "dead"
        first, second = self.layers or (0, 0)
        called = {
            "accuracy": "test accuracy",
            "mean_accuracy": "mean test accuracy over phases",
            "revives": "revives by next probe",
            "died_once": "dead at one probe at least",
            "gain": f"{units}, L{second} − L{first}",
            "smallest_step": f"smallest step of {units}",
            "overlap": f"overlap of {units}",
        }.get(self.measure, self.measure)
        return f"{called} − {self.minus}" if self.minus else called

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys by which its runs are chosen."""
        raise NotImplementedError

    @property
    def true_in(self) -> tuple[float, float]:
        """The closed range, of fractions, in which the claim is true."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class RangeClaim(_Claim):
    """The mean of a measure lies in a range, in percent.

    Attributes:
        of: the runs, by a key as in ``runs``, or ``all``.
        least, most: the ends, which belong to the range.
        more_than, less_than: ends that do not.
    """

    of: str
    least: Percent | None = None
    most: Percent | None = None
    more_than: Percent | None = None
    less_than: Percent | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The one of its runs."""
        return (self.of,)

    @property
    def true_in(self) -> tuple[float, float]:
        """From the least to the most."""
        low = -math.inf if self.least is None else self.least / 100
        high = math.inf if self.most is None else self.most / 100
        if self.more_than is not None:
            low = max(low, above(self.more_than))
        if self.less_than is not None:
            high = min(high, -above(-self.less_than))
        return low, high


@dataclass(frozen=True, kw_only=True)
class OrderingClaim(_Claim):
    """A measure is more in some runs than in others: the mean of more − less is above ``by``.

    Attributes:
        less, more: the runs of the two sides, by keys as in ``runs``.
        by: in points; that is to say at least so much, where it is not 0.
    """

    less: str
    more: str
    by: Points = 0.0

    @property
    def keys(self) -> tuple[str, ...]:
        """That of the less, that of the more."""
        return self.less, self.more

    @property
    def true_in(self) -> tuple[float, float]:
        """At least ``by``; above 0 where there is none."""
        return self.by / 100 if self.by else above(0), math.inf


@dataclass(frozen=True, kw_only=True)
class TrendClaim(_Claim):
    """A measure goes up, down, or neither: by the mean of the runs' least-squares slopes.

    Attributes:
        of: the runs, by a key as in ``runs``, or ``all``.
        over: what a step is: from one phase's end, epoch or layer to the next.
        goes: ``flat`` is within ``by`` of no slope.
        by: points a step, at least; of ``flat`` at most.
    """

    of: str
    over: Literal["phases", "epochs", "layers"]
    goes: Literal["up", "down", "flat"]
    by: Points = 0.0

    @property
    def counted(self) -> str:
        """What was counted, for people."""
        return f"{super().counted}, slope over {self.over}"

    @property
    def keys(self) -> tuple[str, ...]:
        """The one of its runs."""
        return (self.of,)

    @property
    def true_in(self) -> tuple[float, float]:
        """Slopes that go so."""
        if self.goes == "flat":
            return -self.by / 100, self.by / 100
        least = self.by / 100 if self.by else above(0)
        return (least, math.inf) if self.goes == "up" else (-math.inf, -least)


def above(percent: float) -> float:
    """The least fraction above: ranges are closed, and "more" is not "as many"."""
    return math.nextafter(percent / 100, math.inf)


Claim = RangeClaim | OrderingClaim | TrendClaim


def _kind(written: Any) -> str:
    """Which kind is meant: each has keys that no other has."""
    if isinstance(written, OrderingClaim) or (
        isinstance(written, dict) and written.keys() & {"less", "more"}
    ):
        return "ordering"
    if isinstance(written, TrendClaim) or (
        isinstance(written, dict) and written.keys() & {"over", "goes"}
    ):
        return "trend"
    return "range"


WrittenClaim = Annotated[
    Annotated[RangeClaim, Tag("range")]
    | Annotated[OrderingClaim, Tag("ordering")]
    | Annotated[TrendClaim, Tag("trend")],
    Discriminator(_kind),
]
#: Keys that say of which definition a measure is.
DEFINING = ("definition", "minus")
#: Keys that are not every measure's.
PLACING = (*DEFINING, "layer", "layers", "on", "at")

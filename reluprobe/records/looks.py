"""Schema of a look at a network: layers with their fractions, epochs, steps, samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

from pydantic import Field

Fraction = Annotated[float, Field(ge=0, le=1)]
#: No sum of what float32 holds reaches this, and squares of it are still numbers.
LARGEST = 1e60
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
#: At most 1, of a network without an error.
RSquared = Annotated[float, Field(ge=-LARGEST, le=1)]
Root = Annotated[float, Field(ge=0, le=LARGEST)]
#: A sum over any sweep is still a number; this is 30,000 years.
Seconds = Annotated[float, Field(ge=0, le=1e12)]
#: Tables hold integers of 64 bits.
Count = Annotated[int, Field(ge=0, lt=2**63)]
Positive = Annotated[int, Field(ge=1, lt=2**63)]
#: A bit a unit in hexadecimal: unit 0 is the highest bit of the first digit. Empty: no unit.
UnitMask = Annotated[str, Field(pattern="^[0-9a-f]*$")]
#: A number a unit: base64 of little-endian integers or of float32 (``records.unit_numbers``).
UnitNumbers = Annotated[str, Field(pattern="^[A-Za-z0-9+/]*={0,2}$")]
#: Upper ends of the bins of firing rates between "never" and "always".
FIRING_ENDS = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99)
FIRING_BINS = len(FIRING_ENDS) + 3
#: Where the counts of the gradient are those of firing, as ReLU's are.
AS_FIRED = "fired"


class Fit(NamedTuple):
    """How well a regression fits a split (``engine.squared_error``); nulls where there is none."""

    r2: float | None
    rmse: float | None


# Ten thousand runs have a million of these parts: slots take 40% off the memory.
@dataclass(frozen=True, slots=True)
class CausesRecord:
    """What moved the units that died since the last probe, summed over them.

    Shapley values of the move of each unit's largest pre-activation, in its units: negative
    where they pushed down. Their sum is the whole move. See ``measures.attribution``.
    """

    weights: Number
    bias: Number
    upstream: Number


@dataclass(frozen=True, slots=True)
class ActivationsRecord:
    """A layer's outputs over the probe's first thousand examples.

    ``second`` is the mean square of its pre-activations; ``counts`` are of equal bins between
    ``low`` and ``high``. See ``measures.activation_stats``.
    """

    mean: Number
    variance: Number
    zeros: Fraction
    second: Number
    low: Number
    high: Number
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RatesRecord:
    """How often each unit of a layer fires, as counts: bounds of the rates follow from them.

    Attributes:
        values: of z that each unit was seen with: the examples, times the positions of a channel.
        fired: of how many z > 0.
        sloped: of how many f′(z) ≠ 0; the word ``fired`` where these are the same counts; null
            where they were not counted: of somebody else's network but for its ReLUs.
        magnitude: mean |a|, of which ``dormant`` is told for any τ; NaN where it is not finite.
    """

    values: Positive
    fired: UnitNumbers
    sloped: UnitNumbers | None
    magnitude: UnitNumbers


@dataclass(frozen=True, slots=True)
class PaceRecord:
    """How far units of one state moved from a probe to the next: ‖Δ(w, b)‖ / ‖(w, b)‖ each.

    Attributes:
        units: how many were in this state at both probes, and not drawn anew in between.
        mean: of them.
        most: that of the one that moved the farthest.
    """

    units: Positive
    mean: Annotated[float, Field(ge=0, le=LARGEST)]
    most: Annotated[float, Field(ge=0, le=LARGEST)]


@dataclass(frozen=True, slots=True)
class MovementRecord:
    """The pace of a layer's units by their state; null where none was in it at both probes.

    A unit is ``dead``; else ``rare``; else ``linear``; else ``healthy``.
    """

    dead: PaceRecord | None = None
    rare: PaceRecord | None = None
    linear: PaceRecord | None = None
    healthy: PaceRecord | None = None


@dataclass(frozen=True, slots=True)
class LayerRecord:
    """One hidden layer at one probe: fractions of its units, by each definition of dead.

    Attributes:
        dead_units: a bit mask in hexadecimal: unit 0 is the highest bit of the first digit.
        certified: fraction dead for every input in the training data's box; null for an
            activation without a flat stretch.
        deaths: units dead now that were alive at the last probe, or were drawn anew since: a unit
            dead then, drawn anew and dead again has died again. Null at the first probe.
        causes: what killed them; null where none died, or causes were not sought.
        activations: before training and at the end.
        revived: units drawn anew since the last probe; null where the run draws none anew:
            ``redraw`` and ``shrink_perturb`` change weights everywhere and end no unit's life.
        revived_units: which these are, as in ``dead_units``. They are drawn anew right after the
            last probe, before the next step: what was dead there ended with it.
        not_finite: units of a foreign run with a z or an output that was NaN or infinite: neither
            dead nor alive, they count in ``units`` and in no fraction.
    """

    units: int
    dead: Fraction | None
    silent: Fraction | None
    never_positive: Fraction | None
    constant: Fraction | None
    dormant: Fraction | None
    saturated: Fraction | None
    dead_units: UnitMask | None
    certified: Fraction | None = None
    deaths: int | None = None
    causes: CausesRecord | None = None
    activations: ActivationsRecord | None = None
    revived: int | None = None
    revived_units: UnitMask | None = None
    not_finite: Count | None = None
    rare: Fraction | None = None
    linear: Fraction | None = None
    dormant_units: UnitMask | None = None
    saturated_units: UnitMask | None = None
    rare_units: UnitMask | None = None
    linear_units: UnitMask | None = None
    firing: tuple[Count, ...] | None = None
    rates: RatesRecord | None = None
    movement: MovementRecord | None = None
    dead_data: Fraction | None = None


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One epoch. Training loss (nats) and accuracy are means over the epoch while it trains.

    Of a foreign run it is one look: ``epoch`` numbers the looks 0, 1, 2, …, ``step`` is its
    owner's, and the measures are those that its owner gave.

    Attributes:
        r2: of a regression on the test set: 1 − squared error / variance of the test targets about
            their own mean. Null of a classification, and where the targets are all the same.
        rmse: of a regression on the test set, in the unit of its targets: the root of the
            loss, times their standard deviation where ``standardize`` has scaled them.
    """

    epoch: Count
    train_loss: Number | None
    train_accuracy: Fraction | None
    test_loss: Number | None
    test_accuracy: Fraction | None
    layers: tuple[LayerRecord, ...]
    step: Count | None = None
    r2: RSquared | None = None
    rmse: Root | None = None


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A probe between epochs, after ``step`` steps of the run."""

    step: Count
    layers: tuple[LayerRecord, ...]


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """The finished network on one sample: ``probe``, ``test``, or the whole of ``train``.

    The samples of a foreign run are called as its owner calls them. ``r2`` and ``rmse`` are as in
    an epoch, on this sample and against the variance of its own targets.
    """

    sample: str
    examples: Positive
    loss: Number | None
    accuracy: Fraction | None
    layers: tuple[LayerRecord, ...]
    r2: RSquared | None = None
    rmse: Root | None = None

"""Firing rates, states and movement of a layer's units → the parts of its record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Int8

from reluprobe.records import MovementRecord, PaceRecord, RatesRecord
from reluprobe.records.unit_numbers import firing, rates_record

__all__ = ["MASKED", "STATES", "firing", "movement", "states", "unit_rates"]

#: Definitions of which a record says which units are meant, beside ``dead``.
MASKED = ("dormant", "saturated", "rare", "linear")
#: What a unit is, the first of these that holds; else healthy. A state is a place in this list.
STATES = ("dead", "rare", "linear", "healthy")


def states(units: Mapping[str, Bool[np.ndarray, "layer unit"]]) -> Int8[np.ndarray, "layer unit"]:
    """The state of each unit, a place in ``STATES``, from the answers of the definitions."""
    held = [units[name] for name in STATES[:-1]]
    return np.select(held, range(len(held)), len(held)).astype(np.int8)


def unit_rates(rates: Any, size: int, slopes: bool) -> RatesRecord:
    """The rates of a layer's units.

    Args:
        rates: the layer's part of ``measures.tallies.UnitRates``.
        size: how many units it has; rows are as long as the widest layer's.
        slopes: whether f′ ≠ 0 was counted.
    """
    sloped = rates.sloped[:size] if slopes else None
    return rates_record(int(rates.values), rates.fired[:size], sloped, rates.magnitude[:size])


def movement(moved: Float[np.ndarray, " unit"], stayed: Int[np.ndarray, " unit"]) -> MovementRecord:
    """How far a layer's units went, by state.

    Args:
        moved: of each, relative to where it was; not finite where it was nowhere.
        stayed: the state of a unit that was in it at both probes; -1 of any other.
    """

    def pace(state: int) -> PaceRecord | None:
        own = moved[(stayed == state) & np.isfinite(moved)].astype(np.float64)
        return PaceRecord(len(own), float(own.mean()), float(own.max())) if len(own) else None

    return MovementRecord(**{name: pace(n) for n, name in enumerate(STATES)})

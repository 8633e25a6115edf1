"""Firing rates, states and movement of a layer's units → the parts of its record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Int8

from reluprobe.records import MovementRecord, PaceRecord, RatesRecord
from reluprobe.records.looks import AS_FIRED, FIRING_BINS, FIRING_ENDS
from reluprobe.records.unit_numbers import pack_counts, pack_magnitudes

#: Definitions of which a record says which units are meant, beside ``dead``.
MASKED = ("dormant", "saturated", "rare", "linear")
#: What a unit is, the first of these that holds; else healthy. A state is a place in this list.
STATES = ("dead", "rare", "linear", "healthy")
#: As ``measures.definitions.ROUNDING``: a rate of exactly 1% is in the bin that ends there.
ROUNDING = 1e-6


def states(units: Mapping[str, Bool[np.ndarray, "layer unit"]]) -> Int8[np.ndarray, "layer unit"]:
    """The state of each unit, a place in ``STATES``, from the answers of the definitions."""
    held = [units[name] for name in STATES[:-1]]
    return np.select(held, range(len(held)), len(held)).astype(np.int8)


def firing(fired: Int[np.ndarray, " unit"], values: int) -> tuple[int, ...]:
    """How many units fire on how large a share of so many values: see ``LayerRecord.firing``."""
    inner = np.array(FIRING_ENDS) * (1 + ROUNDING) * values
    places = np.searchsorted(inner, fired, side="left") + 1
    places = np.where(fired == 0, 0, np.where(fired == values, FIRING_BINS - 1, places))
    return tuple(np.bincount(places, minlength=FIRING_BINS).tolist())


def unit_rates(rates: Any, size: int, slopes: bool) -> RatesRecord:
    """The rates of a layer's units.

    Args:
        rates: the layer's part of ``measures.definitions.UnitRates``.
        size: how many units it has; rows are as long as the widest layer's.
        slopes: whether f′ ≠ 0 was counted.
    """
    values, fired, sloped = int(rates.values), rates.fired[:size], rates.sloped[:size]
    alike = AS_FIRED if np.array_equal(fired, sloped) else pack_counts(sloped, values)
    return RatesRecord(
        values,
        pack_counts(fired, values),
        alike if slopes else None,
        pack_magnitudes(rates.magnitude[:size]),
    )


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

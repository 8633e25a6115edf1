"""Masks of units as records hold them: a bit a unit in hexadecimal, unit 0 the highest bit."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool


def pack(units: Bool[np.ndarray, " unit"]) -> str:
    """The mask in hexadecimal, filled up with zeros to whole bytes."""
    return np.packbits(units).tobytes().hex()


def pack_some(units: Bool[np.ndarray, " unit"]) -> str:
    """The mask in hexadecimal, empty where it is of no unit: most masks of most layers are."""
    return pack(units) if units.any() else ""


def unpack(mask: str | None, units: int) -> Bool[np.ndarray, " unit"]:
    """The mask that :func:`pack` wrote; of no unit where there is none."""
    if not mask:  # of no byte NumPy unpacks what happens to lie in memory
        return np.zeros(units, bool)
    packed = np.frombuffer(bytes.fromhex(mask), np.uint8)
    return np.unpackbits(packed, count=units).astype(bool)

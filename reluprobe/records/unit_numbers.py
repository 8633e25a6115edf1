"""A number a unit as records hold it: base64 of its bytes, a tenth of the memory of a list."""

from __future__ import annotations

import base64
import binascii

import numpy as np
from jaxtyping import Float, Int

from reluprobe.records.looks import AS_FIRED, FIRING_BINS, FIRING_ENDS, RatesRecord

#: Counts of at most so many take two bytes each; of more, four or eight.
SMALL, LARGE = 2**16, 2**32
#: As ``measures.definitions.ROUNDING``: a rate of exactly 1% is in the bin that ends there.
ROUNDING = 1e-6


def firing(fired: Int[np.ndarray, " unit"], values: int) -> tuple[int, ...]:
    """How many units fire on how large a share of so many values: see ``LayerRecord.firing``."""
    inner = np.array(FIRING_ENDS) * (1 + ROUNDING) * values
    places = np.searchsorted(inner, fired, side="left") + 1
    places = np.where(fired == 0, 0, np.where(fired == values, FIRING_BINS - 1, places))
    return tuple(np.bincount(places, minlength=FIRING_BINS).tolist())


def rates_record(
    values: int,
    fired: Int[np.ndarray, " unit"],
    sloped: Int[np.ndarray, " unit"] | None,
    magnitude: Float[np.ndarray, " unit"],
) -> RatesRecord:
    """The rates of a layer's units, of so many values each; ``sloped`` is None if not counted."""
    counts = None if sloped is None else pack_counts(sloped, values)
    if sloped is not None and np.array_equal(fired, sloped):
        counts = AS_FIRED
    return RatesRecord(values, pack_counts(fired, values), counts, pack_magnitudes(magnitude))


def pack_counts(counts: Int[np.ndarray, " unit"], values: int) -> str:
    """Counts of at most so many values, as little-endian integers of the least width for these."""
    return _text(counts.astype(_kind(values)))


def pack_magnitudes(magnitudes: Float[np.ndarray, " unit"]) -> str:
    """Numbers as little-endian float32."""
    return _text(magnitudes.astype("<f4"))


def fired(rates: RatesRecord) -> Int[np.ndarray, " unit"]:
    """Of how many values z > 0, unit by unit."""
    return _array(rates.fired, _kind(rates.values)).astype(np.int64)


def sloped(rates: RatesRecord) -> Int[np.ndarray, " unit"] | None:
    """Of how many values f′(z) ≠ 0, unit by unit; None where it was not counted."""
    if rates.sloped is None:
        return None
    if rates.sloped == AS_FIRED:
        return fired(rates)
    return _array(rates.sloped, _kind(rates.values)).astype(np.int64)


def magnitudes(rates: RatesRecord) -> Float[np.ndarray, " unit"]:
    """Mean |a|, unit by unit, in float32."""
    return _array(rates.magnitude, "<f4")


def fault(rates: RatesRecord, units: int) -> str | None:
    """What is wrong with the numbers of a layer of so many units; None where nothing is."""
    kind = _kind(rates.values)
    texts = {"fired": rates.fired}
    if rates.sloped not in (None, AS_FIRED):
        texts["sloped"] = rates.sloped
    try:
        counts = {name: _array(text, kind) for name, text in texts.items()}
        sizes = {name: array.size for name, array in counts.items()}
        sizes["magnitude"] = _array(rates.magnitude, "<f4").size
    except (ValueError, binascii.Error):
        return "rates: are not whole numbers in base64"
    for name, size in sizes.items():
        if size != units:
            return f"rates.{name}: are of {size} units, and the layer has {units}"
    most = max(int(array.max(initial=0)) for array in counts.values())
    return f"rates: {most} of {rates.values} values" if most > rates.values else None


def _kind(values: int) -> str:
    return "<u2" if values < SMALL else "<u4" if values < LARGE else "<u8"


def _text(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()


def _array(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(binascii.a2b_base64(text, strict_mode=True), kind)

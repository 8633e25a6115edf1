"""What is wrong with the claims of a reference file: each fault with its place, and the nearest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reluprobe.config.choices import DEFINITIONS
from reluprobe.config.claim_form import (
    DEFINING,
    PLACING,
    Claim,
    OrderingClaim,
    RangeClaim,
    TrendClaim,
)
from reluprobe.config.claim_measures import MASKED, MEASURES
from reluprobe.config.settings import idle_settings
from reluprobe.errors import nearest, shown

if TYPE_CHECKING:
    from reluprobe.config.published import Reference


def faults_of_claims(reference: Reference) -> list[str]:
    """A line for each fault, ``claims.3: measure = 'ded': allowed is …``, counted from 0."""
    lines: list[str] = []
    for number, claim in enumerate(reference.claims):
        # Without a measure nothing is known of what stands beside it.
        faults = [*_of_measure(claim)] or [*_of_places(claim), *_of_kind(claim)]
        keys = [*_of_keys(claim, reference)]
        faults += keys or [*_of_runs(claim, reference)]
        lines += [f"claims.{number}.{fault}" for fault in faults]
    return lines


def _of_measure(claim: Claim) -> Iterator[str]:
    if claim.measure not in MEASURES:
        yield _not_among("measure", claim.measure, MEASURES)


def _not_among(key: str, got: str, allowed: object) -> str:
    names = [str(name) for name in allowed]  # type: ignore[attr-defined]
    return f"{key} = {shown(got)}: allowed is one of {', '.join(names)}{nearest(got, names)}"


def _of_places(claim: Claim) -> Iterator[str]:
    """Keys that the measure does not take, or lacks, and places that nobody looked at."""
    form, name = MEASURES[claim.measure], claim.measure
    given = [key for key in PLACING if getattr(claim, key) not in (None, "probe")]
    for key in given:
        if key not in form.takes:
            takes = f"it takes {', '.join(form.takes)}" if form.takes else "it takes none"
            yield f"{key} = {_written(claim, key)}: means nothing to {name}; {takes}"
    for key in form.needs:
        if key not in given:
            yield f"{key}: {name} needs it"
    known = MASKED if name == "overlap" else DEFINITIONS
    for key in DEFINING:
        if key in given and key in form.takes and getattr(claim, key) not in known:
            yield _not_among(key, getattr(claim, key), known)
    if claim.minus == name:
        yield f"minus = {shown(name)}: taken off itself it is nothing"
    if claim.layers and claim.layers[0] == claim.layers[1]:
        yield f"layers = {list(claim.layers)}: allowed are two that differ"
    if claim.on != "probe" and claim.at is not None:
        yield f"at: on {claim.on} there is the finished network alone; leave it out"


def _written(claim: Claim, key: str) -> str:
    value = getattr(claim, key)
    return shown([*value] if isinstance(value, tuple) else value)


def _of_kind(claim: Claim) -> Iterator[str]:
    if isinstance(claim, RangeClaim):
        yield from _of_range(claim)
    if isinstance(claim, TrendClaim):
        yield from _of_trend(claim)


def _of_range(claim: RangeClaim) -> Iterator[str]:
    ends = ("least", "most", "more_than", "less_than")
    if all(getattr(claim, end) is None for end in ends):
        yield f"least: a range needs an end at least; allowed are {', '.join(ends)}"
    for one, other in (("least", "more_than"), ("most", "less_than")):
        if getattr(claim, one) is not None and getattr(claim, other) is not None:
            yield f"{one}: beside {other}; give one of the two"
    low, high = claim.true_in
    if low > high:
        yield "least: above the most: nothing lies in this range"


def _of_trend(claim: TrendClaim) -> Iterator[str]:
    form = MEASURES[claim.measure]
    if claim.over not in form.over:
        over = f"allowed is {' or '.join(form.over)}" if form.over else "it has no trend"
        yield f"over = {shown(claim.over)}: {claim.measure} goes over none; {over}"
    if claim.over == "layers" and claim.layer is not None:
        yield "layer: a trend over layers is of all of them; leave it out"
    if claim.over != "layers" and claim.at is not None:
        yield f"at: a trend over {claim.over} is over all of them; leave it out"
    if claim.over != "layers" and claim.on != "probe":
        yield f"on = {shown(claim.on)}: looked at there is the finished network alone"
    if claim.goes == "flat" and not claim.by:
        yield "by: flat needs it: within how many points a step"


def _of_keys(claim: Claim, reference: Reference) -> Iterator[str]:
    """Faults of the keys by which runs are chosen, each by itself."""
    for name in ("of", "less", "more"):
        key = getattr(claim, name, None)
        if key is None:
            continue
        whose = f"{name} = {shown(key)}"
        given, faults = reference.named(key)
        yield from (f"{whose}: {fault}" for fault in faults)
        if not faults:
            idle = idle_settings(reference.protocol_settings() | given)
            yield from (f"{whose}: {line}" for line in idle if line.split()[0] in given)


def _of_runs(claim: Claim, reference: Reference) -> Iterator[str]:
    """What is wrong with what well formed keys choose."""
    if isinstance(claim, OrderingClaim) and reference.target(claim.less) == reference.target(
        claim.more
    ):
        yield f"more = {shown(claim.more)}: chooses the same runs as less"
    beyond = [n for n in (claim.layer, *(claim.layers or ())) if n is not None]
    for key in dict.fromkeys(claim.keys):
        units = reference.layer_units(key)
        for layer in beyond:
            if units and layer > len(units):
                where = f"the network of {shown(key)} has {len(units)}"
                yield f"{'layer' if claim.layer else 'layers'} = {layer}: {where}"

"""Foreign runs: the id of one, and what its name and settings may be."""

from __future__ import annotations

import math
from collections.abc import Iterator

from reluprobe.errors import InputError, shown
from reluprobe.plan.runs import LETTER, digest
from reluprobe.records.network import Foreign, Setting
from reluprobe.records.schema import NAME

#: Letters of a name or of a text among settings: a heading's worth.
LONGEST = 200
#: Integers that every table holds.
MOST = 2**63
#: Names that settings cannot have: a table has columns of these names already.
TAKEN = (NAME, "seed")


def foreign_id(foreign: Foreign) -> str:
    """``r`` and twelve hexadecimal digits of SHA-256 over name, settings and seed.

    A setting that is None is as one that is not there, and 1.0 is 1: where runs are folded by
    their settings they are the same.

    Raises:
        InputError: what cannot be written down, see :func:`faults_of`.
    """
    if faults := [*faults_of(foreign)]:
        raise InputError(f"cannot record a run of {shown(foreign.name)}", faults)
    settings = {k: _plain(v) for k, v in foreign.settings.items() if v is not None}
    content = {"name": foreign.name, "seed": foreign.seed, "settings": settings}
    return LETTER + digest(content)


def _plain(value: Setting) -> Setting:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def faults_of(foreign: Foreign) -> Iterator[str]:
    """What a record cannot hold, or a table cannot show: place, what stands there, what may."""
    if fault := fault_of_name(foreign.name):
        yield f"name: {fault}"
    if isinstance(foreign.seed, bool) or not isinstance(foreign.seed, int):
        yield f"seed: is {shown(foreign.seed)}; allowed is an integer"
    elif not -MOST <= foreign.seed < MOST:
        yield f"seed: is {shown(foreign.seed)}; allowed is an integer of 64 bits"
    for name, value in foreign.settings.items():
        if fault := fault_of_name(name):
            yield f"settings: {fault}"
        elif name in TAKEN:
            yield f"settings.{name}: has a place of its own; call it otherwise"
        elif fault := _fault_of_value(value):
            yield f"settings.{name}: {fault}"


def fault_of_name(name: object, longest: int = LONGEST) -> str | None:
    """Why this cannot be a name; None where it can."""
    if isinstance(name, str) and name.strip() == name and name.isprintable() and name:
        return None if len(name) <= longest else f"{shown(name)} is longer than {longest} letters"
    return f"{shown(name)} is no name; allowed is text in one line, without blanks at its ends"


def _fault_of_value(value: Setting) -> str | None:
    match value:
        case None | bool():
            return None
        case int():
            allowed, holds = "an integer of 64 bits", -MOST <= value < MOST
        case float():
            allowed, holds = "a finite number", math.isfinite(value)
        case str():
            allowed = f"text in one line of up to {LONGEST} letters"
            holds = value.isprintable() and len(value) <= LONGEST
        case _:
            allowed, holds = "text, a number, true, false or none", False
    return None if holds else f"is {shown(value)}; allowed is {allowed}"

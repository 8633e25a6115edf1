"""Words for the lives of units by each definition: dead units revive, saturated ones recover."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LifeWords:
    """What is said of a unit that is followed from probe to probe.

    Attributes:
        state, other: what it may be at a probe.
        back: what it is once it is ``state`` no longer.
        anew: what it is where it was drawn anew and is ``state`` at the next probe.
        returns, returned: what it does then, and has done.
        began: when it was ``state`` the first time; ``first``, that time.
        stretch, stretches: a time through which it is ``state``.
        clock: in what such a time is counted from its beginning on.
    """

    state: str
    other: str
    back: str
    anew: str
    returns: str
    returned: str
    began: str
    first: str
    stretch: str
    stretches: str
    clock: str


_DEAD = LifeWords(
    state="dead",
    other="alive",
    back="alive again",
    anew="dead again",
    returns="revives",
    returned="revived",
    began="first died",
    first="their first death",
    stretch="a death",
    stretches="deaths",
    clock="probes after a death",
)


def words_of(definition: str) -> LifeWords:
    """The words for the units that a definition means."""
    if definition == "dead":
        return _DEAD
    return LifeWords(
        state=definition,
        other=f"not {definition}",
        back=f"no longer {definition}",
        anew=f"{definition} at once",
        returns="recovers",
        returned="recovered",
        began=f"first were {definition}",
        first="they first were",
        stretch=f"a time {definition}",
        stretches=f"times {definition}",
        clock=f"probes {definition} in a row",
    )

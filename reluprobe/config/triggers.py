"""Triggers: the setting ``revive_at`` as text, and the probes at which it revives units."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reluprobe.config.field import INT32_MAX, count_of

FORM = "epochs, phases, a list of epochs such as 1,3,6, or a number of steps such as 200 steps"
_STEPS = re.compile(r"([1-9]\d*) steps?")
_EPOCHS = re.compile(r"[1-9]\d*(\s*,\s*[1-9]\d*)*")
#: Any text without :func:`fault`, and no other.
PATTERN = rf"epochs|phases|{_STEPS.pattern}|{_EPOCHS.pattern}"


@dataclass(frozen=True)
class Trigger:
    """At which probes something is done.

    Attributes:
        steps: after every this many steps of the run; 0 for not so.
        epochs: after these epochs; None for after each, where ``steps`` is 0 and not ``phases``.
        phases: before the first step of each further phase.
    """

    steps: int = 0
    epochs: frozenset[int] | None = None
    phases: bool = False

    def after(self, epoch: int) -> bool:
        """Whether the end of this epoch is such a moment."""
        if self.steps or self.phases:
            return False
        return self.epochs is None or epoch in self.epochs


def parse(text: str) -> Trigger:
    """The moments of a text without :func:`fault`."""
    if text == "epochs":
        return Trigger()
    if text == "phases":
        return Trigger(phases=True)
    steps = _STEPS.fullmatch(text)
    if steps:
        return Trigger(steps=int(steps[1]))
    return Trigger(epochs=frozenset(int(n) for n in text.split(",")))


def normal(text: str) -> str:
    """The same moments written in one way: epochs in order, each once, without spaces."""
    at = parse(text)
    if at.steps:
        return f"{at.steps} steps"
    return text if at.epochs is None else ",".join(map(str, sorted(at.epochs)))


def fault(text: str) -> str | None:
    """Why this text names no moments; None where it does."""
    known = text in ("epochs", "phases") or _STEPS.fullmatch(text) or _EPOCHS.fullmatch(text)
    if not known:
        return f"allowed is {FORM}"
    beyond = any(count_of(number) > INT32_MAX for number in re.findall(r"\d+", text))
    return f"allowed are at most {INT32_MAX} epochs or steps" if beyond else None

"""Widths: a network's hidden layers one by one, as the text ``128-64-32``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reluprobe.config.field import Form, count_of

#: Units of a layer, and layers with a width of their own, at most: each of these is compiled apart.
WIDEST, MOST_LAYERS = 65_536, 100
FORM = f"one width a layer, {MOST_LAYERS} at most, such as 128-64-32 or 128,64,32"
_NUMBER = r"\s*[1-9][0-9]{0,4}\s*"
#: Any text without :func:`fault`, and no other, but for its length and its largest numbers.
PATTERN = rf"{_NUMBER}([-,]{_NUMBER})*"


def parse(text: str) -> tuple[int, ...]:
    """The widths of a text without :func:`fault`, the first layer's first."""
    return tuple(int(part) for part in text.replace(",", "-").split("-"))


def normal(text: str) -> str:
    """The same widths written in one way: no list of settings has its commas mixed up with ours."""
    return "-".join(map(str, parse(text)))


def fault(text: str) -> str | None:
    """Why this text is no list of widths; None where it is one."""
    parts = [part.strip() for part in text.replace(",", "-").split("-")]
    if not all(re.fullmatch("[0-9]+", part) for part in parts):
        return f"allowed is {FORM}"
    if len(parts) > MOST_LAYERS:
        return f"names {len(parts)} layers; allowed are at most {MOST_LAYERS}"
    bad = [part for part in parts if not 1 <= count_of(part) <= WIDEST]
    return f"{bad[0]} units: allowed is an integer >= 1 and <= {WIDEST}" if bad else None


#: Of ``width`` beside a number, and of ``channels``.
WIDTHS = Form(FORM, PATTERN, fault, normal, listed=True)


def settled(settings: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a run with the depth that follows from its widths.

    Equal widths are one number: the same network is the same run, however it was written.
    """
    if not isinstance(width := settings["width"], str):
        return dict(settings)
    layers = parse(width)
    equal = layers[0] if len(set(layers)) == 1 else width
    return {**settings, "width": equal, "depth": len(layers)}


def idle_depth(settings: Mapping[str, Any]) -> str | None:
    """Why the depth that is set beside these widths has no effect; None where it has, or agrees."""
    width, depth = settings["width"], settings["depth"]
    if not isinstance(width, str) or (layers := len(parse(width))) == depth:
        return None
    return f"has no effect with width = {width}: that names {layers} layers"

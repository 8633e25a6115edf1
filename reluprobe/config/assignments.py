"""Assignments: settings in one text, ``lr=0.1,act=relu``, as names and values."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

from reluprobe.config import documents
from reluprobe.config.settings import SETTINGS, full_name
from reluprobe.errors import shown

# Where a comma parts settings a name and = follow; a value may hold others.
_COMMA = re.compile(r",(?=\s*[\w-]+\s*=)")


def parse(
    texts: Iterable[str], among: Collection[str] = SETTINGS
) -> tuple[dict[str, str], list[str]]:
    """Texts by the full names of the settings that they are of, unchecked; and what is wrong."""
    values: dict[str, str] = {}
    faults: list[str] = []
    parts = (part.strip() for whole in texts for part in _COMMA.split(whole))
    for text in filter(None, parts):
        key, equals, value = text.partition("=")
        name = full_name(key, among)
        if not equals:
            faults.append(f"got {shown(text)}; allowed is SETTING=VALUE")
        elif name in values:
            faults.append(f"{name} is named twice")
        else:
            values[name] = value
    return values, faults


def value_of(name: str, text: str) -> Any:
    """The value of ``name=text``: as in TOML; else as the setting's flag reads it."""
    text, kind = text.strip(), SETTINGS[name].type if name in SETTINGS else None
    try:
        value = documents.from_toml(f"value = {text}")["value"]
    except ValueError:
        return reader(kind)(text) if kind in (int, float) else text
    # revive_at=2 names an epoch, and is a text.
    return text if kind is str and isinstance(value, int) else value


def reader(kind: type) -> Callable[[Any], Any]:
    """Text to a value; what is no such value stays text, for the settings' own check to refuse.

    So a flag and a key of a sweep file are refused in the same words, all of them at once.
    """

    def read(text: Any) -> Any:
        try:
            return kind(text)
        except ValueError:
            return text

    return read

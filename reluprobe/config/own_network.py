"""Somebody's own network among the settings: its function, and settings of its own as one text."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

from reluprobe.config import choices
from reluprobe.errors import nearest, shown

OwnValue = int | float | str  # a bool is an int

FORM = f"{', '.join(choices.NETWORKS)}, or your own as package.module:function"
_NAME = r"[A-Za-z_]\w*"
PATTERN = rf"{'|'.join(choices.NETWORKS)}|{_NAME}(\.{_NAME})*:{_NAME}"
SETTINGS_FORM = "name=value, several with commas between: blocks=2,gate=true"
_VALUE = r"[^,=\s]([^,=]*[^,=\s])?"
SETTINGS_PATTERN = rf"(\s*{_NAME}\s*=\s*{_VALUE}\s*(,\s*{_NAME}\s*=\s*{_VALUE}\s*)*)?"


def fault(text: str) -> str | None:
    """Why this text names no network; None where it names one."""
    if re.fullmatch(PATTERN, text.strip(), re.ASCII):
        return None
    return f"allowed is {FORM}{nearest(text, choices.NETWORKS)}"


def settings_fault(text: str) -> str | None:
    """Why this text is no table of settings; None where it is one."""
    if not re.fullmatch(SETTINGS_PATTERN, text):
        return f"allowed is {SETTINGS_FORM}"
    names = [part.partition("=")[0].strip() for part in text.split(",")] if text.strip() else []
    twice = next((name for name in names if names.count(name) > 1), None)
    return f"{twice} is set twice" if twice else None


def parse(text: str) -> dict[str, OwnValue]:
    """The settings of a text without a fault, each as the kind of value that it looks like."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {name.strip(): _value(value.strip()) for name, _, value in pairs}


def written(settings: Mapping[str, OwnValue]) -> str:
    """A table of settings as the one text that says it."""
    return ",".join(f"{name}={_shown(settings[name])}" for name in sorted(settings))


def normal_settings(text: str) -> str:
    """The same settings written in one way: in the order of their names."""
    return written(parse(text))


def _value(text: str) -> OwnValue:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _shown(value: OwnValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def combinations(table: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Every combination of a table's values as a text, and what is wrong with the table.

    Args:
        table: by name a value, or a list of those that are to be run.
    """
    faults = [fault for name, value in table.items() if (fault := _table_fault(name, value))]
    if faults:
        return [], faults
    lists = [value if isinstance(value, list) else [value] for value in table.values()]
    points = itertools.product(*lists)
    texts = [written(dict(zip(table, point, strict=True))) for point in points]
    return list(dict.fromkeys(texts)), []


def _table_fault(name: str, value: Any) -> str | None:
    values = value if isinstance(value, list) else [value]
    if not values:
        return f"{name} = []: an axis needs at least one value"
    for one in values:
        if not isinstance(one, OwnValue) or settings_fault(f"{name}={_shown(one)}"):
            return f"{name} = {shown(value)}: allowed are numbers, true or false, and plain words"
    return None

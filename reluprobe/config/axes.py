"""Axes of a sweep: the values of a list, or of a linear or logarithmic range."""

from __future__ import annotations

import math
from typing import Any

from reluprobe.config.field import FLOAT32_MAX, Setting
from reluprobe.config.settings import Value, fault_of, spelled_out
from reluprobe.errors import shown

ALLOWED = (
    "a list [a, b, …], or a range { log = [first, last], num = n } or "
    "{ linear = [first, last], num = n }"
)
MOST_VALUES = 100_000
#: Of one axis; a column of a wrong kind has as many faults as values.
MOST_FAULTS = 10


def axis_values(setting: Setting, written: Any) -> tuple[tuple[Value, ...], list[str]]:
    """The values of one axis as written, and what is wrong with them."""
    if isinstance(written, dict):
        values, fault = _spread(setting, written)
        if fault:
            return (), [f"{setting.name} = {shown(written)}: {fault}"]
    elif isinstance(written, list):
        values = written
    else:
        return (), [f"{setting.name} = {shown(written)}: an axis is {ALLOWED}"]
    if not values:
        return (), [f"{setting.name} = []: an axis needs at least one value"]
    if len(values) > MOST_VALUES:
        return (), [f"{setting.name}: {len(values):,} values; allowed are at most {MOST_VALUES:,}"]
    checked = [(value, fault_of(setting.name, value, {setting.name: setting})) for value in values]
    faults = [fault for _, fault in checked if fault]
    if more := faults[MOST_FAULTS:]:
        faults = [*faults[:MOST_FAULTS], f"{setting.name}: {len(more):,} more such values"]
    return tuple(_clean(setting, v) for v, fault in checked if not fault), faults


def _clean(setting: Setting, value: Value) -> Value:
    # leaky_relu(0.1) is two settings' worth, and stays as written until a run is made of it.
    whole = spelled_out({setting.name: value})[setting.name] == value
    return setting.clean(value) if whole else value


def _spread(setting: Setting, table: dict[str, Any]) -> tuple[list[Value], str | None]:
    kinds = [k for k in ("log", "linear") if k in table]
    if len(kinds) != 1 or set(table) != {kinds[0], "num"}:
        return [], f"allowed is {ALLOWED}"
    ends, num = table[kinds[0]], table["num"]
    fault = _range_fault(setting, kinds[0], ends, num)
    if fault:
        return [], fault
    first, last = (math.log(e) if kinds[0] == "log" else e for e in ends)
    steps = [first + (last - first) * i / (num - 1) for i in range(num)]
    values = [math.exp(s) if kinds[0] == "log" else s for s in steps]
    # Twelve digits, so that 0.001 in a log range is 0.001, the id of a run that names it so.
    rounded = [float(f"{v:.12g}") for v in values]
    if setting.type is int:
        return [int(v) if v.is_integer() else v for v in rounded], None
    return list(rounded), None


def _range_fault(setting: Setting, kind: str, ends: Any, num: Any) -> str | None:
    if setting.type is str:
        return "a range is for numbers; list the names instead"
    if isinstance(num, bool) or not isinstance(num, int) or not 2 <= num <= MOST_VALUES:
        return f"num = {shown(num)}: allowed is an integer from 2 to {MOST_VALUES}"
    pair = isinstance(ends, list) and len(ends) == 2
    if not pair or any(isinstance(e, bool) or not isinstance(e, int | float) for e in ends):
        return f"{kind} = {shown(ends)}: allowed are two numbers [first, last]"
    # Compared and not converted: an integer of 400 digits is no float.
    finite = all(abs(e) <= FLOAT32_MAX for e in ends)
    if not finite or (kind == "log" and min(ends) <= 0):
        positive = " > 0" * (kind == "log")
        most = f"of a magnitude of at most {FLOAT32_MAX:g}"
        return f"{kind} = {shown(ends)}: allowed are finite numbers{positive} {most}"
    return None

"""Arguments of library calls as plain, checked values: paths, names, numbers of NumPy."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from reluprobe.config.axes import MOST_VALUES
from reluprobe.config.field import INT32_MAX
from reluprobe.config.own_data import is_path
from reluprobe.config.settings import SETTINGS, full_name, near_name, with_full_names
from reluprobe.config.sweep_name import LONGEST
from reluprobe.errors import InputError, nearest, shown

#: More levels than a sweep has: source, zip, block, axis, range, ends.
DEEPEST = 8


def path(name: str, value: str | PathLike[str]) -> Path:
    """A path with ``~`` spelled out.

    Raises:
        InputError: it is no path.
    """
    if not isinstance(value, str | PathLike) or str(value) == "" or "\0" in str(value):
        raise _wrong(name, value, "a path")
    try:
        expanded = Path(value).expanduser()
    except (RuntimeError, TypeError) as error:  # ~nobody; a PathLike of bytes
        raise InputError(f"bad {name}", [f"{name} = {shown(value)}: {error}"]) from None
    if any(len(os.fsencode(part)) > LONGEST for part in expanded.parts):
        raise _wrong(name, value, f"a path whose names have at most {LONGEST} bytes each")
    return expanded


def plain(value: Any, within: tuple[Any, ...] = ()) -> Any:
    """NumPy's numbers and arrays, tuples and ranges as TOML would have them.

    What lies deeper than anything in a sweep does, or within itself (``within``: what it lies in),
    stays as it is, for the checks to refuse.
    """
    if len(within) == DEEPEST or any(value is outer for outer in within):
        return value
    inner = (*within, value)
    if isinstance(value, np.ndarray):
        return plain(value[()]) if value.ndim == 0 else [plain(item, inner) for item in value]
    if isinstance(value, np.floating):
        # The digits that it shows: np.float32(0.01) means 0.01, and is the run that has it.
        return float(str(value))
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {plain(key): plain(item, inner) for key, item in value.items()}
    if isinstance(value, range) and value[MOST_VALUES:]:
        return value
    if isinstance(value, tuple | range | list):
        return [plain(item, inner) for item in value]
    return value


def table(name: str, value: Any) -> dict[str, Any]:
    """A mapping of names to values, all plain; None is an empty one.

    Raises:
        InputError: it is no mapping, or a key is no text.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _wrong(name, value, 'a dict, {"activation": "relu"}')
    if wrong := [key for key in value if not isinstance(key, str)]:
        raise InputError(f"bad {name}", [f"{name}: key {shown(key)} is no text" for key in wrong])
    return plain(value)


def names(name: str, value: Any, among: Collection[str] = SETTINGS) -> tuple[str, ...]:
    """Full names of settings, ``among`` which each is to be; one may stand alone.

    Raises:
        InputError: one is no setting.
    """
    listed = (value,) if isinstance(value, str) else value
    if not isinstance(listed, Iterable) or isinstance(listed, Mapping | bytes):
        raise _wrong(name, value, 'names of settings, ["activation"]')
    chosen = tuple(listed)
    full = tuple(full_name(n, among) if isinstance(n, str) else n for n in chosen)
    if wrong := [n for n in full if n not in among]:
        faults = [f"{name}: {shown(n)} is no setting{near_name(n, among)}" for n in wrong]
        raise InputError("no such setting", faults)
    return full


def settings(written: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a run, all plain, under their full names.

    Raises:
        InputError: two names of one setting.
    """
    full, faults = with_full_names(plain(written))
    if faults:
        raise InputError("bad settings", faults)
    if isinstance(dataset := full.get("dataset"), PathLike):
        full["dataset"] = _as_dataset(os.fspath(dataset))
    return full


def _as_dataset(path: str) -> str:
    """A path that is none by its text alone: ``Path("cats")`` is the folder ``./cats``."""
    return path if is_path(path) else f"./{path}"


def choice(name: str, value: Any, allowed: Sequence[str]) -> str:
    """One of these words.

    Raises:
        InputError: it is none of them.
    """
    if not isinstance(value, str) or value not in allowed:
        listed = f"one of {', '.join(allowed)}{nearest(value, allowed)}"
        raise _wrong(name, value, listed)
    return value


def progress(value: Any) -> bool | Callable[..., Any]:
    """Whether to draw a bar, or the function that gets events.

    Raises:
        InputError: it is neither.
    """
    if value is None or isinstance(value, bool) or callable(value):
        return value or False
    raise _wrong("progress", value, "True, or a function that takes an event")


def count(name: str, value: Any) -> int | None:
    """A whole number from 1 up, as far as an engine counts, or None.

    Raises:
        InputError: it is neither.
    """
    number = plain(value)
    if number is None or (type(number) is int and 1 <= number <= INT32_MAX):
        return number
    raise _wrong(name, value, f"None, or an integer >= 1 and <= {INT32_MAX}")


def _wrong(name: str, value: Any, allowed: str) -> InputError:
    return InputError(f"bad {name}", [f"{name} = {shown(value)}: allowed is {allowed}"])

"""Labels: settings, runs and counts as text for people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from reluprobe.config import SETTINGS, RunConfig, Value, settings_of
from reluprobe.config.choices import PARAMETERS
from reluprobe.config.settings import PRINTED_NAMES

_SHA256 = re.compile(r"[0-9a-f]{64}")
V = TypeVar("V", bound=Value | None)


def setting(value: Value | None) -> str:
    """A setting as people write it: ``0.005`` → ``5e-3``, ``0.1`` → ``0.1``; ``–`` for none."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and _SHA256.fullmatch(value):
        return f"{value[:12]}…"
    if not isinstance(value, float) or value == 0 or 0.01 <= abs(value) < 10_000:
        return f"{value:.4g}" if isinstance(value, float) else str(value)
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def printed_so(given: Value | None, values: Iterable[V]) -> list[V]:
    """Of these values of a setting the one that is given; else those that are printed so.

    What a table shows as ``3.16e-4`` may be 0.000316227766017. More than one may be.
    """
    listed = list(dict.fromkeys(values))
    for value in listed:
        if value == given and isinstance(value, str) == isinstance(given, str):
            return [value]
    return [value for value in listed if _is_printed(value, given)]


def _is_printed(value: Value | None, given: Value | None) -> bool:
    printed = setting(value)
    if isinstance(given, str) and given.strip() == printed:
        return True
    if not isinstance(value, float) or isinstance(given, bool) or given is None:
        return False
    try:
        return float(given) == float(printed)
    except ValueError:
        return False


#: Settings whose values name themselves.
SPEAKING = ("name", "activation", "optimizer", "init", "dataset", "sample", "change")


def name(setting_name: str) -> str:
    """A setting's name in a heading: ``learning_rate`` → ``lr``."""
    return PRINTED_NAMES.get(setting_name, setting_name.replace("_", " "))


#: Before a setting among the fields of a chart's data: none is then called as one of the chart's
#: own, such as ``mean``, whatever the owner of a foreign run calls his settings.
SETTING = "setting_"


def field(setting_name: str) -> str:
    """What a chart's data call a setting: no sign in it means anything to a chart's grammar."""
    return SETTING + re.sub(r"\W", "_", setting_name)


def settings(values: Mapping[str, Value | None]) -> str:
    """``leaky_relu(0.1) · lr 5e-3 · residual``: some values name themselves, others are named."""
    shown = {key: value for key, value in values.items() if value is not None}
    f = shown.get("activation")
    parameter = shown.pop(PARAMETERS[str(f)], None) if f in PARAMETERS else None
    if parameter is not None:
        shown["activation"] = f"{f}({setting(parameter)})"
    return " · ".join(_named(key, value) for key, value in shown.items())


def change(values: Mapping[str, Value | None]) -> str:
    """Settings that were changed, also to none: ``lr 5e-3 · decay none``."""
    return settings({key: "none" if value is None else value for key, value in values.items()})


def _named(key: str, value: Value) -> str:
    if key in SPEAKING:
        return str(value)
    if isinstance(value, bool):
        return name(key) if value else f"no {name(key)}"
    return f"{name(key)} {setting(value)}"


def network(config: RunConfig) -> str:
    """The run in one line: what every run has, and what is not as in the study."""
    shown = ("activation", "learning_rate", "optimizer", "init")
    # Whether an own network reads its activation or init is not known before it is built: what is
    # set stands with the other settings, and a default says nothing of it.
    shown = ("learning_rate", "optimizer") if config.is_own else shown
    sizes = f"{architecture(config)} · {config.dataset} · seed {config.seed}"
    known = (*shown, "network", "dataset", "data_sha256", "seed", "epochs")
    known += () if config.is_own else ("channels", "depth", "width")
    other = {n: v for n, v in settings_of(config).items() if v != SETTINGS[n].default}
    more = settings({n: v for n, v in other.items() if n not in known})
    line = f"{settings({n: getattr(config, n) for n in shown})} · {sizes}"
    return f"{line} · {more}" if more else line


def architecture(config: RunConfig) -> str:
    """Hidden layers in short: ``5 × 256``, ``128-64-32``, ``cnn 32-64 + 1 × 256``."""
    if config.is_own:
        return config.network
    many = isinstance(config.width, str)
    dense = str(config.width) if many else f"{config.depth:,} × {config.width:,}"
    return f"cnn {config.channels} + {dense}" if config.convolutions else dense


def count(n: int, noun: str) -> str:
    """``1 run``, ``30 runs``."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"

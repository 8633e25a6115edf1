"""Settings by name: checks of one value or a table, and runs made of some of them."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from reluprobe.config import choices, widths
from reluprobe.config.field import Setting, settings_in
from reluprobe.config.run_config import RunConfig
from reluprobe.errors import InputError, nearest, shown

#: Every setting by name, in the order in which help and documentation list them.
SETTINGS: dict[str, Setting] = settings_in(RunConfig)

#: Settings that screens print under another name than their own.
PRINTED_NAMES = {"learning_rate": "lr", "l2": "L2", "use_bias": "bias"}
#: Short names, of flags and of screens, each with the setting that it stands for.
SHORT_NAMES: dict[str, str] = {
    flag.lstrip("-"): setting.name for setting in SETTINGS.values() for flag in setting.flags
} | {short: name for name, short in PRINTED_NAMES.items()}

#: Defaults of a cnn that are not those of the MNIST study's network.
CNN = {"depth": 1}
#: What a setting's value may be. In TOML and JSON alike.
Value = int | float | str  # a bool is an int

_WITH_PARAMETER = re.compile(r"\s*(\w+)\s*\(\s*([^()\s]+)\s*\)\s*")


def full_name(text: str, among: Collection[str] = SETTINGS) -> str:
    """A setting's name as records have it, of any way to write it; what is none stays as it is.

    ``lr``, ``--lr``, ``learning-rate`` and ``learning rate`` are ``learning_rate``.

    Args:
        text: what was written.
        among: the names that there are. One that stands there as written means itself.
    """
    plain = text.strip().lstrip("-")
    whole = plain.replace("-", "_").replace(" ", "_")
    written_so = (plain, SHORT_NAMES.get(plain, ""), whole)
    return next((name for name in written_so if name in among), plain)


def with_full_names(
    table: Mapping[str, Any], among: Collection[str] = SETTINGS
) -> tuple[dict[str, Any], list[str]]:
    """A table whose keys are full names, and a fault for each setting that has two names there."""
    full: dict[str, Any] = {}
    written_as: dict[str, str] = {}
    faults = []
    for key, value in table.items():
        name = full_name(key, among)
        if name in full:
            faults.append(f"{written_as[name]} and {key} are one setting; name it once")
        else:
            full[name], written_as[name] = value, key
    return full, faults


def near_name(name: object, among: Iterable[str] = SETTINGS) -> str:
    """``"; did you mean 'lr'?"``: the nearest of these names, and of the short ones for them."""
    full = list(among)
    return nearest(name, [*full, *(short for short, long in SHORT_NAMES.items() if long in full)])


def unknown(name: str, allowed: Iterable[str] = SETTINGS) -> str:
    """The fault of a key that is no setting."""
    allowed = list(allowed)
    close = near_name(name, allowed)
    listed = "" if close else f"; allowed are {', '.join(allowed)}"
    return f"unknown setting {shown(name)}{close}{listed}"


def fault_of(name: str, value: Any, among: Mapping[str, Setting] = SETTINGS) -> str | None:
    """Why this setting may not have this value, or None where it may."""
    if among is SETTINGS and isinstance(value, Value):
        return _known_fault(name, value)
    return _fault(name, value, among)


@functools.lru_cache(maxsize=4096, typed=True)
def _known_fault(name: str, value: Value) -> str | None:
    # A plan of ten thousand runs has the same few values again and again.
    return _fault(name, value, SETTINGS)


def _fault(name: str, value: Any, among: Mapping[str, Setting]) -> str | None:
    if name not in among:
        return unknown(name, among)
    match = _WITH_PARAMETER.fullmatch(value) if isinstance(value, str) else None
    if name == "activation" and match and match[1] in choices.ACTIVATIONS:
        if match[1] not in choices.PARAMETERS:
            having = f"those that have are {', '.join(choices.PARAMETERS)}"
            return f"{name} = {shown(value)}: {match[1]} has no parameter; {having}"
        if spelled_out({name: value})[name] == value:
            return f"{name} = {shown(value)}: {shown(match[2])} is no number"
    faults = ({**SETTINGS, **among}[n].fault(v) for n, v in spelled_out({name: value}).items())
    return next((fault for fault in faults if fault), None)


def faults_of(settings: Mapping[str, Any], among: Mapping[str, Setting] = SETTINGS) -> list[str]:
    """Every fault of a table of settings: unknown names, values that may not stand there."""
    faults = (fault_of(name, value, among) for name, value in settings.items())
    return [*filter(None, faults), *given_twice(settings)]


def given_twice(settings: Mapping[str, Any]) -> list[str]:
    """The fault of ``activation = "leaky_relu(0.1)"`` beside a ``leaky_slope`` that is another."""
    whole = {name: value for name, value in settings.items() if name == "activation"}
    return [
        f"activation = {shown(whole['activation'])} and {name} = {shown(settings[name])} are not "
        "the same; give one of the two"
        for name, value in spelled_out(whole).items()
        if name not in whole and name in settings and settings[name] != value
    ]


def spelled_out(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings with ``activation = "leaky_relu(0.1)"`` as the two that it stands for.

    The parameter in brackets goes before one that is set by its own name (:func:`given_twice`
    refuses another beside it). Of an activation without one, or with a text that is no number,
    the value is left for the check to refuse.
    """
    spelled = dict(settings)
    written = spelled.get("activation")
    match = _WITH_PARAMETER.fullmatch(written) if isinstance(written, str) else None
    if match and match[1] in choices.PARAMETERS:
        try:
            spelled[choices.PARAMETERS[match[1]]] = float(match[2])
        except ValueError:
            return spelled
        spelled["activation"] = match[1]
    return spelled


def make_run(settings: Mapping[str, Value]) -> RunConfig:
    """A run from some settings, the others at their defaults.

    A setting that has no effect beside the others (``leaky_slope`` of a ReLU) is put back to its
    default, so that two runs which cannot differ are the same run.

    Raises:
        InputError: with every fault.
    """
    faults = faults_of(settings)
    if faults:
        raise InputError("bad settings", faults)
    full = {n: s.default for n, s in SETTINGS.items()}
    given = {n: _clean(n, v) for n, v in spelled_out(settings).items()}
    if given.get("network") == "cnn":
        full |= CNN
    return RunConfig(**without_idle(widths.settled(full | given)))


def without_idle(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings, those without an effect beside the others put back to their defaults."""
    full = dict(settings)
    # Again and again, as one put back may leave another without effect.
    while idle := [n for n, v in full.items() if v != SETTINGS[n].default and _idle(n, full)]:
        full |= {n: SETTINGS[n].default for n in idle}
    return full


def _idle(name: str, full: Mapping[str, Value]) -> bool:
    return not SETTINGS[name].applies(full)


def _clean(name: str, value: Any) -> Value:
    return _cleaned(name, value) if isinstance(value, Value) else SETTINGS[name].clean(value)


@functools.lru_cache(maxsize=4096, typed=True)
def _cleaned(name: str, value: Value) -> Value:
    return SETTINGS[name].clean(value)


def cleaned(settings: Mapping[str, Value]) -> dict[str, Value]:
    """Checked settings, spelled out, each as its own type."""
    return {name: SETTINGS[name].clean(value) for name, value in spelled_out(settings).items()}


def written(value: Value | None) -> str:
    """A value as TOML, flags and ``--baseline`` have it: ``true``, ``5e-3``, ``relu``, ``none``."""
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def idle_settings(settings: Mapping[str, Value]) -> list[str]:
    """The given settings that have no effect beside the others, each with the reason."""
    settings = {n: _clean(n, v) for n, v in spelled_out(settings).items()}
    full = {n: s.default for n, s in SETTINGS.items()} | settings
    reasons = {name: SETTINGS[name].idle(full) for name in settings}
    if "depth" in settings:
        reasons["depth"] = widths.idle_depth(full)
    return [f"{name} {reason}" for name, reason in reasons.items() if reason]


def rank(value: Value | None) -> tuple[int, Value]:
    """A key to sort one setting's values by: numbers, words, and last what has none."""
    return (2, 0) if value is None else (int(isinstance(value, str)), value)


def settings_of(config: RunConfig) -> dict[str, Value]:
    """Every setting of a run, resolved, by name."""
    return dict(vars(config))

"""Runs of a sweep: product, zip, include and exclude; each run's id."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reluprobe.config import (
    SETTINGS,
    RunConfig,
    SweepConfig,
    Value,
    conflicts,
    faults_of,
    idle_settings,
    labels,
    make_run,
    settings_of,
    spelled_out,
)
from reluprobe.errors import InputError, shown


@dataclass(frozen=True)
class Run:
    """One configuration with one seed, and its id."""

    id: str
    config: RunConfig


@dataclass(frozen=True)
class Plan:
    """What a sweep will do: its runs in order, and how many duplicates were folded."""

    runs: tuple[Run, ...]
    folded: int


#: Runs of a sweep, before duplicates are folded and ``[[exclude]]`` is asked: a plan is made, and
#: checked, whole. So many take 11 s and 245 MB of it on one core (two at 2.1 GHz).
LARGEST_PLAN = 100_000
#: What an id begins with. Twelve digits alone may be a number: 195e22251972 is infinite.
LETTER = "r"
_DIGITS = re.compile(r"[0-9a-f]{12}")
# An id is made for every record that is read, to see that it is the record's.
_DEFAULTS = {name: setting.default for name, setting in SETTINGS.items()}
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def run_id(config: RunConfig) -> str:
    """``r`` and twelve hexadecimal digits of SHA-256 over the settings off their defaults.

    Same settings, same id, whatever the sweep; a setting added later, at its default, changes no
    old id. Of a file of one's own its SHA-256 counts, and not where it lies.
    """
    changed = {n: v for n, v in settings_of(config).items() if v != _DEFAULTS[n]}
    if config.data_sha256:
        changed.pop("dataset", None)
    return LETTER + digest(changed)


def digest(settings: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits of SHA-256 over these settings."""
    return hashlib.sha256(_JSON.encode(settings).encode()).hexdigest()[:12]


def with_letter(id_: str, letter: str = LETTER) -> str:
    """An id as it is now, of one that an older reluprobe gave: the digits alone."""
    return letter + id_ if _DIGITS.fullmatch(id_) else id_


def without_letter(id_: str) -> str:
    """The id that an older reluprobe gave the same run: its digits."""
    return id_[1:] if _DIGITS.fullmatch(id_[1:]) else id_


def as_run(config: RunConfig) -> Run:
    """A run with its id."""
    return Run(run_id(config), config)


def checked_run(settings: Mapping[str, Any]) -> Run:
    """The run of these settings.

    Raises:
        InputError: settings that are unknown, out of bounds, idle, or do not mix; all are listed.
    """
    run = as_run(make_run(settings))
    idle = idle_settings(
        {n: v for n, v in settings.items() if n not in SETTINGS or v != SETTINGS[n].default}
    )
    if idle:
        raise InputError("a setting without an effect", idle)
    if reasons := conflicts(run.config):
        raise InputError("settings that do not mix", reasons)
    return run


def expand(sweep: SweepConfig) -> Plan:
    """Every run of a sweep, each once, seeds innermost.

    Raises:
        InputError: they are too many, an ``[[exclude]]`` matches nothing, or nothing is left.
    """
    _check_size(sweep)
    points = [*_configured(_all_settings(sweep))]
    excludes = [(e, _as_these_have(spelled_out(e), points)) for e in sweep.exclude]
    unmatched = [e for e, spelled in excludes if not any(_matches(*p, spelled) for p in points)]
    if unmatched:
        raise InputError(
            f"sweep {sweep.name!r}: [[exclude]] without a match",
            [f"no run has {_show(e)}" for e in unmatched],
        )
    remaining = [p[1] for p in points if not any(_matches(*p, e) for _, e in excludes)]
    unique = list(dict.fromkeys(remaining))
    bad = dict.fromkeys(reason for config in unique for reason in conflicts(config))
    if bad:
        raise InputError(f"sweep {sweep.name!r} holds runs whose settings do not mix", list(bad))
    if not unique:
        raise InputError(f"sweep {sweep.name!r} has no run left after [[exclude]]")
    # One file under two paths is one dataset: such runs differ, and their ids do not.
    runs = {run.id: run for run in map(as_run, reversed(unique))}
    return Plan(tuple(reversed(runs.values())), folded=len(remaining) - len(runs))


def _check_size(sweep: SweepConfig) -> None:
    """Count the runs of a sweep without making them.

    Raises:
        InputError: they are more than ``LARGEST_PLAN``.
    """
    lengths = {name: len(values) for name, values in sweep.grid.items()}
    lengths |= {" and ".join(block): len(next(iter(block.values()))) for block in sweep.zip}
    # As in _all_settings: a sweep of includes alone is these runs and no others.
    product = math.prod(lengths.values()) if lengths or not sweep.include else 0
    seeds = max(1, len(sweep.seeds))
    if (runs := (product + len(sweep.include)) * seeds) <= LARGEST_PLAN:
        return
    factors = [f"{name} {n:,}" for name, n in {**lengths, "seeds": seeds}.items() if n > 1]
    more = f", and {len(sweep.include):,} of [[include]] for each seed" if sweep.include else ""
    raise InputError(
        f"sweep {sweep.name!r} has {runs:,} runs; allowed are at most {LARGEST_PLAN:,}",
        [" × ".join(factors) + more],
        hint="fewer values or seeds, or several sweeps; [[exclude]] is asked only afterwards",
    )


def _all_settings(sweep: SweepConfig) -> Iterator[dict[str, Value]]:
    axes = [[{key: v} for v in values] for key, values in sweep.grid.items()]
    blocks = [_together(block) for block in sweep.zip]
    seeds = [{"seed": s} for s in sweep.seeds] or [{}]
    points = itertools.product(*axes, *blocks)
    included = ([extra] for extra in sweep.include)
    # A sweep of includes alone is these runs and no others: its empty product is not one more.
    starts = itertools.chain(points if axes or blocks or not sweep.include else (), included)
    for point, seed in itertools.product(starts, seeds):
        merged: dict[str, Value] = dict(sweep.base)
        for part in (seed, *point):
            merged |= spelled_out(part)
        if (digest := sweep.data_sha256.get(str(merged.get("dataset")))) is not None:
            merged["data_sha256"] = merged.get("data_sha256") or digest
        yield merged


def _configured(
    every: Iterable[dict[str, Value]],
) -> Iterator[tuple[dict[str, Value], RunConfig]]:
    """Each of these settings with its run; those in a row that seeds alone part, checked once.

    Nothing hangs on a seed: with ten of them a plan is made in two thirds of the time.
    """
    alike, config = None, None
    for settings in every:
        seed = settings.get("seed")
        # With their types: True is no 1 to a setting that is a number.
        others = [(n, type(v), v) for n, v in settings.items() if n != "seed"]
        same = config is not None and others == alike and type(seed) is int
        if config is not None and same and not faults_of({"seed": seed}):
            config = dataclasses.replace(config, seed=seed)
        else:
            alike, config = others, make_run(settings)
        yield settings, config


def _together(block: Mapping[str, Sequence[Value]]) -> list[dict[str, Value]]:
    return [dict(zip(block, values, strict=True)) for values in zip(*block.values(), strict=True)]


def _matches(written: Mapping[str, Value], config: RunConfig, partial: Mapping[str, Value]) -> bool:
    # As written too: make_run has put back settings that have no effect, exclude may name them.
    return all(v in (written.get(k), getattr(config, k)) for k, v in partial.items())


def _as_these_have(
    partial: Mapping[str, Value], points: Sequence[tuple[Mapping[str, Value], RunConfig]]
) -> dict[str, Value]:
    """What an exclude names, numbers as printed among them: 3.16e-4 is 0.000316227766017 here.

    Raises:
        InputError: several values are printed so.
    """
    exact = dict(partial)
    for name, given in partial.items():
        if not isinstance(given, float):
            continue
        values = (
            value
            for written, config in points
            for value in (written.get(name, given), getattr(config, name))
        )
        same = labels.printed_so(given, values)
        if len(same) > 1:
            fault = (
                f"{name} = {given}: {len(same)} values are printed so: {', '.join(map(str, same))}"
            )
            raise InputError("[[exclude]] names a value that is not one", [fault])
        exact[name] = same[0] if same else given
    return exact


def _show(partial: Mapping[str, Value]) -> str:
    return ", ".join(f"{k} = {shown(v)}" for k, v in partial.items())

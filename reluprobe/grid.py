"""A sweep as runs: product, zip, include and exclude; ids; groups that share a program."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reluprobe.config import (
    SETTINGS,
    RunConfig,
    SweepConfig,
    Value,
    conflicts,
    make_run,
    settings_of,
    spelled_out,
)
from reluprobe.config.names import UNIT_REVIVALS
from reluprobe.errors import InputError

#: Activations that need code of their own: learned slopes, random ones, two outputs a unit. All
#: others are one number of a program that holds them all.
OWN_CODE = ("prelu", "rrelu", "crelu")
#: Static settings that say what a program is called with and when, and are no part of it.
RHYTHM = ("dataset", "epochs", "phases", "revive_at", "probe_examples", "probe_every")
#: What draws a weight belongs to a program that draws weights anew.
DRAWING = ("init", "init_scale", "weight_gain")


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


def run_id(config: RunConfig) -> str:
    """Twelve hexadecimal digits of SHA-256 over the settings that differ from the defaults.

    Same settings, same id, whatever the sweep; a setting added later, at its default, changes no
    old id.
    """
    changed = {n: v for n, v in settings_of(config).items() if v != SETTINGS[n].default}
    text = json.dumps(changed, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def make(config: RunConfig) -> Run:
    """A run with its id."""
    return Run(run_id(config), config)


def expand(sweep: SweepConfig) -> Plan:
    """Every run of a sweep, each once, seeds innermost.

    Raises:
        InputError: an ``[[exclude]]`` matches nothing, or nothing is left.
    """
    points = [(s, make_run(s)) for s in _all_settings(sweep)]
    unmatched = [e for e in sweep.exclude if not any(_matches(*p, e) for p in points)]
    if unmatched:
        raise InputError(
            f"sweep {sweep.name!r}: [[exclude]] without a match",
            [f"no run has {_show(e)}" for e in unmatched],
        )
    kept = [p[1] for p in points if not any(_matches(*p, e) for e in sweep.exclude)]
    unique = list(dict.fromkeys(kept))
    bad = dict.fromkeys(reason for config in unique for reason in conflicts(config))
    if bad:
        raise InputError(f"sweep {sweep.name!r} holds runs whose settings do not mix", list(bad))
    if not unique:
        raise InputError(f"sweep {sweep.name!r} has no run left after [[exclude]]")
    return Plan(tuple(make(c) for c in unique), folded=len(kept) - len(unique))


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
        yield merged


def _together(block: Mapping[str, Sequence[Value]]) -> list[dict[str, Value]]:
    return [dict(zip(block, values, strict=True)) for values in zip(*block.values(), strict=True)]


def _matches(written: Mapping[str, Value], config: RunConfig, partial: Mapping[str, Value]) -> bool:
    # As written too: make_run has put back settings that have no effect, exclude may name them.
    partial = spelled_out(partial)
    return all(v in (written.get(k), getattr(config, k)) for k, v in partial.items())


def _show(partial: Mapping[str, Value]) -> str:
    return ", ".join(f"{k} = {v!r}" for k, v in partial.items())


def static(config: RunConfig) -> RunConfig:
    """The run's settings that are part of its compiled program, all others at their defaults."""
    kept = {n: v for n, v in settings_of(config).items() if SETTINGS[n].role == "static"}
    if config.activation not in OWN_CODE:
        del kept["activation"]
    if config.revive in UNIT_REVIVALS:
        kept |= {n: getattr(config, n) for n in DRAWING}
    return RunConfig(**kept)  # type: ignore[arg-type]


def program(config: RunConfig) -> RunConfig:
    """Of :func:`static`, what is compiled: runs that differ in their rhythm share a program."""
    found = static(config)
    # The cosine's length is that of the whole run.
    kept = ("epochs", "phases") if config.schedule == "cosine" else ()
    return dataclasses.replace(found, **{n: SETTINGS[n].default for n in RHYTHM if n not in kept})


def dials(config: RunConfig) -> dict[str, float]:
    """The numbers that are part of a program only where they are not at their default."""
    return {
        n: float(v)
        for n, v in settings_of(config).items()
        if SETTINGS[n].role == "dial" and v != SETTINGS[n].default
    }


def groups(runs: Iterable[Run], also: Sequence[str] = ()) -> list[tuple[Run, ...]]:
    """Runs gathered by program (and ``also`` by these settings), in order of appearance."""
    found: dict[object, list[Run]] = {}
    for run in runs:
        more = tuple(getattr(run.config, name) for name in also)
        found.setdefault((static(run.config), *dials(run.config), more), []).append(run)
    return [tuple(g) for g in found.values()]

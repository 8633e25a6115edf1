"""Grouping: which runs share a compiled program."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from reluprobe.config import SETTINGS, RunConfig, own_data, settings_of
from reluprobe.config.choices import UNIT_REVIVALS
from reluprobe.config.run_config import BUILDING
from reluprobe.plan.runs import Run

#: Activations that need code of their own: learned slopes, random ones, two outputs a unit. All
#: others are one number of a program that holds them all.
OWN_CODE = ("prelu", "rrelu", "crelu")
#: Static settings that say what a program is called with and when, and are no part of it.
SCHEDULING = (
    *("dataset", *own_data.SETTINGS),
    *("epochs", "phases", "revive_at", "probe_examples", "probe_every"),
)
#: What draws a weight belongs to a program that draws weights anew.
DRAWING = ("init", "init_scale", "weight_gain")


def static_settings(config: RunConfig) -> RunConfig:
    """The run's settings that are part of its compiled program, all others at their defaults."""
    settings = {n: v for n, v in settings_of(config).items() if SETTINGS[n].role == "static"}
    if config.is_own:
        settings |= {n: getattr(config, n) for n in BUILDING}
    elif config.activation not in OWN_CODE:
        del settings["activation"]
    if config.revive in UNIT_REVIVALS:
        settings |= {n: getattr(config, n) for n in DRAWING}
    return RunConfig(**settings)  # type: ignore[arg-type]


def program_settings(config: RunConfig) -> RunConfig:
    """Of :func:`static_settings`, what is compiled; what only says when, all runs share."""
    settings = static_settings(config)
    # The cosine's length is that of the whole run.
    stays = ("epochs", "phases") if config.schedule == "cosine" else ()
    return dataclasses.replace(
        settings, **{n: SETTINGS[n].default for n in SCHEDULING if n not in stays}
    )


def drawing_settings(config: RunConfig) -> RunConfig:
    """The run's settings that its weights before training hang on, but for its seed."""
    drawing = {
        n: v
        for n, v in settings_of(config).items()
        if SETTINGS[n].role in ("static", "start") and n not in ("seed", *SCHEDULING)
    }
    return RunConfig(**drawing)  # type: ignore[arg-type]


def dials_of(config: RunConfig) -> dict[str, float]:
    """The numbers that are part of a program only where they are not at their default."""
    built = BUILDING if config.is_own else ()
    return {
        n: float(v)
        for n, v in settings_of(config).items()
        if SETTINGS[n].role == "dial" and v != SETTINGS[n].default and n not in built
    }


def group_runs(runs: Iterable[Run], also: Sequence[str] = ()) -> list[tuple[Run, ...]]:
    """Runs gathered by program (and ``also`` by these settings), in order of appearance."""
    gathered: dict[object, list[Run]] = {}
    for run in runs:
        more = tuple(getattr(run.config, name) for name in also)
        gathered.setdefault((static_settings(run.config), *dials_of(run.config), more), []).append(
            run
        )
    return [tuple(g) for g in gathered.values()]

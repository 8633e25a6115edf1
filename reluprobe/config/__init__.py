"""Settings of runs and sweeps, checked: TOML and flags in, frozen dataclasses out."""

from reluprobe.config.born_dead import AXES, BORN_DEAD, BornDeadConfig, make_born_dead
from reluprobe.config.conflicts import conflicts
from reluprobe.config.field import Setting
from reluprobe.config.published import Reference
from reluprobe.config.reference import load as load_reference
from reluprobe.config.run_config import RunConfig
from reluprobe.config.settings import (
    SETTINGS,
    SHORT_NAMES,
    Value,
    cleaned,
    faults_of,
    full_name,
    idle_settings,
    make_run,
    near_name,
    rank,
    settings_of,
    spelled_out,
    with_full_names,
    without_idle,
    written,
)
from reluprobe.config.sweep_config import SweepConfig, sweep_toml
from reluprobe.config.sweep_file import parse_sweep, read_sweep

__all__ = [
    "AXES",
    "BORN_DEAD",
    "SETTINGS",
    "SHORT_NAMES",
    "BornDeadConfig",
    "Reference",
    "RunConfig",
    "Setting",
    "SweepConfig",
    "Value",
    "cleaned",
    "conflicts",
    "faults_of",
    "full_name",
    "idle_settings",
    "load_reference",
    "make_born_dead",
    "make_run",
    "near_name",
    "parse_sweep",
    "rank",
    "read_sweep",
    "settings_of",
    "spelled_out",
    "sweep_toml",
    "with_full_names",
    "without_idle",
    "written",
]

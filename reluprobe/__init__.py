"""Which of a network's neurons are dead, when did they die, and what would have saved them?

The library in a few calls; each is imported when it is asked for, so that ``import reluprobe``
pays for no JAX::

    import reluprobe as rp

    run = rp.train(activation="relu", learning_rate=5e-3, epochs=3)
    results = rp.sweep("grid.toml")       # or rp.load("results/dying_relu")
    results.summary(by=["activation"])
"""

from __future__ import annotations

import importlib
import time
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
#: When, in nanoseconds since 1970: code that was written later is not what runs here.
IMPORTED = time.time_ns()

#: Public names by the module that holds them.
_HOMES = {
    "reluprobe.api": ("born_dead", "load", "sweep", "train"),
    "reluprobe.measures.unit_definitions": ("UnitDefinitions", "probe"),
    "reluprobe.engine.saved_network": ("SavedNetwork", "load_network"),
    "reluprobe.inspection": ("Inspection", "inspect"),
    "reluprobe.monitor": ("Monitor",),
    "reluprobe.pruning": ("PruneReport", "prune"),
    "reluprobe.results": ("Results",),
    "reluprobe.records": ("RunRecord",),
    "reluprobe.errors": ("DatasetError", "InputError", "ReluprobeError"),
    "reluprobe.config.choices": ("DEFINITIONS",),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}

if TYPE_CHECKING:
    from reluprobe.api import born_dead, load, sweep, train
    from reluprobe.config.choices import DEFINITIONS
    from reluprobe.engine.saved_network import SavedNetwork, load_network
    from reluprobe.errors import DatasetError, InputError, ReluprobeError
    from reluprobe.inspection import Inspection, inspect
    from reluprobe.measures.unit_definitions import UnitDefinitions, probe
    from reluprobe.monitor import Monitor
    from reluprobe.pruning import PruneReport, prune
    from reluprobe.records import RunRecord
    from reluprobe.results import Results

__all__ = [
    "DEFINITIONS",
    "DatasetError",
    "InputError",
    "Inspection",
    "Monitor",
    "PruneReport",
    "ReluprobeError",
    "Results",
    "RunRecord",
    "SavedNetwork",
    "UnitDefinitions",
    "born_dead",
    "inspect",
    "load",
    "load_network",
    "probe",
    "prune",
    "sweep",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'reluprobe' has no attribute {name!r}")
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

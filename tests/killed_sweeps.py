"""A small sweep, its records as they lie, and the harness that kills it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

SWEEP = """
seeds = 4
[base]
dataset = "blobs"
width = 8
depth = 1
epochs = 2
optimizer = "sgd"
learning_rate = 0.1
probe_examples = 200
[grid]
activation = ["relu", "tanh"]
"""
ROOT = Path(__file__).parents[1]


def _harness() -> ModuleType:
    place = importlib.util.spec_from_file_location(
        "kill_harness", ROOT / "benchmarks/kill_harness.py"
    )
    assert place is not None and place.loader is not None
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


KILLS = _harness()


def record_files(folder: Path) -> dict[str, bytes]:
    """What lies in ``runs``, but for runs that have not ended."""
    files = [
        f for f in sorted((folder / "runs").iterdir()) if f.suffix not in (".safetensors", ".npz")
    ]
    return {file.name: file.read_bytes() for file in files}


def same_records(some: dict[str, bytes], others: dict[str, bytes]) -> bool:
    alike, contents = some.keys() == others.keys(), KILLS.content
    return alike and all(contents(r) == contents(others[name]) for name, r in some.items())

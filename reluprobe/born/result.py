"""Draw a grid of depths and widths, join the counts with the closed forms, write them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reluprobe import records
from reluprobe.born import bounds
from reluprobe.config import BornDeadConfig

SCHEMA = "reluprobe/born-dead/1"


@dataclass(frozen=True)
class Cell:
    """One depth and width. Probabilities in [0, 1]; None where a closed form does not apply.

    Attributes:
        depth, width: hidden layers, and units in each.
        networks, dead: how many were drawn, and how many of them were born dead.
        probability: dead / networks.
        low, high: its 95% Wilson interval.
        lower, exact, upper: see ``bounds``.
    """

    depth: int
    width: int
    networks: int
    dead: int
    probability: float
    low: float
    high: float
    lower: float | None
    exact: float | None
    upper: float | None


@dataclass(frozen=True)
class Result:
    """Every cell of a grid, and how it was drawn. Cells go by width within depth."""

    id: str
    config: BornDeadConfig
    environment: dict[str, str | int]
    cells: tuple[Cell, ...]
    schema: str = SCHEMA


def result_id(config: BornDeadConfig) -> str:
    """Twelve hexadecimal digits of SHA-256 over every setting."""
    text = json.dumps(dataclasses.asdict(config), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def measure(config: BornDeadConfig) -> Result:
    """Draw all networks and count those born dead."""
    import jax

    from reluprobe import observe

    cells = sorted(_cells(config), key=lambda c: (c.depth, c.width))
    return Result(
        result_id(config), config, observe.environment(jax.local_devices()[:1]), tuple(cells)
    )


def _cells(config: BornDeadConfig) -> Iterator[Cell]:
    from reluprobe.born import engine

    for width in config.width:
        silent = engine.first_silent(config, width)
        for depth in config.depth:
            yield cell(config, depth, width, int((silent <= depth).sum()))


def cell(config: BornDeadConfig, depth: int, width: int, dead: int) -> Cell:
    """A count with its interval and what is known of it."""
    from scipy.stats import binomtest  # a second to import, and only this command needs it

    interval = binomtest(dead, config.networks).proportion_ci(0.95, method="wilson")
    share = dead / config.networks
    # Rounding may leave the ends a hair outside, and the interval of 0 a hair above 0.
    low, high = min(share, max(0.0, interval.low)), max(share, min(1.0, interval.high))
    known = bounds.known(config, depth, width)
    return Cell(depth, width, config.networks, dead, share, float(low), float(high), *known)


def to_dict(result: Result) -> dict[str, Any]:
    """Plain JSON values, ``schema`` first."""
    return {"schema": result.schema} | dataclasses.asdict(result)


def write(result: Result, out: Path) -> Path:
    """Write ``born-dead/<id>.json`` below ``out``; return its path.

    Raises:
        ReluprobeError: it cannot be written.
    """
    path = out / "born-dead" / f"{result.id}.json"
    records.write_atomically(path, json.dumps(to_dict(result), allow_nan=False) + "\n")
    return path

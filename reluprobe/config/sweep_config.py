"""SweepConfig: a sweep whose settings, axes and seeds are checked; and that sweep as TOML."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tomli_w

from reluprobe.config.choices import Order, SaveWeights
from reluprobe.config.settings import SETTINGS, Value

Axes = Mapping[str, tuple[Value, ...]]


@dataclass(frozen=True)
class SweepConfig:
    """A sweep as written, checked, with its ranges spelled out.

    Attributes:
        name: the folder that its results go to.
        base: settings shared by all runs; what is not named has its default.
        seeds: every configuration is run once with each.
        grid: axes whose product is taken.
        zip: blocks of axes that move together; the blocks multiply the grid.
        include: further runs, each these settings over ``base``.
        exclude: partial settings; a run that matches all of one of them is left out.
        reference: a published record to hold the runs against: a shipped name, or a file.
        save_activations: whether all runs keep their activations beside their records,
            not those of a few configurations alone.
        save_weights: whether all runs keep their weights beside their records: at their ends, or
            after every epoch too.
        order: in which order they are trained; ``order_seed``: of the order ``random``. Neither
            changes what they give, or the plan.
        data_sha256: of the datasets that are files, by their paths as written, once it is known.
    """

    name: str
    base: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    grid: Axes = dataclasses.field(default_factory=dict)
    zip: tuple[Axes, ...] = ()
    include: tuple[Mapping[str, Value], ...] = ()
    exclude: tuple[Mapping[str, Value], ...] = ()
    reference: str | None = None
    save_activations: bool = False
    save_weights: SaveWeights | None = None
    order: Order = "seeds"
    order_seed: int = 0
    data_sha256: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def axes(self) -> dict[str, tuple[Value, ...]]:
        """Every axis, zipped ones and seeds too, with its values."""
        axes = dict(self.grid)
        for block in self.zip:
            axes |= block
        return axes | ({"seed": self.seeds} if len(self.seeds) > 1 else {})


def sweep_toml(sweep: SweepConfig) -> str:
    """The sweep as TOML with every base setting and every range resolved.

    Read again, it gives the same runs, whatever the defaults have become by then.
    """
    fixed = {n: s.default for n, s in SETTINGS.items() if n not in sweep.axes}
    if sweep.seeds:
        fixed.pop("seed", None)
    tables: dict[str, Any] = {"name": sweep.name}
    if sweep.reference is not None:
        tables["reference"] = sweep.reference
    if sweep.save_activations:
        tables["save_activations"] = True
    if sweep.save_weights is not None:
        tables["save_weights"] = sweep.save_weights
    if sweep.order != "seeds":
        tables["order"] = sweep.order
    if sweep.order == "random":
        tables["order_seed"] = sweep.order_seed
    if sweep.seeds:
        tables["seeds"] = list(sweep.seeds)
    tables["base"] = fixed | dict(sweep.base)
    tables["data_sha256"] = dict(sweep.data_sha256)
    tables["grid"] = {k: list(v) for k, v in sweep.grid.items()}
    tables["zip"] = [{k: list(v) for k, v in block.items()} for block in sweep.zip]
    tables["include"] = [dict(t) for t in sweep.include]
    tables["exclude"] = [dict(t) for t in sweep.exclude]
    return tomli_w.dumps({k: v for k, v in tables.items() if v or k == "base"})

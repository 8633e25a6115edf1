"""Settings of ``reluprobe born-dead``: the grid of depths and widths, and what is drawn there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from reluprobe.config import choices
from reluprobe.config.axes import axis_values
from reluprobe.config.field import Setting, Spec, settings_in
from reluprobe.config.run_config import RunConfig
from reluprobe.config.settings import SETTINGS, Value, faults_of, make_run
from reluprobe.errors import InputError


@dataclass(frozen=True)
class _Own:
    """Settings that a training run has not, or has with another default or bound."""

    width: Annotated[int, Spec("Units in each hidden layer.", ge=1, le=1024)] = 8
    init: Annotated[str, Spec("Initializer of the weights.", choices=choices.INITS)] = "he_normal"
    networks: Annotated[int, Spec("Networks drawn for each width.", ge=1, le=10_000_000)] = 10_000
    inputs: Annotated[int, Spec("Dimensions of the input.", ge=1, le=1024)] = 1
    examples: Annotated[
        int,
        Spec(
            "Inputs that a network is probed on, half of them the mirror images of the others; "
            "1 is a single input.",
            ge=1,
            le=100_000,
        ),
    ] = 1000


_TABLE = SETTINGS | settings_in(_Own)
_ORDER = ("depth", "width", "init", "init_scale", "bias_init", "networks", "inputs", "examples")

#: The settings of ``born-dead`` by name. ``depth`` and ``width`` are axes: several values each.
BORN_DEAD: dict[str, Setting] = {name: _TABLE[name] for name in (*_ORDER, "seed")}
#: The values of the axes where nobody gives others.
AXES: dict[str, tuple[int, ...]] = {"depth": (2, 3, 5, 10, 20), "width": (2, 3, 4, 8)}


@dataclass(frozen=True)
class BornDeadConfig:
    """Which networks to draw, checked. ``depth`` counts hidden layers: Lu et al.'s L − 1."""

    depth: tuple[int, ...]
    width: tuple[int, ...]
    init: str
    init_scale: float
    bias_init: float
    networks: int
    inputs: int
    examples: int
    seed: int

    @property
    def run(self) -> RunConfig:
        """The run whose initializer these networks are drawn with."""
        given = {"init": self.init, "init_scale": self.init_scale, "bias_init": self.bias_init}
        return make_run(given)


def make_born_dead(settings: Mapping[str, Value | Sequence[Any]]) -> BornDeadConfig:
    """Check settings, the axes being sequences; those not given have their defaults.

    Raises:
        InputError: with every fault, or with every setting given that has no effect.
    """
    axes = {name: settings.get(name, default) for name, default in AXES.items()}
    single: dict[str, Any] = {name: v for name, v in settings.items() if name not in axes}
    faults, sizes = [], {}
    for name, written in axes.items():
        values, axis_faults = axis_values(BORN_DEAD[name], [*_listed(written)])
        sizes[name] = tuple(dict.fromkeys(values))
        faults += axis_faults
    faults += faults_of(single, BORN_DEAD)
    if faults:
        raise InputError("bad settings", faults)
    full: dict[str, Any] = {n: s.default for n, s in BORN_DEAD.items() if n not in axes} | single
    idle = [f"{n} {why}" for n in single if _given(n, full) and (why := BORN_DEAD[n].idle(full))]
    if idle:
        raise InputError("a setting without an effect", idle)
    clean = {n: BORN_DEAD[n].clean(v) for n, v in full.items()}
    return BornDeadConfig(**{n: tuple(sorted(v)) for n, v in sizes.items()}, **clean)


def _listed(written: Value | Sequence[Any]) -> Sequence[Any]:
    return [written] if isinstance(written, str | int | float) else written


def _given(name: str, full: Mapping[str, Any]) -> bool:
    return full[name] != BORN_DEAD[name].default
